"""The closed form against a plain second statement of it."""

import numpy as np
import pytest
import scipy
import torch
from torch import nn

from iqaudit import InputError
from iqaudit._harden import fit as fits
from iqaudit._harden.features import BLOCKS, changed
from iqaudit._harden.fit import Problem, fit, targets
from iqaudit._harden.head import Head


def head(features: int, seed: int = 0, *, bias: bool = True) -> Head:
    torch.manual_seed(seed)
    return Head(nn.Linear(features, 1, bias=bias, dtype=torch.float64))


def problem(pictures: int, features: int, *, centred: bool = True, each: int = 2) -> Problem:
    draw = np.random.default_rng(1)
    clean = draw.normal(size=(pictures, features)) * draw.uniform(0.5, 3, features) + 1
    wanted = clean @ draw.normal(size=features) + draw.normal(size=pictures)
    owners = np.repeat(np.arange(pictures), each)
    rows = draw.normal(size=(len(owners), features)) * np.linspace(0, 1, features)
    return Problem(clean, wanted, rows, owners, centred)


@pytest.mark.parametrize(("pictures", "features"), [(30, 6), (12, 80)])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_a_head_is_the_least_squares_solution(
    pictures: int,
    features: int,
    penalty: float,
    centred: bool,  # noqa: FBT001
) -> None:
    """All terms are rows of one least-squares problem, the bias a column."""
    given, old = problem(pictures, features, centred=centred), head(features, bias=centred)
    kept = np.arange(pictures) % 3 > 0
    found = [*fits._Reduced(given, old).solved(kept, penalty)]
    units, variance = given.features.std(axis=0), given.targets.var()
    clean, mine = given.features[kept], kept[given.owners]
    reference = np.mean((given.rows @ old.weight) ** 2)
    for ridge, each in zip(fits.RIDGES, found, strict=True):
        push = np.sqrt(penalty * variance / reference / mine.sum()) * given.rows[mine]
        pull = np.sqrt(ridge) * np.diag(units)
        left = np.concatenate([clean / np.sqrt(len(clean)), push, pull])
        right = [given.targets[kept] / np.sqrt(len(clean)), np.zeros(len(push)), pull @ old.weight]
        if centred:
            ones = np.concatenate(
                [np.full(len(clean), len(clean) ** -0.5), np.zeros(len(left) - len(clean))]
            )
            left = np.column_stack([left, ones])
        solution = scipy.linalg.lstsq(left, np.concatenate(right))[0]
        np.testing.assert_allclose(each.weight, solution[:features], rtol=1e-6, atol=1e-8)
        assert each.bias == pytest.approx(solution[features] if centred else 0, abs=1e-7)


def test_the_pair_that_moves_least_within_the_loss_is_taken() -> None:
    given, old = problem(60, 6), head(6)
    none, some = (fit(given, old, loss, 0)[1] for loss in (0.0, 0.05))
    assert none.srocc == none.srocc_best == some.srocc_best
    assert some.srocc >= some.srocc_best - 0.05
    assert some.moved < none.moved
    assert some.penalty > none.penalty


def test_the_new_outputs_have_the_targets_mean_and_deviation() -> None:
    given = problem(60, 6)
    fitted, _ = fit(given, head(6), 0.2, 0)
    outputs = given.features @ fitted.weight + fitted.bias
    assert outputs.mean() == pytest.approx(given.targets.mean())
    assert outputs.std() == pytest.approx(given.targets.std())


def test_folds_hold_each_picture_out_once() -> None:
    folds = [*fits._folds(23, 4)]
    assert len(folds) == fits.FOLDS
    assert (np.sum(folds, axis=0) == 1).all()


def test_targets_have_the_opinions_ranks_and_the_outputs_values() -> None:
    outputs, opinions = np.array([0.5, -2.0, 4.0, 1.0]), np.array([9.0, 1.0, 3.0, 5.0])
    assert targets(outputs, opinions, falling=False).tolist() == [4, -2, 0.5, 1]
    assert targets(outputs, opinions, falling=True).tolist() == [-2, 4, 1, 0.5]
    alike = targets(outputs, np.array([2.0, 2, 7, 8]), falling=False)
    assert alike.tolist() == [-0.75, -0.75, 1, 4]


def test_pictures_that_are_alike_are_refused() -> None:
    given = problem(20, 6)
    flat = given._replace(features=np.ones_like(given.features))
    with pytest.raises(InputError, match="alike"):
        fit(flat, head(6), 0.01, 0)


def test_sign_patterns_keep_to_the_levels_and_come_again() -> None:
    pixels = np.full((40, 33, 3), 128, np.uint8)
    first, again = ([*changed(pixels, 3, seed=1)] for _ in range(2))
    assert len(first) == len(BLOCKS)
    for one, other, side in zip(first, again, BLOCKS, strict=True):
        assert (one == other).all()
        assert (np.abs(one.astype(int) - 128) == 3).all()
        assert (one[:side, :side] == one[0, 0]).all()
    assert any(
        (one != other).any() for one, other in zip(first, changed(pixels, 3, seed=2), strict=True)
    )
