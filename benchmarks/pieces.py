"""Pieces of `benchmarks.strength`: one attack's search on one picture, and the file that keeps it.

A piece's answers are kept as one line of JSON, so that a long run may stop at any time and go on.
They count for the attack as it is: for its hyper-parameters and its code.
"""

import ast
import hashlib
import json
import signal
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from iqaudit import measures
from iqaudit._core.errors import InputError
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Picture
from iqaudit._search import driver
from iqaudit.attacks import Attack, named
from iqaudit.victims._base import Victim
from iqaudit.victims._spec import as_victim

BUDGETS = (100, 300, 1_000, 3_000, 10_000)

GRID = tuple(sorted({round(10 ** (step / 30)) for step in range(121)} | set(BUDGETS)))
"""The queries at which a curve is read: thirty a decade."""

ROUNDING = 1e-3
"""Of 0-10: what a victim's quality of a picture may differ by from one machine to the next."""

EONSS = "eonss"
"""The second victim's name here; its weights lie beside the checkout, not in the package."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture, and the mean opinion score that people gave it where there is one."""

    picture: Picture
    opinion: float | None = None


@dataclass(frozen=True, eq=False)
class Piece:
    """A search to be made.

    `victim` is what `victim` here takes; `settings` and `code` say which version of the attack is
    meant; `checkpoints` are the numbers of queries at which the search is measured.
    """

    victim: str
    attack: str
    settings: str
    code: str
    queries: int
    checkpoints: tuple[int, ...]
    subject: Subject
    seed: int

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells the piece from every other."""
        return (
            *(self.victim, self.attack, self.settings, self.code),
            *(self.queries, self.checkpoints, self.subject.picture.sha256, self.seed),
        )

    @property
    def label(self) -> str:
        """What progress calls it."""
        picture = self.subject.picture.name
        return f"{self.victim} {self.attack} {self.queries:,} {picture} seed {self.seed}"


@dataclass(frozen=True)
class Checkpoint:
    """The best that was found with so many queries; quality on 0-10, `ssim` None if undefined."""

    queries: int
    quality: float
    rgo: float
    deviation: float
    ssim: float | None


@dataclass(frozen=True)
class Result:
    """What a piece found.

    `name` is the victim's own; `curve` has the RGO at the queries of `GRID`, as far as the search
    went; `seconds` is what it took.
    """

    victim: str
    name: str
    attack: str
    settings: str
    code: str
    queries: int
    picture: str
    picture_name: str
    opinion: float | None
    seed: int
    direction: str
    clean_quality: float
    checkpoints: tuple[Checkpoint, ...]
    curve: tuple[float, ...]
    seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        """The key of the piece."""
        return (
            *(self.victim, self.attack, self.settings, self.code, self.queries),
            *(tuple(at.queries for at in self.checkpoints), self.picture, self.seed),
        )

    def at(self, queries: int) -> Checkpoint | None:
        """Return the checkpoint at so many queries, None where the piece has none."""
        return next((found for found in self.checkpoints if found.queries == queries), None)


def run(piece: Piece, victim: Victim) -> Result:
    """Make a piece's search: the paper's three levels and bi-directional goal."""
    begun = time.perf_counter()
    spec = driver.SearchSpec(victim, named(piece.attack), queries=piece.queries, seed=piece.seed)
    picture, card = piece.subject.picture, victim.card
    trial = driver.begin(spec, picture)
    ledger, due, pictures = trial.ledger, list(piece.checkpoints), {}
    with closing(driver.drive(victim, [trial])) as steps:
        for _ in steps:
            while due and ledger.spent + card.cost > due[0]:
                pictures[due.pop(0)] = ledger.best_picture
    direction = ledger.direction
    qualities = np.array([card.scale.quality(answer.score) for answer in ledger.answers])
    farther = np.maximum if direction is Direction.RAISE else np.minimum
    best = farther.accumulate(qualities)
    clean = float(qualities[0])

    def quality(queries: int) -> float:
        return float(best[max(queries // card.cost, 1) - 1])

    def checkpoint(queries: int) -> Checkpoint:
        found, ssim = quality(queries), measures.ssim(picture.pixels, pictures[queries])
        return Checkpoint(
            queries,
            found,
            measures.rgo([clean], [found]),
            measures.mean_deviation([clean], [found]),
            ssim if np.isfinite(ssim) else None,
        )

    return Result(
        victim=piece.victim,
        name=card.name,
        attack=piece.attack,
        settings=piece.settings,
        code=piece.code,
        queries=piece.queries,
        picture=picture.sha256,
        picture_name=picture.name,
        opinion=piece.subject.opinion,
        seed=piece.seed,
        direction=direction.value,
        clean_quality=clean,
        checkpoints=tuple(checkpoint(queries) for queries in piece.checkpoints),
        curve=tuple(measures.rgo([clean], [quality(at)]) for at in grid(piece.queries)),
        seconds=time.perf_counter() - begun,
    )


def grid(queries: int) -> tuple[int, ...]:
    """Return the queries of `GRID` as far as a search goes."""
    return GRID[: bisect_right(GRID, queries)]


@cache
def victim(spec: str) -> Victim:
    """Return a victim for ``SPEC[,OPTION[=VALUE]...]``, made once a process."""
    name, comma, options = spec.partition(",")
    if name == EONSS:
        name = "python:tests.support.eonss:eonss"
    return as_victim(name + comma + options)


def prepare_worker() -> None:
    """Have a process use one core, keep the memory that its networks free, and be ended."""
    import torch

    from iqaudit._core.process import keep_freed_memory

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, who ends its workers
    torch.set_num_threads(1)
    keep_freed_memory()


def work(piece: Piece) -> Result:
    """Make a piece's search in a worker."""
    return run(piece, victim(piece.victim))


def code(attack: Attack[Any]) -> str:
    """Return the SHA-256 of the code that an attack is made of, comments and docstrings aside.

    Its module's, and that of the other modules of `iqaudit.attacks` that it is built on.
    """
    digest, seen = hashlib.sha256(), {"iqaudit.attacks._base"}  # types alone
    for text in _code(type(attack).__module__, seen):
        digest.update(text.encode())
    return digest.hexdigest()


def _code(module: str, seen: set[str]) -> Iterator[str]:
    seen.add(module)
    file = import_module(module).__file__
    tree = ast.parse(Path(file or "").read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                if name.startswith("iqaudit.attacks.") and name in sys.modules.keys() - seen:
                    yield from _code(name, seen)
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [each for each in body if not _is_text(each)]
    yield ast.dump(tree)


def _is_text(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def read(path: Path) -> dict[tuple[Any, ...], Result]:
    """Return the results that a file keeps, by key; a line that a stop tore is passed over."""
    if not path.exists():
        return {}
    results = (_parsed(line) for line in path.read_bytes().splitlines())
    return {result.key: result for result in results if result is not None}


def _parsed(line: bytes) -> Result | None:
    try:
        held = json.loads(line)
        held["checkpoints"] = tuple(Checkpoint(**each) for each in held["checkpoints"])
        held["curve"] = tuple(held["curve"])
        result = Result(**held)
    except (ValueError, KeyError, TypeError):
        return None
    of_this_grid = len(result.curve) == len(grid(result.queries))
    return result if of_this_grid else None


def open_to_append(path: Path) -> BinaryIO:
    """Open a file of pieces, its last line ended even where a stop tore it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    if file.tell():
        file.seek(-1, 2)
        if file.read() != b"\n":
            file.write(b"\n")
    return file


def append(file: BinaryIO, result: Result) -> None:
    """Keep a result."""
    file.write(json.dumps(asdict(result)).encode() + b"\n")
    file.flush()


def kept(plan: Sequence[Piece], found: Mapping[tuple[Any, ...], Result]) -> list[Result]:
    """Return the results of those pieces of a plan that have one.

    Raises
    ------
    InputError
        If a picture's clean qualities differ: the victim of that name has become another.
    """
    results = [found[piece.key] for piece in plan if piece.key in found]
    clean: dict[tuple[str, str], float] = {}
    for result in results:
        first = clean.setdefault((result.victim, result.picture), result.clean_quality)
        if abs(first - result.clean_quality) > ROUNDING:
            raise InputError(
                f'The pieces hold two victims called "{result.victim}": {result.picture_name} has '
                f"the qualities {first:g} and {result.clean_quality:g}. Begin another file."
            )
    return results
