"""The gain of each part of incremental scoring: milliseconds a score with it and without.

    python -m benchmarks.parts [VICTIM ...]

Scores of two squares of 8 x 8 pixels at drawn places, nothing accepted, in alternation with every
part left out once. "dense" is a whole pass, "memory kept" the same once freed memory is kept, as
the command line has it; it comes last because it cannot be undone.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from skimage import data

from benchmarks.speed import SUBJECTS
from iqaudit._core.patches import Patch, Patched
from iqaudit._core.process import keep_freed_memory
from iqaudit._incremental.rescorer import Rescorer
from iqaudit._incremental.session import Session

SIDE, SQUARES, SCORES, ROUNDS = 8, 2, 20, 5

PARTS: dict[str, tuple[tuple[str, Any], ...]] = {
    "all": (),
    "weights laid out once": (("kernels._packs", lambda _: False),),
    "small convolutions as products": (("window_pass.SMALL_PRODUCT", 0),),
    "cell-by-cell steps fused": (("network.fuse", lambda steps, _: tuple(steps)),),
    "windows merged where that is less": (("plan.MERGED_BELOW", 0.0),),
    "whole maps where windows cover most": (("plan.WHOLE_ABOVE", 1e9),),
}
"""By name, what is put in place of what to leave a part out."""


@contextmanager
def _without(part: str) -> Iterator[None]:
    replaced = [patch(f"iqaudit._incremental.{name}", value) for name, value in PARTS[part]]
    for each in replaced:
        each.start()
    try:
        yield
    finally:
        for each in replaced:
            each.stop()


def _changes(pixels: Any, count: int) -> list[Patched]:
    draw = np.random.default_rng(0)

    def one() -> Patch:
        top, left = (int(draw.integers(side - SIDE + 1)) for side in pixels.shape[:2])
        return Patch(top, left, draw.integers(0, 256, (SIDE, SIDE, 3), np.uint8))

    return [Patched(pixels, tuple(one() for _ in range(SQUARES))) for _ in range(count)]


def _milliseconds(run: Callable[[], None], scores: int) -> float:
    begun = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - begun) / scores


def measure(name: str) -> None:
    """Measure one victim, and print a line a part."""
    make, height, width = SUBJECTS[name]
    victim = make()
    pixels = np.ascontiguousarray(data.astronaut()[:height, :width])
    changes = _changes(pixels, SCORES)
    sessions: dict[str, Session] = {}
    for part in PARTS:
        with _without(part):
            rescorer = Rescorer(victim.module, victim.card.scale.spread, print)
            session = rescorer.open(height, width)
            assert session is not None  # noqa: S101 (the subjects can all be exported)
            sessions[part] = session
            _run(session, changes)
    took: dict[str, list[float]] = {part: [] for part in (*PARTS, "dense")}
    for _ in range(ROUNDS):
        for part, session in sessions.items():
            with _without(part):
                took[part].append(_milliseconds(lambda s=session: _run(s, changes), SCORES))  # type: ignore[misc]
        took["dense"].append(_milliseconds(lambda: victim.score(pixels[None]), 1))
    keep_freed_memory()
    victim.score(pixels[None])
    took["dense, memory kept"] = [
        _milliseconds(lambda: victim.score(pixels[None]), 1) for _ in range(ROUNDS)
    ]
    best = statistics.median(took["all"])
    for part, found in took.items():
        typical = statistics.median(found)
        label = part if part in ("all", "dense", "dense, memory kept") else f"without {part}"
        print(f"{name:10s} {label:45s} {typical:8.2f} ms  {typical / best:5.2f} x", flush=True)


def _run(session: Session, changes: list[Patched]) -> None:
    for change in changes:
        session.scores([(session, change)])


if __name__ == "__main__":
    for subject in sys.argv[1:] or ["reference", "eonss", "dbcnn"]:
        measure(subject)
