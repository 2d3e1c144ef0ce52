"""The floor: what a random change of the same size does, beside which an attack's figures stand."""

from operator import attrgetter
from pathlib import Path

import numpy as np

from iqaudit._analysis.findings.pairs import pairs
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
"""What two cells must share for one to be the other's floor."""


def random_picture(pixels: Pixels, levels: int) -> Pixels:
    """Return a picture with a random sign times so many levels on each channel of each pixel.

    Clipped to 0-255; the same picture gets the same signs.
    """
    draw = Stream(0, pixels_sha256(pixels)).at(NO_QUERY)
    signs = 2 * draw.integers(2, size=pixels.shape, dtype=np.int16) - 1
    return Linf(levels).apply(pixels, np.int16(levels) * signs)


def is_random(record: RunRecord) -> bool:
    """Tell whether a run's attack is itself the floor."""
    return record.attack.name == RandomSigns.__name__


def random_cell(run: Path, record: RunRecord) -> Path | None:
    """Return the finished cell of the same audit that is a cell's floor with the same budget.

    The one of the attack `random` on the same victim and pictures, with the same threat, goal and
    budget, the same seed where there are several; None where there is none, or the cell is one.
    """
    if is_random(record):
        return None
    try:
        cells = [cell for cell in runs(run.parent) if cell.name != run.name]
    except ValueError:  # no audit's
        return None
    wanted = {(pair.name, pair.entry.clean_pixels_sha256) for pair in pairs(run, record)}
    fit = []
    for cell in cells:
        if own_label(cell) != own_label(run):
            continue
        other = load(cell)
        held = {(pair.name, pair.entry.clean_pixels_sha256) for pair in pairs(cell, other)}
        if is_random(other) and ALIKE(other) == ALIKE(record) and wanted <= held:
            fit.append((other.seed != record.seed, cell))
    return min(fit, key=lambda each: each[0], default=(False, None))[1]
