"""iqaudit: how far a no-reference image-quality score can be pushed by a change nobody sees.

>>> import iqaudit
>>> iqaudit.Linf(levels=3)
Linf(levels=3)
"""

from importlib.metadata import version

from iqaudit import attacks, datasets, measures, victims
from iqaudit.audit import Plan, attack, run
from iqaudit.directory import RunDirectory
from iqaudit.errors import InputError, Interrupted, IqauditError, VictimError
from iqaudit.goal import Direction, Goal
from iqaudit.images import Picture, collect, read, write
from iqaudit.proposal import Edit, Proposal
from iqaudit.record import load
from iqaudit.scale import Scale, opinion_maximum
from iqaudit.summary import Row, Summary
from iqaudit.threat import Linf
from iqaudit.trial import Outcome, Step, TrialResult
from iqaudit.verification import Check, verify

__version__ = version("iqaudit")

__all__ = [
    "Check",
    "Direction",
    "Edit",
    "Goal",
    "InputError",
    "Interrupted",
    "IqauditError",
    "Linf",
    "Outcome",
    "Picture",
    "Plan",
    "Proposal",
    "Row",
    "RunDirectory",
    "Scale",
    "Step",
    "Summary",
    "TrialResult",
    "VictimError",
    "attack",
    "attacks",
    "collect",
    "datasets",
    "load",
    "measures",
    "opinion_maximum",
    "read",
    "run",
    "verify",
    "victims",
    "write",
]
