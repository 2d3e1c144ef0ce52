"""Doubts: what cannot be attacked is told, and is neither firm nor a pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit._analysis.tables import doubts, gate, leaderboard
from iqaudit._assess import questions
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


class Masked(torch.nn.Module):
    """Brightness, with the gradient of something else, a billionth of it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sign = torch.cos(torch.arange(x.shape[-1]) * 1.0)
        return x.mean((1, 2, 3)).detach() + 1e-9 * (x * (sign - sign.mean())).mean((1, 2, 3))


def test_a_black_box_beyond_the_white_one_masks_the_gradient(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    """The white box is no ceiling then, and has no rank; the black box's figure stands."""
    pictures = [make_picture(24, 28, seed=seed) for seed in range(6)]
    victim = iqaudit.victims.as_victim(Masked(), score_range=(0, 1))
    done = iqaudit.audit(
        [victim], pictures, ["pgd", "square"], queries=40, out=tmp_path / "run", analyses=False
    )
    white, black = done.table().rows
    assert (white.flags, white.ranked) == ("masked gradient", False)
    assert "square, which asks scores alone, goes beyond the gradient's RGO by" in white.doubt
    assert (black.flags, black.ranked) == ("", True)


class Damped(torch.nn.Module):
    """Brightness, with a share of its gradient: the right way, and far too flat."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = x.mean((1, 2, 3))
        return (1 - self.share) * score.detach() + self.share * score


@pytest.mark.parametrize("pictures", [2, 6])
@pytest.mark.parametrize(("share", "flag"), [(0.1, "masked gradient"), (0.9, "")])
def test_a_score_that_goes_beyond_its_gradient_masks_it(
    make_picture: MakePicture, tmp_path: Path, pictures: int, share: float, flag: str
) -> None:
    """Whichever search went there: the signs are right, so no black box goes farther."""
    found = [make_picture(24, 28, seed=seed) for seed in range(pictures)]
    victim = iqaudit.victims.as_victim(Damped(share), score_range=(0, 1))
    attacks, out = ["pgd", "square"], tmp_path / "run"
    done = iqaudit.audit([victim], found, attacks, queries=30, out=out, analyses=False)
    white, black = done.table().rows
    assert (white.flags, white.ranked, black.flags) == (flag, not flag, "")
    told = "moves scores more than 2 times as far as eps * ||grad||_1 foretells"
    assert (told in white.doubt) == bool(flag)
    for each, picture in zip(done.cells[0].finished, found, strict=True):
        assert each.steepness == pytest.approx(share / 255, rel=1e-4), picture
    assert {each.steepness for each in done.cells[1].finished} == {None}


def test_a_flagged_victim_is_never_ranked_before_one_without(attacked: Any) -> None:
    """Though its figure is the smaller: half of its searches were stuck."""

    def half(pictures: Any) -> Any:
        return np.where(brightness(pictures) < 80, 20, 0.1 * brightness(pictures))

    firm = attacked("unflagged", brightness, "square", (0, 255))
    flagged = attacked("flagged", half, "square", (0, 255))
    [board] = leaderboard.compare([flagged, firm])
    assert [each.row.victim for each in board.standings] == ["brightness", "half"]
    assert [each.rank for each in board.standings] == [1, 2]
    figures = [each.row.values["rgo"].value or 0 for each in board.standings]
    assert figures[0] > figures[1]
    assert board.standings[1].row.flags == "constant"


@pytest.mark.parametrize(
    ("curve", "rises"),
    [
        (np.linspace(0, 1, 200), True),
        (-np.linspace(0, 1, 200), True),
        (np.linspace(0, 1, 99), False),  # too short for a sign
        (np.log(np.arange(1, 1001)), False),
        (np.append(np.linspace(0, 1, 50), np.ones(150)), False),
        (np.zeros(200), False),
    ],
)
def test_searches_that_still_rise_are_told(curve: np.ndarray, *, rises: bool) -> None:
    found = doubts.rising([curve, curve])
    assert [each.flag for each in found] == (["rising"] if rises else [])
    if rises:
        assert found[0].text.startswith("20 % of the way that scores went came in the last 20 %")


@pytest.mark.parametrize(
    ("scores", "codes"),
    [
        ([51, 52.5, 53, -1], (-1.0,)),
        ([51, 52.5, 53, 0, 0], (0.0,)),
        ([3, 4, 5.5, 999], (999.0,)),
        ([0, 0.2, 0.5, 0.9], ()),  # cut off at 0, with neighbours
        ([-3, -1, 2, 5], ()),
        ([-1, 50], ()),  # too few to tell
        ([0, 0, 0], ()),
    ],
)
def test_an_error_code_is_far_from_scores_that_are_near_each_other(
    scores: list[float], codes: tuple[float, ...]
) -> None:
    assert doubts.coded(np.array(scores, float)) == codes


def test_an_error_code_among_the_answers_flags_the_victim(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    asked = 0

    def fails_now_and_then(pictures: Any) -> Any:
        nonlocal asked
        asked += len(pictures)
        return np.where(asked % 20 == 19, -1, 60 + brightness(pictures) / 10)

    out = tmp_path / "run"
    picture = make_picture(24, 28)
    iqaudit.attack(picture, fails_now_and_then, queries=60, out=out, score_range=(-1, 100))
    [row] = iqaudit.load(out).table().rows
    assert "error code" in row.flags
    assert "some changes were answered -1, far from all other scores" in row.doubt


def test_check_tells_of_a_gradient_that_is_nearly_zero(make_picture: MakePicture) -> None:
    pixels = make_picture(48, 56)
    victim = iqaudit.victims.as_victim(Masked(), score_range=(0, 1))
    verdict, sentence = questions.gradient(victim, pixels)
    assert verdict is questions.Verdict.WARN
    assert "The gradient is nearly zero" in sentence
    honest = iqaudit.victims.as_victim(Net(), score_range=(0, 1))
    assert questions.gradient(honest, pixels)[0] is questions.Verdict.PASS


def test_check_tells_of_a_score_that_hangs_on_the_pictures_before(
    make_picture: MakePicture,
) -> None:
    seen = [0.0]

    def averaging(pictures: Any) -> Any:
        seen[0] = 0.9 * seen[0] + 0.1 * float(brightness(pictures)[-1])
        return brightness(pictures) - seen[0]

    def sized(pictures: Any) -> Any:
        seen[0] = max(seen[0], pictures.shape[1])
        return brightness(pictures) + seen[0]

    pixels = make_picture(48, 56)
    for score, verdict in ((averaging, "FAIL"), (sized, "FAIL"), (brightness, "PASS")):
        seen[0] = 0.0
        victim = iqaudit.victims.as_victim(score, score_range=(-300, 300))
        found, sentence = questions.history(victim, pixels)
        assert found.name == verdict, sentence
    assert sentence.endswith("after pictures of another kind: grey, small, large.")
