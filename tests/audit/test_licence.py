"""A finished audit is not a licence: on each start its victims are asked who they are."""

import os
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.support.auditing import contents, iqaudit_
from tests.support.scorers import roughness
from tests.support.serving import Handler, Server

import iqaudit
from iqaudit._audit.manifest import settle
from iqaudit._core.errors import AnotherVictimError
from iqaudit._runs.schema import load_audit
from iqaudit.testing import Recording
from iqaudit.victims import Function
from iqaudit.victims._fingerprint import fingerprint

CODE = """
from pathlib import Path
from tests.support.scorers import roughness
def scorer(pictures):
    return roughness(pictures) + float(Path({file!r}).read_text())
"""


@pytest.fixture
def shift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with what the scorer adds to its scores."""
    file = tmp_path / "shift.txt"
    file.write_text("0")
    name = f"shifted_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(CODE.format(file=str(file)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SHIFTED", f"python:{name}:scorer,range=0:300")
    return file


def command(name: str, run: Path, photos: Path, victim: str, *more: object) -> list[object]:
    start = [name, photos, "--victim", victim, "--queries", 6, "--out", run]
    return [*start, "--attack", "random", *more]


@pytest.mark.parametrize("name", ["audit", "attack"])
def test_a_victim_that_answers_otherwise_ends_a_finished_audit(
    name: str, tmp_path: Path, photos: Path, shift: Path
) -> None:
    run, victim = tmp_path / "run", os.environ["SHIFTED"]
    junit = tmp_path / "gate.xml"
    gate = ("--fail-if", "rgo > 2", "--junit", junit)
    assert iqaudit_(*command(name, run, photos, victim, *gate)).exit_code == 0
    assert 'failures="0" errors="0"' in junit.read_text("utf-8")
    before = contents(run)
    assert iqaudit_(*command(name, run, photos, victim, *gate)).exit_code == 0
    assert contents(run) == before
    shift.write_text("0.5")
    for more in ((), gate, ("--json",)):
        ended = iqaudit_(*command(name, run, photos, victim, *more))
        assert ended.exit_code == 4
        assert "is another than the audit was begun with: two fixed pictures" in ended.stderr
        assert not ended.stdout
    assert 'errors="1"' in junit.read_text("utf-8"), "last night's verdict stands"
    assert contents(run) == before
    shift.write_text("0")
    assert iqaudit_(*command(name, run, photos, victim, *gate)).exit_code == 0


@pytest.mark.usefixtures("shift")
def test_pictures_are_looked_at_again(tmp_path: Path, photos: Path) -> None:
    run, victim = tmp_path / "run", os.environ["SHIFTED"]
    assert iqaudit_(*command("audit", run, photos, victim)).exit_code == 0
    picture = iqaudit.read(photos / "p1.png").pixels.copy()
    picture[0, 0] ^= 1
    iqaudit.write(photos / "p1.png", picture)
    ended = iqaudit_(*command("audit", run, photos, victim))
    assert ended.exit_code == 2
    assert "the picture p1 had other pixels" in ended.stderr


def test_a_service_is_asked_where_that_is_allowed(
    tmp_path: Path, photos: Path, server: Server
) -> None:
    run, victim = tmp_path / "run", f"{server.url},range=0:300"
    line = command("audit", run, photos, victim)
    assert iqaudit_(*line, "--yes").exit_code == 0
    server.seen.clear()
    unasked = iqaudit_(*line)
    assert unasked.exit_code == 0
    assert not server.seen
    assert "not asked whether it still answers as the figures say" in unasked.stderr
    assert iqaudit_(*line, "--yes").exit_code == 0
    assert len(server.seen) == 2

    def other(handler: Handler) -> None:
        handler.say(f'{{"score": {handler.score() + 1}}}')

    server.usual = other
    assert iqaudit_(*line, "--yes", "--fail-if", "rgo > 2").exit_code == 4


def test_an_audit_is_asked_the_fingerprint_that_it_has(tmp_path: Path, photos: Path) -> None:
    """Audits of older versions have one of other pictures, and name no libraries."""
    run, scale = tmp_path / "run", iqaudit.Scale.from_range(0, 300)
    victim = Function(roughness, scale)
    how = {"queries": 6, "attacks": ["random"], "analyses": False}
    said: list[str] = []

    class Heard(iqaudit.Observer):
        def says(self, sentence: str) -> None:
            said.append(sentence)

    def start(victim: Function) -> None:
        iqaudit.audit([victim], photos, out=run, observer=Heard(), **how)  # type: ignore[arg-type]

    start(victim)
    record = load_audit(run)
    assert record.libraries["pillow"] == version("pillow")
    old = replace(record.victims[0], fingerprint=fingerprint(victim, 0), fingerprint_edition=0)
    settle(run, replace(record, victims=(old,), libraries={}))
    start(victim)
    assert not any("libraries" in each for each in said)
    settle(run, replace(record, libraries={**record.libraries, "pillow": "1.0"}))
    start(victim)
    assert f"beginning: pillow 1.0, now {version('pillow')}." in "".join(said)
    settle(run, replace(record, victims=(old,)))
    with pytest.raises(AnotherVictimError, match="two fixed pictures"):
        start(Function(lambda pictures: roughness(pictures) + 1, scale, name="roughness"))


def test_no_more_than_two_scores_are_asked(tmp_path: Path, photos: Path) -> None:
    victim = Recording(Function(roughness, iqaudit.Scale.from_range(0, 300)))
    how = {"queries": 6, "attacks": ["random"], "analyses": False}
    iqaudit.audit([victim], photos, out=tmp_path / "run", **how)  # type: ignore[arg-type]
    asked = len(victim.batches)
    iqaudit.audit([victim], photos, out=tmp_path / "run", **how)  # type: ignore[arg-type]
    assert len(victim.batches) == asked + 2
