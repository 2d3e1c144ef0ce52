"""Typed settings: what a value must be, and what a text may stand for."""

from pathlib import Path
from typing import Any

import pytest

from iqaudit import InputError
from iqaudit._audit import parse
from iqaudit._audit.settings import DATA, SETTINGS
from iqaudit._core.settings import FILE, FLAG, NUMBER, PAIR, TEXT, WHOLE, Setting, Type
from iqaudit.victims._options import OPTIONS


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (TEXT, "live", "live"),
        (FILE, "a.pt", "a.pt"),
        (NUMBER, 0.5, "0.5"),
        (WHOLE, 3, "3"),
        (PAIR, (0.0, 10.0), "0:10"),
        (FLAG, True, None),
    ],
)
def test_a_value_and_its_text_are_the_same(kind: Type, value: Any, text: str | None) -> None:
    setting = Setting("it", kind, "", "")
    assert setting.read(value, "it takes") == value
    if text is not None:
        assert setting.read(text, "it takes", texts=True) == value


@pytest.mark.parametrize(
    ("kind", "value", "texts"),
    [
        (TEXT, 3, False),
        (NUMBER, True, False),
        (NUMBER, "0.5", False),
        (NUMBER, "half", True),
        (WHOLE, 1.5, False),
        (WHOLE, True, False),
        (WHOLE, "1.5", True),
        (PAIR, (1,), False),
        (PAIR, (False, True), False),
        (PAIR, "1", True),
        (FLAG, 1, False),
        (FLAG, "yes", True),
    ],
)
def test_another_value_is_refused_by_the_names_of_setting_and_type(
    kind: Type, value: Any, *, texts: bool
) -> None:
    with pytest.raises(InputError, match=f"^it takes {kind.word}, not "):
        Setting("it", kind, "", "").read(value, "it takes", texts=texts)


def test_one_value_will_do_where_several_are_taken() -> None:
    levels = SETTINGS["levels"]
    assert levels.read(3, "levels takes") == (3,)
    assert levels.read([2, 3], "levels takes") == (2, 3)
    with pytest.raises(InputError, match="levels is an empty list"):
        levels.read([], "levels takes")


def test_a_file_is_a_text_whatever_names_it() -> None:
    assert OPTIONS["checkpoint"].read(Path("a.pt"), "it is") == "a.pt"


def test_every_setting_has_an_option_of_its_own() -> None:
    rows = [*SETTINGS.values(), *DATA.values(), *OPTIONS.values()]
    options = [row.option for row in rows]
    # An audit's victims have theirs in their strings, so the one of all has the same name.
    assert sorted(options) == sorted([*{*options}, SETTINGS["scale"].option])
    for row in rows:
        assert row.help.endswith(".") or "..." in row.help or "]" in row.help
        assert row.heading


def test_usual_values_are_those_of_an_audit() -> None:
    asked = {"victims": "reference", "data": "csv:scores.csv"}
    usual = {key: row.default for key, row in SETTINGS.items() if row.default is not None}
    assert usual.keys() == {"attacks", "levels", "goals", "seeds", "queries", "fresh"}
    assert parse.audit_spec(asked | usual) == parse.audit_spec(asked)
