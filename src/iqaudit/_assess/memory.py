"""Memory and time of a victim's scores of a picture, by measurement.

Of a large picture by those of two small ones: activations, and so memory and arithmetic, grow with
the area.
"""

from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np

from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Pixels
from iqaudit._core.process import machine_memory, memory_taken
from iqaudit._core.wording import worded
from iqaudit.victims._base import Victim, forget, open_session
from iqaudit.victims._scoring import score

LARGE = 2_000_000
"""Pixels of a picture below which a run does not measure: there the time of a measurement is more
than a hint is worth, and a machine that holds the victim holds its activations."""

SIDES = (512, 1024)
"""Of the small pictures, in pixels."""

GIGA = 1e9

PATCH = 8
"""Pixels a side that are changed in a search's second score."""


@dataclass(frozen=True)
class Need:
    """What a search of a picture needs.

    Parameters
    ----------
    height, width : int
        The picture's, in pixels.
    memory : int
        Bytes, of each picture that is searched at the same time.
    seconds : float
        Of a score of the whole picture.
    """

    height: int
    width: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        size = f"{self.width} x {self.height}"
        taken = f"about {amount(self.memory)} and {self.seconds:.2g} s a score"
        machine = machine_memory()
        there = "" if machine is None else f"; this machine has {amount(machine)}"
        return f"{size}: {taken}{there}"

    def refuse_unless_it_fits(self, victim: str) -> None:
        """Refuse a picture for which the machine has not the memory.

        Raises
        ------
        InputError
            If it needs more than there is.
        """
        machine = machine_memory()
        if machine is not None and self.memory > machine:
            raise InputError(
                f'The victim "{victim}" needs about {amount(self.memory)} for a picture of '
                f"{self.width} x {self.height}, and this machine has {amount(machine)}: leave out "
                "or cut the largest pictures, or go on anyway with "
                f"{worded('ignore_memory=True')}."
            )


def large(victim: Victim, height: int, width: int, scores: int = 1) -> Need | None:
    """Return what a search of a large picture needs, as `need` does; None of a smaller one."""
    return need(victim, height, width, scores) if height * width > LARGE else None


def refuse_too_large(victim: Victim, height: int, width: int, scores: int = 1) -> None:
    """Refuse a large picture for which the machine has not the memory, before it is scored.

    Raises
    ------
    InputError
        If it needs more than there is.
    """
    found = large(victim, height, width, scores)
    if found is not None:
        found.refuse_unless_it_fits(victim.card.name)


def amount(count: float) -> str:
    """Say so many bytes in a unit that fits."""
    return f"{count / 1e9:.1f} GB" if count >= GIGA else f"{max(1, count / 1e6):.0f} MB"


def need(victim: Victim, height: int, width: int, scores: int = 1) -> Need | None:
    """Return what a search of a picture needs, by a few scores of small pictures.

    None where it is not this process that computes, the system does not tell, or the victim does
    not score small pictures.

    Parameters
    ----------
    victim : Victim
        The victim.
    height, width : int
        The picture's, in pixels.
    scores : int
        Of the search: few are not worth the memory that many are.
    """
    card = victim.card
    if card.device != "cpu":
        return None
    searched = _session(victim, height, width, scores)
    take = partial(_taken, victim, scores=scores, searched=searched)
    low, high = (min(max(side, card.smallest_side), height, width) for side in SIDES)
    most: float | None
    try:
        if low == high:
            take(height, width)  # what is slow and large once is not counted
            most, seconds = take(height, width)
        else:
            take(low, low)
            (less, _), (more, seconds) = take(low, low), take(high, high)
            grown = (height * width - high**2) / (high**2 - low**2)
            most = None if less is None or more is None else more + max(0, more - less) * grown
            seconds *= height * width / high**2
    except VictimError:
        return None
    return None if most is None else Need(height, width, round(most), seconds)


def _session(victim: Victim, height: int, width: int, scores: int) -> bool:
    """Tell whether a search of a picture keeps its activations."""
    session = open_session(victim, height, width, scores)
    if session is not None:
        session.close()
    return session is not None


def _taken(
    victim: Victim, height: int, width: int, *, scores: int, searched: bool
) -> tuple[int | None, float]:
    """Return the memory that a search's scores take, and the seconds of a whole one."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    forget(victim)
    begun = perf_counter()
    memory = memory_taken(partial(score, victim, pixels))
    seconds = perf_counter() - begun
    if searched and _session(victim, height, width, scores):  # its graph is read outside the count
        memory = memory_taken(partial(_searched, victim, pixels, scores))
    return memory, seconds


def _searched(victim: Victim, pixels: Pixels, scores: int) -> None:
    """Score a picture and a change of it as a search does."""
    session = open_session(victim, pixels.shape[0], pixels.shape[1], scores)
    if session is None:
        return
    patch = Patch(0, 0, 255 - pixels[:PATCH, :PATCH])
    for patches in ((), (patch,)):
        session.scores([(session, Patched(pixels, patches))])
    session.close()
