"""Retouching: edits that stay edits, in a threat that is in no row with an ε."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.audits import rough, uneven
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import InputError
from iqaudit._core.threat import Retouching
from iqaudit._runs.schema import load, load_audit
from iqaudit._search.driver import SearchSpec
from iqaudit.attacks import Guided, Retouch
from iqaudit.attacks._retouch import EDITS, STAR, TOGETHER, edits_text, retouched
from iqaudit.victims._spec import VictimSpec

LOWS = [edit.low for edit in EDITS]


def alone(name: str, value: float) -> np.ndarray:
    return np.array([value if edit.name == name else 0.0 for edit in EDITS])


def test_no_edit_changes_no_pixel(make_picture: MakePicture) -> None:
    picture = make_picture(20, 30)
    assert np.array_equal(retouched(picture, np.zeros(len(EDITS))), picture)


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("exposure", lambda image: image.mean()),
        ("gamma", lambda image: -image.mean()),
        ("contrast", lambda image: image.std()),
        ("saturation", lambda image: np.ptp(image, axis=-1).mean()),
        ("white balance", lambda image: (image[..., 0] - image[..., 2]).mean()),
        ("sharpening", lambda image: np.abs(np.diff(image, axis=1)).mean()),
        ("denoising", lambda image: -np.abs(np.diff(image, axis=1)).mean()),
    ],
)
def test_an_edit_does_what_it_is_called(
    name: str, measured: Callable[[np.ndarray], float], make_picture: MakePicture
) -> None:
    soft = (100 + (make_picture(40, 50).astype(int) - 127) // 3).astype(np.uint8)
    [low] = [edit.low for edit in EDITS if edit.name == name]
    sizes = [
        measured(retouched(soft, alone(name, value)).astype(float)) for value in (low, low / 2, 1)
    ]
    before = measured(soft.astype(float))
    assert sizes[2] > before
    assert sizes[0] <= before
    assert bool(sizes[0] < sizes[1] < before) is (low < 0)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.floats(-1, 1), st.integers(1, 40), st.integers(1, 40))
@example(0, 1, 8, 2)
def test_a_turned_or_cut_picture_shows_nothing_from_outside(
    crop: float, rotation: float, height: int, width: int
) -> None:
    """A flat picture stays flat to its corners; what is shown of a ramp lies within it."""
    values = alone("crop", crop) + alone("rotation", rotation)
    flat = np.full((height, width, 3), 201, np.uint8)
    assert (np.abs(retouched(flat, values).astype(int) - 201) <= 1).all()
    ramp = np.broadcast_to(np.linspace(50, 200, width)[:, None], (height, width, 3))
    shown = retouched(ramp.astype(np.uint8), values)
    assert shown.min() >= 48
    assert shown.max() <= 202


def test_what_is_tried_first_is_each_edit_alone_each_way() -> None:
    ways = {(index, np.sign(size)) for index, size in STAR}
    assert len(ways) == len(STAR) == sum(2 if low < 0 else 1 for low in LOWS)


def test_a_search_finds_the_edits_that_help(make_picture: MakePicture) -> None:
    """Of a scorer that likes bright and warm: farther than both at their bounds."""
    soft = (100 + (make_picture(20, 24).astype(int) - 127) // 6).astype(np.uint8)
    victim = iqaudit.victims.Function(
        lambda batch: batch[..., 0].mean((1, 2)) - 0.2 * batch[..., 2].mean((1, 2)),
        iqaudit.Scale(80, 40),
    )
    [best] = iqaudit.attack(soft, victim, attack="retouch", goal="raise", queries=60)
    both = retouched(soft, alone("exposure", 1) + alone("white balance", 1))
    assert best.adversarial_score > np.asarray(victim.score(both[None]))[0]
    tried = best.scores[: 1 + len(STAR) + len(TOGETHER)]
    assert best.adversarial_score > tried.max(), "the random search goes on from there"


def test_the_edits_of_the_attacked_picture_are_recorded_and_verified(tmp_path: Path) -> None:
    """Of the best answer, be it one that an attack did not keep; they make its pixels again."""
    victim = iqaudit.victims.Function(
        lambda batch: batch[..., 0].mean((1, 2)) - 0.2 * batch[..., 2].mean((1, 2)),
        iqaudit.Scale(80, 40),
    )
    run, attack = tmp_path / "run", Retouch(0.7)
    done = iqaudit.audit([victim], uneven(2), [attack], queries=30, out=run, analyses=False)
    [folder] = [each.parent for each in run.glob("*/results.json")]
    record = load(folder)
    for entry, result in zip(record.pictures, done.results(), strict=True):
        assert entry.edits == result.edits
        assert entry.edits, "something helps this scorer"
        most = {edit.name: edit.most * 0.7 for edit in EDITS}
        values = np.array([entry.edits.get(edit.name, 0) / most[edit.name] for edit in EDITS])
        again = retouched(result.picture.pixels, values, 0.7)
        assert np.abs(again.astype(int) - result.adversarial).max() <= 1  # sizes are rounded once
        assert edits_text(entry.edits) in done.report().read_text("utf-8")
    assert not [check.wrong for check in done.verify() if check.wrong]
    file = folder / "results.json"
    text = json.loads(file.read_text("utf-8"))
    text["pictures"][0]["edits"]["exposure"] = 0.123
    del text["checksum"]
    file.write_text(json.dumps(text), "utf-8")
    found = [
        each
        for check in iqaudit.Audit(run, [VictimSpec.of(victim)]).verify()
        for each in check.wrong
    ]
    assert "the edits are not those of the attacked picture" in found


def test_an_attack_that_names_no_edits_records_none(tmp_path: Path) -> None:
    iqaudit.attack(uneven(1), rough(), attack="square", queries=4, out=tmp_path / "run")
    assert "edits" not in json.loads((tmp_path / "run/results.json").read_text())["pictures"][0]


def test_it_is_in_no_row_with_an_epsilon(tmp_path: Path) -> None:
    """One cell whatever the levels, told from theirs in records, tables, boards, pairs, curves."""
    done = iqaudit.audit(
        [rough()],
        uneven(4),
        ["bidirectional", "retouch", "random"],
        out=tmp_path / "audit",
        levels=[2, 3],
        queries=40,
        analyses=False,
    )
    record = load_audit(tmp_path / "audit")
    assert [(cell.attack, cell.levels) for cell in record.cells] == [
        *(("bidirectional", levels) for levels in (2, 3)),
        ("retouch", 0),
        *(("random", levels) for levels in (2, 3)),
    ]
    rows = done.table().rows
    [own] = [row for row in rows if row.attack == "retouch"]
    assert (own.values["linf"].value or 0) > 3
    assert all((row.group == own.group) is (row is own) for row in rows)
    assert {each.levels for each in done.compare_attacks()} == {2, 3}
    shares = {(each.attack, each.levels) for each in done.optimality()}
    assert {attack for attack, levels in shares if levels == 0} <= {"retouch"}
    for board in iqaudit.compare([tmp_path / "audit"]):
        assert board.levels or board.attack == "retouch"
    assert not [each.wrong for each in done.verify() if each.wrong]
    assert "retouching" in done.table().to_text("csv", ["rgo"])
    page = done.report().read_text("utf-8")
    assert "Retouching, within natural bounds" in page
    assert "0 of 255 levels" not in page
    assert "0/255" not in page


def test_a_page_of_retouching_alone_says_so(tmp_path: Path) -> None:
    iqaudit.attack(uneven(2), rough(), attack="retouch", queries=20, out=tmp_path / "run")
    page = iqaudit.Audit(tmp_path / "run").report().read_text("utf-8")
    assert "Retouching moves the scores" in page
    assert json.loads((tmp_path / "run/results.json").read_text())["levels"] == 0


def test_other_attacks_do_not_retouch() -> None:
    with pytest.raises(InputError, match="needs an ε"):
        SearchSpec(rough(), Guided(), Retouching())
    assert isinstance(SearchSpec(rough(), Retouch()).threat, Retouching)


@pytest.mark.parametrize("strength", [0, 2.5, float("nan")])
def test_a_strength_beyond_what_people_do_is_refused(strength: float) -> None:
    with pytest.raises(InputError, match="strength lies in"):
        Retouch(strength)
