"""The baseline of an attack's figures: random changes of the same size."""

from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

import numpy as np

from iqaudit._analysis.findings.pairs import Pair, pairs
from iqaudit._analysis.run_victims import own_label
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Linf
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import load, runs
from iqaudit.attacks import RandomSigns

NO_QUERY = 0
"""The step whose draws no search uses."""

ALIKE = attrgetter("levels", "goal", "queries", "early_stop", "until_plateau")
"""Settings that two cells must share for one to be the other's baseline."""

Three: TypeAlias = tuple[Pixels, Pixels, Pixels]
"""A picture clean, attacked and changed at random."""


def random_picture(pixels: Pixels, levels: int) -> Pixels:
    """Return a picture with a random sign times so many levels on each channel of each pixel.

    Clipped to 0-255; the same picture gets the same signs.
    """
    draw = Stream(0, pixels_sha256(pixels)).at(NO_QUERY)
    signs = 2 * draw.integers(2, size=pixels.shape, dtype=np.int16) - 1
    return Linf(levels).apply(pixels, np.int16(levels) * signs)


def three(pair: Pair, levels: int, baseline: Pair | None = None) -> Three:
    """Return a picture clean, attacked and changed at random.

    Parameters
    ----------
    pair : Pair
        The picture.
    levels : int
        The random change's.
    baseline : Pair, optional
        The same picture in a cell of random changes, whose best one is taken.
    """
    clean = pair.clean()
    random = random_picture(clean, levels) if baseline is None else baseline.attacked()
    return clean, pair.attacked(), random


def is_random(record: RunRecord) -> bool:
    """Tell whether a run's attack is itself the baseline."""
    return bool(record.attack.name == RandomSigns.__name__)


def random_cell(run: Path, record: RunRecord) -> Path | None:
    """Return the finished cell of the same audit that is a cell's baseline with the same budget.

    The one of the attack `random` on the same victim and pictures, with the same threat, goal and
    budget, the same seed where there are several; None where there is none, or the cell is one.
    """
    if is_random(record):
        return None
    try:
        cells = [cell for cell in runs(run.parent) if cell.name != run.name]
    except ValueError:  # no audit's
        return None
    pictures = _pictures(run, record)
    fit = []
    for cell in cells:
        if own_label(cell) != own_label(run):
            continue
        other = load(cell)
        if (
            is_random(other)
            and ALIKE(other) == ALIKE(record)
            and pictures <= _pictures(cell, other)
        ):
            fit.append((other.seed != record.seed, cell))
    return min(fit, key=lambda each: each[0], default=(False, None))[1]


def _pictures(run: Path, record: RunRecord) -> set[tuple[str, str]]:
    return {(pair.name, pair.entry.clean_pixels_sha256) for pair in pairs(run, record)}
