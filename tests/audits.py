"""Small audits with victims whose answers are known: what the analyses' tests share."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import iqaudit
from iqaudit.analysis.answers import Scorer
from iqaudit.images import Picture, Pixels
from iqaudit.victims import Function

Score = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

SIDE = 24


def brightness(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by the mean level."""
    mean: NDArray[np.float64] = pictures.mean(axis=(1, 2, 3), dtype=np.float64)
    return mean


def darkness(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score the other way: 128 is 128."""
    return 256 - brightness(pictures)


def checks(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by how much the picture is like a chequered one: the finest detail alone."""
    height, width = pictures.shape[1:3]
    board = 1 - 2 * (np.add.outer(np.arange(height), np.arange(width)) % 2)
    return 128 + brightness(pictures * board[..., None])


def middle(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by the mean level of the middle, an eighth from each side."""
    height, width = (side // 8 for side in pictures.shape[1:3])
    return brightness(pictures[:, height:-height, width:-width])


class Asked:
    """A victim that counts what it is asked, and may be told to fail."""

    def __init__(self, score: Score, low: float = 118, high: float = 138) -> None:
        # Narrow about the middle, where the pictures are: a few levels move the quality far.
        self.card = iqaudit.victims.Card(score.__name__, iqaudit.Scale.from_range(low, high))
        self.asked: list[bytes] = []
        self._score = score

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        self.asked += [picture.tobytes() for picture in pictures]
        return self._score(pictures)


def scorer(score: Score) -> Scorer:
    victim = Asked(score)
    return Scorer(victim.card.name, victim)


def photographs(count: int, side: int = SIDE) -> list[Picture]:
    """Return mid-grey pictures with noise, in which nothing is clipped."""
    rng = np.random.default_rng(5)
    levels = np.linspace(124, 132, count)
    drawn: list[Pixels] = [
        np.rint(level + rng.uniform(-20, 20, (side, side + 2, 3))).astype(np.uint8)
        for level in levels
    ]
    return [Picture(f"p{index}", pixels) for index, pixels in enumerate(drawn)]


def write_run(
    path: Path,
    victim: Any,
    pictures: Sequence[Picture],
    attack: str = "bidirectional",
    opinions: Sequence[float] | None = None,
    **others: Any,
) -> Path:
    """Write a run, with opinion scores and types of distortion as an audit's cells have them."""
    given = {"queries": 120, "seed": 1} | others
    plan = iqaudit.Plan(victim, iqaudit.attacks.named(attack), **given)
    with iqaudit.RunDirectory(path, plan) as directory:
        for result in iqaudit.run(plan, pictures):
            directory.add(result)
    record = json.loads((path / "results.json").read_text())
    for index, entry in enumerate(record["pictures"]):
        entry["opinion"] = None if opinions is None else opinions[index]
        entry["distortion"] = None if opinions is None else ("blur", "noise")[index % 2]
        entry["reference"] = None
    (path / "results.json").write_text(json.dumps(record))
    return path


def write_manifest(
    path: Path,
    cells: Sequence[tuple[str, str, str]],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Write an audit's manifest of cells (folder, victim, attack)."""
    said = [
        {"folder": folder, "victim": victim, "victim_options": dict(options), "attack": attack}
        for folder, victim, attack in cells
    ]
    victims = [
        {"victim": victim, "victim_options": dict(options), "noise": 0.0} for _, victim, _ in cells
    ]
    data: dict[str, Any] = {"name": "photographs", "label": None, "pictures": []}
    manifest = {
        "format": "iqaudit audit, version 1",
        "data": data,
        "victims": victims,
        "cells": said,
    }
    (path / "audit.json").write_text(json.dumps(manifest))
    return path


def function(score: Score) -> Function:
    return Function(score, iqaudit.Scale.from_range(118, 138), name=score.__name__)
