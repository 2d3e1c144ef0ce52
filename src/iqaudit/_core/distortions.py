"""Distortions of pictures: compression, blur, noise, and the treatments that pictures meet in use.

Degraded copies are the demo's bad pictures and the reference victim's training data. Treatments
are applied to a clean and an attacked picture alike, to see how much of an attack persists.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import scipy
from PIL import Image

from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream


@dataclass(frozen=True)
class Treatment:
    """A distortion with a name for files and a title for people; it keeps the picture's size.

    `apply` takes a picture and the hash of the clean one, on which alone random numbers depend: a
    clean and an attacked picture get the same.
    """

    name: str
    title: str
    apply: Callable[[Pixels, str], Pixels]


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Compress and decompress at a JPEG `quality` of 1 to 95."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """Blur by a Gaussian whose standard deviation is `sigma` pixels."""
    return rounded(scipy.ndimage.gaussian_filter(pixels.astype(np.float64), (sigma, sigma, 0)))


def noise(pixels: Pixels, sigma: float, seed: int = 0) -> Pixels:
    """Add white Gaussian noise whose standard deviation is `sigma` levels."""
    return rounded(pixels + np.random.default_rng(seed).normal(0, sigma, pixels.shape))


DEGRADATIONS: dict[str, Callable[[Pixels, int, int], Pixels]] = {
    "JPEG": lambda pixels, level, _: jpeg(pixels, (40, 20, 10)[level]),
    "blur": lambda pixels, level, _: blur(pixels, (1.0, 2.0, 3.0)[level]),
    "noise": lambda pixels, level, seed: noise(pixels, (6, 12, 25)[level], seed),
}
"""What spoils a picture in three levels, mild to strong, from a picture, a level and a seed."""


def resize_and_back(pixels: Pixels, share: float) -> Pixels:
    """Resize to a share of each side and back, both by Pillow's bicubic filter."""
    height, width = pixels.shape[:2]
    small = max(1, round(share * width)), max(1, round(share * height))
    image = Image.fromarray(pixels).resize(small, Image.Resampling.BICUBIC)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def mirror(pixels: Pixels) -> Pixels:
    """Turn left to right."""
    return np.ascontiguousarray(pixels[:, ::-1])


def one_level_of_noise(pixels: Pixels, sha256: str) -> Pixels:
    """Add -1, 0 or 1 level to each channel of each pixel, with equal chances."""
    draw = Stream(0, f"{sha256}:noise").at(0)
    return rounded(pixels + draw.integers(-1, 1, pixels.shape, np.int16, endpoint=True))


TREATMENTS = (
    Treatment("jpeg-95", "JPEG at quality 95", lambda pixels, _: jpeg(pixels, 95)),
    Treatment("jpeg-75", "JPEG at quality 75", lambda pixels, _: jpeg(pixels, 75)),
    Treatment(
        "resize", "resizing to 3/4 and back", lambda pixels, _: resize_and_back(pixels, 3 / 4)
    ),
    Treatment("mirror", "a mirror", lambda pixels, _: mirror(pixels)),
    Treatment("noise", "one level of noise", one_level_of_noise),
)


def rounded(values: np.ndarray) -> Pixels:
    """Return the nearest levels, 0 to 255."""
    levels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
