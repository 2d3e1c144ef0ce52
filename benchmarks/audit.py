"""The cost of an audit's driver per picture: processor time and memory, with every engine.

    python -m benchmarks.audit [--pictures N] [--side PIXELS] [--queries N] [ENGINE ...]

The victim answers at once, so the rest is the audit's own cost. Each engine runs in a process of
its own, on two workers. Figures are taken between the hundredth picture and the last. For `serial`,
whose driver does all the work, compare with the same searches without an audit: the difference is
the driver's own, measures and PNG files included. The loop is one thread of the driver's: it bounds
the pictures a second that all workers together can finish.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import iqaudit
from iqaudit._audit import execute
from iqaudit._audit.engines.registry import ENGINES
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.process import keep_freed_memory
from iqaudit._search import driver
from iqaudit.victims import Function
from iqaudit.victims._spec import VictimSpec

WORKERS = 2

WARM = 100
"""Pictures until figures are taken: by then everything is loaded."""


def _first_levels(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    levels: NDArray[np.float64] = pictures[:, :4, :4].mean(axis=(1, 2, 3))
    return levels


instant = Function(_first_levels, iqaudit.Scale.from_range(0, 255), name="instant")


class _Meter(Observer):
    """Takes figures at two pictures' ends."""

    def __init__(self, last: int) -> None:
        self._last, self._ended = last, 0
        self.figures: list[NDArray[np.float64]] = []

    def ended(self, cell: str, picture: str) -> None:  # noqa: ARG002
        self._ended += 1
        if self._ended in (WARM, self._last):
            clocks = (time.perf_counter(), time.process_time(), time.thread_time())
            self.figures.append(np.array((*clocks, *_memory())))


def _memory() -> tuple[float, float]:
    """Return the resident bytes of this process, and of all that it started."""
    children, resident = defaultdict(list), {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue  # it has ended
        number = int(lines["Pid"])
        children[int(lines["PPid"])].append(number)
        resident[number] = 1024.0 * float(lines.get("VmRSS", "0 kB").split()[0])
    first = os.getpid()
    others, reached = 0.0, [*children[first]]
    while reached:
        number = reached.pop()
        others += resident[number]
        reached += children[number]
    return resident[first], others


def measure(engine: str, pictures: int, side: int, queries: int) -> dict[str, float]:
    """Measure one engine, in this process."""
    keep_freed_memory()  # as the command line does
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        for number in range(pictures):
            pixels = draw.integers(0, 256, (side, side, 3), np.uint8)
            iqaudit.write(folder / "pictures" / f"p{number}.png", pixels)
        spec = AuditSpec(
            (VictimSpec("python:benchmarks.audit:instant"),),
            Data(pictures=(str(folder / "pictures"),)),
            queries=queries,
        )
        meter = _Meter(pictures)
        execute.run(spec, folder / "run", engine=engine, workers=WORKERS, observer=meter)
        begun, searched = time.process_time(), 0
        for file in sorted((folder / "pictures").iterdir())[: pictures - WARM]:
            search = spec.cells()[0].search(instant)
            searched += len(list(driver.run(search, [iqaudit.read(file)])))
        searches = (time.process_time() - begun) / searched
    wall, processor, loop, own, others = meter.figures[1] - meter.figures[0]
    each = 1e3 / (pictures - WARM)
    return {
        "milliseconds": wall * each,
        "driver_milliseconds": processor * each,
        "loop_milliseconds": loop * each,
        "search_milliseconds": 1e3 * searches,
        "driver_mb": meter.figures[1][3] / 1e6,
        "driver_growth_mb": own / 1e6,
        "others_growth_mb": others / 1e6,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("engines", nargs="*", default=list(ENGINES), metavar="ENGINE")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pictures <= WARM:
        parser.error(f"more than {WARM} pictures are needed")
    sizes = {"pictures": arguments.pictures, "side": arguments.side, "queries": arguments.queries}
    if arguments.one:
        print(json.dumps(measure(arguments.engines[0], **sizes)))
        return
    count, side, queries = sizes.values()
    print(f"{count} pictures of {side} x {side}, {queries} queries each")
    print(
        "engine     a picture  driver's CPU  its loop  the search alone   driver, grew  others grew"
    )
    for engine in arguments.engines:
        options = [f"--{name}={value}" for name, value in sizes.items()]
        command = [sys.executable, "-m", "benchmarks.audit", engine, "--one", *options]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        row = json.loads(output.splitlines()[-1])
        print(
            f"{engine:10s}{row['milliseconds']:7.1f} ms{row['driver_milliseconds']:11.1f} ms"
            f"{row['loop_milliseconds']:7.1f} ms{row['search_milliseconds']:15.1f} ms"
            f"{row['driver_mb']:9.0f}{row['driver_growth_mb']:6.1f} MB"
            f"{row['others_growth_mb']:9.1f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
