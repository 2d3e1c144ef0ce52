"""Observations: the measurements of one picture, from its pixels and the scores asked for them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from iqaudit._analysis.findings import pixels
from iqaudit._analysis.findings.pairs import Pair, Three, moved, room
from iqaudit._analysis.findings.searches import Windows
from iqaudit._core.distortions import TREATMENTS
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import Paired, Statistic, paired
from iqaudit.victims._base import Card

SCORES = 3 + 3 * len(TREATMENTS)
"""Scores that a picture needs: the clean one, the attacked one and the baseline, each treated."""


@dataclass(frozen=True, eq=False)
class Effect:
    """A change of a picture and its effect on the score.

    Attributes
    ----------
    after : float
        The quality, 0-10.
    move : float
        How far the quality went the way that the attack pushed it.
    share : float
        The same relative to the room on the scale: RGO with a sign.
    left : tuple of float
        The move where both pictures are treated alike, one a treatment.
    strength : ndarray, (GRID, GRID)
        Mean |change| by location, in levels.
    spectrum : Spectrum or None
        None where nothing changed.
    """

    after: float
    move: float
    share: float
    left: tuple[float, ...]
    strength: Floats
    spectrum: pixels.Spectrum | None


@dataclass(frozen=True, eq=False)
class Observation:
    """A picture, the attack's change of it and the baseline's.

    Attributes
    ----------
    before : float
        The clean quality, 0-10.
    drift : float
        How far random changes move the quality, upwards positive, none of them chosen by its score.
    treated : tuple of float
        The clean picture's quality after each treatment.
    unseen : float
        Share of the picture outside the victim's window.
    windows : Windows or None
        The accepted proposals' windows.
    raised, lowered : float
        How far the best of the random changes moves the quality up and down, as RGO; 0 where none
        moves it that way.
    """

    pair: Pair
    before: float
    drift: float
    treated: tuple[float, ...]
    spatial_information: float
    colourfulness: float
    unseen: float
    attack: Effect
    baseline: Effect
    windows: Windows | None
    raised: float
    lowered: float

    @property
    def effects(self) -> tuple[Effect, Effect]:
        """The attack's effect and the baseline's."""
        return self.attack, self.baseline


def compared(
    statistic: Statistic,
    observations: Sequence[Observation],
    *numbers: Callable[[Effect], float],
) -> Paired:
    """Return a statistic of the attack's effects and of the baseline's: an argument a number."""
    sides = ([each.effects[side] for each in observations] for side in (0, 1))
    return paired(statistic, *([[one(each) for each in side] for one in numbers] for side in sides))


def questions(pictures: Three) -> Iterator[Pixels]:
    """Yield the pictures whose scores `observe` needs: as they are, then treated, three by three.

    Parameters
    ----------
    pictures : tuple of ndarray
        The clean picture, the attacked one and the baseline.
    """
    yield from pictures
    sha256 = pixels_sha256(pictures[0])
    for treatment in TREATMENTS:
        for picture in pictures:
            yield treatment.apply(picture, sha256)


def observe(
    pair: Pair,
    pictures: Three,
    qualities: Sequence[float],
    card: Card,
    windows: Windows | None,
    chances: Sequence[float] = (),
) -> Observation:
    """Measure a picture.

    Parameters
    ----------
    pair : Pair
        The picture.
    pictures : tuple of ndarray
        Clean, attacked, and the baseline.
    qualities : sequence of float, (SCORES,)
        The answers to `questions`, on 0-10.
    card : Card
        The victim's.
    windows : Windows or None
        The accepted proposals' windows.
    chances : sequence of float
        Qualities of random changes, none chosen by its score; the baseline's unless given.
    """
    clean, before, treated = pictures[0], qualities[0], tuple(qualities[3::3])

    def effect(side: int) -> Effect:
        change = pictures[side].astype(np.int16) - clean
        move = moved(pair.direction, before, qualities[side])
        both = zip(treated, qualities[3 + side :: 3], strict=True)
        return Effect(
            after=qualities[side],
            move=move,
            share=move / room(before),
            left=tuple(moved(pair.direction, *each) for each in both),
            strength=pixels.strength(change),
            spectrum=pixels.spectrum(change),
        )

    height, width = clean.shape[:2]
    by_chance = chances or qualities[2:3]
    seen = card.window(height, width)
    return Observation(
        pair=pair,
        before=before,
        drift=float(np.mean(by_chance)) - before,
        treated=treated,
        spatial_information=pixels.spatial_information(clean),
        colourfulness=pixels.colourfulness(clean),
        unseen=1 - seen.height * seen.width / (height * width),
        attack=effect(1),
        baseline=effect(2),
        windows=windows,
        raised=max(0.0, max(by_chance) - before) / room(before),
        lowered=max(0.0, before - min(by_chance)) / room(before),
    )
