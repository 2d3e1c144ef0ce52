"""Progress of a run: a bar on a terminal, plain lines elsewhere, silence on demand."""

import signal
import time
from types import FrameType, TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from iqaudit.images import Picture

LINE_EVERY = 10.0
"""Seconds between two plain lines."""


class Watcher:
    """Follows a run's queries and turns the first Ctrl-C into a stop between two queries.

    Call it as `iqaudit.run`'s ``progress``. A second Ctrl-C stops at once.

    Parameters
    ----------
    console : Console
        Where it prints.
    pictures, queries : int
        How many, and each one's budget.
    cost : int
        Queries a score.
    quiet : bool
        Whether it prints nothing.
    """

    def __init__(
        self, console: Console, pictures: int, queries: int, cost: int, *, quiet: bool
    ) -> None:
        self._console, self._quiet = console, quiet
        self._queries, self._cost = queries - queries % cost, cost
        self._pictures, self._total = pictures, pictures * self._queries
        self._asked = self._finished = 0
        self._stop = False
        self._started = self._last_line = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("starting", total=self._total, figures="")

    def __enter__(self) -> Self:
        # Whoever told this process to ignore Ctrl-C, or handles it otherwise, knows why.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if signal.getsignal(signal.SIGINT) == self._interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __call__(self, picture: Picture, queries: int) -> None:
        """Take note of one score."""
        self._asked += self._cost
        self._finished += queries == self._queries
        now = time.monotonic()
        speed = self._asked / (now - self._started)
        figures = f"{self._finished}/{self._pictures} pictures, {speed:.1f} queries/s"
        self._bar.update(self._task, advance=self._cost, description=picture.name, figures=figures)
        due = now - self._last_line >= LINE_EVERY or self._asked == self._total
        if due and not self._quiet and not self._console.is_terminal:
            self._last_line = now
            left = (self._total - self._asked) / speed
            self._console.print(f"{picture.name}: {figures}, {left:.0f} s left", soft_wrap=True)
        if self._stop:
            raise KeyboardInterrupt

    def ended(self, queries: int) -> None:
        """Take note of a picture's end, which may come before its budget is spent."""
        if queries < self._queries:
            self._finished += 1
            self._total -= self._queries - queries
            self._bar.update(self._task, total=self._total)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not self._quiet:
            self._console.print("Stopping after this query; Ctrl-C again stops at once.")
