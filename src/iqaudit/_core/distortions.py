"""Degraded copies of pictures: the demo's bad pictures, and the reference victim's lessons."""

from io import BytesIO

import numpy as np
import scipy
from PIL import Image

from iqaudit._core.picture import Pixels


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Compress and decompress at a JPEG `quality` of 1 to 95."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """Blur by a Gaussian whose standard deviation is `sigma` pixels."""
    return _round(scipy.ndimage.gaussian_filter(pixels.astype(np.float64), (sigma, sigma, 0)))


def noise(pixels: Pixels, sigma: float, seed: int = 0) -> Pixels:
    """Add white Gaussian noise whose standard deviation is `sigma` levels."""
    return _round(pixels + np.random.default_rng(seed).normal(0, sigma, pixels.shape))


def _round(values: np.ndarray) -> Pixels:
    rounded: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded
