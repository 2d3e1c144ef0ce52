"""The fixed trial behind the golden trajectories: integers only, so exact on any machine."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.searching import Rough

import iqaudit
from iqaudit.attacks import ATTACKS
from iqaudit.attacks._base import is_carrying, is_shared

FOLDER = Path(__file__).parents[1] / "golden"
FIRST = 12
"""Accepted steps that are kept."""

RANGES = {"yang2024": (80.0, 90.0), "retouch": (0.0, 200.0)}
"""Score ranges of attacks whose first step must gain a hundredth of the scale, or whose pictures
score more; else 0 to 100."""


def trajectory(name: str) -> dict[str, Any]:
    """Return the first accepted steps of an attack's fixed trial, and its end."""
    rows, columns, channels = np.mgrid[:48, :64, :3]
    clean = (rows * 7 + columns * columns * 3 + channels * 50 + (rows * columns) // 9) % 256
    # One change for many pictures needs others: the same one turned round, and those mirrored.
    shared = is_shared(ATTACKS[name][0])
    others = [clean[::-1, ::-1], clean[:, ::-1], clean[::-1]] * shared
    # What is carried on is seen on the second.
    before = [clean[::-1]] * is_carrying(ATTACKS[name][0])
    results = iqaudit.attack(
        [each.astype(np.uint8) for each in (*before, clean, *others)],
        Rough(*RANGES.get(name, (0.0, 100.0))),
        attack=name,
        goal="raise" if shared else "bidirectional",
        queries=400,
        seed=11,
    )
    result = results[len(before)]
    # Scores are sums of integers over a count of pixels: the sums are kept.
    sums = [[step.query, round(step.score * clean.size)] for step in result.trace]
    return {
        "first_steps": sums[: FIRST + 1],
        "accepted": len(sums) - 1,
        "last_step": sums[-1],
        "adversarial_sha256": iqaudit.Picture(name, result.adversarial).sha256,
    }


def load(name: str) -> dict[str, Any]:
    """Return what is kept for an attack."""
    kept: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return kept
