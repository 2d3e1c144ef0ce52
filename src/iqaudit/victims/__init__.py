"""Victims: anything that gives a picture a score, each kind in a file of its own."""

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from iqaudit.errors import InputError, unknown
from iqaudit.scale import Scale
from iqaudit.victims.contract import Card, Victim, Window
from iqaudit.victims.function import Function

if TYPE_CHECKING:
    from torch import nn

    from iqaudit.victims.command import Command
    from iqaudit.victims.http import Http
    from iqaudit.victims.reference import Reference
    from iqaudit.victims.torch_module import TorchModule

__all__ = [
    "KINDS",
    "Card",
    "Command",
    "Function",
    "Http",
    "Reference",
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
    given = {name: value for name, value in options.items() if not _is_absent(value)}
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


def said_scale(
    whose: str,
    *,
    score_range: tuple[float, float] | None = None,
    lower_is_better: bool = False,
    scale: Scale | None = None,
) -> Scale:
    """Return the scale that the caller says.

    Parameters
    ----------
    whose : str
        Begins the sentence of an error.
    score_range : (low, high), optional
        The native range.
    lower_is_better : bool
        The direction.
    scale : Scale, optional
        A fitted one, in place of both.

    Raises
    ------
    InputError
        If neither a range nor a scale is given, both are, or the range is not two numbers.
    """
    if scale is not None:
        if score_range is not None or lower_is_better:
            raise InputError("A fitted scale has a range and a direction of its own.")
        return scale
    if score_range is None:
        raise InputError(
            f"{whose} needs its score range, score_range=(low, high) or --range LOW HIGH, "
            "and lower_is_better=True or --lower-is-better where lower means better quality."
        )
    try:
        low, high = (float(end) for end in score_range)
    except (TypeError, ValueError):
        raise InputError(f"score_range is two numbers, (low, high), not {score_range!r}.") from None
    return Scale.from_range(low, high, lower_is_better=lower_is_better)


def _from_string(spec: str, given: dict[str, Any]) -> Victim:
    name, colon, rest = spec.partition(":")
    if name not in KINDS:
        # Without what follows the colon: it may hold a password.
        raise unknown("victim", name, KINDS)
    kind = KINDS[name]
    takes_rest = ":" in kind.spec
    if takes_rest != bool(colon and rest):
        raise InputError(f'The victim "{spec}" is not of the form {kind.spec}.')
    made_by = __getattr__(kind.made_by)
    if surplus := given.keys() - inspect.signature(made_by).parameters.keys():
        raise InputError(f'The victim "{name}" takes no {_flags(surplus)}.')
    argument = [spec if "://" in kind.spec else rest] if takes_rest else []
    made: Victim = made_by(*argument, **given)
    return made


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
