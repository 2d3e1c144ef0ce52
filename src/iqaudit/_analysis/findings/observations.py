"""All that is gathered of a picture: what it shows, what was changed, what the victim says of it.

The only place, with `iqaudit._analysis.transfer`, where an analysis asks a victim.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings import grid, image_features, spectrum
from iqaudit._analysis.findings.baseline import random_picture
from iqaudit._analysis.findings.pairs import Pair, moved, room
from iqaudit._analysis.findings.search_replay import Windows
from iqaudit._analysis.score_cache import Answers, Scorer
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.treatments import TREATMENTS
from iqaudit._runs.schema import load_answers

SCORES = 3 + 3 * len(TREATMENTS)
"""Scores that a picture needs: the clean one, the attacked one and the floor, and each treated."""


@dataclass(frozen=True, eq=False)
class Effect:
    """What one change of a picture is, and what it did to the score.

    Attributes
    ----------
    after : float
        The quality, 0-10.
    move : float
        How far the quality went the way that the attack pushed it.
    share : float
        The same of how far it could go: RGO with a sign.
    left : tuple of float
        The move where both pictures are treated alike, one a treatment.
    strength : ndarray, (GRID, GRID)
        Mean |change| by place, in levels.
    spectrum, colours
        None where nothing changed.
    """

    after: float
    move: float
    share: float
    left: tuple[float, ...]
    strength: NDArray[np.float64]
    spectrum: spectrum.Spectrum | None
    colours: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Look:
    """A picture, the attack's change of it and the floor's.

    Attributes
    ----------
    before : float
        The clean quality, 0-10.
    treated : tuple of float
        The clean picture's quality after each treatment.
    unseen : float
        Share of the picture that the victim does not look at.
    drift : float
        How far random changes move the quality, upwards positive, none of them chosen by its score.
    windows : Windows or None
        Where accepted proposals lay.
    """

    pair: Pair
    before: float
    drift: float
    treated: tuple[float, ...]
    spatial_information: float
    colourfulness: float
    unseen: float
    attack: Effect
    floor: Effect
    windows: Windows | None

    @property
    def direction(self) -> Direction:
        """Which way the score was pushed."""
        return self.pair.direction


OF: tuple[Callable[[Look], Effect], Callable[[Look], Effect]] = (
    lambda look: look.attack,
    lambda look: look.floor,
)
"""A picture's two changes."""


def look(
    pair: Pair,
    floor: Pair | None,
    levels: int,
    scorer: Scorer,
    answers: Answers,
    windows: Windows | None,
) -> Look:
    """Gather what there is to know of a picture, asking for the scores that are not known.

    Parameters
    ----------
    pair : Pair
        The picture.
    floor : Pair or None
        The same in a cell of random changes; one random picture of ±`levels` unless given.
    levels : int
        The threat's.
    scorer : Scorer
        The run's victim.
    answers : Answers
        What is known; grows.
    windows : Windows or None
        Taken over.
    """
    clean, attacked = pair.clean(), pair.attacked()
    random = random_picture(clean, levels) if floor is None else floor.attacked()
    sha256 = pixels_sha256(clean)
    before = scorer.quality(answers.of(scorer, clean))
    pictures = clean, attacked, random
    qualities = [scorer.quality(answers.of(scorer, each)) for each in pictures[1:]]
    treated: list[list[float]] = [[], [], []]
    for treatment in TREATMENTS:
        for kept, picture in zip(treated, pictures, strict=True):
            kept.append(scorer.quality(answers.of(scorer, treatment.apply(picture, sha256))))
    effects = [
        _effect(pair.direction, clean, changed, (before, after), (treated[0], left))
        for changed, after, left in zip(pictures[1:], qualities, treated[1:], strict=True)
    ]
    chances = [qualities[1]] if floor is None else _chances(floor, scorer)
    height, width = clean.shape[:2]
    seen = scorer.victim.card.window(height, width)
    return Look(
        pair=pair,
        before=before,
        drift=float(np.mean(chances)) - before,
        treated=tuple(treated[0]),
        spatial_information=image_features.spatial_information(clean),
        colourfulness=image_features.colourfulness(clean),
        unseen=1 - seen.height * seen.width / (height * width),
        attack=effects[0],
        floor=effects[1],
        windows=windows,
    )


def _chances(floor: Pair, scorer: Scorer) -> list[float]:
    """Return the qualities of all random pictures that a cell of them asked about."""
    answers = load_answers(floor.run, floor.name)["score"].tolist()
    return [scorer.quality(native) for native in answers[1:]]


def _effect(
    direction: Direction,
    clean: Pixels,
    changed: Pixels,
    qualities: tuple[float, float],
    treated: tuple[Sequence[float], Sequence[float]],
) -> Effect:
    before, after = qualities
    perturbation = changed.astype(np.int16) - clean.astype(np.int16)
    move = moved(direction, before, after)
    return Effect(
        after=after,
        move=move,
        share=move / room(before),
        left=tuple(moved(direction, *each) for each in zip(*treated, strict=True)),
        strength=grid.strength(perturbation),
        spectrum=spectrum.spectrum(perturbation),
        colours=spectrum.colours(perturbation),
    )
