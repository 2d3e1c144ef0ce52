"""Synthetic pictures."""

import numpy as np

from iqaudit._core.picture import Pixels


def synthetic_picture(height: int, width: int, seed: int = 0) -> Pixels:
    """Draw a gradient with noise that reaches both ends of 0-255, so that some steps are clipped.

    Parameters
    ----------
    height, width : int
        Pixels.
    seed : int
        Of the noise; another one gives another picture.

    Returns
    -------
    ndarray of uint8, (height, width, 3)
        RGB.
    """
    rng = np.random.default_rng(seed)
    ramp = np.linspace(-20, 275, height * width).reshape(height, width, 1)
    noisy = ramp + rng.normal(0, 6, (height, width, 3))
    pixels: Pixels = noisy.clip(0, 255).astype(np.uint8)
    return pixels
