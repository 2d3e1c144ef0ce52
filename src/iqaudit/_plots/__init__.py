"""Figures for papers: drawn by matplotlib from what `iqaudit._analysis` tells, the numbers beside.

Nothing is computed here. The same run is the same bytes, with the same matplotlib.
"""

import os
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from iqaudit._analysis.tables.catalogue import Measure
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.csv_text import csv_text
from iqaudit._core.errors import InputError, refuse_unless, unknown
from iqaudit._core.paths import begins, holds, refuse_to_replace
from iqaudit._plots.contents import KINDS, Contents
from iqaudit._runs.store import write_whole

__all__ = ["KINDS", "beside", "plot"]

SIGN = "iqaudit plot"
"""What made a figure, in its file: such a one is replaced, and no other."""

METADATA: Mapping[str, Mapping[str, str | None]] = {
    ".pdf": {"CreationDate": None, "Creator": SIGN},
    ".svg": {"Date": None, "Creator": SIGN},
    ".png": {"Software": SIGN},
}
"""The kinds of files, and what tells in each when it was made, or by what."""


def plot(
    path: Path,
    cells: Sequence[CellData],
    kind: str,
    out: str | os.PathLike[str] | None,
    *,
    columns: int,
    measure: Measure | None,
) -> Any:
    """Return a figure of a run or an audit; write it and its numbers where a file is named.

    Parameters
    ----------
    path : Path
        The directory.
    cells : sequence of CellData
        The cells that are drawn.
    kind : str
        One of `KINDS`.
    out : path or None
        A PDF, SVG or PNG file; the numbers go beside it, as CSV.
    columns : int
        Of a paper's page that the figure is as wide as.
    measure : Measure, optional
        What a curve is of; by what a price is told.

    Raises
    ------
    InputError
        If there is nothing to draw, the file's kind is unknown, it or its neighbour is there and
        no plot's, or matplotlib is not installed.
    """
    if kind not in KINDS:
        raise unknown("kind of plot", kind, KINDS)
    refuse_unless(columns in (1, 2), "A figure is 1 or 2 columns wide", columns)
    file = None if out is None else Path(out)
    if file is not None:
        _refuse_to_replace(file)
    try:
        from iqaudit._plots import drawing  # takes a second to load
    except ImportError:
        raise InputError('Plots are drawn by matplotlib: pip install "iqaudit[plot]".') from None
    shown: Contents = KINDS[kind](path, cells, measure)
    figure = drawing.drawn(shown, columns)
    if file is not None:
        content = BytesIO()
        suffix = file.suffix.lower()
        drawing.save(figure, content, suffix[1:], METADATA[suffix])
        rows = [("plot", *shown.heads), *((kind, *row) for row in shown.rows)]
        write_whole(beside(file), csv_text(rows).encode())
        write_whole(file, content.getvalue())
    return figure


def beside(file: Path) -> Path:
    """Return the file of a plot's numbers."""
    return file.with_suffix(".csv")


def _refuse_to_replace(file: Path) -> None:
    """Refuse a name that no plot can have, or under which or beside which something else lies."""
    if file.suffix.lower() not in METADATA:
        raise InputError(f"{file}: plots are {', '.join(METADATA)}; name one so.")
    refuse_to_replace(file, "the plot", holds(SIGN.encode()))
    refuse_to_replace(beside(file), "the plot's numbers", begins(b"plot,"))
