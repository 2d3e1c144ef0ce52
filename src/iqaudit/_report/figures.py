"""Numbers of the page: as text, and as CSV in a link."""

import base64
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from markupsafe import Markup

from iqaudit._analysis.tables.csv_text import csv_text
from iqaudit._core.wording import number
from iqaudit.measures._bootstrap import NOTHING, Estimate

NONE = "–"


def figure(value: float | None, form: str = ".3f") -> str:
    """Format a figure, with a true minus; a dash where there is none."""
    if value is None:
        return NONE
    return number(value, form).replace("-", "−")


def prose(text: str) -> str:
    """Give the negative numbers of a sentence a true minus."""
    return re.sub(r"(?<![\w.-])-(?=\d)", "−", text)


def percent(value: float | None) -> str:
    """Format a share."""
    return NONE if value is None else f"{figure(100 * value, '.0f')} %"


def estimate(of: Estimate | None, form: str = ".3f") -> Markup:
    """Format a figure with its interval behind it, smaller."""
    of = of or NOTHING
    value = Markup('<span class="n">{}</span>').format(figure(of.value, form))
    ends = interval(of, form)
    return value + Markup(' <small class="iv">{}</small>').format(ends) if ends else value


def interval(of: Estimate, form: str) -> str:
    """Format an estimate's interval; empty where there is none."""
    if of.low is None or of.high is None:
        return ""
    return f"{figure(of.low, form)} to {figure(of.high, form)}"


def csv_url(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows, a head first, as the address of a CSV file that a link carries in itself.

    An estimate takes three columns, whose heads are those of `spread`.
    """
    parts = ((numbers(each) if isinstance(each, Estimate) else (each,) for each in r) for r in rows)
    text = csv_text(map(chain.from_iterable, parts))
    encoded = base64.b64encode(text.encode()).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{encoded}"


def spread(name: str) -> tuple[str, str, str]:
    """Return the heads of an estimate's three columns."""
    return name, f"{name}_low", f"{name}_high"


def numbers(of: Estimate) -> tuple[float | None, ...]:
    """Return an estimate's three columns."""
    return of.value, of.low, of.high
