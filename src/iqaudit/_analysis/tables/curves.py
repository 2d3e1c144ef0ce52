"""Curves of a measure against queries: its value at many budgets."""

from dataclasses import dataclass

import numpy as np

from iqaudit._analysis.tables.catalogue import Measure
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.samples import Snapshot
from iqaudit.measures._bootstrap import Estimate

POINTS = 32
"""Budgets on a curve, at equal steps of the logarithm."""


@dataclass(frozen=True)
class Point:
    """A measure after so many queries."""

    queries: int
    value: Estimate


def curve(cell: CellData, measure: Measure, points: int = POINTS) -> tuple[Point, ...]:
    """Return a measure against queries, from the clean picture's to the whole budget.

    Parameters
    ----------
    cell : CellData
        The cell.
    measure : Measure
        One that is known of earlier budgets (`Measure.by_queries`).
    points : int
        Budgets at the most; fewer where they would be the same.
    """
    scores = np.unique(np.rint(np.geomspace(1, cell.queries // cell.cost, points)).astype(int))
    budgets = [cell.cost * int(each) for each in scores]
    return tuple(
        Point(queries, measure.compute(Snapshot.after(cell, queries))) for queries in budgets
    )
