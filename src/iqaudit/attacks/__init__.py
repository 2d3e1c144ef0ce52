"""Attacks: each a frozen value with `init`, `ask` and `tell`, one a file."""

from iqaudit.attacks._base import Attack, Problem, State, is_white_box
from iqaudit.attacks._bidirectional import Bidirectional
from iqaudit.attacks._guided.attack import Guided
from iqaudit.attacks._nes import NES
from iqaudit.attacks._parsimonious import Parsimonious
from iqaudit.attacks._pgd import PGD
from iqaudit.attacks._random_signs import RandomSigns
from iqaudit.attacks._registry import ATTACKS, named
from iqaudit.attacks._signhunter import SignHunter
from iqaudit.attacks._simba import SimBA
from iqaudit.attacks._simba_dct import SimBADCT
from iqaudit.attacks._square import Square
from iqaudit.attacks._yang2024 import Yang2024

__all__ = [
    "ATTACKS",
    "NES",
    "PGD",
    "Attack",
    "Bidirectional",
    "Guided",
    "Parsimonious",
    "Problem",
    "RandomSigns",
    "SignHunter",
    "SimBA",
    "SimBADCT",
    "Square",
    "State",
    "Yang2024",
    "is_white_box",
    "named",
]
