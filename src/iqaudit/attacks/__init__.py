"""Attacks: each a frozen value with `init`, `ask` and `tell`, one a file."""

from types import MappingProxyType
from typing import Any

from iqaudit.attacks import bidirectional
from iqaudit.attacks.bidirectional import Bidirectional
from iqaudit.attacks.contract import Attack, Problem, State
from iqaudit.errors import unknown

__all__ = ["ATTACKS", "Attack", "Bidirectional", "Problem", "State", "named"]

ATTACKS: MappingProxyType[str, tuple[Attack[Any], str]] = MappingProxyType(
    {
        "bidirectional": (
            bidirectional.PRESETS["bidirectional"],
            "the paper's patch-based random search, as set for DB-CNN, UNIQUE and TReS",
        ),
        "bidirectional-liqe": (
            bidirectional.PRESETS["bidirectional-liqe"],
            "the same as set for LIQE: eight squares a query, larger ones",
        ),
    }
)
"""Every attack that has a name, with a line on what it is."""


def named(name: str) -> Attack[Any]:
    """Return the attack of a name; an `InputError` suggests the nearest where there is none."""
    if name not in ATTACKS:
        raise unknown("attack", name, ATTACKS)
    return ATTACKS[name][0]
