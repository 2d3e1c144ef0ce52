"""iqaudit: how far a no-reference image-quality score can be pushed by a change nobody sees.

>>> import iqaudit
>>> iqaudit.Linf(levels=3)
Linf(levels=3)
"""

from iqaudit._core import starting as _starting  # noqa: F401, I001 (before what takes a second)

from importlib.metadata import version

from iqaudit import attacks, datasets, defences, measures, victims
from iqaudit._analysis.defences.records import DefenceRow, DefenceTable
from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.tables.attack_pairs import AttackComparison, AttackPair
from iqaudit._analysis.tables.citation import Citation, CitedFigure
from iqaudit._analysis.tables.gate import Judgement
from iqaudit._analysis.tables.leaderboard import Leaderboard
from iqaudit._analysis.tables.optimality import Optimality
from iqaudit._analysis.tables.tables import Table
from iqaudit._analysis.transfer import Transfer
from iqaudit._api.analyses import compare, insights, transfer
from iqaudit._api.attack import attack
from iqaudit._api.audit import Audit, audit, load, plan, verify
from iqaudit._api.defences import compare_defences
from iqaudit._api.demo import demo
from iqaudit._api.harden import Hardened, harden
from iqaudit._api.victims import (
    Score,
    calibrate,
    check,
    list_attacks,
    list_datasets,
    list_defences,
    list_victims,
    score,
)
from iqaudit._assess.check import Finding
from iqaudit._audit.estimate import Plan
from iqaudit._audit.observer import Observer
from iqaudit._audit.status import CellStatus
from iqaudit._core.errors import (
    InputError,
    Interrupted,
    IqauditError,
    UnscorableError,
    VictimError,
)
from iqaudit._core.goal import Direction, Goal, Target
from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Picture, read, write
from iqaudit._core.scale import Scale
from iqaudit._core.threat import Linf
from iqaudit._runs.figures import Row, Summary
from iqaudit._runs.verify import Check
from iqaudit._search.stop import Outcome
from iqaudit._search.trial import Step, TrialResult, TrialResults, Unscored
from iqaudit.measures._bootstrap import Estimate
from iqaudit.victims._metered.base import Cost

__version__ = version("iqaudit")

__all__ = [
    "AttackComparison",
    "AttackPair",
    "Audit",
    "CellStatus",
    "Check",
    "Citation",
    "CitedFigure",
    "Cost",
    "DefenceRow",
    "DefenceTable",
    "Direction",
    "Estimate",
    "Finding",
    "Goal",
    "Hardened",
    "InputError",
    "Insights",
    "Interrupted",
    "IqauditError",
    "Judgement",
    "Leaderboard",
    "Linf",
    "Observer",
    "Optimality",
    "Outcome",
    "Patch",
    "Patched",
    "Picture",
    "Plan",
    "Row",
    "Scale",
    "Score",
    "Step",
    "Summary",
    "Table",
    "Target",
    "Transfer",
    "TrialResult",
    "TrialResults",
    "UnscorableError",
    "Unscored",
    "VictimError",
    "attack",
    "attacks",
    "audit",
    "calibrate",
    "check",
    "compare",
    "compare_defences",
    "datasets",
    "defences",
    "demo",
    "harden",
    "insights",
    "list_attacks",
    "list_datasets",
    "list_defences",
    "list_victims",
    "load",
    "measures",
    "plan",
    "read",
    "score",
    "transfer",
    "verify",
    "victims",
    "write",
]
