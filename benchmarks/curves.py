"""The picture of `benchmarks.strength`: RGO against queries, a panel a victim and direction."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from benchmarks import figures
from benchmarks.figures import CEILING, OURS, PAPER
from benchmarks.pieces import GRID, Result, grid

INK, FAINT = "#262626", "#9a9a9a"
EMPHASISED = {PAPER: "#0072b2", OURS: "#d55e00"}
OTHERS = (
    *(("#009e73", "s"), ("#cc79a7", "^"), ("#8c6d00", "D"), ("#56b4e9", "v")),
    *(("#5d3a9b", "P"), ("#7f7f7f", "X"), ("#004d40", "<"), ("#e6b800", ">")),
)
"""Colours and marks. Okabe and Ito's colours, which people who cannot tell red from green can tell,
and some more."""

WAYS = {"lower": "good pictures pushed down", "raise": "bad pictures pushed up"}
EDGES = (10, 11_500)
"""The queries that the axis shows: before it there is nothing to see, and the last has a mark."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, and readable by machines and screen readers
    "svg.hashsalt": "iqaudit",  # the same results draw the same bytes
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
}


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw the curves of every victim into a file, whose suffix says the format."""
    victims = figures.unique(each.name for each in results)
    ways = [way for way in WAYS if any(each.direction == way for each in results)]
    attacks = figures.unique(each.attack for each in results)
    rivals = [attack for attack in attacks if attack not in (PAPER, OURS, CEILING)]
    looks = {attack: (colour, "o") for attack, colour in EMPHASISED.items()}
    looks |= {attack: OTHERS[at % len(OTHERS)] for at, attack in enumerate(rivals)}
    # Drawn last, so that nothing lies over them.
    order = [*rivals, *(attack for attack in (CEILING, PAPER, OURS) if attack in attacks)]
    with mpl.rc_context(STYLE):
        size = (1 + 4.3 * len(ways), 0.9 + 3.1 * len(victims))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(victims), len(ways), squeeze=False, sharey="row")
        for row, victim in zip(panels, victims, strict=True):
            for axes, way in zip(row, ways, strict=True):
                for attack in order:
                    chosen = figures.select(results, victim, attack, way)
                    if chosen and attack == CEILING:
                        _ceiling(axes, chosen)
                    elif chosen:
                        _curve(axes, chosen, *looks[attack], shaded=attack in EMPHASISED)
                _dress(axes, victim, way, results)
                axes.set_visible(axes.has_data())
            row[0].set_ylabel("RGO")
            row[0].set_ylim(bottom=0)  # of both: once all is drawn, or it stays as it is now
        figure.supxlabel("queries (dashed: a search of its own for each budget)", fontsize=10)
        held = dict[str, Any]()
        for axes in panels.flat:
            lines, labels = axes.get_legend_handles_labels()
            held |= dict(zip(labels, lines, strict=True))
        named = [attack for attack in reversed(order) if attack in held]
        figure.legend(
            [held[attack] for attack in named],
            named,
            loc="outside upper center",
            ncols=min(len(named), 5),
            frameon=False,
        )
        figure.savefig(path, dpi=150)


def _curve(axes: Axes, results: Sequence[Result], colour: str, mark: str, *, shaded: bool) -> None:
    """Draw an attack: its curve where one run has every budget, a mark a budget where not."""
    once = len({each.queries for each in results}) == 1
    if once:
        longest = results[0].queries
        queries = np.array(grid(longest))
        by_picture = figures.per_picture(results, lambda each: np.array(each.curve))
        found = [figures.mean(values) for values in np.array(list(by_picture.values())).T]
        dots = [int(np.searchsorted(GRID, at.queries)) for at in results[0].checkpoints]
    else:
        budgets = sorted({each.queries for each in results})
        queries = np.array(budgets)
        found = [figures.measured(_at(results, at), at, "rgo") for at in budgets]
        dots = list(range(len(budgets)))
    axes.plot(
        queries,
        [each.value for each in found],
        color=colour,
        label=results[0].attack,
        linewidth=2.2 if shaded else 1.3,
        linestyle="-" if once else (0, (4, 1.5)),
        marker=mark,
        markersize=5 if shaded else 4,
        markevery=dots,
    )
    if shaded:
        low, high = ([getattr(each, end) for each in found] for end in ("low", "high"))
        axes.fill_between(queries, low, high, color=colour, alpha=0.15, linewidth=0)


def _ceiling(axes: Axes, results: Sequence[Result]) -> None:
    steps = max(each.queries for each in results)
    top = figures.measured(_at(results, steps), steps, "rgo").value
    axes.axhline(top, color=INK, linestyle=":", linewidth=1.3, label=CEILING)
    axes.annotate(
        f"white box, {steps:,} steps",
        (0, top),
        (4, -4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        verticalalignment="top",
        fontsize=8.5,
    )


def _dress(axes: Axes, victim: str, way: str, results: Sequence[Result]) -> None:
    pictures = {e.picture for e in results if e.name == victim and e.direction == way}
    axes.set_title(f"{victim}: {len(pictures)} {WAYS[way]}", loc="left")
    axes.set_xscale("log")
    axes.set_xlim(*EDGES)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.8)


def _at(results: Sequence[Result], queries: int) -> list[Result]:
    return [each for each in results if each.at(queries)]
