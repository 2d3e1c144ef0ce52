"""Defences as the page shows them: what is kept against what is pushed, and the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iqaudit._analysis.defences.records import COLUMNS, Column, DefenceRow, DefenceTable, without
from iqaudit._core.threat import words
from iqaudit._report.charts import Axis, Drawing, domain
from iqaudit._report.figures import csv_url, figure, numbers, spread
from iqaudit.measures._bootstrap import Estimate

NARROWEST = 0.05
"""Of the axis of what is kept, at least."""

GAP = 6
"""Per cent of the plot that two points' places are apart."""


@dataclass(frozen=True)
class Point:
    """A mark: its sign and its name, its place and its intervals' ends in per cent of the plot.

    Where marks would lie upon one another, `x` is beside the place of what is kept.

    `hollow` is of pictures that were made without knowing of the defence; `to` is the height of the
    full point of the same sign then, where there is one.
    """

    sign: str
    name: str
    x: float
    y: float
    across: tuple[float, float] | None
    up: tuple[float, float] | None
    hollow: bool
    to: float | None


@dataclass(frozen=True, kw_only=True)
class Compared(Drawing):
    """The defences of one victim to one attack: the drawing's points, and the table's rows."""

    points: tuple[Point, ...]
    rows: tuple[DefenceRow, ...]
    columns: tuple[Column, ...]

    @property
    def alt(self) -> str:
        """The drawing in words."""
        said = [
            f"{each.defence}: kept {figure(each.kept.value)}, pushed "
            f"{figure(each.rgo_adaptive.value)}"
            for each in self.rows
        ]
        return f"{self.title}. {'; '.join(said)}."


def compared(table: DefenceTable | None) -> tuple[Compared, ...]:
    """Return the parts of the page, one a victim and attack; none where there is no table."""
    groups: dict[str, list[DefenceRow]] = {}
    for row in () if table is None else table.rows:
        groups.setdefault(row.undefended, []).append(row)
    return tuple(_group(rows, number) for number, rows in enumerate(groups.values(), 1))


def _group(rows: Sequence[DefenceRow], number: int) -> Compared:
    first = rows[0]
    undefended, title = without(first)
    xs = [undefended, *(row.kept for row in rows)]
    pushed = (each for row in rows for each in (row.rgo_adaptive, row.rgo_unaware))
    ys = [first.rgo_undefended, *pushed]
    kept = [end for each in xs for end in numbers(each) if end is not None]
    x = domain(kept, max(kept, default=1) - NARROWEST)
    y = domain([end for each in ys for end in numbers(each)], 0)
    places = _apart([x.at(each.value or 0) for each in xs])
    points = [_point("0", "undefended", (undefended, first.rgo_undefended), places[0], (x, y))]
    for place, (at, row) in enumerate(zip(places[1:], rows, strict=True), 1):
        sign = str(place)
        full = _point(sign, row.defence, (row.kept, row.rgo_adaptive), at, (x, y))
        points.append(_point(sign, row.defence, (row.kept, row.rgo_unaware), at, (x, y), full))
        points.append(full)
    columns = tuple(
        each for each in COLUMNS if any(getattr(row, each.name).value is not None for row in rows)
    )
    heads = ["defence", *(head for each in columns for head in spread(each.name)), "verdict"]
    lines: list[Sequence[Any]] = [
        [row.defence, *(getattr(row, each.name) for each in columns), row.verdict] for row in rows
    ]
    return Compared(
        name=f"defences-{number}",
        title=f"{first.victim}, {first.attack}, {words(first.levels)}, {first.queries:,} queries",
        x_title=f"kept: {title}",
        y_title="pushed: RGO",
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        csv=csv_url([heads, *lines]),
        points=tuple(each for each in points if each is not None),
        rows=tuple(rows),
        columns=columns,
    )


def _apart(places: Sequence[float]) -> list[float]:
    """Return places in per cent, in their order, moved until no two points lie upon each other."""
    moved = np.array(places)
    order = np.argsort(moved, kind="stable")
    steps = min(GAP, 100 / len(moved)) * np.arange(len(moved))
    # Each is pushed on by those before it, and the last ones back from the end.
    ordered = np.maximum.accumulate(moved[order] - steps) + steps
    moved[order] = np.minimum(ordered, 100 - steps[::-1])
    return [round(float(each), 2) for each in moved]


def _point(
    sign: str,
    name: str,
    figures: tuple[Estimate, Estimate],
    place: float,
    axes: tuple[Axis, Axis],
    full: Point | None = None,
) -> Point | None:
    """Return a point at a place, a hollow one where it goes with a full one.

    None without the figures, what is kept and what is pushed.
    """
    (kept, pushed), (x, y) = figures, axes
    if kept.value is None or pushed.value is None:
        return None
    return Point(
        sign,
        name,
        place,
        y.at(pushed.value),
        _ends(kept, x),
        _ends(pushed, y),
        full is not None,
        None if full is None else full.y,
    )


def _ends(of: Estimate, axis: Axis) -> tuple[float, float] | None:
    return None if of.low is None or of.high is None else (axis.at(of.low), axis.at(of.high))
