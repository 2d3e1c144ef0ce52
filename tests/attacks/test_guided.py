"""`guided`: the opening, what it learns, and where it spends its levels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from tests.support.searching import LEVELS, Linear, grey, last, problem, searched

import iqaudit
from iqaudit import measures
from iqaudit._core.patches import Perturbation, whole
from iqaudit._core.picture import Pixels
from iqaudit.attacks import Bidirectional, Guided, GuidedCarrying
from iqaudit.attacks._guided.allowance import Allowance, allowance, local_variance
from iqaudit.attacks._guided.attack import FIRST, OPENING
from iqaudit.attacks._guided.moves import (
    EVERYWHERE,
    KINDS,
    SHARES,
    GuidedState,
    Kept,
    drawn,
    filled,
    tiles,
)
from iqaudit.attacks._guided.patterns import COLOURS, Checks, Flat, Noise, Pattern, any_checks, tile
from iqaudit.attacks._registry import attack_spec

CHECKERS = Checks(1, 1, COLOURS[1])


def hearing(pattern: Checks, side: int = 32) -> Linear:
    """Return a scorer that hears one pattern over the whole picture and nothing else."""
    signs = pattern.signs(slice(0, side), slice(0, side))
    return Linear(grey(side, side), -1e-3 * signs.astype(np.float64))


def test_the_opening_finds_the_pattern_that_a_victim_hears() -> None:
    scorer = hearing(CHECKERS)
    state = last(Guided(visibility=1), problem(scorer.clean, len(OPENING) + 1), scorer)
    assert np.array_equal(state.perturbation, scorer.best)
    assert state.ranking[0][1] == CHECKERS


def test_the_opening_asks_each_pattern_once_over_the_whole_picture() -> None:
    scorer = Linear(grey(24, 40))
    steps = list(searched(Guided(visibility=1), problem(scorer.clean), scorer, len(OPENING) + 1))
    asked = [proposal.painted() for _, proposal, _, _ in steps]
    assert all((abs(each) == LEVELS).all() for each in asked)
    assert len({each.tobytes() for each in asked}) == len(OPENING) == len(set(OPENING))


def test_what_pays_is_drawn_more_often() -> None:
    """A victim that hears a tile of eight pixels is searched with tiles, not with windows."""
    tile_weights = np.random.default_rng(2).normal(0, 1e-4, (8, 8, 3))
    scorer = Linear(grey(96, 96), np.tile(tile_weights, (12, 12, 1)))
    steps = list(searched(Guided(visibility=1), problem(scorer.clean), scorer, 700))
    kinds = [proposal.kind for _, proposal, _, _ in steps if proposal.kind >= 0]  # type: ignore[attr-defined]
    everywhere = np.mean([KINDS[kind] in EVERYWHERE for kind in kinds[-200:]])
    assert everywhere > 0.6 > 2 * len(EVERYWHERE) / len(KINDS) - 0.1
    reached = steps[-1][3].loss
    assert 5 - reached > 0.65 * (5 - scorer.loss(scorer.best))


@pytest.mark.slow
def test_it_goes_farther_than_the_papers_attack_with_as_many_queries() -> None:
    pictures = [data.astronaut()[:192, :192], data.coffee()[100:292, 100:292]]
    moved = [
        np.mean([abs(r.adversarial_quality - r.clean_quality) for r in results])
        for results in (
            iqaudit.attack(pictures, "reference", attack=attack, queries=60)
            for attack in (Guided(), Bidirectional())
        )
    ]
    assert moved[0] > 1.2 * moved[1]


def test_it_has_all_of_the_threat_and_its_quiet_form_what_it_had() -> None:
    """A run of before, whose record says 0.65, is told as of the quiet one."""
    posed = problem(grey(16, 16))
    assert (Guided().init(posed).allowed.within(slice(None), slice(None)) == LEVELS).all()
    assert attack_spec(Guided(visibility=0.65)).name == "guided-quiet"


def test_refused_steps_change_nothing_but_the_tallies() -> None:
    scorer = Linear(grey(16, 16))
    for before, _, loss, after in searched(Guided(), problem(scorer.clean), scorer, 120):
        if loss >= before.loss:
            assert after.perturbation is before.perturbation
            assert after.loss == before.loss
        else:
            assert after.loss == loss
        assert before.tried is not after.tried or before.tried.sum() == after.tried.sum()


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(KINDS), st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_every_draw_lies_in_the_picture_and_within_what_is_allowed(
    height: int, width: int, kind: str, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    allowed = Allowance(draw.uniform(0, 4, (height, width, 3)).astype(np.float32), LEVELS)
    held = draw.integers(-LEVELS, LEVELS, (height, width, 3), np.int16, endpoint=True)
    kept = Flat((1, -1, 1)), _anywhere(draw, height, width)
    state = _holding(held, allowed, kept)
    for share in SHARES:
        window, levels, _ = drawn(state, draw, kind, share)
        assert levels.dtype == np.int16
        assert window.height >= 1 <= window.width
        assert 0 <= window.top <= height - window.height
        assert 0 <= window.left <= width - window.width
        assert levels.shape == (window.height, window.width, 3)
        assert (abs(levels) <= LEVELS).all()


TILES = tiles(np.random.default_rng(0))


def _holding(held: Perturbation, allowed: Allowance, *kept: Kept) -> GuidedState:
    tally, ranking = np.zeros((len(KINDS), len(SHARES))), ((0.0, CHECKERS),)
    posed = problem(grey(*held.shape[:2]))
    return GuidedState(posed, 2, held, 5.0, allowed, TILES, ranking, tally, tally, kept)


def _anywhere(draw: np.random.Generator, height: int, width: int) -> iqaudit.victims.Window:
    top, left = int(draw.integers(height)), int(draw.integers(width))
    return iqaudit.victims.Window(top, left, 1 + int(draw.integers(height - top)), width - left)


def test_every_pixel_has_its_turn() -> None:
    clean = grey(12, 9)
    changed = np.zeros(clean.shape, bool)
    held = np.zeros(clean.shape, np.int16)
    allowed = Allowance(np.full(clean.shape, 3, np.float32), LEVELS)
    state = _holding(held, allowed)
    draw = np.random.default_rng(0)
    for _ in range(2000):
        window, levels, _ = drawn(state, draw, "flat", SHARES[4])
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        changed[rows, columns] |= levels != 0
    assert changed.all()


def test_a_pattern_goes_on_across_windows() -> None:
    draw = np.random.default_rng(3)
    noise = Noise(tile(draw, 6, coloured=True), -1, (200, 31))
    checks = [any_checks(draw, (1, 3, 8)) for _ in range(20)]
    patterns: tuple[Pattern, ...] = (noise, Flat((1, -1, -1)), *OPENING, *checks)
    for pattern in patterns:
        whole = pattern.signs(slice(0, 40), slice(0, 50))
        assert set(np.unique(whole)) <= {-1, 1}
        assert np.array_equal(whole[7:21, 13:50], pattern.signs(slice(7, 21), slice(13, 50)))


def test_noise_has_waves_of_its_length() -> None:
    for waves in (4, 9, 14):
        signs = tile(np.random.default_rng(0), waves, coloured=False).signs
        power = abs(np.fft.fft2(signs[..., 0])) ** 2
        frequency = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(len(signs))]))
        band = (frequency > 1 / waves / 1.6) & (frequency < 1 / waves * 1.6)
        assert power[band].sum() > 0.5 * power.sum()
        assert (signs == signs[..., :1]).all()


def _lost(clean: Pixels, levels: Any) -> float:
    attacked = np.clip(clean + levels, 0, 255).astype(np.uint8)
    return 1 - measures.ssim(clean, attacked)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_the_allowance_costs_its_share_of_similarity(share: float) -> None:
    clean = data.astronaut()
    white = np.random.default_rng(0).choice([-1, 1], clean.shape)
    spent = allowance(clean, LEVELS, share).within(slice(None), slice(None)) * white
    assert _lost(clean, spent) == pytest.approx(share * _lost(clean, LEVELS * white), rel=0.15)


COARSE: tuple[Pattern, ...] = (
    Noise(tile(np.random.default_rng(0), 9, coloured=False)),
    Noise(tile(np.random.default_rng(0), 14, coloured=True)),
    Checks(8, 8),
    Checks(16, 0),
)


@pytest.mark.parametrize("pattern", COARSE, ids=["waves of 9", "of 14", "checks", "stripes"])
def test_a_coarse_pattern_may_be_stronger_for_the_same_similarity(pattern: Pattern) -> None:
    clean = data.astronaut()
    allowed = allowance(clean, 12, 0.2)  # of so many levels that few are cut off or rounded
    white = np.random.default_rng(0).choice([-1, 1], clean.shape)
    fine = allowed.within(slice(None), slice(None)) * white
    coarse = filled(pattern, whole(*clean.shape[:2]), allowed)
    assert np.abs(coarse).mean() > 1.05 * np.abs(fine).mean()
    assert _lost(clean, coarse) == pytest.approx(_lost(clean, fine), rel=0.2)


def test_flat_squares_are_as_visible_as_is_said() -> None:
    draw = np.random.default_rng(0)
    for side in (2, 4, 8, 16, 32):
        colours = draw.choice([-1, 1], (256 // side, 256 // side, 3))
        field = colours.repeat(side, 0).repeat(side, 1).astype(np.int16)
        assert Flat((1, 1, 1)).variance(side) == pytest.approx(local_variance(field), abs=0.15)


def test_the_allowance_spares_smooth_parts_and_reaches_every_pixel() -> None:
    clean = grey(64, 64)
    clean[:, 32:] = np.random.default_rng(0).integers(0, 256, (64, 32, 3))

    def everywhere(pixels: Pixels, levels: int, share: float) -> Perturbation:
        return allowance(pixels, levels, share).within(slice(None), slice(None))

    allowed = everywhere(clean, LEVELS, 0.5)
    assert allowed[:, :20].mean() < allowed[:, 44:].mean() == LEVELS
    assert (everywhere(clean, LEVELS, 0) >= 1).all()
    assert (everywhere(clean, LEVELS, 1) == LEVELS).all()
    assert (everywhere(grey(1, 1), 1, 0.3) == 1).all()


def test_with_cheap_windows_it_gains_as_much_for_far_less_arithmetic() -> None:
    """And with others, or where it is told so, it goes by queries alone."""
    scorer = Linear(grey(96, 96))
    searches = {}
    for budget, incremental in ((None, False), ("queries", True), (None, True), ("compute", False)):
        posed = problem(scorer.clean, incremental=incremental)
        searches[budget, incremental] = list(searched(Guided(budget=budget), posed, scorer, 400))
    plain, told, cheap, asked = searches.values()

    def asked_about(steps: list[Any]) -> list[bytes]:
        return [proposal.painted().tobytes() for _, proposal, _, _ in steps]

    assert asked_about(plain) == asked_about(told)
    assert asked_about(cheap) == asked_about(asked)

    def area(steps: list[Any]) -> float:
        late = (step[1] for step in steps[len(OPENING) :])
        return float(np.mean([p.patches[0].values.size / scorer.clean.size for p in late]))

    assert area(cheap) < 0.3 * area(plain)
    fallen = [5 - steps[-1][3].loss for steps in (cheap, plain)]
    assert fallen[0] > 0.6 * fallen[1]


def test_what_moved_earlier_pictures_is_asked_first_and_ends_the_opening() -> None:
    """Every picture hears one tile; the second begins with it, whatever its own size."""
    weights = np.random.default_rng(2).normal(0, 1e-3, (8, 8, 3))
    attack, memory, before, spent = GuidedCarrying(visibility=1), None, 0.0, []
    for side in (64, 64, 80):
        scorer = Linear(grey(side, side), np.tile(weights, (side // 8, side // 8, 1)) / side**2)
        scorer.weights *= 64**2 / 8
        posed = problem(scorer.clean, 400, memory=memory)
        states = [state for *_, state in searched(attack, posed, scorer)]
        spent.append(sum(state.due is not None for state in states))
        reached = [5 - state.loss for state in states]
        assert memory is None or reached[0] > 0.8 * before
        before, memory = reached[-1], attack.learned(states[-1])
    assert spent[0] == len(OPENING) - 1
    assert max(spent[1:]) < len(OPENING) / 2


def test_each_direction_has_a_memory_of_its_own() -> None:
    scorer = hearing(CHECKERS)
    attack = GuidedCarrying(visibility=1)
    memory = attack.learned(last(attack, problem(scorer.clean, 60), scorer))
    up = attack.init(problem(scorer.clean, 60, clean_loss=-5.0, memory=memory))
    assert up.known is FIRST
    down = attack.init(problem(scorer.clean, 60, memory=memory))
    held = attack.ask(down).painted()
    assert np.array_equal(held, scorer.best)


def test_no_pattern_is_asked_twice_in_an_opening() -> None:
    scorer = hearing(CHECKERS)
    attack, memory = GuidedCarrying(visibility=1), None
    for seed in range(3):
        steps = list(searched(attack, problem(scorer.clean, 40, seed, memory=memory), scorer))
        opening = [asked.painted().tobytes() for state, asked, *_ in steps if state.due is not None]
        assert len(opening) == len(set(opening))
        memory = attack.learned(steps[-1][-1])
