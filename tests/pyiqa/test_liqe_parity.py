"""Our LIQE against pyiqa's, under the same seeded weights."""

from importlib import import_module
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from tests.pyiqa.conftest import seed
from tests.support.pictures import MakePicture

from iqaudit.victims._models.liqe import LIQENet

pytestmark = pytest.mark.filterwarnings("ignore")


def test_liqe_scores_as_in_pyiqa(hub: Path, make_picture: MakePicture) -> None:
    arch = import_module("pyiqa.archs.liqe_arch")
    # Not through the file of CLIP: its hash is checked, and no other weights would pass.
    torch.manual_seed(0)
    clip = import_module("pyiqa.archs.clip_model").CLIP(
        *(512, 224, 12, 768, 32),  # shared width, side, and the picture's layers, width and patch
        *(77, 49408, 512, 8, 12),  # the text's length, vocabulary, width, heads and layers
    )
    seed(clip)
    torch.nn.init.constant_(clip.logit_scale, 4.6)
    (hub / "pyiqa").mkdir(parents=True, exist_ok=True)
    with (
        mock.patch.object(arch, "load", return_value=clip.eval()),
        mock.patch.object(arch, "load_pretrained_network"),
        torch.no_grad(),
    ):
        theirs = arch.LIQE(pretrained="mix").eval()
    ours = LIQENet().eval()
    ours.clip.load_state_dict(clip.state_dict())
    ours.prepare()
    pictures = np.stack([make_picture(260, 330), make_picture(260, 330, 1)[::-1] // 2])
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().contiguous() / 255
    with torch.inference_mode():
        expected = theirs(x).squeeze(1).numpy()
        answer = ours(x).numpy()
    np.testing.assert_allclose(theirs.text_features.numpy(), ours.sentences.numpy(), atol=1e-4)
    np.testing.assert_allclose(expected, answer, rtol=1e-3)
    assert abs(expected[0] - expected[1]) > 1e-2
