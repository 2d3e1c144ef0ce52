"""Doubts: what cannot be attacked is told, and is neither firm nor a pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit._analysis.tables import gate, leaderboard
from iqaudit._report import write_comparison, write_report

Scores = Callable[[Any], Any]


def brightness(pictures: Any) -> Any:
    return pictures.astype(float).mean(axis=(1, 2, 3))


def always(pictures: Any) -> Any:
    return 0 * brightness(pictures) + 50


def rounded(pictures: Any) -> Any:
    return np.round(brightness(pictures))


def in_steps(pictures: Any) -> Any:
    return np.round(brightness(pictures) * 8) / 8


class Net(torch.nn.Module):
    """Brightness, times a share that has a gradient."""

    def __init__(self, *, rounds: bool = False, turned: bool = False) -> None:
        super().__init__()
        self.rounds, self.turned = rounds, turned

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.rounds:
            x = (x * 255).round() / 255
        score = x.mean((1, 2, 3))
        # The value of one way up, with the gradient of the other.
        return 2 * score.detach() - score if self.turned else score


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, make_picture: MakePicture) -> Any:
    root = tmp_path_factory.mktemp("doubts")

    def attack(name: str, victim: Any, attack: str, score_range: tuple[float, float]) -> Path:
        pictures = [make_picture(24, 28, seed=0), make_picture(24, 28, seed=1) // 2]
        iqaudit.attack(
            pictures, victim, attack=attack, queries=60, out=root / name, score_range=score_range
        )
        return root / name

    return attack


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "sign"),
    [
        (always, "All 120 pictures asked got the same score, 50"),
        (rounded, "no change that was tried changed the score"),
    ],
)
def test_a_victim_that_no_change_moves_is_neither_ranked_nor_a_pass(
    attacked: Any, score: Scores, sign: str
) -> None:
    run = attacked(score.__name__, score, "bidirectional", (0, 255))
    other = attacked(f"beside-{score.__name__}", brightness, "bidirectional", (0, 255))
    [board] = leaderboard.compare([run, other])
    first, last = board.standings
    assert (first.row.victim, first.rank, first.row.doubt) == ("brightness", 1, "")
    assert last.rank is None
    assert sign in last.row.doubt
    [judged] = gate.judge(iqaudit.load(run).table(), [gate.parse("rgo > 0.3")])
    assert judged.failed
    assert sign in judged.sentence
    [passed] = gate.judge(iqaudit.load(other).table(), [gate.parse("rgo > 0.3")])
    assert not passed.failed
    write_report(run)
    page = (run / "report.html").read_text("utf-8")
    assert sign in page
    assert "do not tell how far the scores can be pushed" in page
    write_comparison([run, other], run / "board.html", "rgo")
    board_page = (run / "board.html").read_text("utf-8")
    assert f"<strong>{score.__name__}, not ranked:</strong> " in board_page


def test_a_score_in_steps_is_told(attacked: Any) -> None:
    [row] = iqaudit.load(attacked("steps", in_steps, "square", (0, 255))).table().rows
    assert "different scores: the victim answers in steps" in row.doubt
    assert not row.ranked


@pytest.mark.parametrize(
    ("net", "sign"),
    [
        (Net(rounds=True), "its gradient was zero"),
        (Net(turned=True), "The gradient led no search to a better score"),
    ],
)
def test_a_gradient_that_leads_nowhere_is_no_ceiling(
    attacked: Any, net: torch.nn.Module, sign: str
) -> None:
    run = attacked(f"pgd-{net.rounds}", net, "pgd", (0, 1))
    [row] = iqaudit.load(run).table().rows
    assert sign in row.doubt
    assert not row.ranked
    write_report(run)
    page = (run / "report.html").read_text("utf-8")
    assert sign in page
    assert "a ceiling for those that are" not in page
    assert "which led nowhere" in page


def test_a_gradient_that_leads_somewhere_is_a_ceiling(attacked: Any) -> None:
    run = attacked("pgd", Net(), "pgd", (0, 1))
    [row] = iqaudit.load(run).table().rows
    assert (row.doubt, row.ranked) == ("", True)
    write_report(run)
    assert "a ceiling for those that are" in (run / "report.html").read_text("utf-8")


def test_some_of_the_searches_is_said_and_ranked(attacked: Any) -> None:
    def half(pictures: Any) -> Any:
        return np.where(brightness(pictures) < 80, 20, brightness(pictures))

    [row] = iqaudit.load(attacked("half", half, "square", (0, 255))).table().rows
    assert row.doubt == "In 1 of 2 searches no change that was tried changed the score at all."
    assert row.ranked


def test_a_search_too_short_for_a_sign_has_none(make_picture: MakePicture, tmp_path: Path) -> None:
    out = tmp_path / "run"
    iqaudit.attack(make_picture(24, 28), always, queries=9, out=out, score_range=(0, 255))
    [row] = iqaudit.load(out).table().rows
    assert (row.doubt, row.ranked) == ("", True)


@pytest.mark.slow
@pytest.mark.parametrize(("net", "verdict"), [(Net(rounds=True), "warn"), (Net(), "pass")])
def test_check_tells_of_a_gradient_that_is_zero(
    net: torch.nn.Module, verdict: str, make_picture: MakePicture
) -> None:
    findings = iqaudit.check(net, [make_picture(48, 56)], score_range=(0, 1))
    [found] = [each for each in findings if each.check == "gradient"]
    assert found.verdict.name.lower() == verdict
