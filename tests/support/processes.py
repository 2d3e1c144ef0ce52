"""Processes that tests start: with a limit of time, and not deaf to Ctrl-C."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

LIMIT = 100.0
"""Seconds after which a test gives up a process or a state that it waits for."""


def hears_ctrl_c() -> None:
    """Run in a child before its program: it inherits that a background job ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def started(line: Sequence[str], **others: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a program that hears Ctrl-C; it is waited for, and killed if the test fails before."""
    with subprocess.Popen(
        line,
        text=True,
        preexec_fn=hears_ctrl_c,  # noqa: PLW1509
        **others,
    ) as process:
        try:
            yield process
            process.wait(LIMIT)
        finally:
            process.kill()


def wait_until(
    reached: Callable[[], bool], process: subprocess.Popen[Any] | None = None, pause: float = 0.01
) -> None:
    """Wait for a state, as long as a process runs; after `LIMIT` seconds the test fails."""
    end = time.monotonic() + LIMIT
    while not reached():
        assert process is None or process.poll() is None, "it ended before it came so far"
        assert time.monotonic() < end, f"not reached in {LIMIT:g} s"
        time.sleep(pause)
