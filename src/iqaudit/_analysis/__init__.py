"""Analyses of runs, computed from their directories.

>>> from iqaudit import _analysis
>>> _analysis.find("rgo").caption
'How far scores went of how far 0-10 lets them (Ran et al.).'
"""

from iqaudit._analysis.tables.catalogue import GROUPS, MEASURES, Measure, find
from iqaudit._analysis.tables.cells import CellData, PictureData, load, missing
from iqaudit._analysis.tables.gate import Judgement, Rule, judge, junit, parse
from iqaudit._analysis.tables.leaderboard import Leaderboard, Standing, compare
from iqaudit._analysis.tables.tables import (
    Table,
    TableRow,
    by_queries,
    checkpoints,
    table,
)
from iqaudit.measures._bootstrap import Estimate

__all__ = [
    "GROUPS",
    "MEASURES",
    "CellData",
    "Estimate",
    "Judgement",
    "Leaderboard",
    "Measure",
    "PictureData",
    "Rule",
    "Standing",
    "Table",
    "TableRow",
    "by_queries",
    "checkpoints",
    "compare",
    "find",
    "judge",
    "junit",
    "load",
    "missing",
    "parse",
    "table",
]
