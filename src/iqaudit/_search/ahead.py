"""How far ahead a trial proposes."""

import time

REMEMBERED, TRY_FIRST, TRY_AGAIN = 16, 12, 64
"""Rounds over which a pace is averaged, how many alternate first, and after how many the slower one
is tried again."""


class Ahead:
    """How many proposals to have scored at once: one, or as many as there is room for.

    Whichever has been faster, by the clock: a guess that fails costs time, and some victims score
    two side by side no faster than one after the other. No outcome depends on it.
    """

    def __init__(self) -> None:
        self._seconds: dict[bool, float] = {}
        self._rounds = 0
        self._many, self._begun = False, 0.0

    def choose(self, most: int) -> int:
        """Return how many to ask for in this round."""
        self._rounds += 1
        one, many = (self._seconds.get(which, 0.0) for which in (False, True))
        if self._rounds < TRY_FIRST:
            self._many = not self._many
        else:
            self._many = (many <= one) is (self._rounds % TRY_AGAIN > 0)
        self._begun = time.perf_counter()
        return most if self._many else 1

    def took(self, used: int) -> None:
        """Take in that the round is over, and how many of its scores were of use."""
        if self._begun and used:
            seconds = (time.perf_counter() - self._begun) / used
            known = self._seconds.get(self._many, seconds)
            # What takes long once (a base taken anew, a kernel made) is soon forgotten.
            weight = 1 / 2 if seconds < known else 1 / REMEMBERED
            self._seconds[self._many] = known + (seconds - known) * weight
        self._begun = 0.0
