"""Workers that die at work: a task that more of them would die on is given up."""

from collections import Counter

from iqaudit._core.errors import VictimError

MOST_DEATHS = 3
"""Of workers, on one task: more would die as well."""


class GivenUpError(VictimError):
    """Workers died on a picture, again and again: the others' are worked off all the same."""


class Failures:
    """The number of workers that died on each task, and the tasks that were given up for that."""

    def __init__(self) -> None:
        self._deaths: Counter[tuple[str, str]] = Counter()
        self._given_up: list[str] = []

    def spare(self, key: tuple[str, str], last: str, *, answered: bool, advice: str = "") -> bool:
        """Count a death; return whether the task is to be taken up again.

        Parameters
        ----------
        key : tuple of (str, str)
            The task's: the folder of its cell, the name of its picture.
        last : str
            How the worker died, behind "the last".
        answered : bool
            Whether it came further than those before it.
        advice : str
            Behind "the same command".
        """
        folder, name = key
        self._deaths[key] = 1 if answered else self._deaths[key] + 1
        if self._deaths[key] < MOST_DEATHS:
            return True
        self._given_up.append(
            f"{folder}: {MOST_DEATHS} workers in a row died on the picture {name}, the last "
            f"{last}. What was answered is kept; the same command{advice} goes on."
        )
        return False

    def report(self) -> None:
        """Raise a `GivenUpError` where a task was given up."""
        if self._given_up:
            first, *others = self._given_up
            more = f" So did others on {len(others)} more." if others else ""
            raise GivenUpError(first + more)
