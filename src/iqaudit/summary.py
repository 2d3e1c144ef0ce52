"""The figures of a run: a row for each picture, and their means."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from iqaudit import measures
from iqaudit.scale import Scale
from iqaudit.trial import Outcome, TrialResult


@dataclass(frozen=True)
class Row:
    """One picture's figures.

    Scores are native, qualities on 0-10, `ssim` up to 1, `psnr` in dB, `linf` and `l2` in levels,
    `changed` a share of pixels; `best_query` is the query that found the attacked picture. A figure
    that does not exist for the picture is None: the SSIM of a tiny one, the PSNR of an unchanged
    one.
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
    ssim: float | None
    psnr: float | None
    linf: int
    l2: float
    changed: float
    queries: int
    best_query: int


@dataclass(frozen=True)
class Summary:
    """Means over the pictures whose budget was spent; None where there is none.

    `linf` is the largest, `queries` the sum over all pictures, unfinished ones included.
    """

    pictures: int
    unfinished: int
    raised: int
    lowered: int
    rgo: float | None
    reachable_rgo: float | None
    mean_deviation: float | None
    ssim: float | None
    psnr: float | None
    linf: int | None
    queries: int


def row(result: TrialResult, scale: Scale) -> Row:
    """Measure one result."""
    clean, attacked = result.picture.pixels, result.adversarial
    quality, attacked_quality = [result.clean_quality], [result.adversarial_quality]
    return Row(
        name=result.picture.name,
        height=result.picture.height,
        width=result.picture.width,
        direction=result.direction.value,
        outcome=result.outcome.name.lower(),
        clean_score=result.clean_score,
        attacked_score=result.adversarial_score,
        clean_quality=result.clean_quality,
        attacked_quality=result.adversarial_quality,
        rgo=measures.rgo(quality, attacked_quality),
        reachable_rgo=measures.reachable_rgo(quality, scale.reachable),
        ssim=_finite(measures.ssim(clean, attacked)),
        psnr=_finite(measures.psnr(clean, attacked)),
        linf=measures.linf(clean, attacked),
        l2=measures.l2(clean, attacked),
        changed=measures.changed(clean, attacked),
        queries=result.queries,
        best_query=result.best_query,
    )


def summarise(rows: Sequence[Row]) -> Summary:
    """Average the rows."""
    spent = [row for row in rows if row.outcome == Outcome.BUDGET_SPENT.name.lower()]
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
        linf=max((row.linf for row in spent), default=None),
        queries=sum(row.queries for row in rows),
    )


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
