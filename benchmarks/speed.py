"""How many queries a second: iqaudit against the published loop, on the same victim and proposals.

    python -m benchmarks.speed [--quick] [--json FILE] [VICTIM ...]

The published procedure, stated plainly in `published`, paints every proposal and scores the whole
picture with one eager float32 pass. Both are run in one process (one for each victim, so that
memory is told apart), in alternation, at points along the paper's schedule of 10,000 queries, from
a state that a shortened search has reached; seconds a query are weighted as the schedule weighs the
points.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage import data

import iqaudit
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture
from iqaudit._core.threat import Linf
from iqaudit._search import driver
from iqaudit._search.trial import Trial
from iqaudit.attacks import Bidirectional
from iqaudit.attacks._base import Descent
from iqaudit.victims import TorchModule
from iqaudit.victims._spec import as_victim

QUERIES = 10_000
POINTS = {1: 50, 200: 450, 1000: 1500, 5000: 5000, 9000: 3000}
"""Where along the schedule is measured, from which query on, and how many queries it stands for."""


def _eonss() -> TorchModule:
    from tests.support import eonss

    torch.manual_seed(0)
    if eonss.WEIGHTS.exists():
        return eonss.load()
    scale = iqaudit.Scale.from_range(0, 30)
    return TorchModule(eonss.EONSS(), scale, name="eonss", smallest_side=eonss.PATCH)


SUBJECTS: dict[str, tuple[Callable[[], Any], int, int]] = {
    "reference": (lambda: as_victim("reference"), 512, 512),
    "dbcnn": (lambda: as_victim("dbcnn", untrained=True), 384, 512),
    "unique": (lambda: as_victim("unique", untrained=True), 384, 512),
    "tres": (lambda: as_victim("tres", untrained=True), 384, 512),
    "eonss": (_eonss, 512, 512),
}
"""Every victim, its picture's height and width. Random weights make no difference to time."""


@dataclass(frozen=True)
class Row:
    """A victim's figures."""

    victim: str
    height: int
    width: int
    squares: int
    baseline_queries_per_second: float
    queries_per_second: float
    ratio: float
    ratio_low: float
    ratio_high: float
    max_relative_difference: float
    share_outside_victim: float
    peak_mb: float


def published(
    module: torch.nn.Module,
    clean: Any,
    attack: Bidirectional,
    state: Descent,
    direction: Any,
    scale: iqaudit.Scale,
) -> Iterator[tuple[Descent, float]]:
    """Search as the paper does: one painted picture, one dense pass, one comparison a query."""
    while True:
        proposal = attack.ask(state)
        perturbation = proposal.painted()
        picture = np.clip(clean.astype(np.int16) + perturbation, 0, 255).astype(np.uint8)
        with torch.inference_mode():
            x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
            score = float(module(x))
        state = attack.tell(state, proposal, direction.loss(scale.quality(score)))
        yield state, score


class _Timed:
    """A session that tells how long its scores took."""

    def __init__(self, session: Any) -> None:
        self.session, self.seconds = session, 0.0

    def scores(self, requests: Any) -> Any:
        begun = time.perf_counter()
        answers = self.session.scores([(timed.session, change) for timed, change in requests])
        self.seconds += time.perf_counter() - begun
        return answers


def measure(name: str, *, quick: bool) -> Row:
    """Measure one victim."""
    make, height, width = SUBJECTS[name]
    victim, attack = make(), Bidirectional()
    picture = Picture(name, np.ascontiguousarray(data.astronaut()[:height, :width]))
    # What torch.export imports is the process's, not a session's: have it there before.
    TorchModule(torch.nn.Flatten(), victim.card.scale).rescorer.network(4, 4)
    resident = memory("VmRSS", reset=True)
    session = victim.open_session(height, width, QUERIES)
    trial = Trial(picture, victim.card, attack, Linf(), Goal.BIDIRECTIONAL, QUERIES, 0, session)
    steps = driver.drive(victim, [trial])
    reached = _shortened(trial, steps, 100 if quick else 1000)
    peak = memory("VmHWM") - resident
    repeats, dense, ours = (2, 2, 40) if quick else (3, 4, 60)
    seconds: dict[int, list[tuple[float, float]]] = {}
    worst, outside, total, accepted = 0.0, 0.0, 0.0, {}
    for point, stands_for in POINTS.items():
        begin = replace(reached if point > 1 else _after_stripes(trial, steps), query=point + 2)
        seconds[point] = []
        many = min(ours, stands_for)
        for _ in range(repeats):
            plain = published(
                victim.module,
                picture.pixels,
                attack,
                begin,
                trial.ledger.direction,
                victim.card.scale,
            )
            begun = time.perf_counter()
            scores = [next(plain)[1] for _ in range(dense)]
            baseline = (time.perf_counter() - begun) / dense
            trial._state = begin
            _queries(trial, steps, 8)  # the base is taken, kernels are made
            trial._state = begin
            timed = trial.session = _Timed(session)  # type: ignore[assignment]
            before = len(trial.ledger.answers)
            begun = time.perf_counter()
            _queries(trial, steps, many)
            took = time.perf_counter() - begun
            asked = [answer.score for answer in trial.ledger.answers[before:]]
            trial.session = session
            seconds[point].append((baseline, took / len(asked)))
            outside += (took - timed.seconds) / len(asked) * stands_for
            total += took / len(asked) * stands_for
            unit = max(abs(scores[0]), victim.card.scale.spread)
            worst = max(worst, *(abs(a - b) / unit for a, b in zip(scores, asked, strict=False)))
            accepted[point] = sum(step.query > before for step in trial._accepted) / len(asked)
    sums = [
        [sum(seconds[p][r][who] * POINTS[p] for p in POINTS) for who in (0, 1)]
        for r in range(repeats)
    ]
    ratios = [baseline / mine for baseline, mine in sums]
    each = [sum(POINTS.values()) / statistics.median(s[who] for s in sums) for who in (0, 1)]
    _print_points(name, seconds, accepted)
    return Row(
        name,
        height,
        width,
        attack.n_squares,
        each[0],
        each[1],
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        worst,
        outside / total,
        peak / 1e6,
    )


def _queries(trial: Trial, steps: Iterator[Any], count: int) -> None:
    # More than a trial's budget is asked of it here: begin its count again.
    if trial.ledger.left < count + 1:
        del trial.ledger.answers[1:]
    for _ in range(count):
        next(steps)


def _after_stripes(trial: Trial, steps: Iterator[Any]) -> Descent:
    problem = trial._state.problem
    trial._state = trial.attack.init(problem)
    _queries(trial, steps, 1)
    state: Descent = trial._state
    return state


def _shortened(trial: Trial, steps: Iterator[Any], queries: int) -> Descent:
    """Run the schedule with a smaller budget, for a state that has gone some way."""
    _queries(trial, steps, 1)
    problem = trial._state.problem
    trial._state = trial.attack.init(replace(problem, queries=queries))
    _queries(trial, steps, queries - 1)
    state: Descent = replace(trial._state, problem=problem)
    return state


def memory(what: str, *, reset: bool = False) -> float:
    """Return the process's resident memory now (VmRSS) or at its highest (VmHWM), in bytes."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def _print_points(name: str, seconds: dict[int, Any], accepted: Any) -> None:
    print(f"{name}: from query   published ms   iqaudit ms   ratio   accepted", flush=True)
    for point, pairs in seconds.items():
        baseline, mine = (statistics.median(p[who] for p in pairs) for who in (0, 1))
        print(
            f"{point:12d} {1e3 * baseline:14.1f} {1e3 * mine:12.2f} {baseline / mine:7.1f}"
            f" {accepted[point]:9.0%}",
            flush=True,
        )


def dense_work(name: str) -> float:
    """Return a dense pass's operations, from the victim's graph."""
    make, height, width = SUBJECTS[name]
    network = make().rescorer.network(height, width)
    return 0.0 if isinstance(network, str) else network.flops


def matrix_rate(side: int = 2048) -> float:
    """Return the machine's float32 matrix products, operations a second."""
    a, b = torch.rand(side, side), torch.rand(side, side)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("victims", nargs="*", default=list(SUBJECTS))
    parser.add_argument("--quick", action="store_true", help="a rough answer in a minute or two")
    parser.add_argument("--json", type=Path, help="a file for one row a victim")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        row = measure(given.victims[0], quick=given.quick)
        floor = dense_work(row.victim) / matrix_rate()
        print(
            f"       dense pass at the rate of the machine's matrix products {1e3 * floor:.1f} ms"
        )
        print(json.dumps(asdict(row)))
        return
    rate = matrix_rate()
    print(f"{torch.get_num_threads()} threads, matrix products {rate / 1e9:.0f} GFLOP/s\n")
    rows = []
    for name in given.victims:
        command = [sys.executable, "-m", "benchmarks.speed", name, "--one"]
        told = subprocess.run(
            command + ["--quick"] * given.quick, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.splitlines()
        print("\n".join(told[:-1]), flush=True)
        row = json.loads(told[-1])
        rows.append(row)
        print(
            f"{name}: {row['queries_per_second']:.1f} queries a second, published "
            f"{row['baseline_queries_per_second']:.2f}: {row['ratio']:.1f} times "
            f"({row['ratio_low']:.1f}-{row['ratio_high']:.1f}); largest relative difference "
            f"{row['max_relative_difference']:.1e}; outside the victim "
            f"{row['share_outside_victim']:.1%}; memory {row['peak_mb']:.0f} MB\n",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
