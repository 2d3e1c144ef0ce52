"""Halves of a set of pictures: a change that is made on one is tested on the other.

Pictures that are pushed in one direction are halved by a draw, and each half makes a change, so
that every picture is tested with one that was made without it.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from iqaudit._core.errors import InputError
from iqaudit._core.goal import Aim, AnyGoal, Direction, Goal, Place
from iqaudit._core.stream import Stream
from iqaudit._search.ledger import Answer
from iqaudit._search.trial import Shared
from iqaudit.attacks._base import PREPARATION
from iqaudit.attacks._universal import Making, Signs, pattern

FEWEST_PICTURES = 2

FEWEST_SCORES = 3
"""Of a picture: its clean score, one for the change of its own half, and one of the other's."""

Ask = Callable[[Signs, Sequence[int]], Sequence[Answer]]
"""From a tile and pictures, by their places, to their answers to it."""


class Subject(NamedTuple):
    """A picture, as its half hangs on it: what it shows, where that is told, and its hash."""

    shows: str | None
    sha256: str


class Half(NamedTuple):
    """Pictures that a change is made on and others that it is tested on, by their places."""

    direction: Direction
    made_on: tuple[int, ...]
    tested_on: tuple[int, ...]


def check_count(pictures: int) -> None:
    """Raise an `InputError` where so few pictures cannot be halved."""
    if pictures < FEWEST_PICTURES:
        raise InputError(
            "The attack universal makes one change for many pictures, on some, and tests it on "
            f"others: it needs an audit of at least {FEWEST_PICTURES} pictures, not {pictures}."
        )


def check(goal: AnyGoal | Place, scores: int, *, ends_early: bool) -> None:
    """Raise an `InputError` where searches with one change for many pictures cannot be so."""
    if not isinstance(goal, Goal) or goal is Goal.RANK:
        named = getattr(goal, "value", "a place")
        raise InputError(
            "The attack universal pushes all pictures as far as it goes: the goals bidirectional, "
            f"raise and lower are its, not {named}."
        )
    if ends_early:
        raise InputError("The attack universal spends its budget: set no early stop or plateau.")
    if scores < FEWEST_SCORES:
        raise InputError(
            f"The attack universal needs at least {FEWEST_SCORES} scores a picture: the clean one, "
            f"one for the change, and one of the change; not {scores}."
        )


def halves(
    subjects: Sequence[Subject], directions: Sequence[Direction], seed: int
) -> tuple[Half, ...]:
    """Return the halves of a set: two for each direction in which pictures are pushed.

    Pictures of the same pixels are in one half, and so are those that show the same, as distorted
    copies do. A picture that is the only one of its direction is tested with what was made on none.

    Parameters
    ----------
    subjects : sequence of Subject
        The pictures.
    directions : sequence of Direction
        Theirs.
    seed : int
        Of the draw.
    """
    hashes = (subject.sha256 for subject in subjects)
    ranks = {sha256: rank for rank, sha256 in enumerate(_drawn(hashes, seed))}
    found = []
    for direction in Direction:
        shown: dict[str, list[int]] = {}
        for at, (subject, way) in enumerate(zip(subjects, directions, strict=True)):
            if way is direction:
                shown.setdefault(subject.shows or subject.sha256, []).append(at)
        pair: tuple[list[int], list[int]] = ([], [])
        for name in _drawn(shown, seed):
            pair[len(pair[0]) > len(pair[1])].extend(shown[name])
        one, other = (
            tuple(sorted(half, key=lambda at: ranks[subjects[at].sha256])) for half in pair
        )
        found += [Half(direction, one, other), Half(direction, other, one)] if shown else []
    return tuple(found)


def _drawn(names: Iterable[str], seed: int) -> list[str]:
    """Return different names in an order in which each one's place hangs on no other."""
    return sorted({*names}, key=lambda name: (Stream(seed, name).at(PREPARATION).random(), name))


def made(
    attack: Any,
    aims: Sequence[Aim],
    clean: Sequence[float],
    subjects: Sequence[Subject],
    scores: int,
    seed: int,
    noise: float,
    ask: Ask,
) -> tuple[Shared, ...]:
    """Make a change on each half; return what each picture's trial is given.

    Parameters
    ----------
    attack : Attack
        One that is shared.
    aims : sequence of Aim
        The pictures'.
    clean : sequence of float
        Their clean native scores.
    subjects : sequence of Subject
        They.
    scores : int
        The budget a picture, in scores.
    seed : int
        Of every random number.
    noise : float
        The standard deviation of a loss.
    ask : callable
        Asked a tile's scores, of several pictures at once. An answer that is none gains nothing.
    """
    losses = [aim.loss(score) for aim, score in zip(aims, clean, strict=True)]
    answers: list[list[Answer]] = [[] for _ in clean]
    tiles = [pattern(0)] * len(clean)
    for half in halves(subjects, [aim.direction for aim in aims], seed):
        if not half.made_on:
            continue
        own = [losses[at] for at in half.made_on]
        named = ",".join((half.direction.value, *(subjects[at].sha256 for at in half.made_on)))
        stream = Stream(seed, hashlib.sha256(named.encode()).hexdigest())
        making: Making = attack.making(own, scores - FEWEST_SCORES + 1, stream, noise)
        while not making.done:
            question = making.ask()
            places = [half.made_on[place] for place in question.pictures]
            told = []
            for at, answer in zip(places, ask(question.tile, places), strict=True):
                answers[at].append(answer)
                usable = aims[at].scale.admits(answer.score)
                told.append(aims[at].loss(answer.score) if usable else losses[at])
            making = making.tell(question, tuple(told))
        for at in half.tested_on:
            tiles[at] = making.tile
    return tuple(Shared(*each) for each in zip(tiles, map(tuple, answers), strict=True))
