"""What a search costs, in seconds and in queries, against the best dense engine there is.

    python -m benchmarks.cost [--quick] [--queries N] [--paper N] [--json FILE] [VICTIM ...]

For every victim, in a process of its own and on one thread: what a dense pass takes by the
fastest of the module itself, ONNX Runtime and OpenVINO, as far as they are installed and agree to
1e-5; what a query of a search takes, over whole searches; and how soon the attack that iqaudit
chooses reaches what the paper's reaches with its whole budget. Passes are timed between blocks of
queries, so that both meet the same machine; ratios are medians over blocks, with their quartiles.
"""

import argparse
import io
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage import data

from benchmarks.speed import SUBJECTS
from benchmarks.zoo import ZOO, made
from iqaudit import Scale
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture, Pixels
from iqaudit._core.process import keep_freed_memory
from iqaudit._core.threat import Linf
from iqaudit._incremental.compiled import NotCompiledError, compiled
from iqaudit._incremental.network import exported
from iqaudit._incremental.operators import INPUT
from iqaudit._incremental.recording import NotExportableError, record
from iqaudit._search import driver
from iqaudit._search.trial import Trial
from iqaudit.attacks import Bidirectional, Guided
from iqaudit.victims import TorchModule

AGREEMENT = 1e-5
"""Relative: a faster engine whose scores differ by more is not the same victim's."""

BLOCK = 20
"""Queries between two timings of the dense engines."""

HEIGHT, WIDTH = 384, 512
"""Of the zoo's pictures."""

SPREADS = 4
"""Scores of one picture, changed at random, that give a victim with random weights its scale;
the picture's own is its middle."""


@dataclass(frozen=True)
class Search:
    """A search's cost."""

    attack: str
    queries: int
    milliseconds: float
    ratio: float
    """Of the best dense pass over a query: the median of blocks."""
    ratio_low: float
    ratio_high: float
    ratio_with_reading: float
    """Of so many best dense passes over the whole search, the network's reading included."""
    reached: float
    """The loss at its end."""


@dataclass(frozen=True)
class Row:
    """A victim's figures."""

    victim: str
    height: int
    width: int
    incremental: str
    dense_milliseconds: dict[str, float]
    best: str
    searches: list[Search]
    queries_to_papers: int | None
    seconds_to_papers: float | None
    seconds_of_papers: float
    """The paper's budget by dense passes of the module itself."""


def engines(module: torch.nn.Module, pixels: Pixels) -> dict[str, Callable[[Pixels], float]]:
    """Return dense passes by name: pixels (height, width, 3) to the score."""
    victim = TorchModule(module, Scale.from_range(0, 1), exact="dense")
    passes: dict[str, Any] = {"eager": lambda each: float(victim.score(each[None])[0])}
    for name, make in (("openvino", _openvino), ("onnxruntime", _onnxruntime)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                passes[name] = make(module, pixels)
        except (ImportError, NotCompiledError, NotExportableError):
            continue  # it is not there, or does not take it
        except Exception as error:  # noqa: BLE001 (an exporter may raise anything)
            print(f"{name}: {str(error).splitlines()[0][:100]}", file=sys.stderr)
            continue
    score = passes["eager"](pixels)
    unit = max(abs(score), 1e-3)
    return {n: each for n, each in passes.items() if abs(each(pixels) - score) <= AGREEMENT * unit}


def _openvino(module: torch.nn.Module, pixels: Pixels) -> Callable[[Pixels], float]:
    recording = record(module, torch.from_numpy(pixels[None]).permute(0, 3, 1, 2) / 255)
    graph, constants = exported(recording)
    [picture] = (n for n in graph.nodes if n.op == "placeholder" and n.name not in constants)
    whole = compiled(graph, constants, {INPUT: picture}, pixels=True)
    return lambda each: float(whole.run([each[None]]).reshape(()))


def _onnxruntime(module: torch.nn.Module, pixels: Pixels) -> Callable[[Pixels], float]:
    import onnxruntime

    file: Any = io.BytesIO()
    x = torch.from_numpy(pixels[None]).permute(0, 3, 1, 2) / 255
    torch.onnx.export(module, (x.contiguous(),), file, dynamo=False, opset_version=18)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.getvalue(), options)
    name = session.get_inputs()[0].name

    def run(each: Pixels) -> float:
        values = np.ascontiguousarray(each[None].transpose(0, 3, 1, 2), np.float32) / 255
        return float(np.asarray(session.run(None, {name: values})[0]).reshape(()))

    return run


def victim_named(name: str) -> tuple[Any, int, int]:
    """Return a victim and the size of its pictures."""
    if name in SUBJECTS:
        make, height, width = SUBJECTS[name]
        return make(), height, width
    module = made(name)
    plain = TorchModule(module, Scale.from_range(0, 1))
    pixels = data.astronaut()[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(0).integers(-20, 21, (SPREADS, *pixels.shape))
    scores = [float(plain.score(np.clip(pixels + each, 0, 255).astype(np.uint8)[None])[0])
              for each in (0, *noise)]  # fmt: skip
    spread = max(float(np.std(scores)), 1e-3)
    scale = Scale(scores[0], spread, low=-np.inf, high=np.inf, source="random noise")
    return TorchModule(module, scale, name=name), HEIGHT, WIDTH


def searched(
    victim: Any, pixels: Pixels, attack: Any, queries: int, dense: dict[str, Any]
) -> tuple[Search, list[float], list[float], dict[str, list[float]]]:
    """Search, and time dense passes between blocks of queries.

    Returns
    -------
    search : Search
    losses, seconds : list of float
        After every query: the least loss, and the search's own time.
    passes : dict of list of float
        Seconds of every engine's passes.
    """
    begun = time.perf_counter()
    session = victim.open_session(*pixels.shape[:2], queries)
    picture = Picture("astronaut", pixels)
    trial = Trial(picture, victim.card, attack, Linf(), Goal.BIDIRECTIONAL, queries, 0, session)
    steps: Iterator[Any] = driver.drive(victim, [trial])
    spent = time.perf_counter() - begun
    seconds, losses, ratios = [], [], []
    passes: dict[str, list[float]] = {name: [] for name in dense}
    done = False
    while not done:
        begun = time.perf_counter()
        before = len(trial.ledger.answers)
        for _ in range(BLOCK):
            if next(steps, None) is None or trial.ledger.left <= 0:
                done = True
                break
            seconds.append(spent + time.perf_counter() - begun)
            quality = victim.card.scale.quality(trial.ledger.best_score)
            losses.append(trial.ledger.direction.loss(quality))
        took = time.perf_counter() - begun
        spent += took
        asked = len(trial.ledger.answers) - before
        for name, score in dense.items():
            begun = time.perf_counter()
            score(pixels)
            passes[name].append(time.perf_counter() - begun)
        if asked == BLOCK:
            ratios.append(min(each[-1] for each in passes.values()) * asked / took)
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    name = type(attack).__name__.lower()
    each = 1e3 * spent / max(1, len(seconds))
    best = min(statistics.median(taken) for taken in passes.values())
    ends = (float(middle), float(low), float(high), best * len(seconds) / spent)
    found = Search(name, queries, each, *ends, losses[-1])
    return found, losses, seconds, passes


def measure(name: str, paper: int, short: int) -> Row:
    """Measure one victim by searches of a long and a short budget."""
    torch.set_num_threads(1)
    keep_freed_memory()
    victim, height, width = victim_named(name)
    pixels = np.ascontiguousarray(data.astronaut()[:height, :width])
    dense = engines(victim.module, pixels)
    for score in dense.values():
        score(pixels)
    searches = []
    first, losses, _, passes = searched(victim, pixels, Bidirectional(), paper, dense)
    searches.append(first)
    if paper > short:
        searches.append(searched(victim, pixels, Bidirectional(), short, dense)[0])
    second, better, seconds, more = searched(victim, pixels, Guided(), short, dense)
    searches.append(second)
    taken = {n: statistics.median(passes[n] + more[n]) for n in dense}
    reached = next((i for i, loss in enumerate(better) if loss <= losses[-1]), None)
    return Row(
        name, height, width, victim.incremental(height, width),
        {n: 1e3 * each for n, each in taken.items()}, min(taken, key=taken.__getitem__), searches,
        None if reached is None else reached + 2, None if reached is None else seconds[reached],
        paper * taken["eager"],
    )  # fmt: skip


def told(row: dict[str, Any]) -> None:
    """Print a victim's figures."""
    passes = ", ".join(f"{n} {each:.1f}" for n, each in row["dense_milliseconds"].items())
    print(f"{row['victim']} {row['height']} x {row['width']}: dense passes, ms: {passes}")
    print(f"  {row['incremental']}")
    for each in row["searches"]:
        print(
            f"  {each['attack']}, {each['queries']} queries: {each['milliseconds']:.2f} ms each, "
            f"{each['ratio']:.2f} times the best dense engine's rate "
            f"({each['ratio_low']:.2f} to {each['ratio_high']:.2f}); with the network's reading "
            f"{each['ratio_with_reading']:.2f}"
        )
    if row["seconds_to_papers"] is None:
        print("  guided did not reach what the paper's attack did\n")
    else:
        ratio = row["seconds_of_papers"] / row["seconds_to_papers"]
        print(
            f"  guided reached the paper's result in {row['queries_to_papers']} queries and "
            f"{row['seconds_to_papers']:.1f} s, {ratio:.1f} times as soon as the published loop\n"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    every = [*SUBJECTS, *ZOO]
    parser.add_argument("victims", nargs="*", metavar="VICTIM", help=", ".join(every))
    parser.add_argument("--quick", action="store_true", help="short searches, some victims")
    parser.add_argument("--queries", type=int, default=1_000, help="of the search that is compared")
    parser.add_argument("--paper", type=int, default=10_000, help="queries of the paper's attack")
    parser.add_argument("--json", type=Path, help="a file for one row a victim")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(measure(given.victims[0], given.paper, given.queries))))
        return
    if given.quick:
        given.paper, given.queries = 200, 100
    rows = []
    for name in given.victims or (QUICK if given.quick else every):
        budgets = ["--queries", str(given.queries), "--paper", str(given.paper)]
        command = [sys.executable, "-m", "benchmarks.cost", name, "--one", *budgets]
        answer = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.splitlines()
        rows.append(json.loads(answer[-1]))
        told(rows[-1])
        if given.json:
            given.json.write_text(json.dumps(rows, indent=1))


QUICK = ("reference", "eonss", "strided", "distribution", "transformer")

if __name__ == "__main__":
    main()
