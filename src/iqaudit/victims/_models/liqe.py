"""LIQE: which of 495 sentences about scene, distortion and quality fits a picture best, by CLIP.

Zhang, Zhai, Wei, Yang, Ma, "Blind Image Quality Assessment via Vision-Language Correspondence: A
Multitask Learning Perspective", CVPR 2023.
"""

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from iqaudit._core.patches import Window
from iqaudit.victims._models.clip import CLIP
from iqaudit.victims._models.paper import Normalise, PaperVictim

CROP, STRIDE, CROPS = 224, 32, 15

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

# "a photo of a SCENE with DISTORTION artifacts, which is of QUALITY quality", in CLIP's byte-pair
# tokens. Words are tokenised apart, so the pieces' tokens are the sentence's.
START, END = (49406,), (49407,)
PHOTO, WITH, WHICH, QUALITY = (320, 1125, 539, 320), (593,), (30249, 267, 1448, 533, 539), (3027,)
QUALITIES = ((2103,), (3665,), (2849,), (886,), (1878,))
"""bad, poor, fair, good, perfect: levels 1 to 5."""
SCENES = (
    *((4668,), (40808,), (2751,), (9546,), (5727,)),
    *((930,), (3912,), (1170, 318, 970), (3326,)),
)
"""animal, cityscape, human, indoor, landscape, night, plant, still_life, others."""
DISTORTIONS = (
    *((73, 11207, 273, 271, 271, 271, 25638), (73, 11207, 25638), (9307,), (27976,), (3140,)),
    *((18501,), (8649, 13002, 35539), (21675, 87, 35539), (22022,), (31540, 3683), (1010,)),
)
"""jpeg2000 compression, jpeg compression, noise, blur, color, contrast, overexposure,
underexposure, spatial, quantization, other."""


class LIQENet(nn.Module):
    """(n, 3, h, w) in [0, 1], each side at least 224, to n expected levels in 1-5.

    The sentences are encoded once, when the weights are in place: see `prepare`.
    """

    sentences: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.clip = CLIP()
        self.normalise = Normalise(CLIP_MEAN, CLIP_STD)
        empty = torch.zeros(len(QUALITIES) * len(SCENES) * len(DISTORTIONS), 512)
        self.register_buffer("sentences", empty, persistent=False)

    @torch.no_grad()
    def prepare(self) -> None:
        """Encode the sentences with the weights as they are."""
        texts = [
            (*START, *PHOTO, *scene, *WITH, *distortion, *WHICH, *quality, *QUALITY, *END)
            for quality, scene, distortion in product(QUALITIES, SCENES, DISTORTIONS)
        ]
        length = max(map(len, texts))
        tokens = torch.tensor([text + (0,) * (length - len(text)) for text in texts])
        ends = torch.tensor([len(text) - 1 for text in texts])
        self.sentences.copy_(functional.normalize(self.clip.encode_text(tokens, ends)))

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture by fifteen crops."""
        x = self.normalise(x)
        places = crops(x.shape[2], x.shape[3])
        cut = [x[:, :, top : top + CROP, left : left + CROP] for top, left in places]
        features = functional.normalize(self.clip.visual(torch.cat(cut)))
        logits = self.clip.logit_scale.exp() * features @ self.sentences.T
        fit = logits.reshape(len(places), len(x), -1).mean(dim=0).softmax(dim=1)
        levels = fit.reshape(len(x), len(QUALITIES), -1).sum(dim=2)
        return levels @ torch.arange(1, len(QUALITIES) + 1, dtype=x.dtype, device=x.device)


def crops(height: int, width: int) -> list[tuple[int, int]]:
    """Return the top left corners of the crops: every so many of a grid of stride 32."""
    grid = list(product(range(0, height - CROP + 1, STRIDE), range(0, width - CROP + 1, STRIDE)))
    chosen = min(CROPS, len(grid))
    return [grid[number * (len(grid) // chosen)] for number in range(chosen)]


def seen(height: int, width: int) -> Window:
    """Return the smallest window that holds all crops.

    Parameters
    ----------
    height, width : int
        The picture's, in pixels; each at least 224.
    """
    tops, lefts = zip(*crops(height, width), strict=True)
    top, left = min(tops), min(lefts)
    return Window(top, left, max(tops) + CROP - top, max(lefts) + CROP - left)


class LIQE(PaperVictim):
    """LIQE with its authors' checkpoint; it sees the union of fifteen crops of 224 x 224.

    Parameters
    ----------
    checkpoint : path, optional
        The authors' state dict; loaded strictly, and a file that holds code is refused.
    untrained : bool
        Whether seeded random weights take its place, for benchmarks; results say so.
    dataset : {"live", "csiq", "tid2013"}, optional
        The checkpoint's training set, which fixes the paper's score scale.
    device : str
        Where it computes, as ``"cpu"`` or ``"cuda:0"``.
    exact : {"incremental", "dense"}
        The way in which a search scores; see `TorchModule`.
    **declared
        A scale in place of the paper's, `score_range` and `lower_is_better` or `scale`, as
        `Scale.declared` reads it.

    Raises
    ------
    InputError
        If there is neither a checkpoint nor `untrained`, the file does not fit, torch has no such
        device, or no scale is declared.
    """

    model = "liqe"
    net = LIQENet
    smallest_side = CROP
    published = "clip"
    window = staticmethod(seen)
    finish = staticmethod(LIQENet.prepare)
