"""A small audit as it lies on disk: real runs with fast victims, and what an audit adds to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import iqaudit
from iqaudit import Plan, RunDirectory
from iqaudit.attacks import ATTACKS
from iqaudit.images import Pixels
from iqaudit.record import AUDIT
from iqaudit.victims import Function
from tests.conftest import roughness

QUERIES, PICTURES = 320, 6
OPINIONS: tuple[float | None, ...] = (7.5, 2.0, 5.5, 8.5, 1.0, None)


def rough(*, lower_is_better: bool = False) -> Function:
    """Return a victim that takes rough pictures for good ones, or for bad ones."""
    scale = iqaudit.Scale.from_range(0, 20, lower_is_better=lower_is_better)
    return Function(roughness, scale, name="smooth" if lower_is_better else "rough")


def mean_level(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by brightness."""
    levels: NDArray[np.float64] = pictures.mean(axis=(1, 2, 3))
    return levels


def bright() -> Function:
    """Return a victim without a known range."""
    return Function(mean_level, iqaudit.Scale(128, 40), name="bright")


def pictures(count: int = PICTURES) -> list[Pixels]:
    """Return pictures of several roughnesses."""
    rng = np.random.default_rng(5)
    return [
        (128 + rng.normal(0, 2 + 3 * number, (12 + number, 16, 3))).clip(0, 255).astype(np.uint8)
        for number in range(count)
    ]


@dataclass(frozen=True)
class Cell:
    """One product of an audit."""

    victim: Function
    attack: str = "bidirectional"
    queries: int = QUERIES


def write_run(path: Path, cell: Cell, attacked: Sequence[Pixels] | None = None) -> Path:
    """Write a run as `iqaudit attack --out` does."""
    plan = Plan(cell.victim, ATTACKS[cell.attack][0], queries=cell.queries, seed=1)
    directory = RunDirectory(path, plan)
    for result in iqaudit.run(plan, list(attacked or pictures())):
        directory.add(result)
    return path


def write_audit(path: Path, cells: Mapping[str, Cell]) -> Path:
    """Write an audit: its cells, in which each picture has an opinion score, and its manifest."""
    path.mkdir()
    said = []
    for folder, cell in cells.items():
        write_run(path / folder, cell)
        edit(path / folder, _rate)
        said.append({"folder": folder, "victim": cell.victim.card.name, "attack": cell.attack})
    names = [f"picture-{number + 1}" for number in range(PICTURES)]
    manifest = {
        "format": "iqaudit audit, version 1",
        "cells": said,
        "data": {"name": "six", "folder": "pictures", "label": None, "pictures": names},
    }
    (path / AUDIT).write_text(json.dumps(manifest))
    return path


def edit(run: Path, change: Any) -> None:
    """Change a run's record."""
    record = json.loads((run / "results.json").read_text())
    change(record)
    (run / "results.json").write_text(json.dumps(record))


def rate(record: dict[str, Any], opinions: Sequence[float | None]) -> None:
    """Give pictures these opinion scores."""
    for entry, opinion in zip(record["pictures"], opinions, strict=True):
        entry |= {"opinion": opinion, "distortion": "noise", "reference": None}


def _rate(record: dict[str, Any]) -> None:
    rate(record, OPINIONS)
