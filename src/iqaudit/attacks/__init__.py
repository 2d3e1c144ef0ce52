"""Attacks: each a frozen value with `init`, `ask` and `tell`, one a file."""

from types import MappingProxyType
from typing import Any

from iqaudit._core.errors import unknown
from iqaudit.attacks._base import Attack, Problem, State, is_white_box
from iqaudit.attacks._bidirectional import Bidirectional
from iqaudit.attacks._guided.attack import Guided
from iqaudit.attacks._guided.carrying import GuidedCarrying
from iqaudit.attacks._nes import NES
from iqaudit.attacks._parsimonious import Parsimonious
from iqaudit.attacks._pgd import PGD
from iqaudit.attacks._random_signs import RandomSigns
from iqaudit.attacks._retouch import Retouch
from iqaudit.attacks._signhunter import SignHunter
from iqaudit.attacks._simba import SimBA
from iqaudit.attacks._simba_dct import SimBADCT
from iqaudit.attacks._square import Square
from iqaudit.attacks._universal import Universal
from iqaudit.attacks._yang2024 import Yang2024

__all__ = [
    "ATTACKS",
    "NES",
    "PGD",
    "Attack",
    "Bidirectional",
    "Guided",
    "GuidedCarrying",
    "Parsimonious",
    "Problem",
    "RandomSigns",
    "Retouch",
    "SignHunter",
    "SimBA",
    "SimBADCT",
    "Square",
    "State",
    "Universal",
    "Yang2024",
    "is_white_box",
    "named",
]

ATTACKS: MappingProxyType[str, tuple[Attack[Any], str]] = MappingProxyType(
    {
        "bidirectional": (
            Bidirectional(),
            "the paper's patch-based random search, as set for DB-CNN, UNIQUE and TReS",
        ),
        "bidirectional-liqe": (
            Bidirectional(n_squares=8, p_init=0.09),
            "the same as set for LIQE: eight squares a query, larger ones",
        ),
        "guided": (
            Guided(),
            "ours: patterns over the whole picture, then a search that learns what pays",
        ),
        "guided-quiet": (
            Guided(visibility=0.65),
            "the same, less to be seen: fewer levels where the picture is smooth",
        ),
        "guided-invisible": (
            Guided(visibility=0.3),
            "the same, least to be seen: one level where the picture is smooth",
        ),
        "guided-carrying": (
            GuidedCarrying(),
            "guided, each picture beginning with what was found on those before; one by one",
        ),
        "square": (Square(), "Square Attack: stripes, then one square a query"),
        "parsimonious": (Parsimonious(), "signs of blocks, by local search; blocks split in four"),
        "signhunter": (SignHunter(), "signs of the picture, its halves, quarters, and so on"),
        "nes": (NES(), "a gradient estimated from pairs of random pictures"),
        "simba": (SimBA(), "one pixel and channel at a time"),
        "simba-dct": (SimBADCT(), "one low frequency of a channel at a time"),
        "yang2024": (Yang2024(), "score boundaries raised step by step, within a JND as well"),
        "universal": (
            Universal(),
            "ours: one change for many pictures, made on a half of them and tested on the other",
        ),
        "random": (RandomSigns(), "the floor: the best of random pictures"),
        "retouch": (
            Retouch(),
            "no noise: light, colour, detail and framing, as people touch pictures up; 60 queries",
        ),
        "pgd": (PGD(), "the ceiling, no black box: follows a torch victim's own gradient"),
    }
)
"""Every attack that has a name, with a line on what it is."""


def named(name: str) -> Attack[Any]:
    """Return the attack of a name; an `InputError` suggests the nearest where there is none."""
    if name not in ATTACKS:
        raise unknown("attack", name, ATTACKS)
    return ATTACKS[name][0]
