"""Progress of a run: a bar on a terminal, plain lines elsewhere, silence on demand."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from iqaudit._analysis.analyse import Share, Watch, share_text
from iqaudit._analysis.scorers import Progress as Count
from iqaudit._assess.cost import duration
from iqaudit._audit.observer import Observer
from iqaudit._cli.printing import say, stderr
from iqaudit._cli.signals import listening
from iqaudit._runs.records import FLAT

LINE_EVERY = 10.0
"""Seconds between two plain lines."""

PACE_OF = 60.0
"""Seconds that the pace is of, and with it the time left."""


class Progress(Observer):
    """The progress of an audit, shown; the first Ctrl-C becomes a stop between two queries.

    A second Ctrl-C stops at once. One that came too late for the search stops what follows it.

    Parameters
    ----------
    console : Console
        Where it prints.
    quiet : bool
        Whether it prints nothing.
    """

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._total = self._asked = self._pictures = self._finished = 0
        self._before = 0  # not asked in the time since `_started`: nothing of the pace
        self._started = 0.0  # at the first answer
        self._reached: deque[tuple[float, int]] = deque()  # when, and how many asked in this start
        self._last_line = time.monotonic()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
            refresh_per_second=4,
        )
        self._had: dict[tuple[str, str], int] = {}
        self._queries = 0
        self._task = self._bar.add_task("starting", total=None, figures="")

    def __enter__(self) -> Self:
        self._shown = ExitStack()
        self._shown.enter_context(listening(self._interrupt))
        self._shown.enter_context(self._bar)
        return self

    def __exit__(self, *raised: object) -> None:
        self._shown.close()
        if self.stopping and raised[0] is None:
            raise KeyboardInterrupt

    def _show(self, name: str) -> None:
        """Show the progress, and of which search."""
        now = time.monotonic()
        speed = self._pace(now)
        pace = f", {speed:.1f} queries/s" if speed else ""
        left = f", {duration((self._total - self._asked) / speed)} left" if speed else ""
        figures = f"{self._finished}/{self._pictures} pictures{pace}{left}"
        self._bar.update(
            self._task,
            completed=self._asked,
            total=self._total,
            description=name,
            figures=figures,
        )
        due = now - self._last_line >= LINE_EVERY or self._asked == self._total
        if due and not self._quiet and not self._console.is_terminal:
            self._last_line = now
            self._console.print(f"{name}: {figures}", soft_wrap=True)

    def _pace(self, now: float) -> float:
        """Return the queries a second of the last minute, or since the first answer."""
        asked = self._asked - self._before
        self._reached.append((now, asked))
        while len(self._reached) > 1 and self._reached[1][0] <= now - PACE_OF:
            self._reached.popleft()
        since, then = self._reached[0]
        return (asked - then) / max(now - since, 1e-9)

    def _interrupt(self) -> None:
        if not self._pictures:  # what was asked so far is kept by nothing
            raise KeyboardInterrupt
        self.stopping = True
        if not self._quiet:
            self._console.print("Stopping after this query; Ctrl-C again stops at once.")

    @property
    def far(self) -> str:
        """Say how far it is."""
        if not self._pictures:
            return "nothing is begun"
        return f"{self._finished} of {self._pictures} pictures finished"

    def begins(self, pictures: int, queries: int, finished: int) -> None:
        """See `Observer.begins`."""
        self._pictures, self._finished, self._queries = pictures, finished, queries
        self._total, self._started = pictures * queries, 0.0
        self._asked = self._before = finished * queries

    def says(self, sentence: str) -> None:
        """See `Observer.says`."""
        if not self._quiet:
            self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def recalled(self, cell: str, picture: str, queries: int) -> None:
        """See `Observer.recalled`."""
        self._had[cell, picture] = queries
        self._asked, self._before = self._asked + queries, self._before + queries

    def answered(self, cell: str, picture: str, queries: int) -> None:
        """See `Observer.answered`."""
        new = queries - self._had.get((cell, picture), 0)
        if not self._started:  # until then victims are loaded, and answers recalled
            self._before, self._started = self._before + new, time.monotonic()
            self._reached.clear()
        self._asked += new
        self._had[cell, picture] = queries
        self._show(f"{cell} {picture}".removeprefix(f"{FLAT} "))

    def ended(self, cell: str, picture: str) -> None:
        """See `Observer.ended`."""
        left = self._queries - self._had.pop((cell, picture), 0)  # of a budget that was not spent
        self._asked, self._before = self._asked + left, self._before + left
        self._finished += 1
        self._show(f"{cell} {picture}".removeprefix(f"{FLAT} "))


@contextmanager
def telling(*, silent: bool) -> Iterator[Callable[[str], None]]:
    """Yield a way to tell what is being done.

    On a terminal that is a line which changes; elsewhere a line now and then.
    """
    console, last = stderr(), time.monotonic()
    if silent:
        yield lambda _: None
    elif console.is_terminal:
        with console.status("") as shown:
            yield lambda text: shown.update(Text(text))
    else:

        def tell(text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= LINE_EVERY:
                last = time.monotonic()
                say(text, err=True)

        yield tell


def watched(*, silent: bool) -> Watch:
    """Return the watch of an analysis' scores: their numbers, how far it is, a stop between two."""

    @contextmanager
    def watch(shares: Sequence[Share], bound: str) -> Iterator[Count]:
        if not silent:
            for share in shares:
                say(share_text(*share, bound), err=True)
        console, stopped, begun = stderr(), False, time.monotonic()
        hidden, total = silent or not console.is_terminal, sum(most for _, most in shares)

        def stop() -> None:
            nonlocal stopped
            stopped = True

        def count(asked: int) -> None:
            bar.update(task, completed=asked)
            left = (total - asked) * (time.monotonic() - begun) / asked
            tell(f"{asked:,} of {bound}{total:,} scores, {bound}{duration(left)} left")
            if stopped:
                raise KeyboardInterrupt

        columns = TextColumn("scores"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        bar = Bar(*columns, console=console, disable=hidden, transient=True)
        task = bar.add_task("scores", total=total)
        with telling(silent=silent or console.is_terminal) as tell, bar, listening(stop):
            yield count
        if stopped:  # once its last score was there
            raise KeyboardInterrupt

    return watch
