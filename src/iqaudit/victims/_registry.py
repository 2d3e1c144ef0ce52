"""The registry of victims: every kind that a string can name, and the making of one."""

import inspect
import re
import sys
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from iqaudit._core.errors import InputError, unknown
from iqaudit.victims._averaging import Repeated
from iqaudit.victims._base import Victim
from iqaudit.victims._declared import said_scale
from iqaudit.victims._function import Function

if TYPE_CHECKING:
    from torch import nn


class Kind(NamedTuple):
    """A kind of victim that a string can name.

    `spec` is the string's form: a name of its own, or a prefix and what follows its colon (an
    address is taken whole, its prefix included); `module` (relative to this package) and `made_by`
    are the module and the class in it, loaded when first used, since torch and others take seconds;
    `line` says what it is.
    """

    spec: str
    module: str
    made_by: str
    line: str

    def load(self) -> Any:
        """Import the class that makes victims of this kind."""
        return load(self.made_by)


KINDS = MappingProxyType(
    {
        kind.spec.partition(":")[0]: kind
        for kind in (
            Kind(
                "reference",
                "_models.reference",
                "Reference",
                "bundled: EfficientNet-Lite0 with a head trained on LIVE In the Wild; 0-100",
            ),
            Kind(
                "dbcnn",
                "_models.dbcnn",
                "DBCNN",
                "DB-CNN with its authors' checkpoint (--checkpoint)",
            ),
            Kind("unique", "_models.unique", "UNIQUE", "UNIQUE, likewise"),
            Kind("tres", "_models.tres", "TReS", "TReS, likewise; sees the central 224 x 224"),
            Kind("liqe", "_models.liqe", "LIQE", "LIQE, likewise; sees fifteen crops"),
            Kind(
                "pyiqa:NAME",
                "_pyiqa",
                "Pyiqa",
                "a no-reference metric of pyiqa (iqaudit[pyiqa]; not for commercial use)",
            ),
            Kind("onnx:FILE", "_onnx", "Onnx", "a network in ONNX Runtime (iqaudit[onnx])"),
            Kind("python:MODULE:NAME", "_python", "Python", "a function or torch module of yours"),
            Kind(
                "replay:RUN", ".._runs.replay", "Replay", "the scores that an earlier run recorded"
            ),
            Kind(
                "http://HOST/PATH",
                "_metered.http",
                "Http",
                "a service on this machine: posts a PNG, reads the score from the JSON reply",
            ),
            Kind(
                "https://HOST/PATH",
                "_metered.http",
                "Http",
                "a service elsewhere, with its owner's permission: the same, encrypted",
            ),
            Kind(
                "command:PROGRAM {picture}",
                "_metered.command",
                "Command",
                "a program: reads the score from what it prints",
            ),
        )
    }
)
"""Every kind of victim that a string can name, by that name or prefix."""

PARTS = ("card", "score")
"""What makes an object a victim; see `Victim`."""

LAZY = {"TorchModule": "_torch"} | {kind.made_by: kind.module for kind in KINDS.values()}
"""The modules of the classes that are imported when they are first used."""


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
        wrapped: Victim = load("TorchModule")(victim, scale, **how)
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
    made_by = kind.load()
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


def load(name: str) -> Any:
    """Import a victim's class, which may be heavy."""
    module = LAZY[name]
    relative = module if module.startswith(".") else f".{module}"
    return getattr(import_module(relative, __package__), name)
