"""A run's directory: what is written, and what `verify` sees of a change to it."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.support.audits import write_run
from tests.support.pictures import MakePicture
from tests.support.records import text

import iqaudit
from iqaudit import InputError, Interrupted, VictimError
from iqaudit._core.picture import picture_key
from iqaudit._report import write_report
from iqaudit._runs.schema import load as load_record
from iqaudit._runs.schema import load_answers
from iqaudit.testing import Failing
from iqaudit.victims import Function


def made(path: Path, victim: Function, make_picture: MakePicture) -> Path:
    pictures = [make_picture(24, 30), make_picture(30, 20, 1)]
    iqaudit.attack(pictures, victim, queries=30, seed=1, out=path)
    write_report(path)
    return path


@pytest.fixture
def run(tmp_path: Path, rough: Function, make_picture: MakePicture) -> Path:
    return made(tmp_path / "run", rough, make_picture)


def test_a_run_verifies(run: Path, rough: Function) -> None:
    checks = iqaudit.verify(run, rough)
    assert [check.name for check in checks] == ["picture-1", "picture-2"]
    assert [check.wrong for check in checks] == [(), ()]
    entry = load_record(run).pictures[0]
    assert (checks[0].score, checks[0].linf) == (entry.attacked_score, entry.linf)


@pytest.mark.slow
def test_the_same_run_writes_the_same_bytes(
    run: Path, tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    made(tmp_path / "again", rough, make_picture)
    files = sorted(path.relative_to(run) for path in run.rglob("*") if path.is_file())
    assert [str(file) for file in files] == [
        "attacked/picture-1.png",
        "attacked/picture-2.png",
        "audit.json",
        "clean/picture-1.png",
        "clean/picture-2.png",
        "report.html",
        "results.json",
        "scores/picture-1.npy",
        "scores/picture-2.npy",
    ]
    for file in files:
        assert (run / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_every_answer_is_kept(run: Path) -> None:
    entries = load_record(run).pictures
    assert entries
    for entry in entries:
        answers = load_answers(run, entry.name)
        scores = answers["score"]
        clean = iqaudit.read(run / "clean" / f"{entry.name}.png")
        assert answers["picture"][0] == picture_key(clean.pixels)
        assert len(scores) == entry.queries == 30
        assert scores[0] == entry.clean_score
        assert scores[entry.best_query - 1] == entry.attacked_score


def test_figures_are_those_of_the_pictures(run: Path) -> None:
    record = load_record(run)
    for entry in record.pictures:
        clean = iqaudit.read(run / "clean" / f"{entry.name}.png").pixels
        attacked = iqaudit.read(run / "attacked" / f"{entry.name}.png").pixels
        assert entry.linf == iqaudit.measures.linf(clean, attacked)
        assert entry.ssim == iqaudit.measures.ssim(clean, attacked)
        assert entry.flip == iqaudit.measures.flip(clean, attacked)
        before, after = entry.clean_quality, entry.attacked_quality
        assert entry.rgo == iqaudit.measures.rgo([before], [after])
    mean = np.mean([entry.rgo for entry in record.pictures])
    assert record.summary.rgo == pytest.approx(mean)
    assert record.summary.queries == 60


def _change_pixel(path: Path, by: int) -> None:
    pixels = iqaudit.read(path).pixels.copy()
    pixels[5, 5] = np.where(pixels[5, 5] > 127, pixels[5, 5] - by, pixels[5, 5] + by)
    iqaudit.write(path, pixels)


def _edit(run: Path, key: str, value: object) -> None:
    record = json.loads((run / "results.json").read_text())
    record["pictures"][0][key] = value
    (run / "results.json").write_text(text(record))


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (
            lambda run: _change_pixel(run / "attacked/picture-1.png", 1),
            "attacked/picture-1.png: this",
        ),
        (lambda run: _change_pixel(run / "attacked/picture-1.png", 40), "linf is"),
        (
            lambda run: _change_pixel(run / "clean/picture-1.png", 1),
            "clean/picture-1.png: this",
        ),
        (lambda run: _edit(run, "attacked_score", 9.5), "the attacked score is"),
        *[
            (lambda run, key=key: _edit(run, key, 0.123), f"{key} is")
            for key in (
                "rgo",
                "reachable_rgo",
                "ssim",
                "psnr",
                "flip",
                "l2",
                "changed",
                "clean_quality",
            )
        ],
        (lambda run: _edit(run, "queries", 7), "queries is 30, recorded 7"),
        (lambda run: _edit(run, "best_query", 99), "best_query is 99"),
        (lambda run: _edit(run, "trace", [[1, 2.0]]), "the trace"),
        (lambda run: _edit(run, "clean_score", 9.5), "the clean score is"),
        (lambda run: _edit(run, "linf", 2), "recorded 2"),
        (lambda run: (run / "attacked/picture-1.png").unlink(), "no such file"),
        (lambda run: (run / "clean/picture-1.png").write_text("x"), "not a picture"),
        (
            lambda run: iqaudit.write(
                run / "attacked/picture-1.png", np.zeros((8, 8, 3), np.uint8)
            ),
            "differ in size",
        ),
    ],
)
def test_a_change_is_seen_and_named(
    tamper: object, sentence: str, run: Path, rough: Function
) -> None:
    tamper(run)  # type: ignore[operator]
    first, second, *_ = iqaudit.verify(run, rough)
    assert any(sentence in wrong for wrong in first.wrong), first.wrong
    assert second.wrong == ()


def test_wrong_means_are_seen(run: Path, rough: Function) -> None:
    record = json.loads((run / "results.json").read_text())
    record["summary"]["rgo"] = 0.9
    (run / "results.json").write_text(text(record))
    last = iqaudit.verify(run, rough)[-1]
    assert last.name == "mean"
    assert "recorded 0.9" in last.wrong[0]


def test_a_figure_that_an_older_version_did_not_measure_is_named(
    run: Path, rough: Function
) -> None:
    record = json.loads((run / "results.json").read_text())
    for entry in record["pictures"]:
        del entry["flip"]
    (run / "results.json").write_text(text(record))
    first, *_, means = iqaudit.verify(run, rough)
    assert any(wrong.startswith("flip is") for wrong in first.wrong)
    assert means.wrong[0].startswith("flip is None")


def test_another_scale_is_not_the_runs_victim(run: Path, rough: Function) -> None:
    rough.card = replace(rough.card, scale=iqaudit.Scale.from_range(0, 30))
    with pytest.raises(InputError, match="score scale is not the run's"):
        iqaudit.verify(run, rough)


def test_a_perturbation_beyond_the_threat_is_seen_even_if_recorded(
    run: Path, rough: Function
) -> None:
    record = json.loads((run / "results.json").read_text())
    record["levels"] = 2
    (run / "results.json").write_text(text(record))
    first, _, settings = iqaudit.verify(run, rough)
    assert "allowed 2" in first.wrong[0]
    assert settings.wrong == ("levels is 2, in audit.json 3",)


def test_a_run_of_a_function_needs_the_function_to_verify(run: Path) -> None:
    with pytest.raises(InputError, match="give it again"):
        iqaudit.verify(run)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no run"),
        ("{", "cannot be read"),
        ("[]", "not in the format"),
        ("{}", "not in"),
        ('{"format": "iqaudit results, version 1"}', "lacks attack, goal"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: str | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        load_record(tmp_path)


def test_another_run_is_replaced_only_on_demand(
    run: Path, rough: Function, make_picture: MakePicture
) -> None:
    again = partial(iqaudit.attack, make_picture(24, 30), rough, queries=5, out=run)
    with pytest.raises(InputError, match=r"begun otherwise.*overwrite=True"):
        again()
    (run / "mine.txt").write_text("not iqaudit's")
    with pytest.raises(VictimError):
        iqaudit.attack(make_picture(24, 30), Failing(rough, at=1), out=run, overwrite=True)
    assert len(load_record(run).pictures) == 2  # nothing is lost before the victim has answered
    again(overwrite=True)
    assert [entry.queries for entry in load_record(run).pictures] == [5]
    assert [path.name for path in (run / "attacked").iterdir()] == ["picture-1.png"]
    assert (run / "mine.txt").exists()


def test_a_run_of_an_older_version_is_replaced_only_on_demand(
    run: Path, rough: Function, make_picture: MakePicture
) -> None:
    (run / "audit.json").unlink()
    again = partial(iqaudit.attack, make_picture(24, 30), rough, queries=5, out=run)
    with pytest.raises(InputError, match=r"another run.*overwrite=True"):
        again()
    (run / "report.html").unlink()
    held = run.stat().st_ino
    again(overwrite=True)
    assert run.stat().st_ino == held  # whoever else would come is kept out all the while
    assert [entry.queries for entry in load_record(run).pictures] == [5]


def test_a_folder_of_other_things_is_never_taken(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    write = partial(iqaudit.attack, make_picture(24, 30), Failing(rough, at=1), overwrite=True)
    for path in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(InputError, match="holds no run"):
            write(out=path)
    with pytest.raises(InputError, match="cannot be written"):
        write(out=tmp_path / "thesis.tex" / "run")


def test_another_programs_results_are_never_removed(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    (tmp_path / "results.json").write_text('{"my": "own"}')
    with pytest.raises(InputError, match="holds no run"):
        iqaudit.attack(make_picture(24, 30), rough, out=tmp_path, overwrite=True)
    assert (tmp_path / "results.json").read_text() == '{"my": "own"}'


def test_a_run_that_asked_nothing_leaves_nothing(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    out = tmp_path / "some" / "where" / "run"
    with pytest.raises(VictimError):
        iqaudit.attack(make_picture(24, 30), Failing(rough, at=1), out=out)
    assert list(tmp_path.iterdir()) == []


def test_names_that_lead_elsewhere_are_made_safe(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    pictures = [iqaudit.Picture(name, make_picture(9, 9)) for name in ("../../out", "a/b", "a/b")]
    results = iqaudit.attack(pictures, rough, queries=2, out=tmp_path / "in" / "run")
    assert [each.picture.name for each in results] == ["out", "a_b", "a_b-2"]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    record = json.loads((tmp_path / "in" / "run" / "results.json").read_text())
    record["pictures"][0]["name"] = "../../../etc/passwd"
    (tmp_path / "in" / "run" / "results.json").write_text(text(record))
    with pytest.raises(InputError, match="no picture's name"):
        load_record(tmp_path / "in" / "run")


def test_unfinished_pictures_are_left_out_of_the_means(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    asked = 0

    def stop(_: iqaudit.Picture, __: int) -> None:
        nonlocal asked
        asked += 1
        if asked == 25:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        iqaudit.attack(
            [make_picture(24, 30)] * 3, rough, attack="bidirectional", queries=20, progress=stop
        )
    results = caught.value.results
    path = write_run(tmp_path / "run", rough, [each.picture for each in results],
                     results=results, queries=20, seed=0)  # fmt: skip
    record = load_record(path)
    assert [each.outcome for each in record.pictures] == ["budget_spent", "interrupted"]
    assert record.summary.unfinished == 1
    assert record.summary.rgo == record.pictures[0].rgo
    assert [check.wrong for check in iqaudit.verify(path, rough)] == [(), ()]
    page = write_report(tmp_path / "run").read_text()
    assert iqaudit.Outcome.INTERRUPTED.value in page


def test_a_victim_without_bounds_and_a_tiny_picture_are_written(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    victim = Function(lambda x: x.mean(axis=(1, 2, 3)), iqaudit.Scale(100, 20), name="mean")
    directory = tmp_path / "run"
    iqaudit.attack(make_picture(6, 7), victim, queries=5, out=directory)
    entry = load_record(directory).pictures[0]
    assert entry.ssim is None
    assert load_record(directory).victim.scale.low is None
    assert "unbounded" in write_report(directory).read_text()
