"""The cost of a victim's queries: its work, time and money."""

import time

import numpy as np

from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Pixels
from iqaudit.victims._base import Victim, forget, open_session
from iqaudit.victims._defended import passes
from iqaudit.victims._scoring import score

BUDGETS = (500, 10_000)
"""Budgets, in queries, for which the cost is told."""

REPEATS = 5

SIDE, SQUARES = 8, 2
"""Pixels a side, and how many squares a query changes: the paper's attack, half-way through."""


def work(victim: Victim, pixels: Pixels) -> str | None:
    """Tell how much of its work a victim does anew for a query; None if it knows pictures only."""
    tell = getattr(victim, "incremental", None)
    return None if tell is None else tell(*pixels.shape[:2])


def cost(victim: Victim, pixels: Pixels, price: float | None) -> str:
    """Return a sentence on the time of a query and of budgets; with a price, on the money too."""
    seconds = _seconds(victim, pixels) / victim.card.cost
    money = (price or 0) * passes(victim, *pixels.shape[:2])
    budgets = "; ".join(
        f"{queries:,} queries {duration(seconds * queries)}"
        + (f" and {money * queries:,.2f} in money" if money else "")
        for queries in BUDGETS
    )
    return f"{1000 * seconds:.1f} ms a query at {pixels.shape[1]} x {pixels.shape[0]}: {budgets}."


def _seconds(victim: Victim, pixels: Pixels) -> float:
    """Return how long a score takes in a search."""
    height, width = pixels.shape[:2]
    session = open_session(victim, height, width, max(BUDGETS))
    if session is None:
        started = time.perf_counter()
        for _ in range(REPEATS):
            forget(victim)
            score(victim, pixels)
        return (time.perf_counter() - started) / REPEATS
    draw = np.random.default_rng(0)
    taken = []
    for _ in range(2 * REPEATS):
        patches = tuple(_patch(draw, pixels) for _ in range(SQUARES))
        started = time.perf_counter()
        session.scores([(session, Patched(pixels, patches))])
        taken.append(time.perf_counter() - started)
    session.close()
    return float(np.median(taken))  # the first takes the base


def _patch(draw: np.random.Generator, pixels: Pixels) -> Patch:
    height, width = (min(SIDE, side) for side in pixels.shape[:2])
    top = int(draw.integers(pixels.shape[0] - height + 1))
    left = int(draw.integers(pixels.shape[1] - width + 1))
    return Patch(top, left, 255 - pixels[top : top + height, left : left + width])


def duration(seconds: float) -> str:
    """Say so many seconds in a unit that fits."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
