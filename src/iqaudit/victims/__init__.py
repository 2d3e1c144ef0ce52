"""Victims: anything that gives a picture a score, each kind in a file of its own."""

import inspect
import re
import sys
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from iqaudit.errors import InputError, unknown
from iqaudit.victims.contract import Card, Victim, Window
from iqaudit.victims.function import Function
from iqaudit.victims.repeated import Repeated
from iqaudit.victims.said import said_scale

if TYPE_CHECKING:
    from torch import nn

    from iqaudit.victims.command import Command
    from iqaudit.victims.dbcnn import DBCNN
    from iqaudit.victims.http import Http
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
    "Command",
    "Function",
    "Http",
    "Onnx",
    "Pyiqa",
    "Python",
    "Reference",
    "Repeated",
    "Replay",
    "TReS",
    "TorchModule",
    "Victim",
    "Window",
    "as_victim",
]


class Kind(NamedTuple):
    """A kind of victim that a string can name.

    `spec` is the string's form: a name of its own, or a prefix and what follows its colon (an
    address is taken whole, its prefix included); `module`
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
            Kind(
                "http://HOST/PATH",
                "http",
                "Http",
                "a service on this machine: posts a PNG, reads the score from the JSON reply",
            ),
            Kind(
                "https://HOST/PATH",
                "http",
                "Http",
                "a service elsewhere, with its owner's permission: the same, encrypted",
            ),
            Kind(
                "command:PROGRAM {picture}",
                "command",
                "Command",
                "a program: reads the score from what it prints",
            ),
        )
    }
)
"""Every kind of victim that a string can name, by that name or prefix."""

PARTS = ("card", "score")
"""What makes an object a victim; see `Victim`."""

_LAZY = {"TorchModule": "torch_module"} | {kind.made_by: kind.module for kind in KINDS.values()}


def as_victim(
    victim: "str | Victim | nn.Module | Callable[..., Any]",
    *,
    repeats: int | None = None,
    **options: Any,
) -> Victim:
    """Return a victim for whatever can stand for one.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        A string as `KINDS` describes them; a victim, returned as it is; a module from
        (n, 3, h, w) in [0, 1] to n scores; or a function from uint8 (n, h, w, 3) to n scores.
    repeats : int, optional
        For one that answers at random: how many answers are averaged into a score, each a query;
        see `Repeated`.
    **options
        What the victim's class takes besides: for a module or a function `score_range`,
        `lower_is_better` or `scale` as `said_scale` reads them, and for a module `exact` as
        `TorchModule` takes it. None, False and empty ones count as not given.

    Raises
    ------
    InputError
        If the name is unknown, an option is missing, or one is given that the victim does not take.
    VictimError
        If it fails when the noise of its answers is measured.
    """
    made = _made(victim, {name: value for name, value in options.items() if not _is_absent(value)})
    return made if repeats is None else Repeated(made, repeats)


def _made(victim: "str | Victim | nn.Module | Callable[..., Any]", given: dict[str, Any]) -> Victim:
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
    torch = sys.modules.get("torch")  # what was never imported is no module of it
    is_module = torch is not None and isinstance(victim, torch.nn.Module)
    how = {"exact": given.pop("exact")} if is_module and "exact" in given else {}
    _refuse_surplus("A function or module", given, said_scale)
    scale = said_scale("A function or module", **given)
    if is_module:
        wrapped: Victim = __getattr__("TorchModule")(victim, scale, **how)
        return wrapped
    return Function(victim, scale)


def unknown_victim(name: str) -> InputError:
    """Return the error for a kind of victim that there is not.

    Its name's first word alone is repeated: an address without its scheme may hold a password.
    """
    word = re.match(r"[\w-]*", name)
    return unknown("victim", word[0] if word else "", KINDS)


def _from_string(spec: str, given: dict[str, Any]) -> Victim:
    name, colon, rest = spec.partition(":")
    if name not in KINDS:
        raise unknown_victim(name)
    kind = KINDS[name]
    takes_rest = ":" in kind.spec
    if takes_rest != bool(colon and rest):
        raise InputError(f'The victim "{spec}" is not of the form {kind.spec}.')
    made_by = __getattr__(kind.made_by)
    _refuse_surplus(f'The victim "{name}"', given, made_by)
    argument = [spec if "://" in kind.spec else rest] if takes_rest else []
    made: Victim = made_by(*argument, **given)
    return made


def _refuse_surplus(whose: str, given: dict[str, Any], taker: Callable[..., Any]) -> None:
    if surplus := given.keys() - inspect.signature(taker).parameters.keys():
        raise InputError(f"{whose} takes no {_flags(surplus)}.")


def _is_absent(value: object) -> bool:
    # By identity: 0 equals False, and is given.
    return value is None or value is False or value == ()


def _flags(names: Any) -> str:
    return ", ".join(sorted(names))


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
