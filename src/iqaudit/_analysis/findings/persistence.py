"""Persistence of an attack: how much of a push is left after compression, resizing and the like."""

from collections.abc import Sequence

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Persistence
from iqaudit._analysis.findings.observations import Effect, Observation, compared
from iqaudit._analysis.findings.pairs import room
from iqaudit._core.distortions import TREATMENTS
from iqaudit.measures._bootstrap import interval, mean, paired, ratio


def persistence(observations: Sequence[Observation]) -> tuple[Persistence, ...]:
    """Return the part of the push that each treatment leaves."""
    return tuple(_after(observations, index) for index in range(len(TREATMENTS)))


def left(observation: Observation, index: int) -> float | None:
    """Return the share of a picture's move that a treatment leaves; None where nothing moved."""
    effect = observation.attack
    return effect.left[index] / effect.move if effect.move else None


def _after(observations: Sequence[Observation], index: int) -> Persistence:
    def onward(effect: Effect) -> float:
        """Return the treated move, positive where it goes the way of the untreated one."""
        return effect.left[index] if effect.move >= 0 else -effect.left[index]

    rooms = [room(each.treated[index]) for each in observations]
    shares, chance = (
        np.array([each.effects[side].left[index] for each in observations]) / rooms
        for side in (0, 1)
    )
    rgo = paired(mean, [shares], [np.abs(chance)])
    moves = compared(ratio, observations, onward, lambda effect: abs(effect.move))
    treatment = TREATMENTS[index]
    return Persistence(
        treatment=treatment.name,
        title=treatment.title,
        left=moves,
        rgo=rgo,
        shift=interval(mean, [each.treated[index] - each.before for each in observations]),
        text=sentences.on_persistence(treatment.title, moves.attack, rgo, len(observations)),
    )
