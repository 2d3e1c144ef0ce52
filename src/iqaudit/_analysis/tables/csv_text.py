"""CSV of figures and names that a spreadsheet can open: no text of a data set is a formula there.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, and a formula can read
other cells and open addresses. So such a text gets an apostrophe before it, which says "text" to a
spreadsheet; numbers stay as they are.
"""

import csv
import unicodedata
from collections.abc import Iterable
from io import StringIO
from typing import Any

from iqaudit._core.errors import printable

FORMULA = tuple("=+-@")
"""What a formula begins with."""


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows, a head first, as CSV: an empty field for None, numbers in full."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows(map(_cell, row) for row in rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = printable(value)
    # Full-width signs and blanks before a sign count too: some spreadsheets take them for it.
    begins = unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA)
    return f"'{text}" if begins else text
