"""The pace that progress tells: of this start's answers, in the time since its first."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.support import audited
from tests.support.auditing import Stopping

import iqaudit
from iqaudit._analysis.scorers import Scorer
from iqaudit._audit import execute
from iqaudit._audit.estimate import estimate
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec
from iqaudit._cli import progress
from iqaudit._cli.progress import Progress


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    return clock


@pytest.fixture
def shown() -> tuple[Progress, Callable[[], list[str]]]:
    """Return a progress, and its lines so far without the picture's name."""
    stream = StringIO()
    made = Progress(Console(file=stream, width=200), quiet=False)
    return made, lambda: re.findall(r": \d+/\d+ pictures(.*)", stream.getvalue())


def test_answers_that_were_recalled_are_no_part_of_it(
    shown: tuple[Progress, Callable[[], list[str]]], clock: Clock
) -> None:
    made, lines = shown
    made.begins(3, 1_000, 1)
    clock.now += 60  # a network is loaded, and a search recalled
    made.recalled("cell", "p1", 900)
    made.answered("cell", "p1", 901)
    for queries in (902, 903):
        clock.now += 0.5
        made.answered("cell", "p1", queries)
    assert lines() == ["", ", 2.0 queries/s, 9 min left", ", 2.0 queries/s, 9 min left"]


def test_queries_that_an_early_end_saved_are_no_part_of_it(
    shown: tuple[Progress, Callable[[], list[str]]], clock: Clock
) -> None:
    made, lines = shown
    made.begins(3, 1_000, 0)
    made.answered("cell", "p0", 1)
    clock.now += 1
    made.answered("cell", "p0", 5)
    made.ended("cell", "p0")
    assert lines()[1:] == [", 4.0 queries/s, 12 min left", ", 4.0 queries/s, 8 min left"]


def test_the_pace_is_the_last_minutes(
    shown: tuple[Progress, Callable[[], list[str]]], clock: Clock
) -> None:
    made, lines = shown
    made.begins(1, 10_000, 0)
    made.answered("cell", "p", 1)
    for second in range(100):  # the machine is busy
        clock.now += 1
        made.answered("cell", "p", 2 + second)
    assert lines()[-1] == ", 1.0 queries/s, 3 h left"
    for second in range(70):
        clock.now += 1
        made.answered("cell", "p", 101 + 20 * (second + 1))
    assert lines()[-1] == ", 20.0 queries/s, 7 min left"


def test_a_plan_tells_what_it_does(
    campaign: AuditSpec, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    estimate(campaign, 1, told.append)
    begins = [f"reading pictures: {number} of 3" for number in (1, 2, 3)]
    assert told[:3] == begins
    assert [each for each in told if "timing a search, picture 3 of 3" in each]
    said: list[str] = []
    monkeypatch.setattr(progress, "say", lambda text, **_: said.append(text))
    monkeypatch.setattr(progress, "LINE_EVERY", 10.0)
    with progress.telling(silent=False) as tell:
        for text in told:
            clock.now += 4
            tell(text)
    assert said == told[2::3]  # a line in ten seconds at the most


def test_an_analysis_tells_how_far_it_is_where_no_bar_can(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(progress, "say", lambda text, **_: said.append(text))
    monkeypatch.setattr(progress, "LINE_EVERY", 10.0)
    scorer = Scorer("v", iqaudit.victims.Function(len, iqaudit.Scale.from_range(0, 1)))
    with progress.watched(silent=False)([(scorer, 60)], "at most ") as count:
        assert count is not None
        for asked in range(1, 13):
            clock.now += 2
            count(asked)
    first, *others = said
    assert first == "v: at most 60 scores to ask"
    assert others == [
        "5 of at most 60 scores, at most 110 s left",
        "10 of at most 60 scores, at most 100 s left",
    ]


@pytest.mark.parametrize("engine", ["serial", pytest.param("processes", marks=pytest.mark.slow)])
def test_engines_tell_recalled_answers_from_new_ones(
    engine: str, campaign: AuditSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(audited.PAUSE, "0.05" if engine == "processes" else "0")
    told: list[tuple[str, str, int]] = []

    class Tells(Observer):
        def recalled(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
            told.append(("recalled", picture, queries))

        def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
            told.append(("answered", picture, queries))

    other = replace(campaign, queries=30)
    with pytest.raises(KeyboardInterrupt):
        execute.run(other, tmp_path / "run", engine="serial", observer=Stopping(7))
    execute.run(other, tmp_path / "run", engine=engine, workers=1, observer=Tells())
    assert told[0] == ("recalled", "p0", 7)
    assert [kind for kind, *_ in told].count("recalled") == 1
    assert [queries for kind, name, queries in told if name == "p0"][-1] == 30
