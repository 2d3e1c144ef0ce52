"""A search on one picture, whose scores are computed again only where it changes."""

import sys
from collections.abc import Sequence

import numpy as np
import torch

from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Pixels
from iqaudit._incremental.activations import Activations
from iqaudit._incremental.dense_pass import DensePass, as_number, own_precision
from iqaudit._incremental.network import Network
from iqaudit._incremental.trust import Moments, Trust, window_size

REMEMBERED = 64
"""Changes of which one may become the base without a dense pass."""


class Session:
    """A search on one picture.

    Its base is the picture that the changes name as theirs. When a change names another one, that
    is taken as the base: at the price of a copy where it is the base with the change scored last,
    of a score where it is the base with an earlier one, of its maps otherwise. Maps are made at
    once while the whole picture was changed once at most; later once windows would have spared as
    much as maps cost, since what is held may change as a whole again. That one whole picture is the
    module's own pass: for one alone nothing compiled is kept in memory.

    Parameters
    ----------
    dense : DensePass
        The module on whole pictures.
    trust : Trust
        In its incremental scores.
    activations : Activations
        For pictures of this one's size.
    """

    def __init__(self, dense: DensePass, trust: Trust, activations: Activations) -> None:
        self.dense, self.trust, self._activations = dense, trust, activations
        self._base: Pixels | None = None
        self._canvas: Pixels = np.empty((0, 0, 3), np.uint8)
        self._changes: list[Patched] = []
        """Of the base: the last ones."""
        self._scored: Patched | None = None
        """The one whose maps are there."""
        self._forgone = 0.0
        """What windows would have spared since the maps of what is held were there last, in dense
        passes."""
        self._wholes = 0
        """Changes of the whole picture so far."""
        self._moments = Moments()

    @property
    def network(self) -> Network:
        """The module, read for pictures of this one's size."""
        return self._activations.network

    @staticmethod
    def scores(requests: Sequence[tuple["Session", Patched]]) -> list[float]:
        """Return the scores of changes, each in its picture's session; all of one victim.

        They are those of one request after the other, to the last bit, unless a fault is found.
        """
        first = requests[0][0]
        known = first.trust.fault
        scores = [session.score(change) for session, change in requests]
        if first.trust.fault and not known:  # those beside the one that told may be as far off
            return [first.dense.score(change.painted()) for _, change in requests]
        return scores

    def score(self, change: Patched) -> float:
        """Return a change's score, compared with a dense pass when its moment has come."""
        followed, score = self._incremental(change)
        due = self._moments.due(change)
        if self.trust.fault or followed is None:
            return score  # a dense pass's, or one of those that `scores` asks for again
        if self.trust.is_new(change, followed=followed) or due:
            return self.trust.compared(score, change.painted(), self._moments.count)
        return score

    @own_precision()
    @torch.inference_mode()
    def recall(self, change: Patched) -> None:
        """Take note of a change that was scored in an earlier search.

        It is scored again only where it becomes the base, so that the maps go the very way that
        they went then.
        """
        try:
            self._follow(change)
        except Exception as error:  # noqa: BLE001 (as where it is scored)
            self.trust.leave(f"a step failed, {type(error).__name__}: {error}")
        self._moments.due(change)

    def close(self) -> None:
        """Compare the base with a dense pass: every answer is there, so nothing may fail now.

        Not where the interpreter is at its end, as with a search that nobody finished: torch is
        half taken down by then, and ends the process if it is asked.
        """
        if self._base is not None and not self.trust.fault and not sys.is_finalizing():
            corner = Patched(self._base, (Patch(0, 0, self._base[:1, :1]),))
            try:
                _, score = self._incremental(corner)
                self.trust.compared(score, self._base, self._moments.count)
            except Exception as error:  # noqa: BLE001 (whatever a foreign module's code raises)
                self.trust.leave(f"its last check failed, {type(error).__name__}: {error}")
        self._base = None

    @own_precision()
    @torch.inference_mode()
    def _incremental(self, change: Patched) -> tuple[bool | None, float]:
        """Return whether a change was scored through its windows, and its score.

        None where that is the module's own pass: there is nothing to follow, or a step fails.
        """
        if self.trust.fault or not change.patches:
            return None, self.dense.score(change.painted())
        try:
            if self._follow(change):
                return True, self._windows(change)
            if self._wholes == 1 and self.network.whole is not None:
                return None, self.dense.score(change.painted())
            whole = self._activations.whole(change.painted()[None], self.dense.tensor)
            return False, as_number(whole)
        except Exception as error:  # noqa: BLE001 (a step that fails stops no audit)
            self.trust.leave(f"a step failed, {type(error).__name__}: {error}")
            return None, self.dense.score(change.painted())

    def _follow(self, change: Patched) -> bool:
        """Take the base of a change that is scored through its windows; tell whether it is.

        It may become the next base itself.
        """
        if self.trust.fault or not change.patches:
            return False
        size = len(change.patches), *window_size(change)
        if not self._activations.planner.fits(*size):
            self._wholes += 1
            return False
        if not self._is_known(change.base) and self._wholes > 1:
            self._forgone += 1 - self._activations.planner.cost(*size)
            if self._forgone < self._activations.planner.anchoring:
                return False
        self._rebase(change.base)
        self._changes = [*self._changes[-REMEMBERED:], change]
        return True

    def _is_known(self, base: Pixels) -> bool:
        """Whether a picture can be taken as the base without a dense pass."""
        return base is self._base or any(change.was(base) for change in self._changes)

    def _windows(self, change: Patched) -> float:
        """Return the score of a change of the base, through its windows."""
        height, width = window_size(change)
        rows, columns = change.base.shape[0] - height, change.base.shape[1] - width
        corners = [(min(p.top, rows), min(p.left, columns)) for p in change.patches]
        for patch in change.patches:
            self._canvas[patch.window] = patch.values
        windows = np.stack(
            [self._canvas[top : top + height, left : left + width] for top, left in corners]
        )
        for patch in change.patches:
            self._canvas[patch.window] = change.base[patch.window]
        self._scored = change
        return as_number(self._activations.score(corners, self.dense.tensor(windows)))

    def _rebase(self, base: Pixels) -> None:
        """Take a picture as the base."""
        if base is self._base:
            return
        change = next((change for change in self._changes if change.was(base)), None)
        if change is None:
            self._activations.anchor(self.dense.tensor(base[None]))
            self._canvas = base.copy()
        else:
            if change is not self._scored:  # another's maps have taken the place of its own
                self._windows(change)
            self._activations.accept()
            for patch in change.patches:  # faster than a copy of the picture
                self._canvas[patch.window] = patch.values
        self._base, self._changes, self._scored, self._forgone = base, [], None, 0.0
