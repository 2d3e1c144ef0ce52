"""Proposals: how an attack says which perturbation it wants scored next.

A perturbation is a signed picture in whole levels: int16, (height, width, 3). A proposal is a base
perturbation and edits to it. A victim that can score again only what changed gets the edits; for
any other, the oracle paints the picture. An attack never knows which.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError

Perturbation: TypeAlias = NDArray[np.int16]
"""Signed levels, int16, (height, width, 3); read-only by convention once it is a base."""


TIE = 1e-5
"""Of a level: how near to a half a real level goes to the whole one nearer to zero."""


@dataclass(frozen=True, eq=False)
class Edit:
    """A window of the perturbation and the levels that it takes, whatever it held before.

    Parameters
    ----------
    top, left : int
        The window's first row and column.
    levels : ndarray of int16, (window height, window width, 3)
        A flat colour may be a broadcast view.
    """

    top: int
    left: int
    levels: Perturbation

    def __post_init__(self) -> None:
        _check_levels(self.levels)

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns that the edit covers."""
        height, width = self.levels.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A perturbation to be scored: `base` with `edits` painted over it in order.

    A whole perturbation is a base without edits. Levels outside the threat are no error: the
    oracle clips them.
    """

    base: Perturbation
    edits: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        _check_levels(self.base)

    def perturbation(self) -> Perturbation:
        """Return the perturbation, painted; the base itself where there is no edit.

        The same array at every call: what comes to be a base is known again for this proposal's.
        """
        return self._painted

    def was(self, base: Perturbation) -> bool:
        """Whether a base is the very perturbation that this proposal returned."""
        return vars(self).get("_painted") is base

    @cached_property
    def _painted(self) -> Perturbation:
        if not self.edits:
            return self.base
        painted = self.base.copy()
        for edit in self.edits:
            painted[edit.window] = edit.levels
        return painted


def whole_levels(field: NDArray[np.floating], most: int) -> Perturbation:
    """Return the whole levels nearest to a field of real ones, within `most` either way.

    Halves go towards zero, and so does what rounding errors may have made of them: a trajectory
    must not hang on a last bit.
    """
    rounded = np.rint(np.clip(field, -most, most) * (1 - TIE))
    levels: Perturbation = rounded.astype(np.int16)
    return levels


def _check_levels(levels: Perturbation) -> None:
    """Refuse what would wrap around or be cut off on the way to a picture."""
    if levels.dtype.kind != "i":
        raise InputError(f"A perturbation is signed whole levels (int16), not {levels.dtype}.")


class Window(NamedTuple):
    """A rectangle of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int


def whole(height: int, width: int) -> Window:
    """Return a picture's whole extent as a window."""
    return Window(0, 0, height, width)


class Patch(NamedTuple):
    """A window of a picture and the pixels that it takes: uint8, (height, width, 3)."""

    top: int
    left: int
    pixels: NDArray[np.uint8]

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns that the patch covers."""
        height, width = self.pixels.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True, eq=False)
class Change:
    """A picture said as another one, `base`, with patches painted over it in order.

    A base that is the same array is the same picture: a victim that keeps what it computed of it
    computes only what the patches change.
    """

    base: NDArray[np.uint8]
    patches: tuple[Patch, ...] = ()

    def picture(self) -> NDArray[np.uint8]:
        """Return the picture, (height, width, 3); the base itself where there is no patch.

        The same array at every call, so that as a later change's base it is known again.
        """
        return self._painted

    def was(self, base: NDArray[np.uint8]) -> bool:
        """Whether a base is the very picture that this change returned."""
        return vars(self).get("_painted") is base

    @cached_property
    def _painted(self) -> NDArray[np.uint8]:
        if not self.patches:
            return self.base
        painted = self.base.copy()
        for patch in self.patches:
            painted[patch.window] = patch.pixels
        return painted
