"""Rules against a baseline run: by pairs over the pictures of both, and refused where unlike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner
from tests.support.audits import OPINIONS, Score, edit, function, uneven, write_run
from tests.support.scorers import roughness

import iqaudit
from iqaudit import InputError
from iqaudit._analysis.tables import baseline, catalogue
from iqaudit._analysis.tables.cells import CellData, load
from iqaudit._analysis.tables.gate import Judgement, parse
from iqaudit._cli import main
from iqaudit.measures._bootstrap import mean, paired


def firmer(pictures: np.ndarray) -> np.ndarray:
    """Score as `roughness`, at half its pace."""
    return 5 + roughness(pictures) / 2


def run(path: Path, score: Score = roughness, *, places: Sequence[int] = range(6),
        high: float = 20, **settings: Any) -> Path:  # fmt: skip
    pictures, opinions = uneven(), OPINIONS
    victim = function(score, 0, high)
    victim.card = victim.card.__class__("v", victim.card.scale)
    chosen = [pictures[place] for place in places]
    held = [opinions[place] for place in places]
    return write_run(path, victim, chosen, opinions=held, **{"queries": 40} | settings)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    return {
        "weak": run(root / "weak", seed=1),
        "weak-2": run(root / "weak-2", seed=2),
        "firm": run(root / "firm", firmer, places=(4, 2, 0, 3, 1)),
        "firm-2": run(root / "firm-2", firmer, places=(4, 2, 0, 3, 1), seed=2),
        "levels": run(root / "levels", threat=iqaudit.Linf(5), places=(0, 1)),
        "budget": run(root / "budget", queries=30, places=(0, 1)),
        "scale": run(root / "scale", high=30, places=(0, 1)),
        "square": run(root / "square", attack="square", places=(0, 1)),
    }


def cells(folders: dict[str, Path], *names: str) -> list[CellData]:
    return [cell for name in names for cell in load(folders[name])]


def only(found: Sequence[Judgement]) -> Judgement:
    (one,) = found
    return one


def test_a_difference_is_of_the_pictures_of_both_with_seeds_averaged_within_each(
    folders: dict[str, Path],
) -> None:
    here, there = cells(folders, "weak", "weak-2"), cells(folders, "firm", "firm-2")
    names = [f"picture-{place + 1}" for place in (0, 1, 2, 3, 4)]

    def averaged(seeds: Sequence[CellData]) -> list[float]:
        rows = [{each.figures.name: each.figures.rgo for each in one.pictures} for one in seeds]
        return [float(np.mean([row[name] for row in rows])) for name in names]

    due = paired(mean, [averaged(here)], [averaged(there)]).difference
    assert due.value is not None
    assert due.low is not None
    for suffix, end in (("", due.value), ("_low", due.low), ("_high", due.high)):
        found = only(baseline.judge(here, there, [parse(f"rgo{suffix} > baseline + 0.05")]))
        assert found.value is not None
        assert found.value == pytest.approx(end, abs=1e-12)
        assert found.failed is (found.value > 0.05)
    assert due.low > 0, "the firmer victim is no firmer, so the test shows nothing"
    assert "over 5 pictures that both runs have, of 6, 2 and 2 seeds" in found.sentence
    assert "above the baseline's" in found.sentence


def test_by_every_measure_a_run_is_no_worse_than_itself(folders: dict[str, Path]) -> None:
    here = cells(folders, "weak")
    rules = [parse(f"{measure.name} > baseline") for measure in catalogue.MEASURES]
    known = set()
    for found in baseline.judge(here, here, rules):
        if found.value is None:
            assert found.failed, found.sentence
            assert "cannot be compared" in found.sentence
        else:
            assert (found.value, found.failed) == (0, False), found
            known.add(found.rule.measure.name)
    assert known >= {"rgo", "srocc_after", "plcc_change", "energy_raise", "ssim", "linf", "unmoved"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("levels", "changes of 3/255 here and 5/255 there"),
        ("budget", "40 queries a picture here and 30 queries a picture there"),
        ("scale", "S = 4, range 0 to 20 here and C = 15, S = 6, range 0 to 30 there"),
        ("square", "The baseline has no bidirectional on this victim."),
    ],
)  # fmt: skip
def test_what_is_unlike_is_refused_and_said(
    folders: dict[str, Path], name: str, sentence: str
) -> None:
    rule = parse("rgo > baseline + 9")
    found = only(baseline.judge(cells(folders, "weak"), cells(folders, name), [rule]))
    assert (found.failed, found.value) == (True, None)
    assert sentence in found.sentence


def test_runs_without_a_picture_in_common_fail(folders: dict[str, Path], tmp_path: Path) -> None:
    one = run(tmp_path / "one", places=(5,))
    found = only(baseline.judge(load(one), cells(folders, "firm"), [parse("rgo > baseline + 9")]))
    assert (found.failed, found.value) == (True, None)
    assert "no picture is in both runs" in found.sentence


def test_opinions_that_differ_are_no_pair(folders: dict[str, Path], tmp_path: Path) -> None:
    other = run(tmp_path / "run")
    edit(other, lambda record: record["pictures"][0].update(opinion=9.0))
    rule = parse("srocc_after < baseline - 1")
    found = only(baseline.judge(cells(folders, "weak"), load(other), [rule]))
    assert "over 4 pictures that both runs have, of 6" in found.sentence


def test_another_version_of_the_attack_is_told(folders: dict[str, Path], tmp_path: Path) -> None:
    older = run(tmp_path / "run", seed=1)
    edit(older, lambda record: record["versions"].update(iqaudit="0.0.9"))
    rule = [parse("rgo > baseline")]
    found = only(baseline.judge(cells(folders, "weak"), load(older), rule))
    assert f"made by iqaudit 0.0.9, this by {iqaudit.__version__}" in found.sentence
    assert "made by" not in only(baseline.judge(load(older), load(older), rule)).sentence


def test_the_only_victims_are_compared_under_two_names(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    victim = function(roughness, 0, 20)
    renamed = write_run(tmp_path / "run", victim, uneven(), queries=40)
    found = only(baseline.judge(load(renamed), cells(folders, "weak"), [parse("rgo > baseline")]))
    assert (found.value, found.failed) == (0, False)
    assert 'The baseline is of "v".' in found.sentence


@pytest.mark.parametrize(
    ("text", "number"),
    [("rgo > baseline + 0.05", 0.05), ("rgo>baseline-.05", -0.05), ("rgo_low >= baseline", 0)],
)
def test_a_rule_may_name_the_baseline(text: str, number: float) -> None:
    rule = parse(text)
    assert (rule.baseline, rule.number) == (True, number)


@pytest.mark.parametrize("text", ["rgo > baseline 0.05", "rgo > 0.05 + baseline", "rgo > base"])
def test_no_other_sum_is_a_rule(text: str) -> None:
    with pytest.raises(InputError, match="or the baseline's, as"):
        parse(text)


def test_the_command_says_what_it_compared(folders: dict[str, Path], tmp_path: Path) -> None:
    def gate(*arguments: object) -> tuple[int, str]:
        line = ["tables", folders["weak"], "--quiet", *arguments]
        done = CliRunner().invoke(main, list(map(str, line)))
        return done.exit_code, done.output

    rule, junit = ("--fail-if", "rgo_low > baseline + 0"), tmp_path / "gate.xml"
    code, told = gate(*rule, "--baseline", folders["firm"], "--junit", junit)
    assert (code, "above the baseline's" in told) == (3, True)
    assert "above the baseline's" in junit.read_text("utf-8")
    for wrong, sentence in (
        (rule, "name it, --baseline RUN"),
        (("--baseline", folders["firm"]), "A baseline is for rules that name it"),
        ((*rule, "--baseline", tmp_path / "none"), "there is no audit.json and no results.json"),
        ((*rule, "--baseline", folders["weak"]), "the baseline is the run itself"),
    ):
        code, told = gate(*wrong)
        assert (code, told.count("\n")) == (2, 1)
        assert sentence in told


def test_an_older_verdict_does_not_outlive_a_start_that_judges_nothing(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    junit = tmp_path / "gate.xml"
    rule = ["--quiet", "--fail-if", "rgo > 2", "--junit", str(junit)]
    assert CliRunner().invoke(main, ["tables", str(folders["weak"]), *rule]).exit_code == 0
    assert 'errors="0"' in junit.read_text("utf-8")
    assert CliRunner().invoke(main, ["tables", str(tmp_path / "none"), *rule]).exit_code == 2
    (case,) = ET.fromstring(junit.read_text("utf-8")).iter("testcase")  # noqa: S314 (our own)
    error = case.find("error")
    assert error is not None
    assert "nothing was judged" in str(error.get("message"))
