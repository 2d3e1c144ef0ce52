"""The rival attacks, each by what its paper promises on a scorer of which the best is known."""

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import fft
from tests.support.pictures import MakePicture
from tests.support.searching import LEVELS, Linear, Rough, grey, last, problem, searched

import iqaudit
from iqaudit._core.stream import Stream
from iqaudit.attacks import (
    NES,
    PGD,
    Bidirectional,
    Parsimonious,
    SignHunter,
    SimBA,
    SimBADCT,
    Square,
    Yang2024,
    _parsimonious,
    _simba_dct,
    _visibility,
    named,
)
from iqaudit.attacks._base import FIRST_QUERY
from iqaudit.attacks._yang2024 import Phase


def test_square_is_the_two_stages_with_one_square(make_picture: MakePicture) -> None:
    assert named("square") == Square(p_init=0.05)
    picture, victim = make_picture(24, 31), Rough(0, 20)
    one, other = (
        iqaudit.attack(picture, victim, attack=attack, queries=120)[0]
        for attack in (Square(), Bidirectional(n_squares=1, p_init=0.05))
    )
    assert np.array_equal(one.scores, other.scores)
    posed = problem(grey(9, 8))
    for _, proposal, _, _ in searched(Square(), posed, Linear(grey(9, 8)), 40):
        assert len(proposal.patches) == 1


def test_simba_finds_every_coefficient_of_a_linear_scorer() -> None:
    scorer = Linear(grey(6, 7))
    size = scorer.clean.size
    posed = problem(scorer.clean, 2 * size + 1)
    steps = list(searched(SimBA(), posed, scorer))
    tried: dict[int, list[int]] = {}
    for state, proposal, _, _ in steps:
        changed = np.flatnonzero(proposal.painted() != state.perturbation)
        tried.setdefault(int(changed.item()), []).append(
            int(proposal.painted().ravel()[changed].item())
        )
    state = last(SimBA(), problem(scorer.clean, sum(map(len, tried.values())) + 1), scorer)
    assert np.array_equal(state.perturbation, scorer.best)
    # Down first; up only where that was refused.
    for coordinate, levels in tried.items():
        down = scorer.weights.ravel()[coordinate] > 0
        assert levels[: 2 - down] == [-LEVELS, LEVELS][: 2 - down]


def test_simba_asks_nothing_that_clipping_undoes() -> None:
    clean = np.random.default_rng(0).choice([0, 1, 254, 255], (5, 6, 3)).astype(np.uint8)
    scorer, threat = Linear(clean), iqaudit.Linf(LEVELS)
    for state, proposal, _, _ in searched(SimBA(), problem(clean, 400), scorer):
        held = threat.apply(clean, state.perturbation)
        assert (threat.apply(clean, proposal.painted()) != held).sum() == 1


@given(height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=30)
def test_low_frequencies_come_first_and_all_come_once(height: int, width: int) -> None:
    order = _simba_dct.low_first(Stream(0, "p").at(1), height, width)
    assert np.array_equal(np.sort(order), np.arange(3 * height * width))
    down, across = np.divmod(order // 3, width)
    shell = np.maximum(32 * down // height, 32 * across // width)
    lowest = shell < 4
    assert lowest[: lowest.sum()].all()
    assert (np.diff(shell[~lowest]) >= 0).all()


def test_simba_dct_finds_the_coefficients_of_a_linear_scorer() -> None:
    height, width, levels = 24, 16, 100
    order = _simba_dct.low_first(Stream(0, "picture").at(1), height, width)[:20]
    signs = np.random.default_rng(2).choice([-1, 1], len(order))
    weights = np.zeros((height, width, 3))
    waves = []
    for place, sign in zip(order, signs, strict=True):
        down, across, channel = np.unravel_index(place, weights.shape)
        wave = np.zeros(weights.shape)
        column = _simba_dct.cosine(int(down), height)
        wave[..., channel] = np.outer(column, _simba_dct.cosine(int(across), width))
        weights += 1e-5 * sign * wave
        waves.append(wave)
    scorer = Linear(grey(height, width), weights, levels)
    attack = SimBADCT(amplitude=0.05)
    *_, (_, _, _, state) = (
        step
        for step in searched(attack, problem(scorer.clean, 41, levels=levels), scorer)
        if step[0].place < len(order)
    )
    # The waves are orthogonal: a product with each tells its coefficient.
    found = [np.vdot(wave, state.field) / np.vdot(wave, wave) / 5 for wave in waves]
    assert found == pytest.approx((-signs).tolist())
    assert np.array_equal(state.perturbation, np.rint(state.field * (1 - 1e-5)))
    assert state.loss == scorer.loss(state.perturbation)


def test_signhunter_recovers_the_signs_of_a_linear_scorer() -> None:
    scorer = Linear(grey(5, 7))  # 105 channels: chunks of unequal length, ends inside of rows
    state = last(SignHunter(), problem(scorer.clean, 2 + 1 + 2 * 128 + 7), scorer)
    assert np.array_equal(state.perturbation, scorer.best)


def test_signhunters_chunks_cover_the_picture_at_every_depth() -> None:
    scorer = Linear(grey(5, 7))
    depths: list[list[NDArray[np.bool_]]] = []
    for state, proposal, _, _ in searched(SignHunter(), problem(scorer.clean, 300), scorer):
        if state.query == FIRST_QUERY:
            continue
        flipped = (proposal.painted() != state.perturbation).ravel()
        asked, held = proposal.painted().ravel(), state.perturbation.ravel()
        assert (asked[flipped] == -held[flipped]).all()
        begin, end = np.flatnonzero(flipped)[[0, -1]]
        assert flipped[begin : end + 1].all()  # a run of the flattened picture
        if state.chunk == 0:
            depths.append([])
        depths[-1].append(flipped)
    counts = [1, 2, 4, 8, 15, 27, 53, 105]  # of 105 channels, in chunks of 105, 53, 27, 14, ...
    assert [len(chunks) for chunks in depths][: len(counts) + 2] == [*counts, 1, 2]
    for chunks in depths[: len(counts)]:
        assert (np.sum(chunks, axis=0) == 1).all()


@pytest.mark.parametrize(("height", "width", "batch"), [(24, 33, 64), (19, 16, 5), (8, 9, 7)])
def test_parsimonious_ends_with_the_best_sign_of_every_block(
    height: int, width: int, batch: int
) -> None:
    """On a linear scorer, where the set function is modular."""
    scorer = Linear(grey(height, width))
    side = _parsimonious.first_side(height, width)
    posed = problem(scorer.clean, 5 * scorer.clean.size)
    for state, _, _, after in searched(Parsimonious(batch), posed, scorer):
        if after.side < state.side or (state.side == 1 and after.batch < state.batch):
            for top in range(0, height, side):
                for left in range(0, width, side):
                    block = np.s_[top : top + side, left : left + side]
                    best = -LEVELS * np.sign(scorer.weights[block].sum((0, 1)))
                    assert (after.perturbation[block] == best).all()
            if side == 1:
                break
            side = after.side
    assert side == 1
    assert np.array_equal(after.perturbation, scorer.best)


def test_parsimonious_measures_a_margin_again_only_at_the_top() -> None:
    """Each phase tries every block outside the set (or inside) once, and then the promising."""
    scorer = Linear(grey(16, 16))
    posed = problem(scorer.clean, 900)
    scans = retries = accepted = 0
    for state, _, _, after in searched(Parsimonious(), posed, scorer):
        if state.query > 2 and state.side == 2:
            scans += bool(state.waiting)
            retries += not state.waiting
            accepted += after.perturbation is not state.perturbation
    assert scans == 3 * 8 * 8 + accepted  # what was inserted is tried for deletion
    assert retries == accepted  # margins do not change: no retry is in vain


@pytest.mark.parametrize(
    ("height", "width", "side"),
    [(256, 256, 32), (299, 299, 32), (384, 512, 64), (32, 32, 4), (7, 9, 1), (1, 1, 1)],
)
def test_the_first_blocks_are_an_eighth_of_a_side(height: int, width: int, side: int) -> None:
    assert _parsimonious.first_side(height, width) == side


def test_the_nes_estimate_points_along_the_gradient() -> None:
    scorer = Linear(grey(6, 6))
    attack = NES(samples=200)
    for state, _, _, _ in searched(attack, problem(scorer.clean, 202), scorer):
        if state.sampled == attack.samples:
            break
    cosine = np.vdot(state.estimate, scorer.weights) / np.linalg.norm(state.estimate)
    # 100 independent pairs in 108 dimensions: about sqrt(100 / 208) is to be expected.
    assert cosine / np.linalg.norm(scorer.weights) > 0.6


def test_nes_descends_and_counts_every_picture() -> None:
    scorer = Linear(grey(6, 6))
    attack = NES(samples=40)
    steps = list(searched(attack, problem(scorer.clean, 1000), scorer))
    moved = [
        state.query for state, _, _, after in steps if after.perturbation is not state.perturbation
    ]
    assert moved == list(range(2 + 40, 1001, 41))
    assert scorer.loss(steps[-1][3].perturbation) < 0.9 * scorer.loss(scorer.best) + 0.1 * 5


def test_nes_samples_come_in_mirrored_pairs_of_whole_levels() -> None:
    scorer = Linear(grey(20, 20))
    drawn = []
    for state, proposal, _, _ in searched(NES(), problem(scorer.clean, 51), scorer):
        drawn.append(proposal.painted() - state.perturbation)
    for one, other in zip(drawn[::2], drawn[1::2], strict=True):
        assert np.array_equal(one, -other)
    assert np.std(drawn) == pytest.approx(np.sqrt(1 + 1 / 12), rel=0.02)  # rounding adds a twelfth


def test_nes_steps_shrink_where_the_loss_does_not_fall() -> None:
    scorer, attack = Linear(grey(4, 4)), NES(samples=2)
    state = attack.init(problem(scorer.clean))
    sizes = []
    for query in range(60):
        state = attack.tell(state, attack.ask(state), 5.0 + query)
        sizes.append(state.step)
    assert sizes[0] == attack.step * LEVELS
    assert sizes[-1] == sizes[0] / 2**4
    assert sorted(sizes, reverse=True) == sizes


def test_pgd_reaches_the_optimum_of_a_linear_scorer() -> None:
    scorer = Linear(grey(9, 8))
    for queries in (12, 60):
        posed = problem(scorer.clean, queries, gradient=scorer.gradient)
        assert np.array_equal(last(PGD(), posed, scorer).perturbation, scorer.best)


@pytest.mark.slow
def test_yang_passes_boundary_after_boundary_within_the_jnd() -> None:
    clean = np.random.default_rng(0).integers(90, 160, (40, 48, 3)).astype(np.uint8)
    scorer = Linear(clean, np.random.default_rng(1).normal(0, 2e-2, clean.shape))
    limit = np.floor(0.38 * _visibility.just_noticeable(clean)).clip(1, LEVELS)[..., None]
    boundaries, lengths = [], []
    for state, _, loss, after in searched(Yang2024(), problem(clean, 4000), scorer):
        assert (np.abs(after.perturbation) <= limit).all()
        boundaries.append(state.boundary)
        if after.perturbation is not state.perturbation:
            assert after.loss == loss < 5 * (1 - state.boundary)
        if state.phase is not Phase.TRY and after.phase is not Phase.TRY:
            before, now = (np.linalg.norm(each.point - each.start) for each in (state, after))
            lengths.append(now / before)
    rounds = [now - then for then, now in pairwise(boundaries) if now > then]
    assert len(rounds) > 3
    assert max(lengths) < 1 + 1e-5  # a round only shrinks what it found
    assert min(lengths) < 0.99


def test_yangs_turns_are_orthogonal_and_of_low_frequencies() -> None:
    clean = np.random.default_rng(0).integers(90, 160, (24, 32, 3)).astype(np.uint8)
    scorer = Linear(clean, np.random.default_rng(1).normal(0, 2e-2, clean.shape))
    most = 0
    for state, _, _, _ in searched(Yang2024(), problem(clean, 1500), scorer):
        if state.phase is Phase.TURN:
            products = [abs(float(np.vdot(state.direction, other))) for other in state.before[:-1]]
            assert max(products) < 1e-3
            assert state.before[-1] is state.direction
            most = max(most, len(state.before))
            if len(state.before) == 2:
                spectrum = fft.dctn(state.direction + 0.0, axes=(0, 1), norm="ortho")
                first = fft.dctn(state.before[0], axes=(0, 1), norm="ortho")
                other = spectrum - np.vdot(spectrum, first) * first
                assert np.linalg.norm(spectrum[12:, 16:]) < np.linalg.norm(other[:12, :16])
    assert most > 2


def test_the_jnd_is_larger_in_the_dark_and_in_texture() -> None:
    for level, noticed in ((0, 20), (127, 3), (255, 6)):
        flat = np.full((20, 20, 3), level, np.uint8)
        assert _visibility.just_noticeable(flat) == pytest.approx(np.full((20, 20), noticed))
    textured = np.random.default_rng(0).integers(110, 140, (20, 20, 3)).astype(np.uint8)
    assert _visibility.just_noticeable(textured).min() > 3


def test_what_stands_out_is_salient_and_an_edge_is_where_levels_jump() -> None:
    picture = np.full((80, 100), 90.0)
    picture[30:40, 60:72] = 220
    salient = _visibility.salience(picture)
    assert salient.shape == picture.shape
    assert salient.max() == 1
    row, column = np.unravel_index(salient.argmax(), salient.shape)
    assert 22 <= row <= 48
    assert 52 <= column <= 80
    edge = _visibility.edges(picture)
    assert edge.any()
    assert not edge[:25].any()
    for shape in ((1, 1), (1, 30), (900, 3)):
        ramp = np.linspace(0, 255, shape[0] * shape[1]).reshape(shape)
        assert _visibility.salience(ramp).shape == _visibility.edges(ramp).shape == shape


@pytest.mark.parametrize(
    ("attack", "arguments", "sentence"),
    [
        (SimBADCT, {"amplitude": 0}, "amplitude is a share"),
        (NES, {"samples": 7}, "even number, not 7"),
        (NES, {"samples": 0}, "even number, not 0"),
        (NES, {"samples": 2.5}, "whole number"),
        (NES, {"sigma": 0}, "sigma must be above 0"),
        (NES, {"step": np.inf}, "step must be above 0"),
        (NES, {"momentum": 1}, "momentum lies in"),
        (Parsimonious, {"batch": 0}, "at least 1 block"),
        (PGD, {"step": -1}, "step is a share"),
        (PGD, {"momentum": 1.5}, "momentum lies in"),
        (Yang2024, {"jnd": 0}, "jnd is a share above 0, or None"),
        (Yang2024, {"tries": 0}, "tries must be at least 1"),
        (Yang2024, {"refinement": 0}, "refinement must be at least 1"),
    ],
)
def test_unusable_settings_are_refused(
    attack: type, arguments: dict[str, float], sentence: str
) -> None:
    with pytest.raises(iqaudit.InputError, match=sentence):
        attack(**arguments)


@pytest.mark.slow
def test_surfree_does_not_hang_on_the_processors_products() -> None:
    """A search that is taken up elsewhere must ask what it asked before."""
    program = (
        "import numpy as np; from iqaudit.attacks import _surfree as surfree\n"
        "draw, before = np.random.default_rng(0), []\n"
        "for _ in range(4): before.append(surfree.direction(draw, (96, 128), before))\n"
        "print(before[-1].tobytes().hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **({"OPENBLAS_CORETYPE": kernels} if kernels else {})},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for kernels in ("", "Haswell", "Sandybridge")
    }
    assert len(found) == 1
