"""Signals that end a command: Ctrl-C, SIGTERM (a job's time is up), SIGHUP (its terminal closed).

Each interrupts as Ctrl-C does in Python. Where something listens, as a search does that stops
between two queries, the first is its; the next one interrupts.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

USUAL: dict[int, Any] = {
    number: usual
    for name, usual in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if (number := getattr(signal, name, None)) is not None  # no SIGHUP on Windows
}
"""The signals, and the handlers in whose place ours are set: whoever told this process to ignore
one (nohup, a shell's background), or handles it otherwise, knows why."""

GRACE = 4.0
"""Seconds for the query under way after SIGTERM or SIGHUP: nobody may be there to send it again,
and whoever sends it kills soon after (docker after 10 s, slurm after 30)."""

_came: list[int] = []
"""The signals that came since the command began."""


def exit_code() -> int:
    """Return the shell's exit code for a command that was interrupted: 130 for Ctrl-C."""
    return 128 + (_came[-1] if _came else signal.SIGINT)


@contextmanager
def interrupting() -> Iterator[None]:
    """Have the signals interrupt, as long as a command takes."""
    _came.clear()
    with _handled(USUAL, _interrupt):
        yield


@contextmanager
def listening(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first signal; the next one interrupts.

    So does the end of `GRACE` after SIGTERM or SIGHUP.
    """
    main, timers = threading.get_ident(), list[threading.Timer]()

    def handle(number: int, _frame: FrameType | None) -> None:
        _came.append(number)
        for each in ours:
            signal.signal(each, _interrupt)
        if number != signal.SIGINT:
            timers.append(threading.Timer(GRACE, signal.pthread_kill, (main, number)))
            timers[0].daemon = True
            timers[0].start()
        stop()

    before = {number: signal.getsignal(number) for number in USUAL}
    interrupt = (signal.default_int_handler, _interrupt)
    ours = {number: each for number, each in before.items() if each in interrupt}
    with _handled(ours, handle):
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _came.append(number)
    raise KeyboardInterrupt


@contextmanager
def _handled(
    usual: dict[int, Any], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Set a handler for the signals that have their usual one."""
    chosen = []
    if threading.current_thread() is threading.main_thread():  # no other may set handlers
        chosen = [number for number, each in usual.items() if signal.getsignal(number) == each]
    try:
        for number in chosen:
            signal.signal(number, handler)
        yield
    finally:
        for number in chosen:
            signal.signal(number, usual[number])
