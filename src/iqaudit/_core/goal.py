"""The goal: the rule by which one score is better for the attacker than another."""

from enum import Enum

from iqaudit._core.errors import InputError
from iqaudit._core.scale import QUALITY_MAX

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


class Goal(Enum):
    """The rule that chooses a picture's direction, once, from the victim's own clean score."""

    BIDIRECTIONAL = "bidirectional"
    """Down where the victim judges the picture good, up where bad (the paper's loss)."""

    RAISE = "raise"
    LOWER = "lower"

    @classmethod
    def named(cls, goal: "Goal | str") -> "Goal":
        """Return a goal by its value; an `InputError` names those that there are."""
        try:
            return cls(goal)
        except ValueError:
            known = ", ".join(member.value for member in cls)
            raise InputError(f"A goal is one of {known}, not {goal!r}.") from None

    def direction(self, clean_quality: float) -> Direction:
        """Return the direction for a picture whose clean quality, 0-10, is given.

        The switch is strict as in the paper: above 5 goes down, 5 itself goes up.
        """
        if self is Goal.BIDIRECTIONAL:
            return Direction.LOWER if clean_quality > SWITCH else Direction.RAISE
        return Direction(self.value)
