"""Victims: anything that gives a picture a score."""

import sys
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from iqaudit.errors import InputError, unknown
from iqaudit.scale import Scale
from iqaudit.victims.contract import Victim
from iqaudit.victims.function import Function

if TYPE_CHECKING:
    from torch import nn

    from iqaudit.victims.reference import Reference
    from iqaudit.victims.torch_module import TorchModule

__all__ = ["VICTIMS", "Function", "Reference", "TorchModule", "Victim", "as_victim"]

VICTIMS = MappingProxyType(
    {
        "reference": (
            "Reference",
            "bundled: EfficientNet-Lite0 with a head trained on LIVE In the Wild; 0-100",
        ),
    }
)
"""Every victim that has a name: what makes it, in this package, and a line on what it is."""

PARTS = ("name", "scale", "smallest_side", "largest_batch", "score")
"""What makes an object a victim; see `Victim`."""

_LAZY = {"TorchModule": "torch_module", "Reference": "reference"}


def as_victim(
    victim: "str | Victim | nn.Module | Callable[..., Any]",
    *,
    score_range: tuple[float, float] | None = None,
    lower_is_better: bool = False,
) -> Victim:
    """Return a victim for whatever can stand for one.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        A name from `VICTIMS`; a victim, returned as it is; a module from (n, 3, h, w) in [0, 1] to
        n scores; or a function from uint8 (n, h, w, 3) to n scores.
    score_range : (low, high), optional
        Native range; needed for a module or a function, refused for anything else.
    lower_is_better : bool
        The direction, for a module or a function.

    Raises
    ------
    InputError
        If the name is unknown, or the range is missing or not the caller's to say.
    """
    if isinstance(victim, str | Victim):
        if score_range is not None or lower_is_better:
            raise InputError("This victim has a score range and direction of its own.")
        if isinstance(victim, Victim):
            return victim
        if victim not in VICTIMS:
            raise unknown("victim", victim, VICTIMS)
        made: Victim = __getattr__(VICTIMS[victim][0])()
        return made
    if not callable(victim):
        lacks = [part for part in PARTS if not hasattr(victim, part)]
        raise InputError(
            "A victim is a name, a function, a torch module, or an object with "
            f"{', '.join(PARTS)}; this {type(victim).__name__} lacks {', '.join(lacks)}."
        )
    if score_range is None:
        raise InputError(
            "A function or module needs its score range, score_range=(low, high), "
            "and lower_is_better=True where lower means better quality."
        )
    try:
        low, high = (float(end) for end in score_range)
    except (TypeError, ValueError):
        raise InputError(f"score_range is two numbers, (low, high), not {score_range!r}.") from None
    scale = Scale.from_range(low, high, lower_is_better=lower_is_better)
    torch = sys.modules.get("torch")  # what was never imported is no module of it
    if torch is not None and isinstance(victim, torch.nn.Module):
        wrapped: Victim = __getattr__("TorchModule")(victim, scale)
        return wrapped
    return Function(victim, scale)


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is first used: torch takes seconds to load."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
