"""CSV: text stays text where a spreadsheet opens it, figures stay figures."""

import csv
from io import StringIO

import pytest

from iqaudit._analysis.tables.csv_text import csv_text

FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", " =1", "\r=1", "\u00a0@x", "\uff1d1+1", "-"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_stands_as_a_formula(text: str) -> None:
    (cell,) = next(csv.reader(StringIO(csv_text([[text]]))))
    assert cell[0] in "'\\"
    assert cell.endswith(text.strip())


@pytest.mark.parametrize("text", ["a-1", "a=b", "it's", "1-2", "é", '"', "a,b", ""])
def test_other_text_is_as_it_was(text: str) -> None:
    assert next(csv.reader(StringIO(csv_text([["n", text]])))) == ["n", text]


def test_numbers_are_as_they_were_in_full() -> None:
    assert csv_text([["a", "b"], [-1.5, None], [-0.1 - 0.2, 10**17]]) == (
        "a,b\n-1.5,\n-0.30000000000000004,100000000000000000\n"
    )


def test_a_text_is_one_printable_line() -> None:
    assert csv_text([["a\nb\x1b[2J\udce9"]]) == "a\\nb\\x1b[2J\\xe9\n"
