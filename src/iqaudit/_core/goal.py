"""The goal: the rule by which one score is better for the attacker than another."""

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from iqaudit._core.errors import InputError, real_number, refuse_unless
from iqaudit._core.scale import QUALITY_MAX, RANGE, Scale

SWITCH = 5.0
"""The quality above which the paper's loss takes a picture for good."""


class Direction(Enum):
    """The way in which a picture's score is pushed."""

    RAISE = "raise"
    LOWER = "lower"

    def loss(self, quality: float) -> float:
        """Return what the attack minimises, for a quality in 0-10."""
        return quality if self is Direction.LOWER else -quality


def progress(clean: float, attacked: float) -> float:
    """Return how far a quality went of how far it could go: one picture's part of the RGO."""
    return abs(attacked - clean) / max(QUALITY_MAX - clean, clean)


@dataclass(frozen=True)
class Aim:
    """One picture's goal, once its clean score is known.

    Attributes
    ----------
    direction : Direction
        The way in which its score is pushed.
    scale : Scale
        The victim's.
    target : float or None
        The native score at which the search ends, reached or passed; None for as far as it goes.
    tolerance : float or None
        How near to the target the score is to come, in native units; None where it may pass.
    after : int
        Answers before which no search ends.
    """

    direction: Direction
    scale: Scale
    target: float | None = None
    tolerance: float | None = None
    after: int = 1

    def loss(self, score: float) -> float:
        """Return what the attack minimises, for a native score."""
        if self.target is None or self.tolerance is None:
            return self.direction.loss(self.scale.quality(score))
        return self.scale.slope * abs(score - self.target)

    def is_met_by(self, score: float) -> bool:
        """Tell whether a native score is at the target, or beyond it where it may pass."""
        if self.target is None:
            return False
        if self.tolerance is not None:
            return abs(score - self.target) <= self.tolerance
        upwards = (self.direction is Direction.RAISE) is not self.scale.lower_is_better
        return score >= self.target if upwards else score <= self.target


class Goal(Enum):
    """The rule that chooses a picture's direction, once, from the victim's own clean score."""

    BIDIRECTIONAL = "bidirectional"
    """Down where the victim judges the picture good, up where bad (the paper's loss)."""

    RAISE = "raise"
    LOWER = "lower"

    RANK = "rank"
    """Each picture to a `Place` of its own, so that the pictures' order breaks; as bidirectional
    until places are chosen."""

    @property
    def label(self) -> str:
        """The goal in a folder's name."""
        return self.value

    def aim(self, clean: float, scale: Scale) -> Aim:
        """Return the aim for a picture.

        Parameters
        ----------
        clean : float
            Its clean native score.
        scale : Scale
            The victim's.
        """
        return Aim(self.direction(scale.quality(clean)), scale)

    def direction(self, clean_quality: float) -> Direction:
        """Return the direction for a picture whose clean quality, 0-10, is given.

        The switch is strict as in the paper: above 5 goes down, 5 itself goes up.
        """
        if self in (Goal.BIDIRECTIONAL, Goal.RANK):
            return Direction.LOWER if clean_quality > SWITCH else Direction.RAISE
        return Direction(self.value)

    def check(self, scale: Scale) -> None:
        """Accept any scale: every victim's scores can be pushed."""


NATIVE, QUALITY = "target", "target-quality"


@dataclass(frozen=True)
class Target:
    """A score that every picture is to reach, from whichever side; its search ends there.

    Parameters
    ----------
    score : float
        In the victim's native units; or, with `quality`, in 0-10.
    quality : bool
        Whether it is a quality, between 0 and 10.

    Raises
    ------
    InputError
        If it is no finite number, or no quality between 0 and 10.
    """

    score: float
    quality: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", real_number("A target", self.score))
        refuse_unless(math.isfinite(self.score), "A target is a finite number", self.score)
        inside = not self.quality or 0 < self.score < QUALITY_MAX
        refuse_unless(inside, "A target quality lies between 0 and 10", self.score)

    @property
    def value(self) -> str:
        """The goal as options and files have it."""
        return f"{QUALITY if self.quality else NATIVE}:{repr(self.score).removesuffix('.0')}"

    @property
    def label(self) -> str:
        """The goal in a folder's name, whose parts are joined by ``--``."""
        return self.value.replace(":-", ":minus-").replace(":", "-")

    def aim(self, clean: float, scale: Scale) -> Aim:
        """Return the aim for a picture.

        Parameters
        ----------
        clean : float
            Its clean native score.
        scale : Scale
            The victim's.
        """
        target = scale.score(self.score) if self.quality else self.score
        upwards = clean < target
        direction = Direction.LOWER if upwards is scale.lower_is_better else Direction.RAISE
        return Aim(direction, scale, target)

    def check(self, scale: Scale) -> None:
        """Raise an `InputError` where no score of a scale's range would meet it."""
        if scale.fitted or (self.quality and scale.basis == RANGE):  # to be fitted yet
            return
        ends = scale.reachable if self.quality else (scale.low, scale.high)
        if not ends[0] <= self.score <= ends[1]:
            of = "qualities" if self.quality else "scores"
            raise InputError(
                f"The goal {self.value} cannot be met: the victim's {of} lie from {ends[0]:g} to "
                f"{ends[1]:g}."
            )


@dataclass(frozen=True)
class Place:
    """A picture's place in an order: a native score to come near to, from either side.

    Parameters
    ----------
    score : float
        The native score.
    tolerance : float
        How near is near enough, in native units.
    after : int
        Answers before which the search does not end: those that the places were chosen by.
    queries : int
        The picture's budget, which others' places leave more or less of.
    """

    score: float
    tolerance: float
    after: int
    queries: int

    def aim(self, clean: float, scale: Scale) -> Aim:
        """Return the aim for a picture; see `Target.aim`."""
        aim = Target(self.score).aim(clean, scale)
        return replace(aim, tolerance=self.tolerance, after=self.after)

    def check(self, scale: Scale) -> None:
        """Accept any scale: a place may lie where no picture comes."""


AnyGoal: TypeAlias = Goal | Target


def named(goal: AnyGoal | str) -> AnyGoal:
    """Return a goal by its value; an `InputError` names those that there are."""
    if isinstance(goal, Goal | Target):
        return goal
    kind, colon, number = str(goal).partition(":")
    if colon and kind in (NATIVE, QUALITY):
        try:
            score = float(number)
        except ValueError:
            raise InputError(f"A target is a number, as {kind}:7, not {goal!r}.") from None
        return Target(score, kind == QUALITY)
    try:
        return Goal(goal)
    except ValueError:
        raise InputError(f"A goal is one of {', '.join(NAMES)}, not {goal!r}.") from None


NAMES = (*(goal.value for goal in Goal), f"{NATIVE}:SCORE", f"{QUALITY}:0-10")
"""The goals as options and files have them."""
