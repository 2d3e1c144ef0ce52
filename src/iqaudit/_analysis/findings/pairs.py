"""The pictures of a run, before and after, and the baseline: random changes of the same size.

Pictures are read from the run's directory when they are looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.scorers import own_label
from iqaudit._core.errors import InputError
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Linf
from iqaudit._runs import reader
from iqaudit._runs.records import PictureRecord, RunRecord
from iqaudit._runs.schema import load, load_answers, runs
from iqaudit.attacks import RandomSigns

NO_QUERY = 0
"""The step whose draws no search uses."""

ALIKE = attrgetter("levels", "goal", "queries", "early_stop", "until_plateau")
"""Settings that two cells must share for one to be the other's baseline."""

Three: TypeAlias = tuple[Pixels, Pixels, Pixels]
"""A picture clean, attacked and changed at random."""


@dataclass(frozen=True)
class Pair:
    """A picture whose search came to its end.

    Parameters
    ----------
    run : Path
        The run's directory.
    entry : PictureRecord
        The picture in its results.json.
    """

    run: Path
    entry: PictureRecord

    @property
    def name(self) -> str:
        """The picture's name."""
        return self.entry.name

    @property
    def direction(self) -> Direction:
        """The way in which its score was pushed."""
        return Direction(self.entry.direction)

    def clean(self) -> Pixels:
        """Read the picture as it was."""
        return reader.clean(self.run, self.name, self.entry.clean_pixels_sha256).pixels

    def attacked(self) -> Pixels:
        """Read the best picture found."""
        return reader.attacked(self.run, self.name, self.entry.attacked_file_sha256)

    def answers(self) -> NDArray[np.void]:
        """Read the victim's answers in the search: see `load_answers`."""
        return load_answers(self.run, self.name, self.entry.scores_file_sha256)


def pairs(run: Path, record: RunRecord) -> tuple[Pair, ...]:
    """Return the pictures of a run whose search came to its end, in order.

    Of several of the same pixels the first: its answers are theirs, and figures count it once.
    """
    first: dict[str, Pair] = {}
    for entry in record.pictures:
        if entry.end.finished:
            first.setdefault(entry.clean_pixels_sha256, Pair(run, entry))
    return tuple(first.values())


def recorded(run: Path, record: RunRecord) -> Iterator[tuple[int, float]]:
    """Yield the keys and native scores of a run's clean and attacked pictures.

    Of a victim that answers at random the clean ones alone: an attacked picture's score, the best
    of many, is a little too good.
    """
    victim = record.victim
    for pair in pairs(run, record):
        answers = pair.answers()
        best = pair.entry.best_query // max(1, victim.cost) - 1
        if best not in range(len(answers)):
            raise InputError(
                f"{run}: best_query of {pair.name} is {pair.entry.best_query}, and its file of "
                f"scores has {len(answers)}."
            )
        for index in (0, best) if not victim.noise else (0,):
            yield int(answers["picture"][index]), float(answers["score"][index])


def moved(direction: Direction, before: float, after: float) -> float:
    """Return how far a quality went the way that it was pushed; negative where it went back."""
    return after - before if direction is Direction.RAISE else before - after


def room(quality: float) -> float:
    """Return how far a quality can go, to the farther end: RGO's divisor."""
    return max(QUALITY_MAX - quality, quality)


def chance(levels: int) -> int:
    """Return the levels of random changes beside a threat's pictures."""
    return levels or Linf.levels


def random_picture(pixels: Pixels, levels: int) -> Pixels:
    """Return a picture with a random sign times so many levels on each channel of each pixel.

    Clipped to 0-255; the same picture gets the same signs. Beside retouched pictures, whose levels
    are 0, it is of `chance`.
    """
    draw = Stream(0, pixels_sha256(pixels)).at(NO_QUERY)
    signs = 2 * draw.integers(2, size=pixels.shape, dtype=np.int16) - 1
    levels = chance(levels)
    return Linf(levels).apply(pixels, np.int16(levels) * signs)


def three(pair: Pair, levels: int, baseline: Pair | None = None) -> Three:
    """Return a picture clean, attacked and changed at random.

    Parameters
    ----------
    pair : Pair
        The picture.
    levels : int
        The random change's.
    baseline : Pair, optional
        The same picture in a cell of random changes, whose best one is taken.
    """
    clean = pair.clean()
    random = random_picture(clean, levels) if baseline is None else baseline.attacked()
    return clean, pair.attacked(), random


def is_random(record: RunRecord) -> bool:
    """Tell whether a run's attack is itself the baseline."""
    return bool(record.attack.name == RandomSigns.__name__)


def random_cell(run: Path, record: RunRecord) -> Path | None:
    """Return the finished cell of the same audit that is a cell's baseline with the same budget.

    The one of the attack `random` on the same victim and pictures, with the same threat, goal and
    budget, the same seed where there are several; None where there is none, or the cell is one.
    """
    if is_random(record):
        return None
    try:
        cells = [cell for cell in runs(run.parent) if cell.name != run.name]
    except ValueError:  # no audit's
        return None
    pictures = _pictures(run, record)
    fit = [
        cell
        for cell in cells
        if own_label(cell) == own_label(run)
        and is_random(other := load(cell))
        and ALIKE(other) == ALIKE(record)
        and pictures <= _pictures(cell, other)
    ]
    return min(fit, key=lambda cell: load(cell).seed != record.seed, default=None)


def _pictures(run: Path, record: RunRecord) -> set[tuple[str, str]]:
    return {(pair.name, pair.entry.clean_pixels_sha256) for pair in pairs(run, record)}
