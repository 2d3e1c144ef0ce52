"""How much memory a search holds between its queries, with compiled passes and without.

    python -m benchmarks.memory [--steps N] [VICTIM ...]

Each search in a process of its own, which keeps freed memory as the command line does: resident
memory, less that before the session was opened. By then another network has been read, so that
what reading imports (about 100 MB) is not counted; OpenVINO's libraries (50) are.
"""

import argparse
import os
import subprocess
import sys

import numpy as np
import torch
from skimage import data

from benchmarks.cost import victim_named
from benchmarks.speed import SUBJECTS, memory
from benchmarks.zoo import made
from iqaudit import Scale
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture
from iqaudit._core.process import COMPILING, give_freed_memory_back, keep_freed_memory
from iqaudit._core.threat import Linf
from iqaudit._search import driver
from iqaudit._search.trial import Trial
from iqaudit.attacks import Bidirectional
from iqaudit.victims import TorchModule

LENGTH = 1_000
"""The search's budget, of which only the first steps are made."""

FIRST = 5
"""Steps in which the base's maps are made."""

SMALL = 64
"""The side of the pictures that the other network is read for: not worth compiling."""


def measure(name: str, steps: int) -> tuple[float, float]:
    """Return the bytes that a search holds between its queries, and those at its highest."""
    torch.set_num_threads(1)
    keep_freed_memory()
    victim, height, width = victim_named(name)
    other = TorchModule(made("distribution"), Scale.from_range(0, 1))
    other.open_session(SMALL, SMALL, LENGTH)
    del other
    pixels = np.ascontiguousarray(data.astronaut()[:height, :width])
    give_freed_memory_back()
    before, held = memory("VmRSS", reset=True), 0.0
    session = victim.open_session(height, width, LENGTH)
    picture = Picture("astronaut", pixels)
    trial = Trial(
        picture, victim.card, Bidirectional(), Linf(), Goal.BIDIRECTIONAL, LENGTH, 0, session
    )
    search = driver.drive(victim, [trial])
    for _ in range(FIRST):
        next(search)
    for _ in range(steps):
        next(search)
        held = max(held, memory("VmRSS"))
    most = memory("VmHWM")
    search.close()
    return held - before, most - before


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("victims", nargs="*", metavar="VICTIM", help=", ".join(SUBJECTS))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(*measure(given.victims[0], given.steps))
        return
    for name in given.victims or SUBJECTS:
        command = [sys.executable, "-m", "benchmarks.memory", name, "--one"]
        for compiled in ("0", "1"):
            answer = subprocess.run(
                [*command, "--steps", str(given.steps)], check=True, stdout=subprocess.PIPE,
                text=True, env={**os.environ, COMPILING: compiled},
            ).stdout  # fmt: skip
            held, most = (float(each) / 1e6 for each in answer.splitlines()[-1].split())
            way = "with OpenVINO" if compiled == "1" else "without OpenVINO"
            print(f"{name} {way}: {held:.0f} MB between queries, at most {most:.0f}", flush=True)


if __name__ == "__main__":
    main()
