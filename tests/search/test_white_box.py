"""The gradient: right, handed to white-box attacks alone, and only where there is one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness
from tests.support.searching import LEVELS, Ripple, grey, problem
from torch import Tensor, nn

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._core.patches import Perturbation
from iqaudit._core.picture import Pixels
from iqaudit._report import write_report
from iqaudit._runs.schema import load as load_record
from iqaudit._search.driver import SearchSpec
from iqaudit.attacks import PGD, Bidirectional
from iqaudit.victims import Function, TorchModule, as_victim
from iqaudit.victims._base import gradient_of

SCALE = iqaudit.Scale.from_range(-1, 1)
ripple = TorchModule(Ripple(), SCALE, name="ripple")


class Weighed(nn.Module):
    """Linear in the picture."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weights).mean((1, 2, 3))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64, torch.bfloat16])
def test_a_torch_victims_gradient_is_that_of_its_score(
    precision: torch.dtype, make_picture: MakePicture
) -> None:
    weights = torch.randn(3, 12, 17, generator=torch.Generator().manual_seed(0))
    victim = TorchModule(Weighed(weights).to(precision), SCALE)
    slope = victim.gradient(make_picture(12, 17))
    expected = weights.permute(1, 2, 0).numpy() / weights.numel() / 255
    assert slope.dtype == np.float32
    assert slope.shape == (12, 17, 3)
    assert slope == pytest.approx(expected, rel=1e-2 if precision is torch.bfloat16 else 1e-5)
    assert all(parameter.grad is None for parameter in victim.module.parameters())


def test_a_gradient_agrees_with_differences_of_scores(make_picture: MakePicture) -> None:
    picture = make_picture(20, 16).clip(9, 240)
    slope = ripple.gradient(picture)
    for seed in range(5):
        step = np.random.default_rng(seed).integers(-1, 2, picture.shape)
        up, down = ((picture + sign * step).astype(np.uint8) for sign in (1, -1))
        difference = np.diff(ripple.score(np.stack([down, up])))
        assert difference == pytest.approx(2 * (slope * step).sum(), rel=0.05, abs=1e-4)


@pytest.mark.parametrize("lower_is_better", [False, True])
@pytest.mark.parametrize("goal", ["raise", "lower"])
def test_pgd_finds_the_optimum_of_a_linear_victim(goal: str, *, lower_is_better: bool) -> None:
    weights = torch.randn(3, 14, 11, generator=torch.Generator().manual_seed(0))
    scale = iqaudit.Scale.from_range(-0.1, 0.1, lower_is_better=lower_is_better)
    clean = np.full((14, 11, 3), 128, np.uint8)
    [result] = iqaudit.attack(
        clean, TorchModule(Weighed(weights), scale), attack="pgd", goal=goal, queries=12
    )
    wanted = 1 if (goal == "raise") is not lower_is_better else -1
    signs = np.sign(weights.permute(1, 2, 0).numpy())
    assert np.array_equal(result.perturbation, wanted * LEVELS * signs)


@pytest.mark.parametrize("queries", [13, 12, 4])
def test_pgds_starts_share_the_budget(queries: int) -> None:
    attack, slopes = PGD(starts=3), []

    def slope(at: Perturbation) -> NDArray[np.float32]:
        slopes.append(at)
        return np.ones(at.shape, np.float32)

    asked = replace(problem(grey(20, 20)), queries=queries, gradient=slope, clean_loss=0.0)
    state = attack.init(asked)
    for number in range(queries - 1):
        proposal = attack.ask(state)
        state = attack.tell(state, proposal, -float(number))
    length = -(-(queries - 1) // 3)
    assert len(slopes) == queries - 1
    assert not slopes[0].any()
    for number, at in enumerate(slopes[:-1]):
        begins = (number + 1) % length == 0
        if begins:  # the next point is drawn anew from the whole ball
            drawn = slopes[number + 1]
            assert set(np.unique(drawn)) == set(range(-LEVELS, LEVELS + 1))
        elif number + 1 < len(slopes):
            assert (slopes[number + 1] <= at).all()  # down the same slope all along


def test_pgd_goes_farther_than_a_black_box_does(make_picture: MakePicture) -> None:
    picture = make_picture(32, 40)
    gains = [
        abs(result.adversarial_score - result.clean_score)
        for attack in ("bidirectional", "random", "pgd")
        for result in iqaudit.attack(picture, ripple, attack=attack, queries=60)
    ]
    assert gains[2] > 3 * max(gains[:2])


def test_a_named_torch_module_has_a_gradient_and_the_reference_too(
    make_picture: MakePicture, reference: iqaudit.victims.Reference
) -> None:
    picture = make_picture(64, 72)
    held = as_victim("python:tests.search.test_white_box:ripple")
    found = gradient_of(held)
    assert found is not None
    assert np.array_equal(found(picture), ripple.gradient(picture))
    [result] = iqaudit.attack(picture, reference, attack="pgd", queries=6)
    assert abs(result.adversarial_score - result.clean_score) > 20


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dbcnn", "tres"])
def test_the_papers_victims_have_a_gradient_where_they_look(
    model: str, make_picture: MakePicture
) -> None:
    victim = as_victim(model, untrained=True)
    slope = gradient_of(victim)
    assert slope is not None
    picture = make_picture(226, 230)
    found = np.asarray(slope(picture))
    assert np.isfinite(found).all()
    top, left, height, width = victim.card.window(226, 230)
    seen = found[top : top + height, left : left + width]
    assert (np.abs(seen).sum(axis=2) > 0).mean() > 0.99
    assert np.count_nonzero(found) == np.count_nonzero(seen)


def _never(_: Pixels) -> float:
    return pytest.fail("asked")


def test_a_victim_without_a_gradient_is_refused_before_the_first_query(
    make_picture: MakePicture,
) -> None:
    for victim in (Function(_never, SCALE), as_victim(Function(roughness, SCALE), repeats=2)):
        with pytest.raises(InputError, match="PGD follows the victim's gradient and needs one"):
            SearchSpec(victim, PGD(), queries=50)
    with pytest.raises(InputError, match=r'a torch module.*"_never" answers scores alone'):
        iqaudit.attack(make_picture(9, 9), _never, score_range=(0, 1), attack="pgd")


class _Rounds(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (255 * x).round().int().float().mean((1, 2, 3))


class _Kinks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x).sqrt().mean((1, 2, 3)) + x.mean((1, 2, 3))


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (_Rounds(), "failed on the gradient for a picture of 17 x 12: .*no gradient"),
        (_Kinks(), "has no finite gradient for a picture of 17 x 12"),
    ],
)
def test_a_module_without_a_usable_gradient_is_a_victims_failure(
    module: nn.Module, sentence: str, make_picture: MakePicture
) -> None:
    with pytest.raises(VictimError, match=sentence) as caught:
        iqaudit.attack(
            make_picture(12, 17), module, score_range=(-300, 300), attack="pgd", queries=9
        )
    [begun] = caught.value.results
    assert (begun.queries, begun.outcome) == (1, iqaudit.Outcome.VICTIM_FAILED)


def test_pgd_without_a_gradient_says_so() -> None:
    attack = PGD()
    state = attack.init(replace(problem(grey(4, 4)), gradient=None))
    with pytest.raises(InputError, match="PGD needs a victim that is a torch module"):
        attack.ask(state)


def test_a_run_says_that_its_attack_was_no_black_box(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    pages = {}
    for attack in (PGD(), Bidirectional()):
        path = tmp_path / type(attack).__name__
        iqaudit.attack(make_picture(20, 24), ripple, attack=attack, queries=4, out=path)
        pages[attack.__class__] = write_report(path).read_text("utf-8")
        assert load_record(path).attack.settings.get("white_box", False) is isinstance(attack, PGD)
    assert "saw nothing of the victim but its scores" in pages[Bidirectional]
    assert "saw nothing" not in pages[PGD]
    assert "it is no black box" in pages[PGD]
