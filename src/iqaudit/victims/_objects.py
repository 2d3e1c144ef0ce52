"""Victims from Python objects, and victims under other names."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Card, Victim
from iqaudit.victims._function import Function
from iqaudit.victims._registry import load, refuse_surplus

if TYPE_CHECKING:
    from torch import nn

PARTS = ("card", "score")
"""The attributes that make an object a victim; see `Victim`."""


def wrap(victim: "Victim | nn.Module | Callable[..., Any]", options: dict[str, Any]) -> Victim:
    """Return the victim of an object; see `as_victim`."""
    if isinstance(victim, Victim):
        if options:
            raise InputError(
                f"This victim is made already and takes no {', '.join(sorted(options))}."
            )
        return victim
    if not callable(victim):
        lacks = [part for part in PARTS if not hasattr(victim, part)]
        raise InputError(
            "A victim is a name, a function, a torch module, or an object with "
            f"{' and '.join(PARTS)}; this {type(victim).__name__} lacks {', '.join(lacks)}."
        )
    torch = sys.modules.get("torch")  # an object of a library that was never imported is none
    is_module = torch is not None and isinstance(victim, torch.nn.Module)
    how = {"exact": options.pop("exact")} if is_module and "exact" in options else {}
    refuse_surplus("A function or module", options, Scale.declared)
    scale = Scale.declared("A function or module", **options)
    if is_module:
        wrapped: Victim = load("TorchModule")(victim, scale, **how)
        return wrapped
    return Function(victim, scale)


class Named:
    """A victim whose card has a name of the user's: two of one kind are told apart by it.

    Parameters
    ----------
    victim : Victim
        The victim, of which everything else is.
    name : str
        Its name in results.
    """

    def __init__(self, victim: Victim, name: str) -> None:
        self._victim, self._name = victim, name

    @property
    def card(self) -> Card:
        """The victim's card, with the name."""
        return replace(self._victim.card, name=self._name)

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self._victim.score(pictures)

    def __getattr__(self, attribute: str) -> Any:
        """Return an attribute that only some victims have, as `gradient`."""
        if attribute.startswith("_"):  # as when it is copied, before it has a victim
            raise AttributeError(attribute)
        return getattr(self._victim, attribute)


def name_victim(victim: Victim, name: str | None) -> Victim:
    """Return a victim under a name; as it is where that is None."""
    return victim if name is None else cast("Victim", Named(victim, name))
