"""What runs say, computed from their directories.

>>> from iqaudit import analysis
>>> analysis.find("rgo").caption
'How far scores went of how far 0-10 lets them (Ran et al.).'
"""

from iqaudit.analysis.board import Leaderboard, Standing, compare
from iqaudit.analysis.catalogue import GROUPS, MEASURES, Measure, find
from iqaudit.analysis.cells import CellData, PictureData, load, missing
from iqaudit.analysis.gate import Judgement, Rule, judge, junit, parse
from iqaudit.analysis.intervals import Estimate
from iqaudit.analysis.tables import CHECKPOINTS, Table, TableRow, by_queries, checkpoints, table

__all__ = [
    "CHECKPOINTS",
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
