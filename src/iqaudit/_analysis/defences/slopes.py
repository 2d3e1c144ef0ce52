"""How far a gradient foretells that a change of the picture goes: eps * ||grad||_1, natively."""

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.defences.certificates import Request
from iqaudit._analysis.scorers import Scorer
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Victim, gradient_of
from iqaudit.victims._defended import defences_of, exact
from iqaudit.victims._scoring import slope


class Steepness:
    """A victim whose score is how far another's moves with a change of a level, by its gradient.

    Parameters
    ----------
    victim : Victim
        One with a gradient.
    """

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        self.card = replace(victim.card, scale=Scale(0.0, 1.0), cost=1, noise=0.0)

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return ||grad||_1 of each picture, (n,)."""
        slopes = (np.asarray(slope(self._victim, each), np.float64) for each in pictures)
        return np.array([np.abs(each).sum() for each in slopes])


def requests(plain: Scorer, own: Scorer, pixels: Pixels) -> tuple[Request, ...]:
    """Return the slopes that are needed of a clean picture: undefended and defended.

    None where the victim offers no gradient, or a defence no exact one.
    """
    known = gradient_of(plain.victim) is not None and gradient_of(own.victim) is not None
    if not (known and exact(defences_of(own.victim))):
        return ()
    return tuple(
        Request.of(Scorer(f"slope of {each.label}", cast("Victim", Steepness(each.victim))), pixels)
        for each in (plain, own)
    )
