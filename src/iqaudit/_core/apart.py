"""The state of the process that any code may set: others' code keeps its own, and we ours."""

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

import numpy as np

from iqaudit._core.threads import usual_threads

THREADS = "threads"
"""The part that is ours for all code: a score's last bits depend on it."""


class Apart:
    """What the working folder and the settings of libraries are to others' code.

    Within `entered` they are as that code left them the last time; after it they are as before.
    """

    def __init__(self) -> None:
        self._left: dict[str, Any] = {}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Run others' code in it."""
        ours = _read()
        _write(self._left)
        try:
            with staying():
                yield
        finally:
            theirs = _read()
            ours = _first() | ours if theirs.keys() - ours.keys() else ours  # torch is new
            changed = {name: each for name, each in theirs.items() if ours.get(name, each) != each}
            _write({name: ours[name] for name in changed})
            changed.pop(THREADS, None)
            self._left = changed

    def running(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method of others' code that runs in it."""

        @wraps(method)
        def run(*arguments: Any, **options: Any) -> Any:
            with self.entered():
                return method(*arguments, **options)

        return run if inspect.ismethod(method) else method


@contextmanager
def staying() -> Iterator[None]:
    """Take it for a failure where others' code ends the interpreter, as argparse does."""
    try:
        yield
    except SystemExit as end:
        raise RuntimeError(f"it ends the program, sys.exit({end.code!r})") from end


def _read() -> dict[str, Any]:
    """Return the state, as far as its libraries are loaded."""
    state: dict[str, Any] = {"arithmetic": np.geterr()}
    with suppress(OSError):  # it was deleted
        state["folder"] = os.getcwd()  # noqa: PTH109 (a microsecond)
    if torch := sys.modules.get("torch"):
        state |= {
            THREADS: torch.get_num_threads(),
            "gradients": torch.is_grad_enabled(),
            "type": torch.get_default_dtype(),
            "device": torch.get_default_device(),
            "determined": torch.are_deterministic_algorithms_enabled(),
        }
    return state


def _first() -> dict[str, Any]:
    """Return torch's state when it is loaded."""
    torch: Any = sys.modules["torch"]
    return {
        THREADS: usual_threads(),
        "gradients": True,
        "type": torch.float32,
        "device": torch.device("cpu"),
        "determined": False,
    }


def _write(state: Mapping[str, Any]) -> None:
    torch: Any = sys.modules.get("torch")
    for name, value in state.items():
        match name:
            case "arithmetic":
                np.seterr(**value)
            case "folder":
                with suppress(OSError):
                    os.chdir(value)
            case "threads":
                torch.set_num_threads(value)
            case "gradients":
                torch.set_grad_enabled(value)
            case "type":
                torch.set_default_dtype(value)
            case "device":  # a set one costs a hook at every call
                torch.set_default_device(None if value.type == "cpu" else value)
            case "determined":
                torch.use_deterministic_algorithms(value)
