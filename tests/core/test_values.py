"""The small rooms: scale, goal, threat, proposals, randomness."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import iqaudit
from iqaudit import Direction, Goal, InputError, Linf, Patch, Patched, Scale
from iqaudit._core.patches import whole
from iqaudit._core.scale import opinion_maximum
from iqaudit._core.stream import Stream
from iqaudit._runs.records import ScaleRecord
from iqaudit._search.painter import Painter

PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def test_paper_scales_map_their_center_to_five() -> None:
    scale = Scale.paper("dbcnn", "live")
    assert (scale.center, scale.spread) == (57.6545, 23.6798)
    assert scale.quality(57.6545) == 5
    assert scale.quality(57.6545 + 23.6798) == pytest.approx(10 / (1 + math.exp(-1)))
    assert "2402.17533" in scale.source


def test_all_twelve_pairs_are_there() -> None:
    for model in ("dbcnn", "unique", "tres", "liqe"):
        for dataset in ("live", "csiq", "tid2013"):
            assert Scale.paper(model, dataset).spread > 0


def test_opinion_maxima_are_the_papers() -> None:
    maxima = [opinion_maximum(name) for name in ("live", "csiq", "tid2013")]
    assert maxima == [114.4147, 1.0, 9.0]


@pytest.mark.parametrize(("model", "dataset"), [("dbcn", "live"), ("dbcnn", "livee")])
def test_a_misspelt_pair_is_corrected(model: str, dataset: str) -> None:
    with pytest.raises(InputError, match=r'did you mean "(dbcnn|live)"'):
        Scale.paper(model, dataset)


@given(
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    position=st.floats(-3, 4),
    lower=st.booleans(),
)
def test_quality_is_bounded_and_monotone(
    low: float, width: float, position: float, *, lower: bool
) -> None:
    high = low + width
    scale = Scale.from_range(low, high, lower_is_better=lower)
    here, beyond = low + position * width, low + (position + 0.01) * width
    assert 0 < scale.quality(here) < 10
    assert (scale.quality(beyond) > scale.quality(here)) is not lower


def test_quality_of_extreme_scores_does_not_overflow() -> None:
    scale = Scale(0, 1e-3)
    assert scale.quality(-1e6) == 0
    assert scale.quality(1e6) == 10


def test_an_unbounded_range_reaches_everything() -> None:
    assert Scale(50, 20).reachable == (0, 10)
    assert Scale(50, 20, lower_is_better=True).reachable == (0, 10)


def test_liqe_on_tid2013_is_capped_as_published() -> None:
    scale = Scale.paper("liqe", "tid2013")
    shares = [
        iqaudit.measures.reachable_rgo([scale.quality(score)], scale.reachable)
        for score in np.linspace(1, 5, 50)
    ]
    assert min(shares) == pytest.approx(0.31, abs=0.01)
    assert max(shares) == pytest.approx(0.52, abs=0.02)


@pytest.mark.parametrize("spread", [0.0, -1.0, math.nan, math.inf])
def test_a_spread_that_would_hide_every_change_is_refused(spread: float) -> None:
    with pytest.raises(InputError, match="spread S"):
        Scale(5, spread)


@pytest.mark.parametrize("ends", [(1, 1), (2, 1), (0, math.inf), (math.nan, 1)])
def test_an_unusable_range_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="range"):
        Scale.from_range(*ends)


@pytest.mark.parametrize(
    ("goal", "quality", "direction"),
    [
        (Goal.BIDIRECTIONAL, 5.01, Direction.LOWER),
        (Goal.BIDIRECTIONAL, 5.0, Direction.RAISE),
        (Goal.BIDIRECTIONAL, 1.0, Direction.RAISE),
        (Goal.RAISE, 9.0, Direction.RAISE),
        (Goal.LOWER, 1.0, Direction.LOWER),
    ],
)
def test_direction_follows_the_clean_quality(
    goal: Goal, quality: float, direction: Direction
) -> None:
    assert goal.direction(quality) is direction


def test_loss_falls_where_the_push_succeeds() -> None:
    assert Direction.LOWER.loss(3) < Direction.LOWER.loss(4)
    assert Direction.RAISE.loss(4) < Direction.RAISE.loss(3)


@given(pixels=PICTURES, levels=st.integers(1, 255), data=st.data())
def test_no_perturbation_leaves_the_ball_or_the_pixel_range(
    pixels: np.ndarray, levels: int, data: st.DataObject
) -> None:
    perturbation = data.draw(hnp.arrays(np.int16, pixels.shape))
    painted = Linf(levels).apply(pixels, perturbation)
    assert painted.dtype == np.uint8
    assert iqaudit.measures.linf(pixels, painted) <= levels
    exact = pixels + np.clip(perturbation.astype(int), -levels, levels)
    assert np.array_equal(painted, np.clip(exact, 0, 255))


@pytest.mark.parametrize("levels", [0, 256, -3, 1.5, True, "3"])
def test_levels_outside_the_grid_are_refused(levels: object) -> None:
    with pytest.raises(InputError, match="levels must"):
        Linf(levels)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int64])
def test_levels_of_any_whole_type_are_the_same(kind: type[np.integer[Any]]) -> None:
    grey = np.full((2, 2, 3), 100, np.uint8)
    painted = Linf(kind(3)).apply(grey, np.full((2, 2, 3), -9, np.int16))  # type: ignore[arg-type]
    assert painted.min() == painted.max() == 97


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.bool_])
def test_a_perturbation_that_would_wrap_or_be_cut_off_is_refused(kind: type[Any]) -> None:
    painter = Painter(np.zeros((4, 4, 3), np.uint8), whole(4, 4), Linf(3))
    signed, other = np.zeros((4, 4, 3), np.int16), np.zeros((4, 4, 3), kind)
    for proposal in (Patched(other), Patched(signed, (Patch(0, 0, other),))):
        with pytest.raises(InputError, match="signed whole levels"):
            painter.change(proposal)


def test_edits_are_painted_in_order_and_leave_the_base() -> None:
    base = np.zeros((4, 5, 3), np.int16)
    one, two = np.full((2, 2, 3), 1, np.int16), np.full((2, 2, 3), 2, np.int16)
    painted = Patched(base, (Patch(0, 0, one), Patch(1, 1, two))).painted()
    assert painted[0, 0, 0] == 1
    assert painted[1, 1, 0] == 2
    assert painted[2, 2, 0] == 2
    assert not base.any()
    assert Patched(base).painted() is base


def test_draws_depend_on_seed_picture_and_step_alone() -> None:
    def draws(seed: int, picture: str, step: int) -> list[int]:
        return [int(value) for value in Stream(seed, picture).at(step).integers(0, 2**62, 4)]

    here = draws(0, "a", 7)
    assert draws(0, "a", 7) == here
    assert draws(1, "a", 7) != here
    assert draws(0, "b", 7) != here
    assert draws(0, "a", 8) != here
    assert draws(-1, "a", 7) != draws(10**30, "a", 7)


def test_a_step_with_many_draws_does_not_run_into_the_next() -> None:
    first = set(Stream(0, "a").at(1).integers(0, 2**63, 5000))
    second = set(Stream(0, "a").at(2).integers(0, 2**63, 5000))
    assert not first & second


def test_a_scale_of_short_floats_tells_scores_apart_as_one_of_long_ones() -> None:
    scale = iqaudit.Scale(np.float32(50), np.float32(20))  # type: ignore[arg-type]
    assert scale == iqaudit.Scale(50, 20)
    assert scale.quality(50 + 1e-6) > scale.quality(50)


def test_a_scale_is_the_recorded_one_whether_or_not_it_was_said_to_be_fitted() -> None:
    """Runs of before that was recorded go on."""
    keys = asdict(ScaleRecord.of(iqaudit.Scale(3, 1)))
    del keys["fitted"]
    record = ScaleRecord(**keys)
    assert record.agrees(iqaudit.Scale(3, 1, fitted=True))
    assert not record.agrees(iqaudit.Scale(3, 1.5))
