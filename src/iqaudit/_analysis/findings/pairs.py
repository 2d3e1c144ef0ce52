"""The pictures of a run, before and after: read from its directory when they are looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iqaudit._core import picture
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._runs.records import PictureRecord, RunRecord
from iqaudit._runs.schema import file_names, load_answers


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
        return picture.read(self.run / file_names(self.name)["clean"]).pixels

    def attacked(self) -> Pixels:
        """Read the best picture found."""
        return picture.read(self.run / file_names(self.name)["attacked"]).pixels


def pairs(run: Path, record: RunRecord) -> tuple[Pair, ...]:
    """Return the pictures of a run whose search came to its end, in order."""
    return tuple(Pair(run, entry) for entry in record.pictures if entry.end.finished)


def recorded(run: Path, record: RunRecord) -> Iterator[tuple[int, float]]:
    """Yield the keys and native scores of a run's clean and attacked pictures.

    Of a victim that answers at random the clean ones alone: an attacked picture's score, the best
    of many, is a little too good.
    """
    victim = record.victim
    for pair in pairs(run, record):
        answers = load_answers(run, pair.name)
        best = pair.entry.best_query // victim.cost - 1
        for index in (0, best) if not victim.noise else (0,):
            yield int(answers["picture"][index]), float(answers["score"][index])


def moved(direction: Direction, before: float, after: float) -> float:
    """Return how far a quality went the way that it was pushed; negative where it went back."""
    return after - before if direction is Direction.RAISE else before - after


def room(quality: float) -> float:
    """Return how far a quality can go, to the farther end: RGO's divisor."""
    return max(QUALITY_MAX - quality, quality)
