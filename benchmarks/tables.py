"""What `benchmarks.strength` prints: tables of its figures, and of two runs' difference."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks import figures
from benchmarks.figures import CEILING, DIRECTIONS, PAPER, Figure, Row
from benchmarks.pieces import BUDGETS, Result

MEASURES = {"deviation": "mean deviation (of 10)", "ssim": "SSIM"}

NOTHING = "-"

Columns = Sequence[tuple[str, Callable[[str], str]]]
"""Headings, and what an attack's line says under each."""


def lines(results: Sequence[Result]) -> Iterator[str]:
    """Say everything, victim by victim."""
    for victim in figures.unique(each.name for each in results):
        yield from _victim(victim, [each for each in results if each.name == victim])


def _victim(victim: str, results: Sequence[Result]) -> Iterator[str]:
    attacks = figures.unique(each.attack for each in results)
    yield f"{victim}; means over pictures, and 95 % intervals"

    def chosen(attack: str, direction: str) -> list[Result]:
        return figures.select(results, victim, attack, direction)

    def measured(measure: str, direction: str) -> Columns:
        return _budgets(lambda attack, at: _at(chosen(attack, direction), at, measure))

    for direction in DIRECTIONS:
        if any(chosen(attack, direction) for attack in attacks):
            yield from _table(f"RGO, {direction}, queries", attacks, measured("rgo", direction))
    for measure, title in MEASURES.items():
        yield from _table(f"{title}, both, queries", attacks, measured(measure, "both"))
    first = {each.picture: each for each in results if each.seed == results[0].seed}
    before = figures.srocc(list(first.values()), lambda each: each.clean_quality)
    if math.isfinite(before):
        columns = _budgets(lambda attack, at: _srocc(chosen(attack, "both"), at))
        yield from _table(f"SROCC with people (clean {before:.3f}), queries", attacks, columns)
    yield from _what_counts(attacks, chosen)
    pictures = {each.picture: each.direction for each in results}
    ways = [f"{list(pictures.values()).count(way)} {way}" for way in DIRECTIONS[:2]]
    yield f"pictures: {len(pictures)}, of which {' and '.join(ways)}"
    yield ""


def _what_counts(
    attacks: Sequence[str], chosen: Callable[[str, str], list[Result]]
) -> Iterator[str]:
    """Say how far the paper's attack is passed, and how near the ceiling is."""
    black_box = [attack for attack in attacks if attack != CEILING]
    late = max((at for at in BUDGETS if any(e.at(at) for e in chosen(PAPER, "both"))), default=0)
    early = late // 10
    if late:
        goals = {way: figures.at_checkpoint(chosen(PAPER, way), late) for way in DIRECTIONS}
        yield from _table(
            f"RGO at {early:,} queries over {PAPER}'s at {late:,}",
            black_box,
            _ways(
                lambda attack, way: _times(
                    figures.ratio(figures.at_checkpoint(chosen(attack, way), early), goals[way])
                )
            ),
        )
        yield from _table(
            f"queries that reach {PAPER}'s RGO at {late:,}",
            [attack for attack in black_box if attack != PAPER],
            _ways(
                lambda attack, way: _count(
                    figures.reaching(
                        list(figures.curves(chosen(attack, way)).values()), goals[way]
                    ),
                    max((each.queries for each in chosen(attack, way)), default=0),
                )
            ),
        )
    steps = max((each.queries for each in chosen(CEILING, "both")), default=0)
    if steps:
        tops = {way: figures.at_checkpoint(chosen(CEILING, way), steps) for way in DIRECTIONS}
        yield from _table(
            f"RGO over that of {CEILING}, white-box, at {steps:,}; both, queries",
            black_box,
            _budgets(
                lambda attack, at: _times(
                    figures.ratio(figures.at_checkpoint(chosen(attack, "both"), at), tops["both"])
                )
            ),
        )


def against(now: Sequence[Row], then: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Say how each row's RGO differs from an earlier run's."""
    names = ("victim", "attack", "direction", "queries")
    earlier = {tuple(row[name] for name in names): row for row in then}
    yield "RGO now, earlier, difference (* where the intervals do not meet)"
    for row in now:
        before = earlier.pop(tuple(getattr(row, name) for name in names), None)
        label = f"{row.victim:12} {row.attack:18} {row.direction:6} {row.queries:7,}"
        if before is None:
            yield f"{label}  {row.rgo:.3f}      -       -"
            continue
        ends = (row.rgo_low, row.rgo_high, before["rgo_low"], before["rgo_high"])
        apart = None not in ends and (ends[0] > ends[3] or ends[1] < ends[2])
        yield (
            f"{label}  {row.rgo:.3f}  {before['rgo']:.3f}  {row.rgo - before['rgo']:+.3f}"
            f"{' *' if apart else ''}"
        )
    if earlier:
        yield f"{len(earlier)} rows of the earlier run have none here"


def _table(title: str, attacks: Sequence[str], columns: Columns) -> Iterator[str]:
    """Lay out a line an attack; columns and tables that say nothing are left out."""
    cells = [[heading, *(say(attack) for attack in attacks)] for heading, say in columns]
    cells = [column for column in cells if set(column[1:]) - {NOTHING}]
    if not cells:
        return
    cells.insert(0, ["", *(f"  {attack}" for attack in attacks)])
    widths = [max(map(len, column)) for column in cells]
    yield title
    for name, *values in zip(*cells, strict=True):
        padded = [f"{value:>{width}}" for value, width in zip(values, widths[1:], strict=True)]
        yield "   ".join([f"{name:{widths[0]}}", *padded])
    yield ""


def _budgets(say: Callable[[str, int], str]) -> Columns:
    return [(f"{at:,}", lambda attack, at=at: say(attack, at)) for at in BUDGETS]  # type: ignore[misc]


def _ways(say: Callable[[str, str], str]) -> Columns:
    return [(way, lambda attack, way=way: say(attack, way)) for way in DIRECTIONS]  # type: ignore[misc]


def _at(results: Sequence[Result], queries: int, measure: str) -> str:
    there = [each for each in results if each.at(queries)]
    return _number(figures.measured(there, queries, measure)) if there else NOTHING


def _srocc(results: Sequence[Result], queries: int) -> str:
    there = [each for each in results if each.at(queries)]
    value = figures.srocc(there, figures.quality_after(queries))
    return f"{value:.3f}" if math.isfinite(value) else NOTHING


def _number(figure: Figure) -> str:
    if not math.isfinite(figure.value):
        return NOTHING
    interval = f" ({figure.low:.3f}-{figure.high:.3f})" if math.isfinite(figure.low) else ""
    return f"{figure.value:.3f}{interval}"


def _times(figure: Figure | None) -> str:
    if figure is None or not math.isfinite(figure.value):
        return NOTHING
    interval = f" ({figure.low:.2f}-{figure.high:.2f})" if math.isfinite(figure.low) else ""
    return f"{figure.value:.2f}{interval}"


def _count(figure: Figure | None, most: int) -> str:
    if figure is None:
        return NOTHING

    def one(queries: float) -> str:
        return f"{queries:,.0f}" if math.isfinite(queries) else f"> {most:,}"

    single = math.isnan(figure.low) or figure.low == figure.high
    interval = "" if single else f" ({one(figure.low)} to {one(figure.high)})"
    return f"{one(figure.value)}{interval}"
