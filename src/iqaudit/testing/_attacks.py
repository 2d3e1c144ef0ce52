"""A check of an attack: searches of small pictures, which say what it does that an attack must not.

A search goes on from its recorded answers alone, on any worker, beside any other. So each call is
made twice and compared, what it was given is looked at before and after, and whole searches are
made again, side by side, and with other budgets.
"""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np

from iqaudit._core.errors import InputError, foreign, whole_number
from iqaudit._core.patches import Patched, Perturbation, Window
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Linf
from iqaudit._search.painter import Painter
from iqaudit.attacks._base import (
    FIRST_QUERY,
    PREPARATION,
    Attack,
    Problem,
    is_anytime,
    is_white_box,
    own_threat,
)
from iqaudit.attacks._registry import attack_spec
from iqaudit.testing._digests import seen
from iqaudit.testing._pictures import synthetic_picture

SIZES = (24, 30), (33, 17)
"""Of the pictures: no square, one lying and one upright."""

STUCK = 5
"""Proposals of one draw after which an attack that draws seems not to count."""

BUDGETS = (2, 3, 7)
"""Small ones, in which no attack may break off."""


def check_attack(
    attack: Attack[Any] | str, *, queries: int = 60, levels: int = 3
) -> tuple[str, ...]:
    """Search two small pictures with an attack, and say what it does that an attack must not.

    Parameters
    ----------
    attack : Attack or str
        A value, as ``Guided(visibility=0.3)``, a name, or ``"python:MODULE:NAME"``.
    queries : int
        The budget of a search, the clean picture's query included; at least 2. As many as the
        attack needs to reach all of its parts.
    levels : int
        The largest change of a channel.

    Returns
    -------
    tuple of str
        Sentences, one for each kind of fault, with the query at which it was met first; none where
        there is none. An attack that draws from `numpy.random`, keeps something outside its state,
        changes an array in place, proposes what is no change of the picture within the threat, or
        counts queries wrongly is found; that it is a good attack is not said.

    Raises
    ------
    InputError
        If it is no attack, or a number is not whole or too small.

    Examples
    --------
    >>> from iqaudit.testing import check_attack
    >>> check_attack("random")
    ()
    """
    value = attack_spec(attack).attack
    queries = whole_number("queries", queries, 2)
    faults = Faults(type(value).__name__)
    _check_value(attack_spec(attack), faults)
    with faults.kept():
        before = seen(value)
        alone = [_alone(value, size, queries, levels, faults) for size in SIZES]
        _alone(value, SIZES[0], queries, levels, faults, falling=True)
        if not faults:
            _check_whole(value, alone, queries, levels, faults)
        if seen(value) != before:
            faults.add("it changes itself: what a search needs belongs into its state")
    return faults.sentences


@dataclass
class Faults:
    """The faults of an attack, one of a kind."""

    name: str
    found: dict[str, str] = field(default_factory=dict)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences on them."""
        return tuple(self.found.values())

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, fault: str, query: int | None = None) -> None:
        """Add a fault, unless one of its kind was met before."""
        kind = re.sub(r"\d+", "", fault)
        place = "" if query is None else f" (query {query})"
        self.found.setdefault(kind, f"{self.name}: {fault}{place}.")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """End what cannot go on; the reason was added."""
        with suppress(_BrokenOffError):
            yield


class _BrokenOffError(Exception):
    """The end of a search that cannot go on."""


@dataclass(frozen=True)
class _Counted(Stream):
    """A stream that keeps the steps that were drawn."""

    steps: list[int] = field(default_factory=list, compare=False)

    def at(self, step: int) -> np.random.Generator:
        self.steps.append(step)
        return super().at(step)


class _Search:
    """A search of an attack, one call at a time.

    `thorough` makes each twice and compares; `falling` tells of a gain at every query.
    """

    def __init__(
        self,
        attack: Attack[Any],
        size: tuple[int, int],
        queries: int,
        levels: int,
        faults: Faults,
        *,
        thorough: bool = False,
        falling: bool = False,
    ) -> None:
        self.attack, self.faults, self.thorough = attack, faults, thorough
        self.query, self.falling = FIRST_QUERY, falling
        self.pixels = synthetic_picture(*size, seed=size[0])
        self.threat, self.steps = own_threat(attack) or Linf(levels), list[int]()
        self.painter = Painter(self.pixels, Window(0, 0, *size), self.threat)
        self.weights = np.random.Generator(np.random.Philox(size[0])).normal(size=self.pixels.shape)
        self.problem = Problem(
            pixels=self.pixels.copy(),
            levels=levels,
            queries=queries,
            stream=_Counted(0, str(size), self.steps),
            clean_loss=self.loss(self.pixels),
            gradient=self._gradient if is_white_box(attack) else None,
        )
        self.course: list[str] = []
        self.drawn: list[int] = []
        self.proposed: list[tuple[Patched, str]] = []
        self.state = self._called("init", lambda: attack.init(self.problem), PREPARATION)

    def loss(self, pixels: np.ndarray) -> float:
        """Return the loss of a picture: rough in its pixels, so that some steps gain."""
        levels = pixels / 255.0
        if self.falling and self.query > FIRST_QUERY:
            return -float(self.query)
        return float((self.weights * levels).mean() + 5 * (levels**2).mean())

    def _gradient(self, perturbation: Perturbation) -> np.ndarray:
        levels = self.painter.picture(perturbation) / 255.0
        return (self.weights + 10 * levels).astype(np.float32)

    def ask(self) -> Patched:
        """Return the next proposal, looked at."""
        proposal: Patched = self._called("ask", lambda: self.attack.ask(self.state), self.query)
        try:
            self.painter.change(proposal)
        except InputError as error:
            self.faults.add(f"a proposal cannot be scored: {str(error).rstrip('.')}", self.query)
            raise _BrokenOffError from None
        for earlier, was in self.proposed:
            if seen(earlier) != was:
                self.faults.add("an array that was proposed is changed in place later", self.query)
        self.proposed = [*self.proposed[-3:], (proposal, seen(proposal))]
        self.course.append(seen(proposal.painted()))
        return proposal

    def tell(self, proposal: Patched) -> None:
        """Tell the attack of a proposal's loss."""
        loss = self.loss(self.threat.apply(self.pixels, proposal.painted()))
        before, query = self.state, self.query
        self.state = self._called("tell", lambda: self.attack.tell(before, proposal, loss), query)
        at = getattr(self.state, "perturbation", None)
        if not (isinstance(at, np.ndarray) and at.shape == self.pixels.shape):
            self.faults.add(
                "its state has no perturbation, an array of the shape of problem.pixels", query
            )
            raise _BrokenOffError
        most = int(np.abs(at).max())
        if self.threat.levels and most > self.threat.levels:
            self.faults.add(
                f"its state.perturbation changes a pixel by {most} levels where "
                f"{self.threat.levels} are allowed: what is scored is clipped, and another picture",
                query,
            )
        moved = at is not before.perturbation and not self.falling
        if moved and seen(at) == seen(before.perturbation):
            self.faults.add(
                "a refused step makes a new array of state.perturbation, which counts as an "
                "accepted step",
                query,
            )
        if isinstance(count := getattr(self.state, "query", query + 1), int) and count != query + 1:
            self.faults.add(
                f"its state counts {count} as the next query, and that is {query + 1}: the clean "
                "picture's is 1",
                query,
            )
        self.course.append(seen(at))
        self.query += 1

    def _called(self, part: str, call: Callable[[], Any], query: int) -> Any:
        """Return what a call answers; where all is looked at, the same call again is compared."""
        if not self.thorough:
            return self._guarded(part, call, query)
        given = seen((getattr(self, "state", None), self.problem))
        legacy, own = np.random.get_state(), random.getstate()  # noqa: NPY002 (whoever draws there)
        self.steps.clear()
        with mock.patch.object(np.random, "default_rng", wraps=np.random.default_rng) as made:
            answer = self._guarded(part, call, query)
        drew = bool(made.call_count) or random.getstate() != own
        if drew or seen(np.random.get_state()) != seen(legacy):  # noqa: NPY002
            self.faults.add(
                f"{part} draws from numpy.random or random; random numbers come from "
                "problem.stream.at(query) alone",
                query,
            )
        self._check_steps(part, query)
        now, again = seen(answer), seen(self._guarded(part, call, query))
        if again != now:
            self.faults.add(f"{part} answers otherwise when it is called again", query)
        if seen(answer) != now:
            self.faults.add(f"{part} changes what it answered before, in place", query)
        if seen((getattr(self, "state", None), self.problem)) != given:
            self.faults.add(f"{part} changes its state or the problem in place", query)
        return answer

    def _check_steps(self, part: str, query: int) -> None:
        """Compare the steps of the stream that a call drew at with the query that it is of."""
        first = PREPARATION if part == "init" else FIRST_QUERY
        last = query + (part != "ask")  # what comes next may be drawn before it is asked for
        if strange := {step for step in self.steps if not first <= step <= last}:
            self.faults.add(
                f"{part} draws at step {min(strange)} of the stream where the query is {query}: it "
                "counts queries wrongly",
                query,
            )
        if part == "ask" and self.steps:
            self.drawn.append(max(self.steps))
            if len(self.drawn) >= STUCK and len(set(self.drawn)) == 1:
                self.faults.add("ask draws the same numbers at every query", query)

    def _guarded(self, part: str, call: Callable[[], Any], query: int) -> Any:
        try:
            return call()
        except Exception as error:
            reason = f"{type(error).__name__}: {foreign(error)}"
            self.faults.add(f"{part} fails ({reason})", query)
            raise _BrokenOffError from error


def _check_value(spec: Any, faults: Faults) -> None:
    if not type(spec.attack).__dataclass_params__.frozen:
        faults.add("its class is no frozen dataclass, so a search may change it")
    try:
        seen(spec.settings)
    except InputError as error:
        faults.add(str(error).rstrip("."))


def _alone(
    attack: Attack[Any],
    size: tuple[int, int],
    queries: int,
    levels: int,
    faults: Faults,
    *,
    thorough: bool = True,
    falling: bool = False,
) -> list[str]:
    """Search a picture to the end of its budget; return what was proposed, and where it stood."""
    search = _Search(attack, size, queries, levels, faults, thorough=thorough, falling=falling)
    while search.query <= queries:
        search.tell(search.ask())
    return search.course


def _check_whole(
    attack: Attack[Any], alone: list[list[str]], queries: int, levels: int, faults: Faults
) -> None:
    """Compare whole searches: again, side by side, and with other budgets."""
    if _alone(attack, SIZES[0], queries, levels, faults, thorough=False) != alone[0]:
        faults.add("the same search goes another way the second time: something is kept outside")
        return
    several = [_Search(attack, size, queries, levels, faults) for size in SIZES]
    while several[0].query <= queries:
        asked = [(search, search.ask()) for search in several]
        for search, proposal in asked:
            search.tell(proposal)
    if [search.course for search in several] != alone:
        faults.add(
            "two searches side by side go other ways than each alone: something is kept outside "
            "their states"
        )
    for budget in BUDGETS:
        _alone(attack, SIZES[0], budget, levels, faults, thorough=False)
    if is_anytime(attack):
        longer = _alone(attack, SIZES[0], 2 * queries, levels, faults, thorough=False)
        if longer[: len(alone[0])] != alone[0]:
            faults.add("it says anytime, and its proposals depend on problem.queries")
