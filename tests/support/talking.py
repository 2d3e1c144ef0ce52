"""A victim whose code prints, on every way there is, as it is imported and as it scores."""

import ctypes
import logging
import os
import subprocess
import sys
import threading
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.support.scorers import roughness


def _talk() -> None:
    print("print")  # noqa: T201
    os.write(1, b"number\n")
    ctypes.CDLL(None).puts(b"C")  # buffered where it is no terminal
    subprocess.run(["echo", "child"], check=True)
    thread = threading.Thread(target=print, args=("thread",))
    thread.start()
    thread.join()
    logging.getLogger("talking").error("log")
    warnings.warn("warning", stacklevel=1)
    handler: Any = logging.StreamHandler(sys.stdout)
    handler.emit(logging.makeLogRecord({"msg": "own"}))


def talking(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Print, and score."""
    _talk()
    return roughness(pictures)


def closing(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Close what it takes for the standard streams, and score."""
    sys.stdout.close()
    sys.stderr = None
    os.close(1)
    return roughness(pictures)


print("import")  # noqa: T201
