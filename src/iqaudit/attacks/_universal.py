"""Ours: one change for many pictures, a tile of signs that is repeated over each.

A pattern that is repeated everywhere moves a quality model whatever the picture shows, so a tile
that was found on some pictures moves others. It is judged on several at once.
docs/explanation/attacks.md has the measurements.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import refuse_unless, whole_number
from iqaudit._core.patches import Patch, Patched, Perturbation
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream
from iqaudit.attacks._base import FIRST_QUERY, Descent, Problem, beginning, own_proposal
from iqaudit.attacks._guided.attack import OPENING
from iqaudit.attacks._guided.moves import rectangles

SIDE = 96
"""Of a tile, in pixels: whatever is repeated in it begins again with it."""

PERIODS = (8, 16, 32, 96)
"""Pixels after which a rectangle that is tried comes again."""

LARGEST = 0.5
"""Of the square of its period: the largest rectangle that is tried."""

STAY = 12
"""Questions that some pictures are asked in a row before others have their turn, about: what is
held must be asked about again there."""

SURE = 1.5
"""Standard errors of the pictures' mean gain, which it must exceed: a change that helps some and
harms others moves no other picture."""

FEW = 2
"""Patterns of which the best is chosen at once."""

T = TypeVar("T")

Signs: TypeAlias = NDArray[np.int16]
"""A tile: -1 or 1, int16, (SIDE, SIDE, 3)."""

Losses: TypeAlias = tuple[float, ...]
"""A loss a picture."""


@cache
def pattern(place: int) -> Signs:
    """Return the tile of one of `guided`'s opening patterns."""
    side = slice(0, SIDE)
    tile: Signs = np.ascontiguousarray(OPENING[place].signs(side, side))
    tile.flags.writeable = False
    return tile


def laid(tile: Signs, pixels: Pixels, levels: int) -> Perturbation:
    """Return the perturbation that repeats a tile over a picture, from its upper left corner on."""
    down, across = (np.arange(side) % SIDE for side in pixels.shape[:2])
    perturbation: Perturbation = np.int16(levels) * tile[down[:, None], across]
    return perturbation


@dataclass(frozen=True, eq=False)
class Question:
    """A tile, and the places of the pictures that it is tried on."""

    tile: Signs
    pictures: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Making:
    """The making of a tile: `ask` and `tell` in turns until `done`, as an attack's.

    Attributes
    ----------
    clean : tuple of float
        The clean pictures' losses.
    each : int
        Questions that every picture is asked.
    stream : Stream
        The making's random numbers.
    noise : float
        The standard deviation of a loss.
    lanes : tuple of tuple of int
        The places of the pictures that are asked together.
    spent : tuple of int
        The questions that those of each lane have had.
    query : int
        The number of the next question.
    tile : ndarray of int16, (SIDE, SIDE, 3)
        What is held.
    held : tuple of (tuple of float) or None
        Its losses, by lane, where they are known.
    lane : int
        The one that is asked next.
    alive : tuple of int
        Patterns that are still to be chosen from; none once one is chosen.
    tried : tuple of (tuple of float)
        The losses of those that were asked in this lane.
    gained : tuple of float
        What each of those alive has gained in the lanes before, summed.
    """

    clean: Losses
    each: int
    stream: Stream
    noise: float
    lanes: tuple[tuple[int, ...], ...]
    spent: tuple[int, ...]
    query: int
    tile: Signs
    held: tuple[Losses | None, ...]
    lane: int = 0
    alive: tuple[int, ...] = ()
    tried: tuple[Losses, ...] = ()
    gained: tuple[float, ...] = ()

    @property
    def done(self) -> bool:
        """Whether every picture was asked as often as it can be."""
        return min(self.spent) >= self.each

    def ask(self) -> Question:
        """Return the next question: a pattern, the tile that is held, or it with a rectangle."""
        if self.alive:
            tile = pattern(self.alive[len(self.tried)])
        elif self.held[self.lane] is None:
            tile = self.tile
        else:
            tile = _changed(self.tile, self.stream.at(self.query))
        return Question(tile, self.lanes[self.lane])

    def tell(self, question: Question, losses: Losses) -> "Making":
        """Return the making after a question's losses, in the order of its pictures."""
        told = replace(self, query=self.query + 1, spent=self.here(self.spent, self._spent + 1))
        if self.alive:
            told = replace(told, tried=(*self.tried, losses))
            return told if len(told.tried) < len(told.alive) else _chosen(told)
        before = self.held[self.lane]
        if before is None:
            told = replace(told, held=self.here(self.held, losses))
        elif _gain(before, losses, self.noise):
            elsewhere = (None,) * len(self.lanes)
            told = replace(told, tile=question.tile, held=self.here(elsewhere, losses))
        return _moved(told)

    @property
    def _spent(self) -> int:
        return self.spent[self.lane]

    def here(self, by_lane: tuple[T, ...], value: T) -> tuple[T, ...]:
        """Return values by lane with another one for this lane."""
        return (*by_lane[: self.lane], value, *by_lane[self.lane + 1 :])


def _gain(before: Losses, after: Losses, noise: float) -> bool:
    """Tell whether losses fell: on average, beyond the noise and what pictures differ by."""
    gains = [one - other for one, other in zip(before, after, strict=True)]
    mean = math.fsum(gains) / len(gains)
    squares = math.fsum((gain - mean) ** 2 for gain in gains)
    error = SURE * math.sqrt(squares / max(1, len(gains) - 1))
    return mean > max(noise, error) / math.sqrt(len(gains))


def _chosen(making: Making) -> Making:
    """Return a making after all patterns alive were asked in a lane: the better half stays.

    Of two, and in the last lane, the best is held.
    """
    clean = math.fsum(making.clean[place] for place in making.lanes[making.lane])
    pairs = zip(making.gained, making.tried, strict=True)
    gained = [before + clean - math.fsum(losses) for before, losses in pairs]
    order = sorted(range(len(gained)), key=lambda at: -gained[at])
    if len(order) > FEW and making.lane + 1 < len(making.lanes):
        kept = order[: math.ceil(len(order) / 2)]
        return replace(
            making,
            lane=making.lane + 1,
            alive=tuple(making.alive[at] for at in kept),
            tried=(),
            gained=tuple(gained[at] for at in kept),
        )
    best = order[0]
    held = making.here(making.held, making.tried[best])
    tile = pattern(making.alive[best])
    return _moved(replace(making, tile=tile, held=held, alive=(), tried=(), gained=()))


def _moved(making: Making) -> Making:
    """Return a making at the lane that is asked next: each has `STAY` questions in a row."""
    spent = making.spent[making.lane]
    if spent % STAY and spent < making.each:
        return making
    count = len(making.lanes)
    turns = ((making.lane + by) % count for by in range(1, count + 1))
    lane = next((each for each in turns if making.spent[each] < making.each), making.lane)
    return replace(making, lane=lane)


def _changed(tile: Signs, draw: np.random.Generator) -> Signs:
    """Draw a rectangle of one colour, which comes again after a period, on a tile."""
    side = slice(0, SIDE)
    while True:
        period = PERIODS[draw.integers(len(PERIODS))]
        size = (LARGEST * period**2) ** draw.uniform()
        down, across, colour = rectangles(draw, side, side, period, size)
        changed = tile.copy()
        changed.reshape(SIDE, -1)[np.ix_(down, across)] = colour
        if (changed != tile).any():
            return changed


@dataclass(frozen=True, eq=False)
class Tried(Patched):
    """A tile on a picture: the proposal, and its question."""

    question: Question = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class Alone(Descent):
    """State of a making on one picture; `perturbation` is the best that was tried."""

    making: Making


@dataclass(frozen=True)
class Universal:
    """One change for many pictures, made on some and tested on others.

    An audit's pictures of one direction are halved, and each half makes a tile of signs, times ε:

    1. The 26 patterns of `guided`'s opening are asked of some pictures; the better half of them
       of others, and so on; the best by the mean loss is held.
    2. Each question gives a rectangle in it one colour, which comes again every 8, 16, 32 or 96
       pixels. It is kept where the mean loss of the pictures asked falls, by more than chance.

    Of a picture's queries the first is its clean score, and the last the tile that was made on the
    other half: its result. All others are asked for the tile of its own half.

    On one picture alone, as `init`, `ask` and `tell` have it, the same is made.

    Parameters
    ----------
    together : int
        Pictures that a change is judged on, about.

    Examples
    --------
    >>> Universal()
    Universal(together=4)
    """

    together: int = 4

    shared: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole_number("together", self.together)
        refuse_unless(self.together >= 1, "A change is judged on at least 1 picture", self.together)

    def making(self, clean: Sequence[float], each: int, stream: Stream, noise: float) -> Making:
        """Return the beginning of a making.

        Parameters
        ----------
        clean : sequence of float
            The clean pictures' losses.
        each : int
            Questions that every picture is asked.
        stream : Stream
            The making's random numbers.
        noise : float
            The standard deviation of a loss.
        """
        count = max(1, round(len(clean) / self.together))
        places = np.array_split(np.arange(len(clean)), count)
        return Making(
            clean=tuple(clean),
            each=each,
            stream=stream,
            noise=noise,
            lanes=tuple(tuple(lane.tolist()) for lane in places),
            spent=(0,) * count,
            query=FIRST_QUERY,
            tile=pattern(0),
            held=(None,) * count,
            alive=(patterns := tuple(range(min(len(OPENING), each)))),
            gained=(0.0,) * len(patterns),
        )

    def init(self, problem: Problem) -> Alone:
        """Return the state before the first pattern."""
        made = self.making([problem.clean_loss], problem.queries - 1, problem.stream, problem.noise)
        return Alone(*beginning(problem, problem.clean_loss), made)

    def ask(self, state: Alone) -> Tried:
        """Propose the making's next tile."""
        question, problem = state.making.ask(), state.problem
        levels = laid(question.tile, problem.pixels, problem.levels)
        return Tried(state.perturbation, (Patch(0, 0, levels),), question=question)

    def tell(self, state: Alone, proposal: Patched, loss: float) -> Alone:
        """Go on with the making.

        Raises
        ------
        TypeError
            If the proposal is not one of its own.
        """
        tried = own_proposal(proposal, Tried)
        told = state.told(proposal, loss, kept=state.gains(loss))
        return replace(told, making=state.making.tell(tried.question, (loss,)))


@dataclass(frozen=True, eq=False)
class Laid:
    """The tile of others on one picture: the one proposal of its search.

    Parameters
    ----------
    tile : ndarray of int16, (SIDE, SIDE, 3)
        What is repeated.
    """

    tile: Signs

    def init(self, problem: Problem) -> Descent:
        """Return the state before it is asked about."""
        return Descent(*beginning(problem, problem.clean_loss))

    def ask(self, state: Descent) -> Patched:
        """Propose the tile."""
        problem = state.problem
        return state.edited(laid(self.tile, problem.pixels, problem.levels))

    def tell(self, state: Descent, proposal: Patched, loss: float) -> Descent:
        """Keep it where the loss falls."""
        return state.told(proposal, loss, kept=loss < state.loss)
