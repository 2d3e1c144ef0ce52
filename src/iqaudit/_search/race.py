"""Races: of a victim that answers at random, a proposal is asked about while that pays.

Most proposals are worse than what is held, and one answer tells that. So a proposal is asked about
once, and again only while one more answer on it is worth more than one on another proposal. What
it is taken to gain is not what its answers say, of which the luckiest would be kept, but what they
leave to believe after all that the search has seen: so what is held has no winner's curse.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from scipy.special import log_ndtr

MEMORY = 0.98
"""The share of what is known of gains that is left after each proposal."""

PACE_MEMORY = 0.99
"""The share of what is known of the search's pace that is left after each answer."""

FIRST_PROPOSALS, FIRST_SHARE, FIRST_SIZE = 2.0, 0.3, 2.0
"""What is believed of gains at first: so many proposals' worth, the share of them that gain, and
the mean size of gains and losses in standard deviations of an answer."""

FIRST_ANSWERS, FIRST_PACE = 5.0, 0.3
"""What is believed of the pace at first: so many answers' worth, and what one gains, likewise."""

LOOKAHEAD = (1, 2, 4, 8, 16, 32)
"""Further answers whose worth is weighed: of a doubt that is deep, one alone tells little."""

MOST = 64
"""Answers on a proposal in one race."""

SMALLEST = 1e-3
"""Of a mean gain, in standard deviations of an answer."""

PROBED = 15
"""Degrees of freedom of the noise that was measured before."""

SIZES = 4
"""Times that a change is larger than one of the next smaller size."""


class _Tally(NamedTuple):
    """Proposals that gained and their gains, those that lost and their losses; sums."""

    up: float
    gained: float
    down: float
    lost: float

    def plus(self, other: "_Tally", times: float = 1.0) -> "_Tally":
        """Return the sum with another."""
        return _Tally(*(own + times * its for own, its in zip(self, other, strict=True)))

    def faded(self) -> "_Tally":
        """Return what is left of it after a proposal."""
        return _Tally(*(MEMORY * each for each in self))


NONE = _Tally(0.0, 0.0, 0.0, 0.0)


@dataclass(eq=False)
class Gains:
    """What is known of proposals' gains: a share gain, the others lose, both exponentially.

    Small changes gain and lose less than large ones. So each size is known by itself, as a size of
    which nothing is known yet by all.

    Parameters
    ----------
    noise : float
        Standard deviation of an answer.
    """

    noise: float

    def __post_init__(self) -> None:
        size, share = FIRST_SIZE * self.noise, FIRST_SHARE
        self._all = _Tally(share, share * size, 1 - share, (1 - share) * size)
        self._all = NONE.plus(self._all, FIRST_PROPOSALS)
        self._by_size: dict[int, _Tally] = {}

    def believed(self, gain: float, deviation: float, size: int) -> "Belief":
        """Return what to believe of a proposal of a size, of its gain with its deviation."""
        least = SMALLEST * self.noise
        part = FIRST_PROPOSALS / (self._all.up + self._all.down)
        known = self._by_size.get(size, NONE).plus(self._all, part)
        above = _Side.of(gain, deviation, max(known.gained / known.up, least), known.up)
        below = _Side.of(-gain, deviation, max(known.lost / known.down, least), known.down)
        odds = min(700.0, max(-700.0, below.weight - above.weight))
        return Belief(1 / (1 + math.exp(odds)), above, below)

    def learn(self, belief: "Belief", size: int) -> None:
        """Take in what was believed of a proposal of a size at the end of its race."""
        share, above, below = belief.share, belief.above.mean, belief.below.mean
        seen = _Tally(share, share * above, 1 - share, (1 - share) * below)
        self._all = self._all.faded().plus(seen)
        self._by_size[size] = self._by_size.get(size, NONE).faded().plus(seen)


@dataclass(frozen=True)
class _Side:
    """The gains of one sign: the logarithm of their weight, their mean size, and that squared."""

    weight: float
    mean: float
    square: float

    @classmethod
    def of(cls, gain: float, deviation: float, scale: float, prior: float) -> "_Side":
        """Return an exponential prior's posterior: a normal distribution cut off at 0."""
        middle = gain - deviation**2 / scale
        place = middle / deviation
        log_share = float(log_ndtr(place))
        # The normal density over its share above 0, in logarithms: both vanish far out.
        hazard = math.exp(-(place**2) / 2 - math.log(2 * math.pi) / 2 - log_share)
        mean = max(middle + deviation * hazard, 0.0)
        square = max(middle**2 + deviation**2 + middle * deviation * hazard, 0.0)
        return cls(math.log(prior / scale) + place**2 / 2 + log_share, mean, square)


@dataclass(frozen=True)
class Belief:
    """A belief about a proposal's gain: the share of its gaining, and both sides."""

    share: float
    above: _Side
    below: _Side

    @property
    def gain(self) -> float:
        """The mean gain."""
        return self.share * self.above.mean - (1 - self.share) * self.below.mean

    @property
    def doubt(self) -> float:
        """The gain's variance."""
        square = self.share * self.above.square + (1 - self.share) * self.below.square
        return max(square - self.gain**2, 0.0)


@dataclass(eq=False)
class Race:
    """A search's races; values are native scores or distances, lower is better.

    Parameters
    ----------
    noise : float
        Standard deviation of an answer, as it was measured before; races measure it further.
    held : float
        The answer on what is held.

    Attributes
    ----------
    held : float
        What the held one is believed to score.
    """

    noise: float
    held: float
    _answers: int = field(default=0, init=False)
    """Those on the proposal in the race; none where there is no race."""

    def __post_init__(self) -> None:
        self._gains = Gains(self.noise)
        self._squares, self._freedom = PROBED * self.noise**2, PROBED
        self._gained, self._asked = FIRST_ANSWERS * FIRST_PACE * self.noise, FIRST_ANSWERS
        self._doubt, self._of_held, self._since = self._variance, 1, 0
        self._mean, self._size = 0.0, 0
        self._belief: Belief | None = None
        self._turn = False

    @property
    def _variance(self) -> float:
        """That of an answer."""
        return self._squares / self._freedom

    @property
    def is_on(self) -> bool:
        """Whether a proposal is to be asked about again."""
        return self._answers > 0

    @property
    def asks_held(self) -> bool:
        """Whether the held one is to be asked about next.

        In a race, where it is known less well than the proposal; and between races as often as the
        root of the answers that were compared with it.
        """
        return self._turn if self.is_on else self._of_held**2 < self._since

    def hear_held(self, value: float | None) -> bool:
        """Take in an answer on the held one; None is no score. Return whether a race ended."""
        self._count()
        self._of_held += 1
        if value is not None:
            part = self._doubt / (self._doubt + self._variance)
            self.held += part * (value - self.held)
            self._doubt *= 1 - part
        return self.is_on and self._weigh()

    def hear(self, value: float, cells: int) -> bool:
        """Take in an answer on a proposal that changes so many; return whether its race ended."""
        self._size = round(math.log(max(1, cells), SIZES))
        self._count()
        if self._answers:
            part = self._answers / (self._answers + 1)
            self._squares += part * (value - self._mean) ** 2
            self._freedom += 1
        self._answers += 1
        self._mean += (value - self._mean) / self._answers
        return self._weigh()

    @property
    def believed(self) -> float:
        """What the proposal is believed to score."""
        return self.held - (0.0 if self._belief is None else self._belief.gain)

    def end(self, *, kept: bool) -> None:
        """End a race: the proposal is held from now on, or is not."""
        belief, answers = self._belief, self._answers
        self._answers, self._belief, self._mean, self._turn = 0, None, 0.0, False
        if belief is None:
            raise RuntimeError("no race was on")
        self._gains.learn(belief, self._size)
        if kept:
            self._gained += max(belief.gain, 0.0)
            self.held -= belief.gain
            own, told = self._variance / answers, self._doubt + belief.doubt
            self._doubt = own * told / (own + told)
            self._of_held, self._since = answers, 0

    def hold(self, value: float) -> None:
        """Hold what was taken without a race."""
        self.held, self._doubt, self._of_held, self._since = value, self._variance, 1, 0

    def _count(self) -> None:
        self._since += 1
        self._gained, self._asked = PACE_MEMORY * self._gained, PACE_MEMORY * self._asked + 1

    def _weigh(self) -> bool:
        """Tell whether the race is over: more answers are worth less than on other proposals."""
        variance = self._variance
        deviation = math.sqrt(self._doubt + variance / self._answers)
        belief = self._belief = self._gains.believed(self.held - self._mean, deviation, self._size)
        pace = self._gained / self._asked
        self._turn = self._doubt > variance / self._answers
        return self._answers >= MOST or not any(
            _worth(belief.gain, belief.doubt, variance / more) > pace * more for more in LOOKAHEAD
        )


def _worth(gain: float, doubt: float, variance: float) -> float:
    """Return what further answers of a variance are worth: they may turn the decision."""
    moves = doubt / math.sqrt(doubt + variance)
    if not moves:
        return 0.0
    far = abs(gain) / moves
    density = math.exp(-(far**2) / 2) / math.sqrt(2 * math.pi)
    return moves * (density - far * math.erfc(far / math.sqrt(2)) / 2)
