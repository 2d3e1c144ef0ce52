"""Pictures that a victim cannot score: they end alone, are named, and are asked for again."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.support import audited
from tests.support.auditing import Stopping, begun, contents, iqaudit_, serial
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit import UnscorableError, VictimError
from iqaudit._audit import cell_store, execute
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._audit.status import status
from iqaudit._core.picture import picture_key
from iqaudit._runs import journal
from iqaudit._runs.schema import load, load_answers
from iqaudit.victims._spec import VictimSpec

Spoil = Callable[..., None]

WAYS = {
    "nan": "answered nan where a finite score was due",
    "inf": "answered inf where a finite score was due",
    "raises": "ValueError: no face was found",
    "many": "one score for each of 1 picture(s) was due",
}


@pytest.fixture
def spoil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spoil:
    """Return a setter of the pictures that fail, by their keys, and how."""
    monkeypatch.setenv(audited.UNSCORED, str(tmp_path / "unscored"))

    def set_(ways: dict[int | str, str]) -> None:
        lines = "".join(f"{key} {way}\n" for key, way in ways.items())
        (tmp_path / "unscored").write_text(lines)

    set_({})
    return set_


def clean(photos: Path, name: str = "p1") -> int:
    """Return the key of a picture."""
    return picture_key(iqaudit.read(photos / f"{name}.png").pixels)


def later(run: Path, name: str = "p1", number: int = 7) -> int:
    """Return the key of the picture that a finished search asked about with a query."""
    return int(load_answers(run, name)["picture"][number - 1])


@pytest.mark.parametrize("way", WAYS)
def test_the_others_are_finished_and_the_picture_is_named(
    way: str, tmp_path: Path, photos: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    [whole] = serial(campaign, tmp_path / "whole")
    spoil({clean(photos): way})
    for _ in range(2):  # a second start comes to the same
        [cell] = serial(campaign, tmp_path / "run")
        record = load(cell)
        assert [each.name for each in record.pictures] == ["p0", "p2"]
        assert record.pictures == load(whole).pictures[::2]
        [(name, reason)] = [(each.name, each.reason) for each in record.unscored]
        assert name == "p1"
        assert WAYS[way] in reason
        [standing] = status(tmp_path / "run")
        assert (standing.finished, standing.waiting) == (2, 1)
    spoil({})
    serial(campaign, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_picture_that_a_later_answer_fails_keeps_its_best_and_goes_on_from_there(
    tmp_path: Path, campaign: AuditSpec, spoil: Spoil, asked: Callable[[], int]
) -> None:
    [whole] = serial(campaign, tmp_path / "whole")
    spoil({later(whole): "raises"})
    [cell] = serial(campaign, tmp_path / "run")
    record = load(cell)
    assert [each.outcome for each in record.pictures] == [
        "budget_spent",
        "unscored",
        "budget_spent",
    ]
    assert [each.queries for each in record.pictures] == [20, 6, 20]
    assert [each.name for each in record.unscored] == ["p1"]
    assert record.summary.unfinished == 1
    [_, best, _] = iqaudit.load(cell).results()
    assert best.outcome is iqaudit.Outcome.UNSCORED
    assert np.array_equal(best.scores, load_answers(whole, "p1")["score"][:6])
    spoil({})
    before = asked()
    serial(campaign, tmp_path / "run")
    assert asked() - before == 14 + 2  # nothing again, but the fingerprint
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("way", ["nan", "inf"])
@pytest.mark.parametrize("stop", [22, 27, 35])
def test_an_answer_that_is_no_score_is_kept_and_recalled(
    way: str, stop: int, tmp_path: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    [plain] = serial(campaign, tmp_path / "plain")
    spoil({later(plain): way, later(plain, "p0", 20): way})
    [whole] = serial(campaign, tmp_path / "whole")
    scores = load_answers(whole, "p1")["score"]
    assert len(scores) == 20
    assert not math.isfinite(scores[6])
    assert load(whole).unscored == ()
    assert all(math.isfinite(score) for each in load(whole).pictures for _, score in each.trace)
    [row] = iqaudit.load(tmp_path / "whole").table().rows
    assert "2 of 60 answers, in 2 of 3 searches, were no finite score" in row.doubt
    assert row.ranked
    begun(campaign, tmp_path / "run", stop)
    serial(campaign, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    checks = iqaudit.verify(whole, "python:tests.support.audited:rough")
    assert not any(check.wrong for check in checks)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* answers were no scores:UserWarning")
def test_an_answer_that_is_no_score_gains_nothing(make_picture: MakePicture) -> None:
    """Whichever way it would lie: the best picture is one that was scored."""
    for value in (math.nan, math.inf, -math.inf):
        asked = iter(range(10**6))

        def scored(
            pictures: np.ndarray, value: float = value, asked: object = asked
        ) -> list[float]:
            odd = next(asked) % 3 == 1  # type: ignore[call-overload]
            return [value if odd else float(roughness(pictures)[0])]

        for attack in ("square", "simba", "nes", "bidirectional"):
            [result] = iqaudit.attack(
                make_picture(20, 24), scored, attack=attack, queries=30, score_range=(0, 20)
            )
            assert np.isfinite([result.clean_score, result.adversarial_score]).all()
            assert np.isfinite([step.score for step in result.trace]).all()
            assert (~np.isfinite(result.scores)).sum() >= 5


@pytest.mark.parametrize("batch", [2, 3])
@pytest.mark.parametrize("way", WAYS)
def test_one_of_a_batch_ends_alone(
    way: str,
    batch: int,
    tmp_path: Path,
    photos: Path,
    campaign: AuditSpec,
    spoil: Spoil,
    make_picture: MakePicture,
) -> None:
    for seed in range(3):
        iqaudit.write(photos / f"p{seed}.png", make_picture(20, 24, seed))
    spec = replace(campaign, victims=(VictimSpec("python:tests.support.audited:rougher"),))
    serial(spec, tmp_path / "whole")
    spoil({clean(photos): way})
    serial(spec, tmp_path / "alone", batch=1)
    serial(spec, tmp_path / "run", batch=batch)
    [cell] = serial(spec, tmp_path / "run", batch=batch)
    assert [each.name for each in load(cell).pictures] == ["p0", "p2"]
    assert contents(tmp_path / "run") == contents(tmp_path / "alone")
    spoil({})
    serial(spec, tmp_path / "run", batch=batch)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 7])
def test_processes_come_to_the_same_bytes(
    number: int, tmp_path: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    [whole] = serial(campaign, tmp_path / "whole")
    spoil({later(whole, number=number): "raises"})
    serial(campaign, tmp_path / "serial")
    run = partial(execute.run, campaign, tmp_path / "run", engine="processes", workers=2)
    run()
    assert contents(tmp_path / "run") == contents(tmp_path / "serial")
    spoil({})
    run()
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [1, 7])
def test_a_victim_that_is_down_stops_the_run(
    way: str, first: int, tmp_path: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    """Then no picture is at fault, and what was answered is there."""
    [whole] = serial(campaign, tmp_path / "whole")

    class Breaking(Stopping):
        def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
            if (picture, queries) == ("p1", first):
                spoil({"all": way})

    with pytest.raises(VictimError, match="rough"):
        serial(campaign, tmp_path / "run", observer=Breaking(-1))
    [standing] = status(tmp_path / "run")
    assert (standing.finished, standing.queries) == (1, 20 + first)
    spoil({})
    serial(campaign, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    assert not load(whole).unscored


def test_strict_stops_at_the_first(
    tmp_path: Path, photos: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    spoil({clean(photos): "nan"})
    with pytest.raises(UnscorableError, match=r"^p1: .*answered nan"):
        serial(campaign, tmp_path / "run", strict=True)
    [standing] = status(tmp_path / "run")
    assert (standing.finished, standing.waiting) == (1, 2)


def test_pictures_of_which_none_can_be_scored_are_an_error(
    tmp_path: Path, photos: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    spoil({clean(photos, name): "nan" for name in ("p0", "p1", "p2")})
    with pytest.raises(
        UnscorableError, match=r"^3 of 3 pictures could not be scored\. p0, p1, p2: "
    ):
        serial(campaign, tmp_path / "run")
    alone = replace(campaign, data=Data(pictures=(str(photos / "p1.png"),)))
    with pytest.raises(UnscorableError, match=r"^p1: The victim .* answered nan"):
        serial(alone, tmp_path / "alone")


def test_another_victims_cell_is_whole(
    tmp_path: Path, photos: Path, campaign: AuditSpec, spoil: Spoil
) -> None:
    """A cell of a victim that takes the picture is not held up by one that does not."""
    names = "python:tests.support.audited:rough", "python:tests.support.scorers:roughness"
    spec = replace(
        campaign, victims=(VictimSpec(names[0]), VictimSpec(names[1], {"score_range": (0, 20)}))
    )
    spoil({clean(photos): "raises"})
    cells = serial(spec, tmp_path / "run")
    assert [len(load(cell).pictures) for cell in cells] == [2, 3]
    assert [cell_store.is_done(cell) for cell in cells] == [False, True]


@pytest.mark.slow
def test_analyses_are_made_of_the_pictures_that_are_there_and_again_with_the_rest(
    tmp_path: Path, photos: Path, spoil: Spoil
) -> None:
    line = ["audit", photos, "--victim", "python:tests.support.audited:rough", "--attack",
            "square", "--attack", "random", "--queries", 20, "--engine", "serial"]  # fmt: skip
    assert iqaudit_(*line, "--out", tmp_path / "whole").exit_code == 0
    spoil({clean(photos): "raises"})
    done = iqaudit_(*line, "--out", tmp_path / "run")
    assert done.exit_code == 4, done.output
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    for shown in (done.stderr, page):
        assert "1 of 3 pictures could not be scored. p1: " in shown
        assert "no face was found" in shown
    assert "2 of 3" in done.stdout
    said = json.loads(iqaudit_(*line, "--out", tmp_path / "run", "--json").stdout)
    assert [list(cell["unscored"]) for cell in said] == [["p1"], ["p1"]]
    tables = iqaudit_("tables", tmp_path / "run").stdout
    assert "1 of 3 pictures could not be scored." in " ".join(tables.split())
    spoil({})
    done = iqaudit_(*line, "--out", tmp_path / "run")
    assert (done.exit_code, "could not be scored" in done.stderr) == (0, False)
    now, then = tmp_path / "run", tmp_path / "whole"
    for file in list(then.rglob("*.jsonl")):  # kept in the order asked
        for each in (now / file.relative_to(then), file):
            each.write_bytes(b"\n".join(sorted(each.read_bytes().split(b"\n"))))
    assert contents(now) == contents(then)


@pytest.mark.slow
def test_strict_on_the_command_line(tmp_path: Path, photos: Path, spoil: Spoil) -> None:
    spoil({clean(photos): "raises"})
    for command in ("attack", "audit"):
        line: list[object] = [command, photos, "--victim", "python:tests.support.audited:rough"]
        line += ["--queries", 20, "--out", tmp_path / command, "--engine", "serial"]
        done = iqaudit_(*line, "--strict")
        assert done.exit_code == 2
        assert "p1: " in done.stderr
        assert iqaudit_(*line).exit_code == 4
        assert iqaudit_(*line, "--fail-if", "rgo > 0").exit_code == 3


def test_an_older_journal_is_not_mistaken(tmp_path: Path) -> None:
    """A line without a number is none, whatever its kind."""
    file = tmp_path / "p.jsonl"
    file.write_text('[1.5, 3]\n[NaN, 4]\n[-Infinity, 5]\n["nan", 6]\n[2.5, 7]\n')
    kept = journal.read(file, journal.ANSWERS).entries
    assert [answer.picture for answer in kept] == [3, 4, 5, 7]
    assert math.isnan(kept[1].score)
