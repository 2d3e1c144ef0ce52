"""The gate: rules, what breaks them, and the JUnit file that CI reads."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from iqaudit import InputError
from iqaudit._analysis.tables import catalogue, gate, tables
from iqaudit._analysis.tables.cells import load
from iqaudit._analysis.tables.gate import Judgement
from iqaudit._analysis.tables.tables import Table, TableRow
from iqaudit.measures._bootstrap import Estimate


def row(cell: str, **values: Estimate) -> TableRow:
    return TableRow(cell, "v", "a", None, 3, "raise", 9, 8, 0, 0, values)


def judged(rule: str, **values: Estimate) -> Judgement:
    parsed = gate.parse(rule)
    (found,) = gate.judge(Table((parsed.measure,), (row("cell", **values),)), [parsed])
    return found


@pytest.mark.parametrize(
    ("rule", "failed"),
    [
        ("rgo > 0.3", True),
        ("rgo>0.4", False),
        ("rgo >= 0.4", True),
        ("rgo < .4", False),
        ("rgo <= 4e-1", True),
        ("rgo_low > 0.3", False),
        ("rgo_low > 0.2", True),
        ("rgo_high < 0.6", True),
        ("rgo_high < -1", False),
    ],
)
def test_a_rule_fails_where_it_holds(rule: str, *, failed: bool) -> None:
    assert judged(rule, rgo=Estimate(0.4, 0.25, 0.5)).failed is failed


def test_an_infinite_r_is_compared_as_such() -> None:
    assert not judged("r_natural < 2", r_natural=Estimate(float("inf"))).failed


@pytest.mark.parametrize(
    ("rule", "estimate", "sentence"),
    [
        ("srocc_after < 0.5", Estimate(None), "0 of 8 pictures have an opinion score"),
        ("rgo_low > 0.5", Estimate(0.1), "8 pictures give no interval"),
        ("range_gain_raise > 1", Estimate(None), "8 pictures do not tell it"),
    ],
)
def test_a_figure_that_does_not_exist_is_no_pass(
    rule: str, estimate: Estimate, sentence: str
) -> None:
    parsed = gate.parse(rule)
    found = judged(rule, **{parsed.measure.name: estimate})
    assert (found.failed, found.value) == (True, None)
    assert sentence in found.sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rgo", "is no rule"),
        ("rgo = 0.3", "is no rule"),
        ("rgo > much", "is no rule"),
        ("rgo > 1.2.3", "is no rule"),
        ("rgo > 1e999", "is no rule"),
        ("rgoo > 1", 'did you mean "rgo"?'),
        ("xyzzy > 1", "known are: absolute_gain_lower, "),
    ],
)
def test_what_is_no_rule_is_refused_with_the_mend(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        gate.parse(text)
    assert sentence in str(refused.value)


def test_every_measure_and_both_its_ends_can_be_ruled_on() -> None:
    for measure in catalogue.MEASURES:
        for suffix, end in (("", "value"), ("_low", "low"), ("_high", "high")):
            rule = gate.parse(f"{measure.name}{suffix} > 0")
            assert (rule.measure, rule.end) == (measure, end)


def test_junit_has_a_case_a_cell_and_rule() -> None:
    rules = [gate.parse(text) for text in ("rgo > 0.3", "srocc_after < 0")]
    rows = (
        row("one", rgo=Estimate(0.4), srocc_after=Estimate(None)),
        row("two", rgo=Estimate(0.1), srocc_after=Estimate(0.5)),
    )
    found = gate.judge(Table((), rows), rules, missing=["three & more"])
    root = ET.fromstring(gate.junit(found))  # noqa: S314 (our own)
    assert root.attrib | {"tests": "6", "failures": "1", "errors": "3"} == root.attrib
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert len(cases) == 6
    failure = cases["one", "rgo > 0.3"].find("failure")
    assert failure is not None
    assert failure.get("message") == "RGO is 0.4 (8 pictures)."
    assert cases["one", "srocc_after < 0"].find("error") is not None
    assert cases["two", "rgo > 0.3"].find("failure") is None
    assert cases["three & more", "rgo > 0.3"].find("error") is not None


def _of(attack: str, rgo: float | None, *, ranked: bool = True) -> TableRow:
    values = {"rgo": Estimate(rgo)}
    return TableRow(
        f"v--{attack}", "v", attack, None, 3, "raise", 9, 8, 0, 0, values, ranked=ranked, group="v"
    )


@pytest.mark.parametrize(
    ("rule", "attack", "failed"), [("rgo > 0.3", "guided", True), ("rgo < 0.1", "weak", True),
                                   ("rgo > 0.5", "guided", False)]
)  # fmt: skip
def test_a_victim_is_judged_once_by_the_worst_of_its_attacks_which_is_named(
    rule: str, attack: str, *, failed: bool
) -> None:
    rows = (_of("weak", 0.04), _of("guided", 0.47))
    (found,) = gate.judge(Table((), rows), [gate.parse(rule)])
    assert (found.cell, found.attack, found.failed) == ("v", attack, failed)
    assert f"RGO by {attack}, the worst of 2 attacks, is " in found.sentence


@pytest.mark.parametrize("doubtful", [_of("pgd", None), _of("pgd", 0.0, ranked=False)])
def test_an_attack_that_tells_nothing_is_no_pass_beside_one_that_does(doubtful: TableRow) -> None:
    rows = (_of("guided", 0.1), doubtful)
    (found,) = gate.judge(Table((), rows), [gate.parse("rgo > 0.3")])
    assert (found.attack, found.failed) == ("pgd", True)


def test_unfinished_pictures_are_told(tmp_path: Path) -> None:
    from tests.support.audits import Cell, edit, rough

    run = Cell(rough(), queries=4).write(tmp_path / "run")
    edit(run, lambda record: record["pictures"][0].update(outcome="interrupted"))
    rule = gate.parse("rgo > 2")
    (found,) = gate.judge(tables.table(load(run)), [rule])
    assert "(5 pictures, 1 not finished, 95 % interval" in found.sentence
