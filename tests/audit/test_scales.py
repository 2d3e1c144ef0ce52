"""A scale that nobody knows is fitted to an audit's own clean scores, which are asked for once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support import audited
from tests.support.auditing import ROUGH, contents, iqaudit_, serial
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit import InputError
from iqaudit._assess.calibration import fit_clean
from iqaudit._audit import execute
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.scale import CLEAN, DECLARED, RANGE
from iqaudit._runs.schema import load, load_audit
from iqaudit.victims._spec import VictimSpec

PICTURES, QUERIES = 12, 6

DEFENDED = {"defences": ("bits:4",)}


@pytest.fixture
def many(tmp_path: Path, make_picture: MakePicture) -> AuditSpec:
    """Return an audit of two attacks on twelve pictures, whose scores differ."""
    (tmp_path / "many").mkdir()
    for seed in range(PICTURES):
        picture = make_picture(20, 24, seed)
        soft = (127 + (picture.astype(int) - 127) * (seed + 3) // 16).astype(np.uint8)
        iqaudit.write(tmp_path / "many" / f"p{seed:02}.png", soft)
    return AuditSpec(
        (VictimSpec(ROUGH),),
        Data(pictures=(str(tmp_path / "many"),)),
        attacks=("bidirectional", "random"),
        queries=QUERIES,
    )


def clean_scores(spec: AuditSpec) -> np.ndarray:
    [folder] = spec.data.pictures
    files = sorted(Path(str(folder)).iterdir())
    return np.array([roughness(iqaudit.read(file).pixels[None])[0] for file in files])


def test_c_and_s_are_the_median_and_the_quartiles_of_the_clean_scores(
    tmp_path: Path, many: AuditSpec
) -> None:
    """In the manifest, in every cell, in directions and in RGO; the range stays."""
    cells = serial(many, tmp_path / "run")
    scores = np.sort(clean_scores(many))
    center = (scores[5] + scores[6]) / 2  # of twelve
    quartiles = [
        scores[at] + part * (scores[at + 1] - scores[at]) for at, part in ((2, 0.75), (8, 0.25))
    ]
    [victim] = load_audit(tmp_path / "run").victims
    for scale in (victim.scale, *(load(cell).victim.scale for cell in cells)):
        assert (scale.low, scale.high, scale.basis) == (0, 20, CLEAN)
        assert scale.center == pytest.approx(center)
        assert scale.spread == pytest.approx((quartiles[1] - quartiles[0]) / 1.35)
        assert scale.source == (
            "median and interquartile range / 1.35 of 12 clean scores; declared range 0 to 20"
        )
    record = load(cells[0])
    assert record.summary.raised == PICTURES / 2
    for each in record.pictures:
        z = (np.array([each.clean_score, each.attacked_score]) - center) / victim.scale.spread
        clean, attacked = 10 / (1 + np.exp(-z))
        assert (each.direction == "lower") == (each.clean_score > center)
        assert each.rgo == pytest.approx(abs(attacked - clean) / max(10 - clean, clean))


def test_a_clean_score_is_asked_once_by_all_cells(
    tmp_path: Path, many: AuditSpec, asked: Callable[[], int]
) -> None:
    cells = serial(many, tmp_path / "run")
    queries = sum(load(cell).summary.queries for cell in cells)
    assert queries == 2 * PICTURES * QUERIES
    fingerprint = 2
    assert asked() == queries - PICTURES + fingerprint
    assert not (tmp_path / "run" / "clean.jsonl").exists()


@pytest.mark.parametrize(
    ("after", "flat"), [(4, False), (14, False), (15, False), (13, True), (30, True)]
)
def test_a_start_that_goes_on_asks_nothing_twice_and_comes_to_the_same_bytes(
    after: int,
    flat: bool,  # noqa: FBT001 (a case)
    tmp_path: Path,
    many: AuditSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped within the clean scores, between them and the searches, and within those."""
    spec = replace(many, attacks=("bidirectional",), flat=True) if flat else many
    serial(spec, tmp_path / "whole")
    with audited.stopped(after - 1), pytest.raises(KeyboardInterrupt):
        serial(spec, tmp_path / "run")
    monkeypatch.setenv(audited.LOG, str(tmp_path / "log"))
    serial(spec, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    searches = PICTURES * QUERIES if flat else 2 * PICTURES * QUERIES - PICTURES
    fingerprint = 2
    answered = after - 1 - fingerprint
    assert len(audited.log(str(tmp_path / "log"))) == fingerprint + searches - answered


@pytest.mark.slow
def test_workers_come_to_the_same_bytes(tmp_path: Path, many: AuditSpec) -> None:
    serial(many, tmp_path / "serial")
    execute.run(many, tmp_path / "processes", engine="processes", workers=2)
    assert contents(tmp_path / "processes") == contents(tmp_path / "serial")


def test_a_declared_scale_stays_where_it_is_asked_for(tmp_path: Path, many: AuditSpec) -> None:
    spec = replace(many, victims=(VictimSpec(ROUGH, {"scale": "declared"}),))
    cells = serial(spec, tmp_path / "run")
    scale = load(cells[0]).victim.scale
    assert (scale.center, scale.spread, scale.basis) == (10, 4, DECLARED)
    [cell, _] = iqaudit.load(tmp_path / "run").cells
    span = np.ptp(clean_scores(many))
    assert cell.on_scale == (
        "C = 10, S = 4; declared range 0 to 20, not calibrated. RGO hangs on that range, of which "
        f"the 12 clean scores span {5 * span:.2g} % ({span:.3g})."
    )
    assert not any(check.wrong for check in iqaudit.verify(tmp_path / "run", trust=True))


def test_fewer_pictures_keep_the_declared_scale_and_say_how_narrow_they_lie(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    [path] = serial(campaign, tmp_path / "run")
    assert load(path).victim.scale.basis == RANGE
    [cell] = iqaudit.load(tmp_path / "run").cells
    assert "of which the 3 clean scores span" in cell.on_scale
    assert cell.on_scale.endswith("; 10 pictures or more fit a scale.")
    assert cell.on_scale == iqaudit.load(tmp_path / "run").table().rows[0].scale


def test_in_memory_as_on_disk(tmp_path: Path, many: AuditSpec) -> None:
    [folder] = many.data.pictures
    there = iqaudit.attack(folder, ROUGH, queries=QUERIES, out=tmp_path / "run")
    here = iqaudit.attack(folder, ROUGH, queries=QUERIES)
    for one, other in zip(here, there, strict=True):
        assert one.scores.tolist() == other.scores.tolist()
        assert one.clean_quality == other.clean_quality
        assert (one.adversarial == other.adversarial).all()


def test_everything_that_follows_an_audit_takes_its_scale(tmp_path: Path, many: AuditSpec) -> None:
    """Verification, transfer and insights, with the victim made again or named."""
    cells = serial(many, tmp_path / "run")
    assert not any(check.wrong for check in iqaudit.verify(tmp_path / "run", trust=True))
    assert not any(check.wrong for check in iqaudit.verify(cells[0], ROUGH))
    audit = iqaudit.load(tmp_path / "run")
    audit.analyse(trust=True)
    assert audit.transfer is not None
    assert [each.scale.basis for each in audit.transfer.columns] == [CLEAN]
    made = iqaudit.transfer(tmp_path / "run", [ROUGH, "python:tests.support.audited:rougher"])
    assert [each.scale.basis for each in made.columns] == [CLEAN, RANGE]
    [found] = iqaudit.insights(cells[0], ROUGH).values()
    assert found.finished == PICTURES


def test_a_defended_victim_takes_the_scale_of_the_same_undefended(
    tmp_path: Path, many: AuditSpec
) -> None:
    """So that what the defence does is not measured on two scales."""
    victims = (VictimSpec(ROUGH, DEFENDED), VictimSpec(ROUGH))
    serial(replace(many, victims=victims), tmp_path / "run")
    defended, plain = load_audit(tmp_path / "run").victims
    assert defended.scale == plain.scale
    assert plain.scale.basis == CLEAN
    assert iqaudit.compare_defences(tmp_path / "run", trust=True).rows


def test_another_victim_is_refused_as_before(tmp_path: Path, many: AuditSpec) -> None:
    """A scale that was fitted then does not hide a range that was changed since."""
    halt = Halting()
    with pytest.raises(KeyboardInterrupt):
        serial(many, tmp_path / "run", observer=halt)
    before = audited.rough.card
    audited.rough.card = replace(before, scale=iqaudit.Scale.from_range(0, 30))
    try:
        with pytest.raises(InputError, match="its scale was"):
            serial(many, tmp_path / "run")
    finally:
        audited.rough.card = before


class Halting(Observer):
    """Stops an audit once its scales are settled."""

    def says(self, sentence: str) -> None:
        self.stopping = self.stopping or "interquartile" in sentence


def test_an_outlier_among_the_clean_scores_is_searched_and_said(
    tmp_path: Path, many: AuditSpec
) -> None:
    [folder] = many.data.pictures
    for seed in range(PICTURES - 1):
        flat = np.full((20, 24, 3), 100, np.uint8)
        flat[:: 8 + seed % 3, ::8] += np.uint8(4)
        iqaudit.write(Path(str(folder)) / f"p{seed:02}.png", flat)
    cells = serial(many, tmp_path / "run")
    record = load(cells[0])
    assert (record.summary.pictures, record.unscored) == (PICTURES, ())
    far = [each for each in record.pictures if each.name == "p11"]
    scale = record.victim.scale
    assert abs(far[0].clean_score - scale.center) > 15 * scale.spread
    [cell, _] = iqaudit.load(tmp_path / "run").cells
    assert any("1 of 12 clean scores" in each.text for each in cell.doubts)


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        ([1.0, 2, 3], "3 clean scores, and 10 fit a scale"),
        ([5.0] * 9 + [1, 9, 7], "half of its 12 clean scores do not differ"),
    ],
)
def test_where_nothing_can_be_fitted_the_declared_scale_stays(
    scores: list[float], why: str
) -> None:
    scale = fit_clean(scores, iqaudit.Scale.from_range(0, 10))
    assert (scale.center, scale.spread, scale.basis) == (5, 2, DECLARED)
    assert scale.source == f"declared range 0 to 10, not calibrated: {why}"


def test_a_failure_among_the_clean_scores_is_left_out(
    tmp_path: Path, many: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scale that was settled without it stays, whatever a later start is answered."""
    [folder] = many.data.pictures
    bad = iqaudit.read(Path(str(folder)) / "p03.png").pixels
    from iqaudit._core.picture import picture_key

    (tmp_path / "bad").write_text(f"{picture_key(bad)} nan\n")
    monkeypatch.setenv(audited.UNSCORED, str(tmp_path / "bad"))
    serial(many, tmp_path / "run")
    before = load_audit(tmp_path / "run").victims
    assert "11 clean scores" in before[0].scale.source
    (tmp_path / "bad").write_text("")
    cells = serial(many, tmp_path / "run")
    assert load_audit(tmp_path / "run").victims == before
    assert [len(load(cell).pictures) for cell in cells] == [PICTURES, PICTURES]
    assert not (tmp_path / "run" / "clean.jsonl").exists()


def test_the_command_takes_the_word(tmp_path: Path, many: AuditSpec) -> None:
    [folder] = many.data.pictures
    line = ["audit", folder, "--victim", ROUGH, "--queries", 3, "--out"]
    assert iqaudit_(*line, tmp_path / "fitted").exit_code == 0
    assert iqaudit_(*line, tmp_path / "as-it-is", "--scale", "declared").exit_code == 0
    bases = [load_audit(tmp_path / name).victims[0].scale.basis for name in ("fitted", "as-it-is")]
    assert bases == [CLEAN, DECLARED]


@pytest.mark.parametrize("before", [9, 10])
def test_an_audit_that_grows_by_pictures_keeps_its_scale(
    before: int, tmp_path: Path, many: AuditSpec
) -> None:
    """Nine went by the range's, ten by one that was fitted to them."""
    [folder] = (Path(str(each)) for each in many.data.pictures)
    away = sorted(folder.iterdir())[before:]
    (tmp_path / "away").mkdir()
    for file in away:
        file.rename(tmp_path / "away" / file.name)
    serial(many, tmp_path / "run")
    [scale] = {each.scale for each in load_audit(tmp_path / "run").victims}
    for file in away:
        (tmp_path / "away" / file.name).rename(file)
    for _ in range(2):
        cells = serial(many, tmp_path / "run")
        [now] = {each.scale for each in load_audit(tmp_path / "run").victims}
        assert (now.center, now.spread) == (scale.center, scale.spread)
        assert {load(cell).victim.scale.spread for cell in cells} == {scale.spread}
        assert [len(load(cell).pictures) for cell in cells] == [PICTURES] * 2
