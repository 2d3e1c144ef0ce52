"""The paper's attack: its two stages, its schedule, its reach."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import plain
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream
from iqaudit.attacks import Bidirectional, Problem, named


@pytest.mark.parametrize("preset", ["bidirectional", "bidirectional-liqe"])
@pytest.mark.parametrize(("height", "width"), [(24, 31), (40, 17)])
@pytest.mark.parametrize("score_range", [(0, 20), (0, 7)])
def test_every_step_is_that_of_the_plain_statement(
    preset: str,
    height: int,
    width: int,
    score_range: tuple[float, float],
    make_picture: MakePicture,
) -> None:
    attack = named(preset)
    assert isinstance(attack, Bidirectional)
    scale = iqaudit.Scale.from_range(*score_range)
    clean = make_picture(height, width)
    victim = iqaudit.victims.Function(roughness, scale)

    [result] = iqaudit.attack(clean, victim, attack=attack, queries=300, seed=5)

    answers, accepted = plain.attack(
        clean,
        lambda pixels: scale.quality(float(roughness(pixels[None])[0])),
        levels=3,
        queries=300,
        n_squares=attack.n_squares,
        p_init=attack.p_init,
        stream=Stream(5, iqaudit.Picture("same pixels", clean).sha256),
    )
    assert answers == [scale.quality(score) for score in result.scores]
    assert [1, *accepted] == [step.query for step in result.trace]


def test_presets_are_the_papers() -> None:
    assert named("bidirectional") == Bidirectional(n_squares=2, p_init=0.04)
    assert named("bidirectional-liqe") == Bidirectional(n_squares=8, p_init=0.09)


@pytest.mark.parametrize(
    ("queries", "divisor"),
    [
        ((2, 10), 1),
        ((11, 50), 2),
        ((51, 200), 4),
        ((201, 500), 8),
        ((501, 1000), 16),
        ((1001, 2000), 32),
        ((2001, 4000), 64),
        ((4001, 6000), 128),
        ((6001, 8000), 256),
        ((8001, 10000), 512),
    ],
)
def test_squares_halve_their_share_along_the_papers_schedule(
    queries: tuple[int, int], divisor: int
) -> None:
    for query in queries:
        side = Bidirectional().side(query, 10000, 1000, 1000)
        assert side == round(math.sqrt(0.04 / divisor * 1000 * 1000))
        assert side == Bidirectional().side(query * 3, 30000, 1000, 1000)


@given(
    query=st.integers(2, 500),
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    p_init=st.floats(0.001, 1),
)
def test_a_square_fits_every_picture(query: int, height: int, width: int, p_init: float) -> None:
    side = Bidirectional(p_init=p_init).side(query, 500, height, width)
    assert 1 <= side <= max(1, min(height, width) - 1)


def _problem(clean: Pixels, queries: int, seed: int = 0) -> Problem:
    return Problem(clean, 3, queries, Stream(seed, "picture"))


@pytest.mark.parametrize(("height", "width"), [(7, 12), (12, 7), (5, 5)])
def test_squares_reach_every_pixel_the_last_row_and_column_too(height: int, width: int) -> None:
    attack = Bidirectional()
    state = attack.init(_problem(np.zeros((height, width, 3), np.uint8), 2000))
    state = attack.tell(state, attack.ask(state), 0.0)
    reached = np.zeros((height, width), int)
    while state.query <= 2000:
        proposal = attack.ask(state)
        for edit in proposal.patches:
            reached[edit.window] += 1
        state = attack.tell(state, proposal, 1.0)
    assert reached.min() > 0
    # Every corner is as likely as the other: none is cut off by an index.
    corners = reached[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.max() < 1.5 * corners.min()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_no_query_asks_for_the_picture_that_is_held(seed: int) -> None:
    attack = Bidirectional(n_squares=3, p_init=0.5)
    clean = np.random.default_rng(seed).choice([0, 1, 254, 255], (6, 6, 3)).astype(np.uint8)
    threat = iqaudit.Linf(3)
    state = attack.init(_problem(clean, 60, seed))
    state = attack.tell(state, attack.ask(state), 0.0)
    for _ in range(20):
        proposal = attack.ask(state)
        held = threat.apply(clean, state.perturbation)
        assert (threat.apply(clean, proposal.painted()) != held).any()
        state = attack.tell(state, proposal, -1.0 if state.query % 3 else 1.0)


def test_stripes_are_taken_without_comparing_and_equal_losses_are_refused() -> None:
    attack = Bidirectional()
    state = attack.init(_problem(np.zeros((8, 9, 3), np.uint8), 50))
    state = attack.tell(state, attack.ask(state), 1e9)
    stripes = state.perturbation
    assert np.array_equal(np.abs(stripes), np.full((8, 9, 3), 3))
    assert (stripes == stripes[:1]).all()
    assert attack.tell(state, attack.ask(state), 1e9).perturbation is stripes
    assert attack.tell(state, attack.ask(state), 1e8).perturbation is not stripes


def test_ask_and_tell_leave_the_state_as_it_was() -> None:
    attack = Bidirectional()
    state = attack.init(_problem(np.zeros((8, 9, 3), np.uint8), 50))
    state = attack.tell(state, attack.ask(state), 5.0)
    before = state.perturbation.copy()
    first, second = attack.ask(state), attack.ask(state)
    attack.tell(state, first, 1.0)
    assert np.array_equal(before, state.perturbation)
    assert np.array_equal(first.painted(), second.painted())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_squares": 0}, "n_squares must be at least 1"),
        ({"p_init": 0.0}, "p_init is a share"),
        ({"p_init": 1.5}, "p_init is a share"),
    ],
)
def test_unusable_settings_are_refused(arguments: dict[str, float], sentence: str) -> None:
    with pytest.raises(iqaudit.InputError, match=sentence):
        Bidirectional(**arguments)  # type: ignore[arg-type]
