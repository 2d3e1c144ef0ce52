"""Defences as the page shows them: what is kept against what is pushed, and the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.defences.records import COLUMNS, Column, DefenceRow, DefenceTable
from iqaudit._report.charts import Axis, Drawing, domain
from iqaudit._report.figures import csv_url, figure, numbers, spread
from iqaudit.measures._bootstrap import Estimate

ITSELF = Estimate(1.0)
"""The agreement of undefended scores with themselves."""


@dataclass(frozen=True)
class Point:
    """A mark: its sign and its name, its place and its intervals' ends in per cent of the plot.

    `hollow` is of pictures that were made without knowing of the defence, and has no sign.
    """

    sign: str
    name: str
    x: float
    y: float
    across: tuple[float, float] | None
    up: tuple[float, float] | None
    hollow: bool


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
    people = first.srocc_defended.value is not None
    without = first.srocc_undefended if people else ITSELF
    xs = [without, *(row.kept for row in rows)]
    pushed = (each for row in rows for each in (row.rgo_adaptive, row.rgo_unaware))
    ys = [first.rgo_undefended, *pushed]
    x, y = (domain([end for each in some for end in numbers(each)], 0) for some in (xs, ys))
    points = [_point("0", "undefended", without, first.rgo_undefended, x, y)]
    for sign, row in enumerate(rows, 1):
        points.append(_point("", row.defence, row.kept, row.rgo_unaware, x, y, hollow=True))
        points.append(_point(str(sign), row.defence, row.kept, row.rgo_adaptive, x, y))
    columns = tuple(
        each for each in COLUMNS if any(getattr(row, each.name).value is not None for row in rows)
    )
    heads = ["defence", *(head for each in columns for head in spread(each.name)), "verdict"]
    lines: list[Sequence[Any]] = [
        [row.defence, *(getattr(row, each.name) for each in columns), row.verdict] for row in rows
    ]
    return Compared(
        name=f"defences-{number}",
        title=f"{first.victim}, {first.attack}, {first.levels}/255, {first.queries:,} queries",
        x_title="kept: SROCC with " + ("people" if people else "the undefended scores"),
        y_title="pushed: RGO",
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        csv=csv_url([heads, *lines]),
        points=tuple(each for each in points if each is not None),
        rows=tuple(rows),
        columns=columns,
    )


def _point(
    sign: str,
    name: str,
    kept: Estimate,
    pushed: Estimate,
    x: Axis,
    y: Axis,
    *,
    hollow: bool = False,
) -> Point | None:
    if kept.value is None or pushed.value is None:
        return None
    return Point(
        sign,
        name,
        x.at(kept.value),
        y.at(pushed.value),
        _ends(kept, x),
        _ends(pushed, y),
        hollow,
    )


def _ends(of: Estimate, axis: Axis) -> tuple[float, float] | None:
    return None if of.low is None or of.high is None else (axis.at(of.low), axis.at(of.high))
