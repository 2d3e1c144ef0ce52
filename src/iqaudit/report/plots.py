"""The report's drawings: SVG whose colours are the page's, so that light and dark both fit."""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

# Colours that stand for the page's variables, and are put in their place once drawn.
INK, FAINT, ACCENT = "#010203", "#040506", "#070809"
VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", ACCENT: "var(--accent)"}

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, and readable by machines and screen readers
    "svg.hashsalt": "iqaudit",  # the same run draws the same bytes
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


def curve(trace: Sequence[Sequence[Any]], queries: int) -> str:
    """Draw the native score against queries.

    Parameters
    ----------
    trace : sequence of (query, score)
        The accepted steps; the clean picture first.
    queries : int
        Where the trial ended.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    numbers = [query for query, _ in trace] + [queries]
    scores = [score for _, score in trace] + [trace[-1][1]]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 2.6), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(scores[0], color=FAINT, linestyle="--", linewidth=1)
        axes.step(numbers, scores, where="post", color=ACCENT, linewidth=1.8)
        axes.set_xscale("log")
        axes.set_xlim(1, max(queries, 2))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter("")
        axes.set_xlabel("queries")
        axes.set_ylabel("score")
        axes.annotate(
            "clean", (1, scores[0]), (4, 3), textcoords="offset points", color=INK, fontsize=9
        )
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(buffer.getvalue())


def _for_page(svg: str) -> str:
    """Cut an SVG document down to its element, in the page's colours and fonts."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    return re.sub(r"font: ([\d.]+px)[^;\"]*", r"font: \1 system-ui, sans-serif", svg)
