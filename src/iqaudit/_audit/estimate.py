"""Estimate of an audit: queries, time, room on disk. A victim that may be paid is not asked."""

import io
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from iqaudit._assess.memory import Need
from iqaudit._assess.memory import need as measured
from iqaudit._audit.data import Found, find
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.execute import WORTH_PROCESSES
from iqaudit._audit.spec import AuditSpec, Cell
from iqaudit._core.picture import Picture, Pixels
from iqaudit._core.threads import cores, one_thread
from iqaudit._core.threat import Linf
from iqaudit._runs.figures import likeness
from iqaudit._runs.schema import ANSWER
from iqaudit._search.driver import begin, check_sizes, drive
from iqaudit._search.halves import check_count
from iqaudit._search.ledger import checkpoints
from iqaudit.attacks import RandomSigns
from iqaudit.attacks._base import is_shared, spans
from iqaudit.victims._averaging import PROBES
from iqaudit.victims._base import ELSEWHERE, Victim, draws
from iqaudit.victims._defended import passes
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._spec import VictimSpec, averaged, unasked

TIMED_PICTURES = 3

TIMED_SCORES = 100
"""Of a search that is timed: its schedule is the whole one's, in little."""

LONGEST = 5.0
"""Seconds after which the timing of searches by an attack ends."""

START = 3.0
"""Seconds, about, until workers are there."""

FINGERPRINT = 2
"""Scores."""

ENTRY_BYTES = 4096
"""Of results.json, about, a picture: figures and trace."""


@dataclass(frozen=True)
class Share:
    """The part of an audit that is asked of one victim.

    Parameters
    ----------
    victim : str
        Its public name.
    trials : int
        Searches: pictures times cells.
    queries : int
        The most that they ask.
    outside : int
        What is asked besides, outside the budget: its fingerprint (at every start of the audit),
        and where it answers at random its noise, and the attacked pictures anew.
    passes : int
        Pictures that it scores for a query; a defence may have several.
    seconds : float or None
        About how long that takes one worker, but for its start; None where it may have to be paid,
        and was not asked.
    first : float or None
        Seconds that the first search of each worker takes longer; likewise.
    here : bool
        Whether it is worked on in one process, as an object of this one is.
    need : Need or None
        What a search of the largest picture takes, in bytes and seconds a score; None where that
        is not known.
    price : float
        Money that it may cost, at the price a request that was said: a picture is a request.
    concurrency : int
        Questions that it is asked at once, at the most.
    """

    victim: str
    trials: int
    queries: int
    outside: int
    passes: int
    seconds: float | None
    first: float | None
    here: bool
    need: Need | None
    price: float
    concurrency: int = 1


@dataclass(frozen=True)
class Plan:
    """The cost of an audit.

    Parameters
    ----------
    cells : int
        Its cells.
    pictures : int
        The pictures of each.
    shares : tuple of Share
        Each victim's queries, time and money.
    size : int
        About the bytes that it leaves on disk.
    workers : int
        The processes that share the time.
    at_once : float
        How many undisturbed ones do as much, beside what else this machine computes now.
    measures : float
        Seconds of an attacked picture's measures: its likeness to the clean one.
    skipped : tuple of str
        A sentence for each folder that holds more than the pictures of the audit.
    """

    cells: int
    pictures: int
    shares: tuple[Share, ...]
    size: int
    workers: int
    at_once: float
    measures: float
    skipped: tuple[str, ...] = ()

    def seconds(self, shares: Sequence[Share]) -> float:
        """Return about how long the searches of some victims take, those that were timed."""
        start = START if self.workers > 1 and any(not share.here for share in shares) else 0.0
        return start + sum(
            (share.first or 0) + (share.seconds or 0) / (1 if share.here else self.at_once)
            for share in shares
        )


def estimate(
    audit: AuditSpec, workers: int | None = None, tell: Callable[[str], object] = str
) -> Plan:
    """Return the estimate of an audit, everything about it checked.

    Parameters
    ----------
    audit : AuditSpec
        The audit's settings.
    workers : int, optional
        Those that share the time; one a core unless given.
    tell : callable
        Called with what is done next, at every step that may take a while.

    Raises
    ------
    InputError
        If something cannot be used.
    VictimError
        If a victim that is timed fails.
    """
    others, found, cells = _others(), find(audit.data), audit.cells()
    victims = [unasked(victim) for victim in audit.victims]
    for cell in cells:
        base = victims[audit.victims.index(cell.victim)]
        cell.search(averaged(cell.victim, base, 0.0))
        if is_shared(cell.attack.attack):
            check_count(len(found.names))
    area, largest = 0, (0, 0)
    for number, picture in enumerate(found.pictures, 1):
        tell(f"reading pictures: {number} of {len(found.names)}")
        largest = max(largest, (picture.height, picture.width), key=math.prod)
        area += picture.height * picture.width
        for victim in victims:
            check_sizes(victim, [picture])
    some = [found.pictures[index] for index in _spread(len(found.names))]
    measures = _measures(some)
    with one_thread():
        shares = tuple(
            _share(audit, spec, victim, found, some, largest, measures, tell)
            for spec, victim in zip(audit.victims, victims, strict=True)
        )
    sampled = sum(picture.height * picture.width for picture in some)
    files = area / sampled * sum(_files(picture, max(audit.levels)) for picture in some)
    answers = sum(share.queries for share in shares) * ANSWER.itemsize
    size = len(cells) * (files + ENTRY_BYTES * len(found.names)) + answers
    if workers is None:
        several = sum(share.queries for share in shares) >= WORTH_PROCESSES
        workers = usual_workers(victim.card.device for victim in victims) if several else 1
    at_once = _share_of_cores(workers, others) * workers / _share_of_cores(1, others)
    skipped = found.pictures.skipped
    return Plan(
        len(cells), len(found.names), shares, round(size), workers, at_once, measures, skipped
    )


def _others() -> float:
    """Return how many processes compute on this machine now; 0 where it does not tell."""
    load = getattr(os, "getloadavg", None)
    return float(load()[0]) if load else 0.0


def _share_of_cores(workers: int, others: float) -> float:
    """Return the share of a core that each of some workers has beside others' processes."""
    return min(1.0, cores() / (workers + others))


def _measures(pictures: Sequence[Picture]) -> float:
    """Return the seconds of the measures of an attacked picture: the mean of some."""
    begun = time.perf_counter()
    for picture in pictures:
        likeness(picture.pixels, {1: 255 - picture.pixels})
    return (time.perf_counter() - begun) / len(pictures)


def _spread(count: int) -> list[int]:
    """Return the places of a few pictures of many: first, middle, last."""
    return sorted({round(at) for at in np.linspace(0, count - 1, TIMED_PICTURES)})


def _share(
    audit: AuditSpec,
    spec: VictimSpec,
    base: Victim,
    found: Found,
    some: Sequence[Picture],
    largest: tuple[int, int],
    measures: float,
    tell: Callable[[str], object],
) -> Share:
    own = [cell for cell in audit.cells() if cell.victim == spec]
    paid, pictures = base.card.device == ELSEWHERE, len(found.names)
    repeats = spec.options.get("repeats", 1)
    at_random = "repeats" in spec.options or draws(base)
    fresh = len(own) * pictures * audit.stop.fresh
    outside = FINGERPRINT * repeats + (PROBES + fresh * repeats if at_random else 0)
    queries = sum(cell.queries for cell in own) * pictures
    seconds = need = first = None
    several = passes(base, *largest)
    if not paid:
        victim = averaged(spec, base, None)
        tell(f"{base.card.name}: its first scores")
        fingerprint(victim)  # what is slow once is not timed
        tell(f"{base.card.name}: the memory of its searches")
        need = measured(victim, *largest, audit.budgets[-1])
        pace = {
            attack: _pace(next(cell for cell in own if cell.attack == attack), victim, some, tell)
            for attack in dict.fromkeys(cell.attack for cell in own)
        }
        first = max(each.first for each in pace.values())
        seconds = pictures * sum(
            pace[cell.attack].begin
            + pace[cell.attack].query * (cell.queries + audit.stop.fresh * repeats * at_random)
            + measures * (1 + len(checkpoints(cell.queries, victim.card.cost)))
            for cell in own
        )
    price = spec.options.get("price", 0.0) * several * (queries + outside)
    return Share(
        base.card.name,
        len(own) * pictures,
        queries,
        outside,
        several,
        seconds,
        first,
        paid or spec.base is not None or all(spans(cell.attack.attack) for cell in own),
        need,
        price,
        base.card.concurrency,
    )


class Pace(NamedTuple):
    """How long a search takes: seconds to the first one's first query, to others', and a query."""

    first: float
    begin: float
    query: float


def _pace(
    cell: Cell, victim: Victim, some: Sequence[Picture], tell: Callable[[str], object]
) -> Pace:
    """Return how long a search takes: the mean of some pictures'."""
    budget = min(cell.queries, TIMED_SCORES * victim.card.cost)
    stop = replace(cell.stop, fresh=0)
    spec = replace(cell, queries=budget, stop=stop).search(victim)
    if is_shared(spec.attack):  # as dear, and no other picture is needed
        spec = replace(spec, attack=RandomSigns())
    paces, begins, spent, fault = [], [], 0.0, None
    for number, picture in enumerate(some, 1):
        name = f"{victim.card.name}, {cell.attack.name}"
        tell(f"{name}: timing a search, picture {number} of {len(some)}")
        began = time.perf_counter()
        trial = begin(spec, picture)
        begun = time.perf_counter()
        begins.append(begun - began)
        if spent >= LONGEST:
            trial.close()
            continue
        with closing(drive(victim, [trial])) as steps:
            for _ in steps:
                if spent + time.perf_counter() - begun >= LONGEST:
                    break
        took = time.perf_counter() - begun
        spent += took
        if trial.ledger.spent:
            paces.append(took / trial.ledger.spent)
        else:
            fault = trial.fault
    if not paces and fault is not None:
        raise fault
    return Pace(max(begins) - min(begins), min(begins), float(np.mean(paces)))


def _files(picture: Picture, levels: int) -> int:
    """Return about how many bytes a picture's two files take: noise at ε is as dear as any."""
    shape = picture.pixels.shape
    noise = levels * (2 * np.random.default_rng(0).integers(2, size=shape) - 1)
    attacked = Linf(levels).apply(picture.pixels, noise.astype(np.int16))
    return _size(picture.pixels) + _size(attacked)


def _size(pixels: Pixels) -> int:
    file = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(file, "PNG")
    return len(file.getvalue())
