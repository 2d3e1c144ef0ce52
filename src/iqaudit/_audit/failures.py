"""Workers that die at work: a picture that more of them would die on is given up."""

from collections import Counter

from iqaudit._audit.task import Task
from iqaudit._core.errors import VictimError

MOST_DEATHS = 3
"""Of workers, on one picture: more would die as well."""


class GivenUpError(VictimError):
    """Workers died on a picture, again and again: the others' are worked off all the same."""


class Deaths:
    """How many workers died on each picture, and which pictures were given up for that."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._given_up: list[str] = []

    def spare(self, task: Task, last: str, *, answered: bool = False, advice: str = "") -> bool:
        """Count a death; return whether the picture is to be taken up again.

        Parameters
        ----------
        task : Task
            The picture's.
        last : str
            How the worker died, behind "the last".
        answered : bool
            Whether it came further than those before it.
        advice : str
            Behind "the same command".
        """
        folder, name = where = task.cell.folder, task.picture.name
        self._counts[where] = 1 if answered else self._counts[where] + 1
        if self._counts[where] < MOST_DEATHS:
            return True
        self._given_up.append(
            f"{folder}: {MOST_DEATHS} workers in a row died on the picture {name}, the last "
            f"{last}. What was answered is kept; the same command{advice} goes on."
        )
        return False

    def tell(self) -> None:
        """Raise a `GivenUpError` where a picture was."""
        if self._given_up:
            first, *others = self._given_up
            more = f" So did others on {len(others)} more." if others else ""
            raise GivenUpError(first + more)
