"""Lines and bands, placed in per cent of a drawing that the page stretches; text stays HTML.

An SVG that is scaled to a phone's width scales its letters away with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from iqaudit._report.figures import csv_url, figure, spread
from iqaudit.measures._bootstrap import Estimate

TICKS = 5
"""On an axis, about."""

CLOSE = 9
"""Per cent of an axis that two ticks' labels keep apart."""


@dataclass(frozen=True)
class Series:
    """A line: its name, its style's number, and a value with its interval at each x."""

    name: str
    style: int
    points: Sequence[tuple[float, Estimate]]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its number, its place in per cent from the start, and its text."""

    value: float
    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A series as it is drawn: points of an SVG whose sides are 100, the band none without ends."""

    name: str
    style: int
    points: str
    band: str
    last: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What every drawing has, as the page's template needs it."""

    name: str
    title: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    csv: str


@dataclass(frozen=True, kw_only=True)
class Chart(Drawing):
    """A drawing of lines."""

    lines: tuple[Line, ...]
    zero: float | None

    @property
    def alt(self) -> str:
        """The drawing in words."""
        ends = "; ".join(f"{line.name}: {line.last} at the end" for line in self.lines)
        return f"{self.title}. {ends}."


@dataclass(frozen=True)
class Axis:
    """An axis: positions of numbers between two ends, in per cent.

    `form` is how its numbers are written; empty leaves it to the axis.
    """

    low: float
    high: float
    kind: Literal["linear", "log"] = "linear"
    form: str = ""

    def at(self, value: float) -> float:
        """Return a number's place."""
        low, high, value = (self._scaled(each) for each in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.0
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def ticks(self) -> tuple[Tick, ...]:
        """Return marks at round numbers; on a logarithmic axis at powers of ten, and the end."""
        if self.kind == "linear":
            step = _step(self.high - self.low)
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            decimals = max(0, -math.floor(math.log10(step) + 1e-9))
            marks = [step * index for index in range(first, last + 1)]
            form = self.form or f".{decimals}f"
            return tuple(Tick(mark, self.at(mark), figure(mark + 0.0, form)) for mark in marks)
        ends = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        powers = [10.0**power for power in range(ends[0], ends[1] + 1)]
        if not self.form:  # a budget is named whatever it is
            powers = [each for each in powers if self.at(self.high) - self.at(each) > CLOSE]
            powers.append(self.high)
        return tuple(
            Tick(mark, self.at(mark), figure(mark, self.form or ",.0f")) for mark in powers
        )

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.kind == "log" else value


def domain(values: Sequence[float | None], *within: float) -> Axis:
    """Return an axis from and to round numbers that holds all of these, and those it is within."""
    there = [*within, *(value for value in values if value is not None and math.isfinite(value))]
    low, high = min(there, default=0.0), max(there, default=1.0)
    if low == high:
        high = low + 1
    step = _step(high - low)
    return Axis(step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9))


def chart(
    name: str,
    titles: tuple[str, str, str],
    series: Sequence[Series],
    x: Axis,
    y: Axis,
) -> Chart:
    """Place lines in a drawing.

    Parameters
    ----------
    name : str
        Of the figure's file of numbers.
    titles : tuple of str
        The figure's, and those of its axes.
    series : sequence of Series
        What is drawn.
    x, y : Axis
        Its axes.
    """
    title, x_title, y_title = titles
    rows: list[Sequence[Any]] = [("series", x_title, *spread(y_title))]
    rows += [(each.name, at, value) for each in series for at, value in each.points]
    return Chart(
        name=name,
        title=title,
        x_title=x_title,
        y_title=y_title,
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        csv=csv_url(rows),
        lines=tuple(_line(each, x, y) for each in series),
        zero=round(100 - y.at(0), 2) if y.kind == "linear" and y.low < 0 < y.high else None,
    )


def _line(series: Series, x: Axis, y: Axis) -> Line:
    def place(at: float, value: float) -> str:
        return f"{x.at(at):g},{round(100 - y.at(value), 2):g}"

    there = [(at, value) for at, value in series.points if value.value is not None]
    upper = [place(at, each.high) for at, each in there if each.high is not None]
    lower = [place(at, each.low) for at, each in there if each.low is not None]
    return Line(
        series.name,
        series.style,
        " ".join(place(at, each.value) for at, each in there if each.value is not None),
        " ".join((*upper, *reversed(lower))),
        figure(there[-1][1].value) if there else figure(None),
    )


def _step(extent: float) -> float:
    """Return the round number of which an extent has about `TICKS`."""
    rough = extent / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return power * min((1, 2, 5, 10), key=lambda each: abs(each * power - rough))
