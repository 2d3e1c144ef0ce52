"""What happens to pictures in the wild, done to pixels: each keeps the picture's size."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from iqaudit._core import distortions
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream

REDUCED = 3 / 4


@dataclass(frozen=True)
class Treatment:
    """A name for files, a title for people, and what is done.

    `apply` takes a picture and the hash of the clean one, on which alone random numbers depend: a
    clean and an attacked picture get the same.
    """

    name: str
    title: str
    apply: Callable[[Pixels, str], Pixels]


def resize_and_back(pixels: Pixels) -> Pixels:
    """Resize to three quarters of each side and back, both by Pillow's bicubic filter."""
    height, width = pixels.shape[:2]
    small = max(1, round(REDUCED * width)), max(1, round(REDUCED * height))
    image = Image.fromarray(pixels).resize(small, Image.Resampling.BICUBIC)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def mirror(pixels: Pixels) -> Pixels:
    """Turn left to right."""
    return np.ascontiguousarray(pixels[:, ::-1])


def one_level_of_noise(pixels: Pixels, sha256: str) -> Pixels:
    """Add -1, 0 or 1 level to each channel of each pixel, with equal chances."""
    draw = Stream(0, f"{sha256}:noise").at(0)
    noise = draw.integers(-1, 1, pixels.shape, np.int16, endpoint=True)
    noisy: Pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return noisy


TREATMENTS = (
    Treatment("jpeg-95", "JPEG at quality 95", lambda pixels, _: distortions.jpeg(pixels, 95)),
    Treatment("jpeg-75", "JPEG at quality 75", lambda pixels, _: distortions.jpeg(pixels, 75)),
    Treatment("resize", "resizing to 3/4 and back", lambda pixels, _: resize_and_back(pixels)),
    Treatment("mirror", "a mirror", lambda pixels, _: mirror(pixels)),
    Treatment("noise", "one level of noise", one_level_of_noise),
)
