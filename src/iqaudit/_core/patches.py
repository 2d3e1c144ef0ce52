"""Patches: an array as another one, its base, with windows of it painted over.

A perturbation is a signed picture in whole levels: int16, (height, width, 3). An attack proposes
one as a base perturbation and patches; a victim gets the picture of it as a base picture and
patches, so that one that keeps its computations of a base computes only the windows that change.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Perturbation: TypeAlias = NDArray[np.int16]
"""Signed levels, int16, (height, width, 3); read-only by convention once it is a base."""

TIE = 1e-5
"""Of a level: how near to a half a real level goes to the whole one nearer to zero."""


class Window(NamedTuple):
    """A rectangle of a picture, in pixels.

    Parameters
    ----------
    top, left : int
        Its first row and column, from 0.
    height, width : int
        Its rows and columns.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns, to index an array."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def whole(height: int, width: int) -> Window:
    """Return a picture's whole extent as a window.

    Parameters
    ----------
    height, width : int
        The picture's, in pixels.
    """
    return Window(0, 0, height, width)


class Patch(NamedTuple):
    """A window of an array and the values that it takes.

    Parameters
    ----------
    top, left : int
        The window's first row and column.
    values : ndarray, (window height, window width, 3)
        Levels of a perturbation (int16) or pixels (uint8). A flat colour may be a broadcast view.
    """

    top: int
    left: int
    values: NDArray[Any]

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns that the patch covers."""
        height, width = self.values.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True, eq=False)
class Patched:
    """An array with patches painted over it, in order.

    A base that is the same array is the same perturbation, or picture.

    Parameters
    ----------
    base : ndarray, (height, width, 3)
        A perturbation (int16) or a picture (uint8). A whole one is a base without patches.
    patches : tuple of Patch
        Whatever the base holds there.
    """

    base: NDArray[Any]
    patches: tuple[Patch, ...] = ()

    def painted(self) -> NDArray[Any]:
        """Return the array, painted; the base itself where there is no patch.

        The same array at every call, so that as a later one's base it is known again.
        """
        return self._painted

    @property
    def covering(self) -> NDArray[Any] | None:
        """The last patch's values, where they are all that is seen."""
        last = self.patches[-1].values if self.patches else None
        return last if last is not None and last.shape == self.base.shape else None

    def was(self, base: NDArray[Any]) -> bool:
        """Whether a base is the very array that `painted` returned."""
        return vars(self).get("_painted") is base

    @cached_property
    def _painted(self) -> NDArray[Any]:
        if not self.patches:
            return self.base
        if self.covering is not None:
            return np.array(self.covering, self.base.dtype, order="C")
        painted = self.base.copy()
        for patch in self.patches:
            painted[patch.window] = patch.values
        return painted


def whole_levels(field: NDArray[np.floating], most: int) -> Perturbation:
    """Return the whole levels nearest to a field of real ones, within `most` either way.

    Halves go towards zero, and so does what rounding errors may have made of them: a trajectory
    must not hang on a last bit.
    """
    rounded = np.rint(np.clip(field, -most, most) * (1 - TIE))
    levels: Perturbation = rounded.astype(np.int16)
    return levels
