"""The end of a search: rules that end it before its budget is spent, and outcomes."""

from dataclasses import dataclass
from enum import Enum

from iqaudit._core.errors import real_number, refuse_unless, whole_number


class Outcome(Enum):
    """The end of a trial, as a sentence."""

    BUDGET_SPENT = "The query budget was spent."
    TARGET_MET = "The score that was to be reached was reached."
    FAR_ENOUGH = "The RGO that was to be reached was reached."
    PLATEAU = "As many queries as were allowed to found nothing better."
    INTERRUPTED = "The run was interrupted; this is the best found until then."
    VICTIM_FAILED = "The victim failed; this is the best found until then."
    UNSCORED = "The victim could not score a picture asked; this is the best found until then."

    @property
    def finished(self) -> bool:
        """Whether the trial came to the end that was planned."""
        return self not in (Outcome.INTERRUPTED, Outcome.VICTIM_FAILED, Outcome.UNSCORED)


@dataclass(frozen=True)
class Stop:
    """Rules that end a trial before its budget is spent, none by default; and its last answers.

    Parameters
    ----------
    rgo : float, optional
        In (0, 1]: once the picture's quality went so far of how far it could go.
    plateau : int, optional
        At least 1: once so many queries in a row found nothing better.
    fresh : int
        Where the victim answers at random, how often the attacked picture is scored anew at the
        end, outside the budget. The mean of these answers is its score: the best of a search is the
        luckiest draw's.

    Raises
    ------
    InputError
        If a number cannot be used.
    """

    rgo: float | None = None
    plateau: int | None = None
    fresh: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "fresh", whole_number("fresh", self.fresh, 0))
        if self.rgo is not None:
            reachable = 0 < real_number("An RGO to stop at", self.rgo) <= 1
            refuse_unless(reachable, "An RGO to stop at lies in (0, 1]", self.rgo)
        if self.plateau is not None:
            object.__setattr__(self, "plateau", whole_number("plateau", self.plateau))
            rule = "A plateau is at least 1 query long"
            refuse_unless(self.plateau >= 1, rule, self.plateau)

    def __str__(self) -> str:
        """Return the words for a budget's sentence; empty where no rule is set."""
        rules = []
        if self.rgo is not None:
            rules.append(f"RGO {self.rgo:g} is reached")
        if self.plateau is not None:
            rules.append(f"{self.plateau:,} in a row find nothing better")
        return f", fewer where {' or '.join(rules)}" if rules else ""
