"""The figures of a run: a row for each picture, and their means."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from iqaudit import measures
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import Scale
from iqaudit._search.stop import Outcome
from iqaudit._search.trial import TrialResult, settled
from iqaudit.victims._base import Card

IF_ANY = {"written": "if any"}
"""The metadata of a field whose key is not written where it is empty, as before there was one."""

FIGURE_TOLERANCE = 1e-9
"""Relative; a figure that is computed from the same files again differs by rounding alone."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One picture's figures.

    Scores are native, qualities on 0-10, `ssim` up to 1, `psnr` in dB, `flip` a mean from 0 to 1,
    `linf` and `l2` in levels, `changed` a share of pixels; `queries` were billed, and `best_query`
    is the one that found the attacked picture; `refused` counts the answers that were no score, not
    finite or outside the victim's range. Of a victim that answers at random, `attacked_score` is
    the mean of answers that were asked at the end, for `fresh_queries` beside the others, and
    `luckiest_score` the search's best. A figure that does not exist for the picture is
    None: the SSIM of a tiny one, the PSNR of an unchanged one, a measure that the version that
    wrote it did not have.
    """

    name: str
    height: int
    width: int
    direction: str
    outcome: str
    clean_score: float
    attacked_score: float
    clean_quality: float
    attacked_quality: float
    rgo: float
    reachable_rgo: float
    ssim: float | None = None
    psnr: float | None = None
    flip: float | None = None
    linf: int
    l2: float
    changed: float
    queries: int
    best_query: int
    refused: int = field(default=0, metadata=IF_ANY)
    luckiest_score: float | None = field(default=None, metadata=IF_ANY)
    fresh_queries: int = field(default=0, metadata=IF_ANY)

    @property
    def end(self) -> Outcome:
        """The trial's outcome, whose name in small letters `outcome` is."""
        return Outcome[self.outcome.upper()]


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """The likeness of a picture's best change to the clean picture after so many queries."""

    queries: int
    ssim: float | None
    psnr: float | None
    flip: float | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Means over the pictures whose budget was spent; None where there is none.

    `linf` is the largest. Where there was a target, `met` counts the pictures that reached it, and
    `queries_to_target` is the mean of the queries that they had then. `raised`, `lowered`,
    `queries`, `fresh_queries` and `refused`, sums, count unfinished ones as well.
    """

    pictures: int
    unfinished: int
    raised: int
    lowered: int
    rgo: float | None
    reachable_rgo: float | None
    mean_deviation: float | None = None
    ssim: float | None = None
    psnr: float | None = None
    flip: float | None = None
    linf: int | None
    queries: int
    refused: int = field(default=0, metadata=IF_ANY)
    fresh_queries: int = field(default=0, metadata=IF_ANY)
    met: int = field(default=0, metadata=IF_ANY)
    queries_to_target: float | None = field(default=None, metadata=IF_ANY)


def measure(result: TrialResult, card: Card) -> Row:
    """Measure one picture's trial from its pictures and scores; the card is its victim's."""
    clean, attacked = result.picture.pixels, result.adversarial
    scores, scale = result.scores, card.scale
    clean_score = float(scores[0])
    luckiest = result.luckiest_score
    attacked_score = settled(luckiest, result.fresh, scale)
    quality, attacked_quality = scale.quality(clean_score), scale.quality(attacked_score)
    raised = [result.direction is Direction.RAISE]
    return Row(
        name=result.picture.name,
        height=clean.shape[0],
        width=clean.shape[1],
        direction=result.direction.value,
        outcome=result.outcome.name.lower(),
        clean_score=clean_score,
        attacked_score=attacked_score,
        clean_quality=quality,
        attacked_quality=attacked_quality,
        rgo=measures.rgo([quality], [attacked_quality]),
        reachable_rgo=measures.reachable_rgo([quality], scale.reachable, raised),
        **_likeness(clean, attacked),
        linf=measures.linf(clean, attacked),
        l2=measures.l2(clean, attacked),
        changed=measures.changed(clean, attacked),
        queries=card.cost * len(scores),
        best_query=result.best_query,
        refused=int((~scale.admits(scores)).sum()),
        luckiest_score=luckiest if result.fresh else None,
        fresh_queries=card.cost * len(result.fresh),
    )


def mean_shift(rows: Sequence[Row], scale: Scale) -> float | None:
    """Return the mean of ``|f(x') - f(x)| / S`` of the pictures whose budget was spent."""
    return _mean([shift(row, scale) for row in rows if row.end.finished])


def shift(row: Row, scale: Scale) -> float:
    """Return how far one picture's score went, in S."""
    return measures.shift([row.clean_score], [row.attacked_score], scale.spread)


def likeness(clean: Pixels, best: Mapping[int, Pixels]) -> tuple[Likeness, ...]:
    """Measure the best pictures of a search after so many queries; equal ones once."""
    measured: dict[int, dict[str, float | None]] = {}
    for picture in best.values():
        if id(picture) not in measured:
            measured[id(picture)] = _likeness(clean, picture)
    return tuple(Likeness(queries=at, **measured[id(best[at])]) for at in best)


def _likeness(clean: Pixels, attacked: Pixels) -> dict[str, float | None]:
    return {
        "ssim": _finite(measures.ssim(clean, attacked)),
        "psnr": _finite(measures.psnr(clean, attacked)),
        "flip": measures.flip(clean, attacked),
    }


def summarise(rows: Sequence[Row]) -> Summary:
    """Average the rows."""
    spent = [row for row in rows if row.end.finished]
    met = [row.queries for row in spent if row.end is Outcome.TARGET_MET]
    raised = sum(row.direction == "raise" for row in rows)
    return Summary(
        pictures=len(rows),
        unfinished=len(rows) - len(spent),
        raised=raised,
        lowered=len(rows) - raised,
        rgo=_mean([row.rgo for row in spent]),
        reachable_rgo=_mean([row.reachable_rgo for row in spent]),
        mean_deviation=_mean([abs(row.attacked_quality - row.clean_quality) for row in spent]),
        ssim=_mean([row.ssim for row in spent if row.ssim is not None]),
        psnr=_mean([row.psnr for row in spent if row.psnr is not None]),
        flip=_mean([row.flip for row in spent if row.flip is not None]),
        linf=max((row.linf for row in spent), default=None),
        queries=sum(row.queries for row in rows),
        refused=sum(row.refused for row in rows),
        fresh_queries=sum(row.fresh_queries for row in rows),
        met=len(met),
        queries_to_target=_mean(met),
    )


def differences(now: Row | Likeness | Summary, recorded: Row | Likeness | Summary) -> Iterator[str]:
    """Say which figures are not the recorded ones."""
    for key, value in asdict(now).items():
        other = getattr(recorded, key)
        if isinstance(value, float) and isinstance(other, int | float):
            same = math.isclose(value, other, rel_tol=FIGURE_TOLERANCE)
        else:
            same = value == other
        if not same:
            yield f"{key} is {value}, recorded {other}"


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
