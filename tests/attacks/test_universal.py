"""One change for many pictures: as it is said a second time, and whom it is tested on."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.support import plain

from iqaudit._core.goal import Direction, Goal
from iqaudit._core.scale import Scale
from iqaudit._core.stream import Stream
from iqaudit._search.halves import Subject, halves, made
from iqaudit._search.ledger import Answer
from iqaudit._search.trial import Shared
from iqaudit.attacks import Universal
from iqaudit.attacks._guided.attack import OPENING
from iqaudit.attacks._universal import SIDE, Signs, laid, pattern

SCALE = Scale.from_range(0, 10)


class Victims:
    """A linear scorer a picture, alike enough for a change of one to be of use for others."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(count)
        common = rng.normal(size=(SIDE, SIDE, 3))
        own = rng.normal(size=(count, SIDE, SIDE, 3))
        # Whole numbers over a power of two: sums are exact, in whatever order.
        self.weights: NDArray[np.float64] = np.rint(64 * (common + own)) / 2**22

    def loss(self, picture: int, tile: Signs) -> float:
        return 5 + float((self.weights[picture] * tile).sum())


@pytest.mark.parametrize(("count", "each"), [(1, 40), (5, 48), (6, 9)])
def test_it_is_made_as_it_is_said(count: int, each: int) -> None:
    victims, stream = Victims(count), Stream(0, "making")
    making, asked = Universal(together=2).making([5.0] * count, each, stream, 0.0), list[int]()
    while not making.done:
        question = making.ask()
        asked += question.pictures
        losses = tuple(victims.loss(picture, question.tile) for picture in question.pictures)
        making = making.tell(question, losses)
    patterns = [pattern(place) for place in range(len(OPENING))]
    lanes = plain.Lanes([5.0] * count, victims.loss, together=2)
    tile = plain.universal(lanes, patterns, each=each, stream=stream)
    assert np.array_equal(making.tile, tile)
    assert asked == lanes.asked
    assert sorted(asked) == sorted(list(range(count)) * each)
    assert set(np.unique(making.tile).tolist()) == {-1, 1}
    held_out = np.mean([victims.loss(at, making.tile) for at in range(count)])
    assert held_out < 5


subjects_ = st.lists(
    st.tuples(
        st.sampled_from([None, "one", "two", "three"]),
        st.sampled_from("abcdefghij"),
        st.sampled_from(Direction),
    ),
    min_size=2,
    max_size=14,
)


@given(subjects_, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_each_picture_is_tested_once_by_others_that_show_another_thing(
    drawn: list[tuple[str | None, str, Direction]], seed: int
) -> None:
    subjects = [Subject(shows, sha256) for shows, sha256, _ in drawn]
    directions = [direction for *_, direction in drawn]
    found = halves(subjects, directions, seed)
    tested = [at for half in found for at in half.tested_on]
    assert sorted(tested) == list(range(len(drawn)))
    for half in found:
        assert {directions[at] for at in (*half.made_on, *half.tested_on)} <= {half.direction}
        shown, others = (
            {subjects[at].shows or subjects[at].sha256 for at in side}
            for side in (half.made_on, half.tested_on)
        )
        assert not shown & others


def test_the_order_and_the_names_of_pictures_do_not_matter() -> None:
    subjects = [Subject(None, f"sha {at}") for at in range(9)]
    ways = [Direction.LOWER] * 9

    def hashes(given: list[Subject]) -> list[list[str]]:
        found = halves(given, ways, seed=3)
        return [[given[at].sha256 for at in half.made_on] for half in found]

    one, other = hashes(subjects)
    assert hashes(subjects[::-1]) == [one, other]
    assert abs(len(one) - len(other)) == 1
    assert hashes(subjects) != [
        [subjects[at].sha256 for at in half.made_on] for half in halves(subjects, ways, seed=4)
    ]


def makes(victims: Victims, count: int, scores: int, spoilt: int | None) -> tuple[Shared, ...]:
    """Make changes for pictures, of which one answers something else where it is asked."""
    subjects = [Subject(None, f"sha {at}") for at in range(count)]
    clean = [5.0 + (-1) ** at for at in range(count)]
    aims = [Goal.BIDIRECTIONAL.aim(score, SCALE) for score in clean]

    def ask(tile: Signs, places: Sequence[int]) -> list[Answer]:
        answers = [clean[at] - 5 + victims.loss(at, tile) for at in places]
        keys = [int.from_bytes(tile.tobytes()[:4096:512], "big") for _ in places]
        return [
            Answer(score if at != spoilt else 10 - score, key)
            for at, score, key in zip(places, answers, keys, strict=True)
        ]

    return made(Universal(together=2), aims, clean, subjects, scores, 0, 0.0, ask)


def test_nothing_that_a_picture_answers_is_in_what_it_is_tested_with() -> None:
    count, scores = 8, 40
    victims = Victims(count)
    whole = makes(victims, count, scores, None)
    assert [len(each.answers) for each in whole] == [scores - 2] * count
    others = 0
    for spoilt in range(count):
        found = makes(victims, count, scores, spoilt)
        assert np.array_equal(found[spoilt].tile, whole[spoilt].tile)
        others += sum(
            not np.array_equal(now.tile, then.tile) for now, then in zip(found, whole, strict=True)
        )
    assert others  # what it answers is in what others are tested with


def test_a_tile_is_laid_from_the_corner_on_whatever_the_size() -> None:
    tile = Universal().making([0.0], 5, Stream(0, ""), 0.0).ask().tile
    large = laid(tile, np.zeros((200, 130, 3), np.uint8), 3)
    small = laid(tile, np.zeros((7, 101, 3), np.uint8), 3)
    assert large.shape == (200, 130, 3)
    assert np.array_equal(large[:7, :101], small)
    assert np.array_equal(large[SIDE:], large[:-SIDE])
    assert np.array_equal(large[:SIDE, :SIDE], 3 * tile)
