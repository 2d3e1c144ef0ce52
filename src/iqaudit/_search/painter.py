"""Painters: the pictures that proposals stand for, clipped to the threat, and their keys."""

import numpy as np

from iqaudit._core.errors import refuse_unless
from iqaudit._core.patches import Patch, Patched, Perturbation, Window
from iqaudit._core.picture import Pixels, picture_key, window_key
from iqaudit._core.threat import Threat


class Painter:
    """Clips proposals for the part of a picture that a victim sees, and paints the whole picture.

    It is the only place where a pixel is clipped.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The clean picture.
    window : Window
        The part that the victim sees; proposals are perturbations of it.
    threat : Linf or Retouching
        The changes allowed.
    """

    def __init__(self, pixels: Pixels, window: Window, threat: Threat) -> None:
        self._pixels, self._window, self._threat = pixels, window, threat
        self.seen = pixels[window.slices]
        """The clean pixels of the window, a view."""
        self._base: Perturbation | None = None
        self._last: tuple[Patched, Patched, int] | None = None
        self._painted, self._canvas, self._painted_key = pixels, pixels, 0

    def change(self, proposal: Patched) -> Patched:
        """Return the picture of a proposal as a change of its base's picture.

        Raises
        ------
        InputError
            If it is none: a perturbation that is not of signed whole levels, which would wrap
            around, or of another shape than the window's; a patch that leaves it.
        """
        self._refuse_unfit(proposal)
        if proposal.base is not self._base:
            self._rebase(proposal.base)
        top, left = self._window.top, self._window.left
        patches = (
            Patch(
                top + edit.top,
                left + edit.left,
                self._threat.apply(self.seen[edit.window], edit.values),
            )
            for edit in proposal.patches
        )
        return Patched(self._painted, tuple(patches))

    def _refuse_unfit(self, proposal: Patched) -> None:
        rule = "An attack proposes an iqaudit.Patched"
        refuse_unless(isinstance(proposal, Patched), rule, f"an object of {type(proposal)}")
        for levels in (proposal.base, *(edit.values for edit in proposal.patches)):
            rule = "A perturbation is signed whole levels (int16)"
            kind = getattr(levels, "dtype", type(levels))
            refuse_unless(getattr(kind, "kind", "") == "i", rule, kind)
        shape = self.seen.shape
        rule = f"A perturbation has the shape of problem.pixels, {shape}"
        refuse_unless(proposal.base.shape == shape, rule, proposal.base.shape)
        for edit in proposal.patches:
            height, width, *depth = edit.values.shape
            inside = edit.top >= 0 <= edit.left and depth == [shape[2]]
            inside &= edit.top + height <= shape[0] and edit.left + width <= shape[1]
            rule = f"A patch lies within problem.pixels, {shape}"
            refuse_unless(inside, rule, f"{edit.values.shape} at ({edit.top}, {edit.left})")

    def picture(self, perturbation: Perturbation) -> Pixels:
        """Return the picture of a perturbation of the window: new pixels, (height, width, 3)."""
        painted = self._pixels.copy()
        painted[self._window.slices] = self._threat.apply(self.seen, perturbation)
        return painted

    def crop(self, values: np.ndarray) -> np.ndarray:
        """Return the window's part of an array of the picture's size, a view."""
        return values[self._window.slices]

    def key(self, proposal: Patched, change: Patched) -> int:
        """Return the key of a scored change of the base painted last, and remember the change.

        An attack that accepts the proposal makes it its next base, which then need not be painted.
        """
        key, patches = self._painted_key, change.patches
        if change.covering is not None:
            key, patches = picture_key(change.covering), ()
        for patch in patches:
            held = self._canvas[patch.window]
            difference = np.subtract(patch.values, held, dtype=np.int16)
            key += window_key(difference, patch.top, patch.left, self._pixels.shape[:2])
            held[:] = patch.values  # patches may overlap: the later one counts
        for patch in patches:
            self._canvas[patch.window] = self._painted[patch.window]
        key %= 2**64
        self._last = proposal, change, key
        return key

    def _rebase(self, base: Perturbation) -> None:
        """Paint a base; that of the last proposal, which an attack accepts, is painted already."""
        self._base = base
        if self._last is not None and self._last[0].was(base):
            _, change, self._painted_key = self._last
            for patch in change.patches:  # faster than a copy of the picture
                self._canvas[patch.window] = patch.values
            self._painted = change.painted()
        else:
            self._painted = self.picture(base)
            self._painted_key = picture_key(self._painted)
            self._canvas = self._painted.copy()
