"""The drawing: panels on a matplotlib figure as wide as a paper's columns.

No pyplot, and nothing of the user's own settings: a figure is the same everywhere.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from iqaudit._core.errors import printable
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._core.wording import number
from iqaudit._plots.contents import Contents, Lines, Marks, Panel, Points, Prices, Squares
from iqaudit.measures._bootstrap import Estimate

WIDTHS = {1: 3.5, 2: 7.16}
"""Of one and two columns of a page, in inches: the IEEE's, which others' pages are near."""

COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#8c6d00", "#56b4e9", "#5d3a9b", "#7f7f7f")
"""Okabe and Ito's, which people who cannot tell red from green can tell, and some more."""

DASHES = ("-", "--", "-.", ":")
MARKERS = "osD^vP*X<>"
GREY = "#777777"

NEARLY_ZERO = -0.05
"""The least end of an axis that a measure which is never below 0 gets by its margin."""

LETTERS = 13
"""Of a title to an inch."""

LEVEL_LETTERS = 30
"""Letters of all columns' names together that fit beside each other."""

STYLE: Mapping[Any, Any] = {
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "text.parse_math": False,  # a dollar sign in a name is one
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.fonttype": "path",
    "svg.hashsalt": "iqaudit",
    "savefig.dpi": 300.0,
}


def drawn(shown: Contents, columns: int) -> Figure:
    """Return the figure: panels side by side, as many as fit well."""
    with _style():
        first = shown.panels[0]
        across = min(len(shown.panels), 1 if isinstance(first, Squares) else _most(first, columns))
        down = math.ceil(len(shown.panels) / across)
        side = WIDTHS[columns] / across
        height = _height(first, side)
        figure = Figure((WIDTHS[columns], down * height), layout="constrained")
        # Lines of several victims are compared across panels.
        shared = isinstance(first, Lines | Prices)
        grid = figure.subplots(down, across, squeeze=False, sharey=shared).ravel()
        for axes, panel in zip(grid, shown.panels, strict=False):
            DRAW[type(panel)](axes, panel)
            axes.set_title(_wrapped(axes.get_title(), int(side * LETTERS)))
        # Once all is drawn, since a limit that is set ends the axis' growth.
        if shared and grid[0].get_ylim()[0] > NEARLY_ZERO:  # a measure that is never below 0
            grid[0].set_ylim(bottom=0)
        for axes in grid[len(shown.panels) :]:
            axes.set_axis_off()
        if isinstance(first, Points):
            figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
            _square(figure, grid[0], down)
        return figure


def save(figure: Figure, content: BytesIO, form: str, metadata: Mapping[str, str | None]) -> None:
    """Write a figure's file: its fonts are in it, and it does not tell when it was made."""
    with _style():
        figure.savefig(content, format=form, metadata=dict(metadata))


def _square(figure: Figure, axes: Axes, down: int) -> None:
    """Make a figure as high as its panels are wide.

    Not by an equal aspect: the layout does not see how far that moves the names above a panel, and
    lets them leave the figure.
    """
    for _ in range(2):  # other ticks may take another width
        figure.draw_without_rendering()
        box = axes.get_window_extent()
        figure.set_figheight(figure.get_figheight() + down * (box.width - box.height) / figure.dpi)


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def _most(first: Panel, columns: int) -> int:
    """Return the panels side by side at the most."""
    return 2 * columns if isinstance(first, Points) else columns


def _height(first: Panel, side: float) -> float:
    """Return a panel's height, in inches."""
    if isinstance(first, Points):
        return side + 0.35
    if isinstance(first, Squares):
        return 0.9 + 0.34 * len(first.rows)
    if isinstance(first, Marks):
        return 0.75 * side + 0.15 * math.ceil(len(first.marks) / 2)
    if isinstance(first, Prices):
        return 0.75 * side + 0.15 * len(first.lines)
    return 0.75 * side


def _lines(axes: Axes, panel: Lines) -> None:
    styles = zip(cycle(COLOURS), cycle(DASHES), strict=False)
    for (name, points), (colour, dash) in zip(panel.lines, styles, strict=False):
        queries = [at for at, _ in points]
        value, low, high = _arrays([each for _, each in points])
        axes.plot(queries, value, dash, color=colour, label=printable(name))
        axes.fill_between(queries, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlim(1, max(2, *(at for _, points in panel.lines for at, _ in points)))
    unit = f" ({panel.measure.unit})" if panel.measure.unit else ""
    axes.set(xlabel="queries", ylabel=panel.measure.title + unit, title=panel.title)
    axes.legend()


def _points(axes: Axes, panel: Points) -> None:
    for attacked in panel.attacked:
        axes.plot(
            np.array([panel.opinions, panel.opinions]),
            np.array([panel.clean, attacked]),
            color=COLOURS[0],
            alpha=0.35,
            linewidth=0.6,
            zorder=1,
        )
    # A ring about the point of a picture that did not move.
    clean: dict[str, Any] = {"color": GREY, "markerfacecolor": "white", "markersize": 5}
    axes.plot(panel.opinions, panel.clean, "o", **clean, label="clean", zorder=2)
    for index, attacked in enumerate(panel.attacked):
        label = None if index else "attacked"
        point: dict[str, Any] = {"color": COLOURS[0], "markersize": 3, "label": label}
        axes.plot(panel.opinions, attacked, "o", **point, zorder=3)
    axes.set(
        xlim=(-0.3, QUALITY_MAX + 0.3),
        ylim=(-0.3, QUALITY_MAX + 0.3),
        xlabel="people's score",
        ylabel="victim's score",
        title=panel.title,
    )


def _squares(axes: Axes, panel: Squares) -> None:
    value = np.array([_arrays(line)[0] for line in panel.values])
    most = float(np.nanmax(np.abs(value), initial=0.0)) or 1.0
    axes.imshow(value, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto")
    for y, line in enumerate(panel.values):
        for x, each in enumerate(line):
            if each.value is not None:
                colour = "white" if abs(each.value) > 0.65 * most else "black"
                text = number(each.value, "+.3f")
                axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=7)
            if panel.own[y][x]:
                box = (x - 0.47, y - 0.45), 0.94, 0.9
                axes.add_patch(mpl.patches.Rectangle(*box, fill=False, linewidth=1.4))
    axes.set_xticks(range(len(panel.columns)), map(printable, panel.columns))
    axes.set_yticks(range(len(panel.rows)), map(printable, panel.rows))
    if sum(map(len, panel.columns)) > LEVEL_LETTERS:
        axes.tick_params("x", rotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="scored by", ylabel="made against", title=f"{panel.title}; framed: their own")


def _marks(axes: Axes, panel: Marks) -> None:
    styles = cycle(zip((GREY, *COLOURS), MARKERS[: len(COLOURS) + 1], strict=True))
    for (name, kept, pushed), (colour, marker) in zip(panel.marks, styles, strict=False):
        if kept.value is None or pushed.value is None:
            continue
        axes.errorbar(
            [kept.value],
            [pushed.value],
            xerr=_bars(kept),
            yerr=_bars(pushed),
            fmt=marker,
            color=colour,
            elinewidth=0.6,
            label=printable(name),
        )
    axes.set(
        xlabel=f"kept: {panel.x_title}",
        ylabel="RGO of an attack that knows it",
        title=panel.title,
    )
    left, right = axes.get_xlim()
    axes.set_xlim(left, min(right, 1 + 0.02 * (right - left)))  # no correlation is above 1
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if _below_zero(panel) else 0.0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2)


def _prices(axes: Axes, panel: Prices) -> None:
    styles = zip(cycle(COLOURS), cycle(DASHES), cycle(MARKERS), strict=False)
    for (name, points), (colour, dash, marker) in zip(panel.lines, styles, strict=False):
        if not points:
            continue
        seen, _, _ = _arrays([each for _, each, _ in points])
        value, low, high = _arrays([each for _, _, each in points])
        style: dict[str, Any] = {"marker": marker, "color": colour, "label": printable(name)}
        axes.plot(seen, value, dash, **style)
        axes.vlines(seen, low, high, color=colour, linewidth=0.6)
        axes.annotate(
            f"{points[-1][0]:,}",
            (seen[-1], value[-1]),
            xytext=(3, 3),
            textcoords="offset points",
            color=colour,
            fontsize=6,
        )
    if panel.seen.higher_favours == "attack":  # what is seen grows to the right
        axes.xaxis.set_inverted(True)
    unit = f" ({panel.seen.unit})" if panel.seen.unit else ""
    axes.set(xlabel=f"{panel.seen.title}{unit}; seen more →", ylabel="RGO", title=panel.title)
    axes.margins(x=0.12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))


DRAW: Mapping[type[Any], Callable[[Axes, Any], None]] = {
    Lines: _lines,
    Points: _points,
    Squares: _squares,
    Marks: _marks,
    Prices: _prices,
}


def _wrapped(title: str, letters: int) -> str:
    """Return a title in lines of at most so many letters."""
    lines = [line for each in title.split("\n") for line in wrap(printable(each), letters)]
    return "\n".join(lines)


def _below_zero(panel: Marks) -> bool:
    """Tell whether an attack on a defence had the opposite effect."""
    return any((each.low or each.value or 0) < 0 for _, _, each in panel.marks)


def _bars(of: Estimate) -> list[list[float]] | None:
    """Return the lengths of an interval's two arms; none below 0 where it leaves out the figure."""
    if of.value is None or of.low is None or of.high is None:
        return None
    return [[max(0.0, of.value - of.low)], [max(0.0, of.high - of.value)]]


def _arrays(estimates: Any) -> Any:
    """Return figures and their intervals' ends, NaN where there are none."""
    return np.array([(each.value, each.low, each.high) for each in estimates], float).T
