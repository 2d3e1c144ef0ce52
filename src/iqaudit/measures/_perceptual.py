"""FLIP: how strongly two pictures differ to somebody who flips between them at a screen.

Two things are seen: colours that differ after the eye has blurred what is too fine for it, and
edges and points that one picture has and the other has not. Each gives an error of 0 to 1; the
second raises the first.

Written from the paper, in double precision; the tests hold it against NVIDIA's own program.

References
----------
Andersson et al., "FLIP: A Difference Evaluator for Alternating Images", Proceedings of the ACM on
Computer Graphics and Interactive Techniques 3 (2), 2020; the sections named below are its own.
"""

import math
from functools import cache

import numpy as np
from scipy.ndimage import correlate1d

from iqaudit._core.errors import refuse_unless
from iqaudit._core.picture import Pixels
from iqaudit.measures._arrays import Floats

PIXELS_PER_DEGREE = 0.7 * (3840 / 0.7) * math.pi / 180
"""The paper's default (section 4): a 4K screen 0.7 m wide, seen from 0.7 m; about 67."""

CONTRAST = {
    "achromatic": ((1.0, 0.0047),),
    "red_green": ((1.0, 0.0053),),
    "blue_yellow": ((34.1, 0.04), (13.5, 0.025)),
}
"""Weight a and variance b of the contrast sensitivity functions' Gaussians (table 1)."""

COLOUR_EXPONENT = 0.7  # q_c, section 4.1.4
FEATURE_EXPONENT = 0.5  # q_f, section 4.2.3
KNEE = 0.4, 0.95
"""p_c and p_t (section 4.1.4): this share of the largest colour error maps to that error."""
FEATURE_WIDTH = 0.082  # w in degrees, section 4.2.1

PRIMARIES, D65 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.31271, 0.32902)
"""Chromaticities x, y of red, green and blue (IEC 61966-2-1, sRGB), and of white (CIE 1931)."""


def _to_xyz() -> Floats:
    """Return the matrix from linear sRGB to CIE XYZ: its columns add up to white."""
    red, green, blue, white = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in (*PRIMARIES, D65))
    columns = np.stack([red, green, blue], axis=1)
    return columns * np.linalg.solve(columns, white)


TO_XYZ = _to_xyz()
FROM_XYZ = np.linalg.inv(TO_XYZ)
WHITE = TO_XYZ.sum(axis=1)


def flip_map(
    clean: Pixels, attacked: Pixels, pixels_per_degree: float = PIXELS_PER_DEGREE
) -> Floats:
    """Return the error of every pixel, 0 (no difference to be seen) to 1.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures in sRGB, in either order.
    pixels_per_degree : float
        Of visual angle: the screen's, from where it is seen.

    Returns
    -------
    ndarray of float64, (height, width)
        The errors.

    Raises
    ------
    InputError
        If the pixels per degree are no number above 0.
    """
    rule = "Pixels per degree is a number above 0"
    refuse_unless(0 < pixels_per_degree < math.inf, rule, pixels_per_degree)
    one, two = (_opponent(picture) for picture in (clean, attacked))
    colour = _colour_error(one, two, pixels_per_degree)
    feature = _feature_error(one[..., 0], two[..., 0], pixels_per_degree)
    return colour ** (1 - feature)


def _colour_error(one: Floats, two: Floats, pixels_per_degree: float) -> Floats:
    """Compare the colours that are left once the eye has blurred both (section 4.1)."""
    seen = [_hunt(_lab(_blurred(picture, pixels_per_degree))) for picture in (one, two)]
    error = _hyab(*seen) ** COLOUR_EXPONENT
    # The largest error of colours that a screen has is between its green and its blue.
    green, blue = (_hunt(_lab(TO_XYZ @ colour)) for colour in np.eye(3)[1:])
    largest = float(_hyab(green, blue)) ** COLOUR_EXPONENT
    share, level = KNEE
    knee = share * largest
    mapped: Floats = np.where(
        error < knee,
        error * (level / knee),
        level + (error - knee) / (largest - knee) * (1 - level),
    )
    return mapped


def _feature_error(one: Floats, two: Floats, pixels_per_degree: float) -> Floats:
    """Compare edges and points of the lightness (section 4.2)."""
    smooth, first, second = _feature_kernels(pixels_per_degree)

    def length(plane: Floats, kernel: Floats) -> Floats:
        lightness = (plane + 16) / 116
        across, down = _filtered(lightness, smooth, kernel), _filtered(lightness, kernel, smooth)
        return np.hypot(across, down)

    differences = [np.abs(length(one, each) - length(two, each)) for each in (first, second)]
    strongest: Floats = np.maximum(*differences)
    return (strongest / math.sqrt(2)) ** FEATURE_EXPONENT


def _opponent(pixels: Pixels) -> Floats:
    """Return the linearised opponent space Y Cx Cz, in which the eye's blur is defined."""
    return _axes(_linear()[pixels] @ TO_XYZ.T / WHITE)


def _axes(xyz: Floats) -> Floats:
    """Return lightness, and the red-green and the blue-yellow axis."""
    x, y, z = np.moveaxis(xyz, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _blurred(opponent: Floats, pixels_per_degree: float) -> Floats:
    """Return XYZ as the eye resolves it, clipped to the colours of a screen."""
    blurred = np.empty_like(opponent)
    for plane, gaussians in enumerate(_contrast_kernels(pixels_per_degree)):
        blurred[..., plane] = sum(
            weight * _filtered(opponent[..., plane], kernel, kernel) for weight, kernel in gaussians
        )
    y = (blurred[..., 0] + 16) / 116
    xyz = np.stack([y + blurred[..., 1] / 500, y, y - blurred[..., 2] / 200], axis=-1) * WHITE
    shown: Floats = np.clip(xyz @ FROM_XYZ.T, 0, 1) @ TO_XYZ.T
    return shown


def _lab(xyz: Floats) -> Floats:
    relative = xyz / WHITE
    delta = 6 / 29
    linear = relative / (3 * delta**2) + 4 / 29
    return _axes(np.where(relative > delta**3, np.cbrt(relative), linear))


def _hunt(lab: Floats) -> Floats:
    """Let colourfulness grow with lightness (the Hunt effect)."""
    lightness = lab[..., :1]
    return np.concatenate([lightness, 0.01 * lightness * lab[..., 1:]], axis=-1)


def _hyab(one: Floats, two: Floats) -> Floats:
    change = one - two
    return np.abs(change[..., 0]) + np.hypot(change[..., 1], change[..., 2])


def _filtered(plane: Floats, down: Floats, across: Floats) -> Floats:
    """Filter rows and columns; beyond the border the outermost pixels go on."""
    once = correlate1d(plane, down, axis=0, mode="nearest")
    filtered: Floats = correlate1d(once, across, axis=1, mode="nearest")
    return filtered


@cache
def _linear() -> Floats:
    """Return the linear light of the 256 levels of sRGB."""
    level, dark = np.arange(256) / 255, 0.04045
    return np.where(level <= dark, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


@cache
def _contrast_kernels(pixels_per_degree: float) -> tuple[tuple[tuple[float, Floats], ...], ...]:
    """Return the Gaussians of each plane: a share of the whole, and a kernel that sums to 1."""
    widest = max(b for gaussians in CONTRAST.values() for _, b in gaussians)
    radius = math.ceil(3 * math.sqrt(widest / (2 * math.pi**2)) * pixels_per_degree)
    degrees = np.arange(-radius, radius + 1) / pixels_per_degree
    planes = []
    for gaussians in CONTRAST.values():
        kernels = [np.exp(-((math.pi * degrees) ** 2) / b) for _, b in gaussians]
        sums = [
            a * math.sqrt(math.pi / b) * kernel.sum() ** 2
            for (a, b), kernel in zip(gaussians, kernels, strict=True)
        ]
        pairs = zip(sums, kernels, strict=True)
        planes.append(tuple((part / sum(sums), kernel / kernel.sum()) for part, kernel in pairs))
    return tuple(planes)


@cache
def _feature_kernels(pixels_per_degree: float) -> tuple[Floats, Floats, Floats]:
    """Return a Gaussian, and its derivatives, whose positive and negative weights sum to ±1."""
    deviation = 0.5 * FEATURE_WIDTH * pixels_per_degree
    radius = math.ceil(3 * deviation)
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    gaussian = np.exp(-(x**2) / (2 * deviation**2))
    return (
        gaussian / gaussian.sum(),
        _balanced(-x * gaussian),
        _balanced((x**2 / deviation**2 - 1) * gaussian),
    )


def _balanced(kernel: Floats) -> Floats:
    positive, negative = kernel[kernel > 0].sum(), -kernel[kernel < 0].sum()
    balanced: Floats = np.where(kernel > 0, kernel / positive, kernel / negative)
    return balanced
