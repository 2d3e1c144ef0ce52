"""SurFree's geometry: random directions, and turns towards them that shorten a change.

Maho, Furon, Le Merrer, "SurFree: a fast surrogate-free black-box attack", CVPR 2021.
"""

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field: TypeAlias = NDArray[np.float32]
"""Real levels of a part of a picture, (height, width, 3)."""

TINY = np.float32(1e-20)
"""A length that is none: nothing is divided by less."""


def direction(draw: np.random.Generator, size: tuple[int, int], before: Iterable[Field]) -> Field:
    """Return random low frequencies, orthogonal to the directions before, of length 1.

    The lower half of the cosine transform's frequencies in zigzag order, each with a random sign or
    left out.

    Parameters
    ----------
    draw : Generator
        Random numbers.
    size : (height, width)
        Of the field.
    before : iterable of Field
        Directions of length 1, orthogonal to each other.
    """
    height, width = size
    signs = draw.integers(-1, 2, (height, width, 3), np.int8)
    diagonal = np.add.outer(np.arange(height), np.arange(width))
    low = (diagonal <= np.median(diagonal))[..., None]
    field: Field = fft.idctn((signs * low).astype(np.float32), axes=(0, 1), norm="ortho")
    for other in before:
        field = field - np.float32(_dot(other, field)) * other
    return unit(field)


def unit(field: Field) -> Field:
    """Return a field over its length."""
    return field / max(np.float32(_length(field)), TINY)


def turned(start: Field, point: Field, towards: Field, angle: float) -> Field:
    """Return a point turned by degrees towards a direction, seen from `start`.

    It moves on the circle whose diameter runs from `start` to the point: a turn shortens the way by
    the angle's cosine.
    """
    away = point - start
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    aside: Field = np.float32(sine * _length(away)) * towards
    return start + np.float32(cosine) * (np.float32(cosine) * away + aside)


def _dot(one: Field, other: Field) -> float:
    """Return a product whose bits do not hang on the processor, as those of BLAS do."""
    return float(np.multiply(one, other, dtype=np.float64).sum())


def _length(field: Field) -> float:
    return math.sqrt(_dot(field, field))
