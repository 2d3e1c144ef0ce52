"""Arguments from Python: one value will do for a list, and a wrong one is said in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.audits import Cell, brightness, rough, uneven, write_audit

import iqaudit
from iqaudit import InputError
from iqaudit.testing import Recording

PICTURES = uneven(10)
OURS: dict[str, Any] = {"score_range": (0, 255)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = {"a": Cell(rough(), queries=4), "b": Cell(rough(), "square", 4)}
    return write_audit(tmp_path_factory.mktemp("a") / "run", cells)


def calibrated(opinions: Any) -> iqaudit.Scale:
    return iqaudit.calibrate(brightness, PICTURES, opinions=opinions, **OURS)


def test_one_stands_for_a_list_of_one(run: Path) -> None:
    audit, measure = iqaudit.load(run), "rgo"
    boards = iqaudit.compare([run], measures=[measure])
    for path in (run, str(run)):
        one: Any = path
        assert iqaudit.compare(one, measures=measure) == boards
    rule: Any = "rgo > 2"
    assert audit.gate(rule) == audit.gate([rule])
    assert audit.table().to_text("csv", "rgo") == audit.table().to_text("csv", ["rgo"])
    folder = iqaudit.datasets.load(run / "a" / "clean")
    name = folder.samples[0].name
    assert iqaudit.datasets.subset(folder, name) == iqaudit.datasets.subset(folder, [name])


def test_one_victim_and_one_defence_are_compared(tmp_path: Path) -> None:
    median, victim, how = iqaudit.defences.Median(3), rough(), {"queries": 2, "attacks": "square"}
    one: dict[str, Any] = {"defences": median, "victims": victim, "data": uneven(2), **how}
    several = one | {"defences": [median], "victims": [victim]}
    tables = [
        iqaudit.compare_defences(tmp_path / name, **said)
        for name, said in (("one", one), ("several", several))
    ]
    assert tables[0].to_dict() == tables[1].to_dict()


def test_one_victim_is_transferred_to_by_its_string(run: Path) -> None:
    one: Any = "no-victim:x"
    with pytest.raises(InputError, match='There is no victim called "no-victim"'):
        iqaudit.transfer(run, one)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "load": (lambda _: iqaudit.load(3), "A path is a text or a pathlib.Path, not 3"),  # type: ignore[arg-type]
    "load bytes": (lambda _: iqaudit.load(b"run"), "A path is .*, not this bytes"),  # type: ignore[arg-type]
    "load list": (lambda run: iqaudit.load([run]), "A path is .*, not this list"),  # type: ignore[arg-type]
    "read": (lambda _: iqaudit.read(3), "A path is"),  # type: ignore[arg-type]
    "write": (
        lambda run: iqaudit.write(run.parent / "x.png", np.zeros((3, 3), np.uint8)),
        "x.png: a picture is a uint8 array",
    ),
    "export": (lambda run: iqaudit.load(run).export(csv=3), "A path is"),  # type: ignore[arg-type]
    "compare": (lambda _: iqaudit.compare(3), "A path is"),  # type: ignore[arg-type]
    "gate": (lambda run: iqaudit.load(run).gate(3), '"3" is no rule'),  # type: ignore[arg-type]
    "by": (lambda run: iqaudit.compare([run], 3), 'no measure called "3"'),  # type: ignore[arg-type]
    "transfer": (lambda run: iqaudit.transfer(run, 3), "A victim is a string here"),  # type: ignore[arg-type]
    "Target": (lambda _: iqaudit.Target("x"), "A target must be a number, not this text"),  # type: ignore[arg-type]
    "Scale": (lambda _: iqaudit.Scale("x", 1), "The scale's center must be a number"),  # type: ignore[arg-type]
    "range": (
        lambda _: iqaudit.Scale.from_range(None, 1),  # type: ignore[arg-type]
        "An end of a score range must be a number, not None",
    ),
    "scale": (
        lambda _: iqaudit.victims.as_victim(brightness, scale=3),
        "scale is a Scale, or a file of one, not 3",
    ),
    "price": (
        lambda _: iqaudit.check(brightness, PICTURES[:1], price="x", **OURS),  # type: ignore[arg-type]
        "price must be a number",
    ),
    "stop": (
        lambda _: iqaudit.attack(PICTURES[:1], brightness, early_stop="x", **OURS),  # type: ignore[arg-type]
        "An RGO to stop at must be a number",
    ),
    "measures": (lambda _: iqaudit.measures.rgo(["a"], ["b"]), "Scores are numbers"),
    "fewer": (lambda _: calibrated([1, 2, 3]), "here are 3 opinion scores for 10 pictures"),
    "more": (lambda _: calibrated(np.arange(12)), "here are 12 opinion scores for 10 pictures"),
    "texts": (lambda _: calibrated(["good"] * 10), "An opinion score must be a number"),
    "rows": (lambda _: calibrated(np.ones((10, 2))), "An opinion score must be a number"),
    "none": (lambda _: calibrated([None] * 10), "An opinion score must be a number, not None"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_used_is_said(what: str, run: Path) -> None:
    call, sentence = WRONG[what]
    with pytest.raises(InputError, match=sentence):
        call(run)


def test_opinion_scores_are_refused_before_a_query() -> None:
    victim = Recording(brightness, **OURS)
    with pytest.raises(InputError, match="one opinion score"):
        iqaudit.calibrate(victim, PICTURES, opinions=[1.0, 2.0])
    assert victim.pictures == []


def test_an_opinion_range_is_two_numbers(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("image,mos\n" + "".join(f"{each}.png,{each}\n" for each in range(10)))
    ends: Any = 5
    with pytest.raises(InputError, match="two numbers, worst and best, not 5"):
        iqaudit.datasets.load(table, opinion_range=ends)
