"""iqaudit: how far a no-reference image-quality score can be pushed by a change nobody sees.

>>> import iqaudit
>>> iqaudit.Linf(levels=3)
Linf(levels=3)
"""

from importlib.metadata import version

from iqaudit import attacks, datasets, measures, victims
from iqaudit._api import attack
from iqaudit._core.errors import InputError, Interrupted, IqauditError, VictimError
from iqaudit._core.goal import Direction, Goal
from iqaudit._core.patches import Edit, Proposal
from iqaudit._core.picture import Picture, collect, read, write
from iqaudit._core.scale import Scale, opinion_maximum
from iqaudit._core.threat import Linf
from iqaudit._runs.figures import Row, Summary
from iqaudit._runs.schema import load
from iqaudit._runs.store import RunDirectory
from iqaudit._runs.verify import Check, verify
from iqaudit._search.stop import Outcome
from iqaudit._search.trial import Step, TrialResult

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
    "verify",
    "victims",
    "write",
]
