"""Insights as the page lays them out: a theme, then a panel a cell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from iqaudit._analysis.findings.figures import Group, Insights
from iqaudit._analysis.findings.pixels import RING
from iqaudit._analysis.findings.sentences import UNKNOWING
from iqaudit._report.charts import Axis, Chart, Series, Tick, chart, domain
from iqaudit._report.figures import csv_url, numbers, spread
from iqaudit._report.heatmaps import Heatmap, accepted_map, strength_map
from iqaudit._report.verdict import Cell
from iqaudit.measures._bootstrap import Estimate, Paired

BASELINE_STYLE = 0
"""Grey."""


class Row(NamedTuple):
    """A figure of the attack beside the floor's, and of how many pictures they are."""

    label: str
    pictures: int | None
    attack: Estimate
    baseline: Estimate


@dataclass(frozen=True)
class Bars:
    """A table whose rows draw their figures on its axis."""

    name: str
    caption: str
    unit: str
    axis: Axis
    rows: tuple[Row, ...]
    csv: str

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """The axis's ends, and 0 where it is neither: a column has room for no more."""
        ticks = self.axis.ticks()
        return tuple(tick for tick in ticks if tick in (ticks[0], ticks[-1]) or not tick.value)


@dataclass(frozen=True)
class Panel:
    """One cell's part of a theme."""

    cell: Cell
    texts: tuple[str, ...]
    bars: tuple[Bars, ...] = ()
    maps: tuple[Heatmap, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Theme:
    """A question, and each victim's answer."""

    name: str
    title: str
    hint: str
    panels: tuple[Panel, ...]


def themes(cells: Sequence[Cell]) -> tuple[Theme, ...]:
    """Return the cells' insights theme by theme; nothing where there are none."""
    chosen = [(cell, cell.insights) for cell in cells if cell.insights and not cell.is_baseline]
    return tuple(
        Theme(name, title, hint, tuple(make(*each) for each in chosen))
        for name, title, hint, make in THEMES
        if chosen
    )


def bars(name: str, caption: str, rows: Iterable[Row], unit: str = "RGO") -> Bars:
    """Place figures on one axis, which holds 0 and every interval's end."""
    listed = tuple(rows)
    ends = [end for *_, one, other in listed for each in (one, other) for end in numbers(each)]
    table = [("", "pictures", *spread("attack"), *spread("floor")), *listed]
    return Bars(name, caption, unit, domain(ends, 0), listed, csv_url(table))


def _row(label: str, both: Paired, pictures: int | None = None) -> Row:
    return Row(label, pictures, both.attack, both.floor)


def _of_groups(groups: Iterable[Group], names: Mapping[str, str] | None = None) -> list[Row]:
    return [
        _row((names or {}).get(each.label, each.label), each.rgo, each.pictures)
        for each in groups
        if each.pictures
    ]


def _directions(cell: Cell, insights: Insights) -> Panel:
    names = {"lower": "pushed down", "raise": "pushed up"}
    ways, starts = insights.directions, insights.starts
    tables = (
        bars(f"{cell.key}-direction", "By direction", _of_groups(ways.groups, names)),
        bars(f"{cell.key}-clean-quality", "By clean quality", _of_groups(starts.groups)),
    )
    return Panel(cell, (ways.text, starts.text), tables)


def _distortions(cell: Cell, insights: Insights) -> Panel:
    tables = []
    if insights.distortions.groups:
        rows = _of_groups(insights.distortions.groups)
        tables.append(bars(f"{cell.key}-distortion", "By distortion", rows))
    for trend in insights.contents:
        name = trend.name.replace(" ", "-")
        rows = _of_groups(trend.groups)
        tables.append(bars(f"{cell.key}-{name}", f"By {trend.name}", rows))
    texts = (insights.distortions.text, *(trend.text for trend in insights.contents))
    return Panel(cell, texts, tuple(tables))


def _location(cell: Cell, insights: Insights) -> Panel:
    where = insights.where
    maps = [strength_map(f"{cell.key}-where", where.strength)]
    if where.accepted is not None:
        maps.append(accepted_map(f"{cell.key}-accepted", where.accepted))
    return Panel(cell, (where.text,), (), tuple(maps))


def _composition(cell: Cell, insights: Insights) -> Panel:
    spectrum = insights.frequencies
    series = (
        Series("random changes", BASELINE_STYLE, _rings(spectrum.floor_rings)),
        Series(cell.label, cell.style, _rings(spectrum.rings)),
    )
    heights = [each.value for drawn in series for _, each in drawn.points if each.value is not None]
    charts: tuple[Chart, ...] = ()
    if heights:
        titles = "Power by frequency", "cycles a pixel", "squared levels a frequency"
        halves = [each.value or 0 for each in (spectrum.half.attack, spectrum.half.floor)]
        last = max(at for drawn in series for at, _ in drawn.points)
        x = Axis(0, max(0.5, *halves, last + RING / 2))  # as far as the sentence's figures
        charts = (chart(f"{cell.key}-spectrum", titles, series, x, _decades(heights)),)
    shares = [_row(each.axis, each.share) for each in insights.colours.axes]
    shares.append(_row("vertical stripes", spectrum.vertical))
    shares.append(_row("horizontal stripes", spectrum.horizontal))
    table = bars(f"{cell.key}-made-of", "Shares of the change", shares, "share")
    return Panel(cell, (spectrum.text, insights.colours.text), (table,), (), charts)


def _rings(values: Sequence[float | None]) -> list[tuple[float, Estimate]]:
    """Return a radial spectrum's points, at the rings' middles."""
    return [
        (round((index + 0.5) * RING, 6), Estimate(value))
        for index, value in enumerate(values)
        if value is not None and value > 0
    ]


def _decades(heights: Sequence[float]) -> Axis:
    low, high = min(heights), max(heights)
    first, last = 1e-4, 1e-4
    while first * 10 <= low:
        first *= 10
    while last < high:
        last *= 10
    return Axis(first, max(last, 10 * first), "log", "g")


def _persistence(cell: Cell, insights: Insights) -> Panel:
    shares = [_row(each.title, each.left) for each in insights.survival]
    rgo = [_row(each.title, each.rgo) for each in insights.survival]
    tables = (
        bars(f"{cell.key}-left", "Share of the move that is left", shares, "share"),
        bars(f"{cell.key}-left-rgo", "RGO that is left", rgo),
    )
    return Panel(cell, tuple(each.text for each in insights.survival), tables)


def _query_efficiency(cell: Cell, insights: Insights) -> Panel:
    rows = [
        _row(f"first {100 * each.queries:.0f} % of queries", each.share)
        for each in insights.pace.reached
    ]
    table = bars(f"{cell.key}-pace", "Share of the final move reached", rows, "share")
    return Panel(cell, (insights.pace.text,), (table,))


Make = Callable[[Cell, Insights], Panel]

THEMES: tuple[tuple[str, str, str, Make], ...] = (
    (
        "ways",
        "Which way, and from where",
        "Whether scores are easier to push up or down, and from which scores.",
        _directions,
    ),
    (
        "kinds",
        "Which pictures",
        "By what was done to the pictures, and by what they show.",
        _distortions,
    ),
    (
        "where",
        "Where on the picture",
        "Every picture stretched over one square, and averaged.",
        _location,
    ),
    (
        "made-of",
        "What the change is made of",
        "Coarse or fine, along which way, of light or of colour.",
        _composition,
    ),
    (
        "survives",
        "What survives",
        "The clean and the attacked picture treated alike; 1 is all of the move, 0 none. "
        + UNKNOWING,
        _persistence,
    ),
    ("paid", "Which queries paid", "How soon the move was there.", _query_efficiency),
)
