"""Image features: a picture's spatial information and its colourfulness."""

import numpy as np
import scipy

from iqaudit._core.picture import Pixels

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma: ITU-R BT.601, which JPEG uses as well."""

SOBEL_SIDE = 3


def spatial_information(pixels: Pixels) -> float:
    """Return a picture's spatial information, SI, in levels: 0 where it is flat.

    The standard deviation over the picture of the length of the luma's Sobel gradient (the filter
    not normalised). The outermost pixels, whose neighbours are not all there, are left out.

    References
    ----------
    ITU-T Recommendation P.910, "Subjective video quality assessment methods for multimedia
    applications", spatial perceptual information; of a single frame.
    """
    if min(pixels.shape[:2]) < SOBEL_SIDE:
        return 0.0
    luma = pixels.astype(np.float64) @ np.array(LUMA)
    across, down = (scipy.ndimage.sobel(luma, axis)[1:-1, 1:-1] for axis in (1, 0))
    return float(np.std(np.hypot(across, down)))


def colourfulness(pixels: Pixels) -> float:
    """Return a picture's colourfulness, M^(3) of the paper: 0 for grey.

    With rg = R - G and yb = (R + G) / 2 - B: the root of the sum of their variances, and 0.3 times
    the root of the sum of their squared means.

    References
    ----------
    Hasler, Süsstrunk, "Measuring Colourfulness in Natural Images", Human Vision and Electronic
    Imaging VIII, SPIE 5007, 2003.
    """
    red, green, blue = np.moveaxis(pixels.astype(np.float64), 2, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread, mean = opponents.std(axis=(1, 2)), opponents.mean(axis=(1, 2))
    return float(np.hypot(*spread) + 0.3 * np.hypot(*mean))
