"""Pictures that tests make: small, and with levels at both ends of 0-255."""

from collections.abc import Callable

import numpy as np

from iqaudit._core.picture import Pixels

MakePicture = Callable[..., Pixels]
"""From a height, a width and a seed to a picture, as the fixture `make_picture`."""


def gradient_with_noise(height: int, width: int, seed: int = 0) -> Pixels:
    """Return a gradient with noise that reaches both ends of 0-255."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(-20, 275, height * width).reshape(height, width, 1)
    noisy = ramp + rng.normal(0, 6, (height, width, 3))
    pixels: Pixels = noisy.clip(0, 255).astype(np.uint8)
    return pixels
