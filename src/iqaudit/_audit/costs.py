"""Costs of an audit: what was billed for victims elsewhere, in all its starts.

RUN/costs.jsonl has a line a request that was begun, and one for the tokens that an answer told of,
so that a ceiling in money holds over all starts, however they ended.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from iqaudit._runs.journal import Journal, Lines, read
from iqaudit._runs.schema import COSTS
from iqaudit.victims._base import Victim
from iqaudit.victims._metered.base import Cost, meter_of, total


def _cost(line: Any) -> Cost:
    victim, requests, tokens, money = line
    counts = isinstance(requests, int) and isinstance(tokens, int)
    if not (isinstance(victim, str) and counts and isinstance(money, int | float)):
        raise TypeError("no cost")
    return Cost(victim, requests, tokens, float(money))


LINES = Lines(_cost, "audit")


def costs(root: Path) -> tuple[Cost, ...]:
    """Return what was billed for each victim in all starts of an audit; none where none was."""
    return _by_victim(read(root / COSTS, LINES).entries)


def _by_victim(found: Iterable[Cost]) -> tuple[Cost, ...]:
    entries = list(found)
    names = dict.fromkeys(each.victim for each in entries)
    return tuple(total(name, [each for each in entries if each.victim == name]) for name in names)


class Costs:
    """The costs of a start of an audit, counted to those of earlier ones; a context manager.

    What is billed before the audit has a folder of its own is kept in memory until then.

    Parameters
    ----------
    root : Path
        The audit's directory.
    """

    def __init__(self, root: Path) -> None:
        self._file = root / COSTS
        self._stack = ExitStack()
        self._journal: Journal[Cost] | None = None
        self._earlier: tuple[Cost, ...] = ()
        self._unwritten: list[Cost] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def begin(self, victims: Iterable[Victim], *, goes_on: bool) -> None:
        """Count what is billed from now on, to what an audit that goes on was billed."""
        self._earlier = read(self._file, LINES).entries if goes_on else ()
        for victim in victims:
            meter, name = meter_of(victim), victim.card.name
            if meter is not None:
                earlier = [each for each in self._earlier if each.victim == name]
                keep = partial(self._keep, name)
                self._stack.enter_context(meter.counting(earlier, keep))
        if goes_on:
            self.write()

    def write(self) -> None:
        """Write what was billed so far, and from now on each request before it is made."""
        if self._journal is None and (self._unwritten or self._earlier):
            self._journal = self._stack.enter_context(Journal(self._file, LINES))
            self._journal.keep(self._unwritten)
            self._unwritten = []

    def earlier(self, victim: Victim) -> Cost:
        """Return what earlier starts were billed for a victim."""
        name = victim.card.name
        return total(name, [each for each in self._earlier if each.victim == name])

    def _keep(self, name: str, cost: Cost) -> None:
        cost = cost._replace(victim=name)
        if self._journal is None:
            self._unwritten.append(cost)
        else:
            self._journal.keep([cost])
