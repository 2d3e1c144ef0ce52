"""The start of a command, which takes a second to import: Ctrl-C ends it without a traceback.

Imported before all else of iqaudit; later a command's own handlers are set.
"""

import sys
from pathlib import Path
from types import TracebackType


def is_command() -> bool:
    """Tell whether this process is ``iqaudit`` or ``python -m iqaudit``."""
    return [Path(each).stem for each in sys.orig_argv[-len(sys.argv) :][:1]] == ["iqaudit"]


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, error, trace)
    print("Interrupted: start the same command again.", file=sys.stderr)  # noqa: T201
    raise SystemExit(130)


if is_command():
    sys.excepthook = _end
