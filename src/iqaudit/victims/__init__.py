"""Victims: anything that gives a picture a score, each kind in a file of its own."""

from typing import TYPE_CHECKING, Any

from iqaudit._core.patches import Window
from iqaudit.victims import _registry
from iqaudit.victims._averaging import Repeated
from iqaudit.victims._base import Card, Victim
from iqaudit.victims._objects import Function
from iqaudit.victims._registry import KINDS
from iqaudit.victims._spec import as_victim

if TYPE_CHECKING:
    from iqaudit._runs.replay import Replay
    from iqaudit.victims._exported import Exported
    from iqaudit.victims._metered.chat import Chat
    from iqaudit.victims._metered.command import Command
    from iqaudit.victims._metered.http import Http
    from iqaudit.victims._models.dbcnn import DBCNN
    from iqaudit.victims._models.liqe import LIQE
    from iqaudit.victims._models.reference import Reference, Robust
    from iqaudit.victims._models.tres import TReS
    from iqaudit.victims._models.unique import UNIQUE
    from iqaudit.victims._onnx import Onnx
    from iqaudit.victims._pyiqa import Pyiqa
    from iqaudit.victims._torch import TorchModule

__all__ = [
    "DBCNN",
    "KINDS",
    "LIQE",
    "UNIQUE",
    "Card",
    "Chat",
    "Command",
    "Exported",
    "Function",
    "Http",
    "Onnx",
    "Pyiqa",
    "Reference",
    "Repeated",
    "Replay",
    "Robust",
    "TReS",
    "TorchModule",
    "Victim",
    "Window",
    "as_victim",
]


def __getattr__(name: str) -> Any:
    """Import heavy classes when they are first used."""
    if name not in _registry.LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _registry.load(name)
