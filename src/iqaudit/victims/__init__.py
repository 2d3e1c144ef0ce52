"""Victims: anything that gives a picture a score, each kind in a file of its own."""

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from iqaudit.errors import InputError, unknown
from iqaudit.victims.contract import Card, Victim, Window
from iqaudit.victims.function import Function
from iqaudit.victims.said import said_scale

if TYPE_CHECKING:
    from torch import nn

    from iqaudit.victims.dbcnn import DBCNN
    from iqaudit.victims.liqe import LIQE
    from iqaudit.victims.onnx import Onnx
    from iqaudit.victims.pyiqa import Pyiqa
    from iqaudit.victims.python import Python
    from iqaudit.victims.reference import Reference
    from iqaudit.victims.replay import Replay
    from iqaudit.victims.torch_module import TorchModule
    from iqaudit.victims.tres import TReS
    from iqaudit.victims.unique import UNIQUE

__all__ = [
    "DBCNN",
    "KINDS",
    "LIQE",
    "UNIQUE",
    "Card",
    "Function",
    "Onnx",
    "Pyiqa",
    "Python",
    "Reference",
    "Replay",
    "TReS",
    "TorchModule",
    "Victim",
    "Window",
    "as_victim",
]


class Kind(NamedTuple):
    """A kind of victim that a string can name.

    `spec` is the string's form: a name of its own, or a prefix and what follows its colon; `module`
    and `made_by` are the file here and the class in it, loaded when first used, since torch and
    others take seconds; `line` says what it is.
    """

    spec: str
    module: str
    made_by: str
    line: str


KINDS = MappingProxyType(
    {
        kind.spec.partition(":")[0]: kind
        for kind in (
            Kind(
                "reference",
                "reference",
                "Reference",
                "bundled: EfficientNet-Lite0 with a head trained on LIVE In the Wild; 0-100",
            ),
            Kind("dbcnn", "dbcnn", "DBCNN", "DB-CNN with its authors' checkpoint (--checkpoint)"),
            Kind("unique", "unique", "UNIQUE", "UNIQUE, likewise"),
            Kind("tres", "tres", "TReS", "TReS, likewise; sees the central 224 x 224"),
            Kind("liqe", "liqe", "LIQE", "LIQE, likewise; sees fifteen crops"),
            Kind(
                "pyiqa:NAME",
                "pyiqa",
                "Pyiqa",
                "a no-reference metric of pyiqa (iqaudit[pyiqa]; not for commercial use)",
            ),
            Kind("onnx:FILE", "onnx", "Onnx", "a network in ONNX Runtime (iqaudit[onnx])"),
            Kind("python:MODULE:NAME", "python", "Python", "a function or torch module of yours"),
            Kind("replay:RUN", "replay", "Replay", "the scores that an earlier run recorded"),
        )
    }
)
"""Every kind of victim that a string can name, by that name or prefix."""

PARTS = ("card", "score")
"""What makes an object a victim; see `Victim`."""

_LAZY = {"TorchModule": "torch_module"} | {kind.made_by: kind.module for kind in KINDS.values()}


def as_victim(
    victim: "str | Victim | nn.Module | Callable[..., Any]",
    **options: Any,
) -> Victim:
    """Return a victim for whatever can stand for one.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        A string as `KINDS` describes them; a victim, returned as it is; a module from
        (n, 3, h, w) in [0, 1] to n scores; or a function from uint8 (n, h, w, 3) to n scores.
    **options
        What the victim's class takes besides: for a module or a function `score_range`,
        `lower_is_better` or `scale` as `said_scale` reads them. None, False and empty ones count
        as not given.

    Raises
    ------
    InputError
        If the name is unknown, an option is missing, or one is given that the victim does not take.
    """
    given = {name: value for name, value in options.items() if value not in (None, False, ())}
    if isinstance(victim, str):
        return _from_string(victim, given)
    if isinstance(victim, Victim):
        if given:
            raise InputError(f"This victim is made already and takes no {_flags(given)}.")
        return victim
    if not callable(victim):
        lacks = [part for part in PARTS if not hasattr(victim, part)]
        raise InputError(
            "A victim is a name, a function, a torch module, or an object with "
            f"{' and '.join(PARTS)}; this {type(victim).__name__} lacks {', '.join(lacks)}."
        )
    scale = said_scale("A function or module", **given)
    torch = sys.modules.get("torch")  # what was never imported is no module of it
    if torch is not None and isinstance(victim, torch.nn.Module):
        wrapped: Victim = __getattr__("TorchModule")(victim, scale)
        return wrapped
    return Function(victim, scale)


def _from_string(spec: str, given: dict[str, Any]) -> Victim:
    name, colon, rest = spec.partition(":")
    if name not in KINDS:
        raise unknown("victim", spec, KINDS)
    kind = KINDS[name]
    takes_rest = ":" in kind.spec
    if takes_rest != bool(colon and rest):
        raise InputError(f'The victim "{spec}" is not of the form {kind.spec}.')
    made_by = __getattr__(kind.made_by)
    if surplus := given.keys() - inspect.signature(made_by).parameters.keys():
        raise InputError(f'The victim "{name}" takes no {_flags(surplus)}.')
    made: Victim = made_by(rest, **given) if takes_rest else made_by(**given)
    return made


def _flags(names: Any) -> str:
    return ", ".join(sorted(names))


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
