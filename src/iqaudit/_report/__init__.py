"""The page: one self-contained HTML file, made from the disk alone.

Figures come from `iqaudit._analysis`; here they are worded, placed and drawn.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from iqaudit._analysis.tables import leaderboard
from iqaudit._core.paths import holds, refuse_to_replace
from iqaudit._core.threat import sentence
from iqaudit._report import figures, leaderboards
from iqaudit._report.page import page
from iqaudit._runs import schema
from iqaudit._runs.store import exclusive, write_whole, writing
from iqaudit.attacks._retouch import edits_text

__all__ = ["write_comparison", "write_report"]


def write_report(path: str | os.PathLike[str]) -> Path:
    """Write report.html into the directory of a run or of an audit, and return its path.

    An audit's cells that have no results yet are named, and the others shown.

    Parameters
    ----------
    path : path
        The directory.

    Raises
    ------
    InputError
        If the directory holds neither, no cell has results, a picture is gone, or the page cannot
        be written.
    """
    path = Path(path)
    view = page(path)  # which says so where there is no such folder
    with writing(path), exclusive(path):
        return _write(path / schema.REPORT, "report.html.j2", view)


def write_comparison(
    paths: Sequence[str | os.PathLike[str]],
    file: str | os.PathLike[str],
    by: str = leaderboard.DEFAULT,
) -> Path:
    """Write leaderboards of runs' and audits' victims as a page, and return its path.

    Parameters
    ----------
    paths : sequence of path
        Runs and audits.
    file : path
        The page.
    by : str
        The measure that victims are sorted by.

    Raises
    ------
    InputError
        If a path is no run, there is no such measure, or another file than such a page is there.
    """
    sign = holds(b"<title>iqaudit: leaderboard</title>")
    refuse_to_replace(Path(file), "the page of leaderboards", sign)
    return _write(Path(file), "comparison.html.j2", leaderboards.view(paths, by))


def _write(file: Path, template: str, view: Mapping[str, Any]) -> Path:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("iqaudit._report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("figure", "percent", "prose", "estimate"):
        environment.filters[name] = getattr(figures, name)
    environment.filters["threat"] = sentence
    environment.filters["edits_text"] = edits_text
    html = environment.get_template(template).render(view)
    return write_whole(file, html.encode())
