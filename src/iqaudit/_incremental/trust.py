"""Trust in incremental scores: comparisons with dense passes, and the fault that ends them."""

import zlib
from collections.abc import Callable

import numpy as np

from iqaudit._core.patches import Patched
from iqaudit._core.picture import Pixels
from iqaudit._core.process import give_freed_memory_back
from iqaudit._incremental.dense_pass import DensePass

TOLERANCE = 1e-4
"""The largest difference to a dense pass, relative to the score or, if larger, to the unit: beyond,
incremental scoring ends for good."""

CHECK_EVERY = 500
"""Scores between two comparisons with a dense pass, on average; their moments are drawn."""


class Trust:
    """Trust in a module's incremental scores: lost for good at the first fault.

    Parameters
    ----------
    dense : DensePass
        Of the module.
    unit : float
        A difference of scores that matters, in native units.
    on_fault : callable
        Called with the reason when incremental scoring is left.

    Attributes
    ----------
    fault : str
        Why incremental scoring was left; empty while it is not.
    """

    def __init__(self, dense: DensePass, unit: float, on_fault: Callable[[str], None]) -> None:
        self.fault = ""
        self._dense, self._unit, self._on_fault = dense, unit, on_fault
        self._kinds: set[tuple[int, ...]] = set()

    def anew(self) -> "Trust":
        """Return trust in other scores, of which nothing is known."""
        return Trust(self._dense, self._unit, self._on_fault)

    def leave(self, reason: str) -> None:
        """Score densely from now on, and tell why."""
        if not self.fault:
            self.fault = f"incremental scoring was left: {reason}"
            self._on_fault(self.fault)

    def is_new(self, change: Patched, *, followed: bool) -> bool:
        """Whether a change is the first of its kind.

        By its picture's and its windows' sizes; those of a picture that were scored as a whole, not
        `followed`, are all of one kind.
        """
        # Sizes within a factor of four are of one kind: some attacks draw them freely. Rows and
        # columns never mix on their way through a network, so each is a kind by itself.
        sizes = [side.bit_length() // 2 for side in window_size(change)]
        several = min(len(change.patches), 2)
        kinds = {(*change.base.shape[:2], several, axis, size) for axis, size in enumerate(sizes)}
        if not followed:
            kinds = {change.base.shape}
        if kinds <= self._kinds:
            return False
        self._kinds |= kinds
        return True

    def compared(self, score: float, pixels: Pixels, count: int) -> float:
        """Return a picture's score, once compared: the dense pass's where the two differ.

        `count` is that of the scores of the picture's search so far.
        """
        dense = self._dense.score(pixels)
        give_freed_memory_back()
        if not self.agree(score, dense):
            self.leave(
                f"after {count} scores of a picture, {score:.9g} where a dense pass gives "
                f"{dense:.9g}"
            )
            return dense
        return score

    def agree(self, score: float, dense: float) -> bool:
        """Whether a score is a dense pass's, but for rounding."""
        return abs(score - dense) <= TOLERANCE * max(abs(dense), self._unit)


class Moments:
    """The moments of a search at which a score is compared: drawn, and no two pictures' alike."""

    def __init__(self) -> None:
        self.count = self.next = 0
        self._draw: np.random.Generator | None = None

    def due(self, change: Patched) -> bool:
        """Count a score, and tell whether its moment has come."""
        self.count += 1
        if self._draw is None:
            self._draw = np.random.default_rng(zlib.crc32(change.painted().tobytes()))
        elif self.count < self.next:
            return False
        self.next = self.count + int(self._draw.integers(1, 2 * CHECK_EVERY))
        return True


def window_size(change: Patched) -> tuple[int, int]:
    """Return the height and width of windows that hold any of a change's patches.

    A little larger where that makes fewer sizes, since the field of each is worked out but once.
    """
    shapes = [patch.values.shape for patch in change.patches]
    height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    return _rounded(height, change.base.shape[0]), _rounded(width, change.base.shape[1])


def _rounded(side: int, most: int) -> int:
    """Return a side of at most an eighth more, of which there are eight an octave."""
    grain = 1 << max(0, side.bit_length() - 4)
    return min(-(-side // grain) * grain, most)
