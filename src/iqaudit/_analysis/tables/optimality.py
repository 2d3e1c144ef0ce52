"""Optimality: how near an attack comes to the best that any attack reached on the same victim.

The curves are mean RGO against queries. At each number of queries the highest of them is the
envelope; an attack's optimality at a budget is the area under its curve over that under the
envelope, in the logarithm of queries, up to that budget. White boxes, which need no search, are
left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.tables import checkpoints, estimate_record
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import Estimate, divided, interval
from iqaudit.measures._strength import gains

POINTS = 64
"""Numbers of queries on a curve, at equal steps of the logarithm."""

FEWEST = 2
"""Attacks, of which an envelope tells something."""

Attacks: TypeAlias = dict[str, list[CellData]]
"""An attack's cells, of all seeds and budgets, by its name."""


@dataclass(frozen=True)
class Optimality:
    """An attack's optimality at a budget.

    Attributes
    ----------
    data, victim, attack, levels, goal
        As `CellData` has them.
    queries : int
        The budget.
    attacks, pictures : int
        How many the envelope is of.
    share : Estimate
        The area under the attack's curve over that under the envelope, up to 1, with its interval
        over pictures.
    """

    data: str | None
    victim: str
    attack: str
    levels: int
    goal: str
    queries: int
    attacks: int
    pictures: int
    share: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return vars(self) | {"share": estimate_record(self.share)}


def optimality(cells: Iterable[CellData]) -> tuple[Optimality, ...]:
    """Return a value for each attack and budget, of victims that several attacks searched.

    Parameters
    ----------
    cells : iterable of CellData
        An audit's. Seeds are averaged within each picture; the pictures are those that all cells
        of a victim have finished.
    """
    groups: dict[tuple[Any, ...], Attacks] = {}
    for cell in cells:
        if not cell.white_box:
            key = cell.data, cell.victim, cell.levels, cell.goal
            groups.setdefault(key, {}).setdefault(cell.attack, []).append(cell)
    return tuple(
        each
        for key, attacks in groups.items()
        for queries in _budgets(attacks)
        for each in _at(key, attacks, queries)
    )


def _budgets(attacks: Attacks) -> tuple[int, ...]:
    """Return the budgets of the tables."""
    every = (cell for cells in attacks.values() for cell in cells)
    return tuple(sorted({budget for cell in every for budget in checkpoints(cell)}))


def _at(key: tuple[Any, ...], attacks: Attacks, queries: int) -> Iterable[Optimality]:
    """Return each attack's value at a budget, of those that were searched with as much."""
    chosen = {name: _searched(cells, queries) for name, cells in attacks.items()}
    chosen = {name: cells for name, cells in chosen.items() if cells}
    finished = [
        {each.figures.name for each in cell.finished} for cells in chosen.values() for cell in cells
    ]
    names = sorted(set.intersection(*finished)) if finished else []
    names = _distinct(names, chosen)
    if len(chosen) < FEWEST or not names:
        return
    curves = np.array([_curves(cells, names, queries) for cells in chosen.values()])
    for index, name in enumerate(chosen):
        data, victim, levels, goal = key
        counts = len(chosen), len(names)
        share = _share(curves, index)
        yield Optimality(data, victim, name, levels, goal, queries, *counts, share)


def _distinct(names: Sequence[str], chosen: Mapping[str, Sequence[CellData]]) -> list[str]:
    """Return the names of pictures, one of those of the same pixels."""
    some = next((cells[0].finished for cells in chosen.values()), ())
    pixels = {each.figures.name: each.sha256 for each in some}
    return list({pixels[name]: name for name in reversed(names)}.values())[::-1]


def _searched(cells: Sequence[CellData], queries: int) -> list[CellData]:
    """Return each seed's search with the smallest budget that is as large."""
    found: dict[int, CellData] = {}
    for cell in sorted(cells, key=lambda each: -each.queries):
        if cell.queries >= queries:
            found[cell.seed] = cell
    return list(found.values())


def _curves(cells: Sequence[CellData], names: Sequence[str], queries: int) -> Floats:
    """Return RGO by pictures and numbers of queries, (n, points), the mean over seeds."""
    each = []
    for cell in cells:
        known = {picture.figures.name: picture for picture in cell.finished}
        most = max(1, queries // cell.cost)
        places = np.floor(np.geomspace(1, most, POINTS) * (1 + 1e-12)).astype(int) - 1
        scores = [known[name].reached for name in names]
        reached = np.array([line[np.minimum(places, len(line) - 1)] for line in scores])
        quality = np.vectorize(cell.scale.quality, otypes=[float])(reached)
        clean = np.array([[cell.scale.quality(float(line[0]))] for line in scores])
        each.append(gains(np.broadcast_to(clean, quality.shape), quality))
    curves: Floats = np.mean(each, axis=0)
    return curves


def _share(curves: Floats, index: int) -> Estimate:
    """Return the area under one curve over that under the envelope; (attacks, n, points)."""
    pictures = curves.shape[1]

    def compute(positions: Floats) -> Floats:
        rows = positions.reshape(-1, pictures).astype(np.int64)
        marked = rows + pictures * np.arange(len(rows))[:, None]
        times = np.bincount(marked.ravel(), minlength=rows.size).reshape(rows.shape)
        means = times @ curves / pictures  # (attacks, resamples, points)
        share = divided(_area(means[index]), _area(means.max(axis=0)))
        return share.reshape(positions.shape[:-1])

    return interval(compute, np.arange(pictures))


def _area(curves: Floats) -> Floats:
    """Return the areas under curves, in steps, by trapezoids over the last axis."""
    area: Floats = (curves[..., 1:] + curves[..., :-1]).sum(axis=-1) / 2
    return area
