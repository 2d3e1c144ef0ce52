"""What an audit asks: lists of victims, attacks and the rest, which multiply into cells."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from iqaudit._core.errors import InputError, unknown, whole_number
from iqaudit._core.goal import Goal
from iqaudit._core.picture import names_apart
from iqaudit._core.threat import Linf
from iqaudit._search.driver import Plan
from iqaudit._search.trial import Stop
from iqaudit.attacks import ATTACKS, named
from iqaudit.datasets import Drawing
from iqaudit.victims._base import Victim
from iqaudit.victims._spec import VictimSpec

PAPER = "paper"
"""In a list of attacks: the paper's, as it is set for each of its victims."""

PAPER_SETTINGS = {"liqe": "bidirectional-liqe"}
"""The paper's victims whose attack is not set as `PAPER_USUAL` is."""

PAPER_USUAL = "bidirectional"


@dataclass(frozen=True)
class Data:
    """The pictures of an audit: a data set's, or files.

    Parameters
    ----------
    spec : str
        As `iqaudit.datasets.load` takes it; empty where files are named.
    pictures : tuple of str
        Files, or folders of them.
    opinion_range : (worst, best), optional
        See `iqaudit.datasets.load`.
    drawing : Drawing
        Which part of them is taken.

    Raises
    ------
    InputError
        If neither a data set nor a file is named, or both are.
    """

    spec: str = ""
    pictures: tuple[str, ...] = ()
    opinion_range: tuple[float, float] | None = None
    drawing: Drawing = field(default_factory=Drawing)

    def __post_init__(self) -> None:
        if bool(self.spec) is bool(self.pictures):
            raise InputError(
                "An audit needs pictures: a data set (--data) or picture files, one of the two."
            )
        if self.pictures and self.opinion_range is not None:
            raise InputError("Picture files have no opinion scores, so no range of them.")

    def record(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        drawing, ends = self.drawing, self.opinion_range
        return {
            "spec": self.spec,
            "pictures": list(self.pictures),
            "opinion_range": None if ends is None else list(ends),
            "subset": drawing.subset,
            "sample": drawing.count,
            "stratify": drawing.stratify,
            "seed": drawing.seed or 0,
        }


@dataclass(frozen=True)
class Cell:
    """One run of an audit: everything about it but the pictures.

    `folder` is its directory's name in the audit's; `attack` a name of `iqaudit.attacks.ATTACKS`.
    """

    folder: str
    victim: VictimSpec
    attack: str
    levels: int
    goal: Goal
    seed: int
    queries: int
    stop: Stop

    def plan(self, victim: Victim) -> Plan:
        """Return the plan of the run with its victim, checked."""
        return Plan(
            victim,
            named(self.attack),
            Linf(self.levels),
            self.goal,
            self.queries,
            self.seed,
            stop=self.stop,
        )


@dataclass(frozen=True)
class Campaign:
    """An audit as it was asked for.

    Parameters
    ----------
    victims : tuple of VictimSpec
    data : Data
    attacks : tuple of str
        Names of `iqaudit.attacks.ATTACKS`; or ``"paper"``, the paper's attack as set for each
        victim.
    levels : tuple of int
        The largest change of a channel.
    goals : tuple of Goal
    seeds : tuple of int
    queries : int
        The budget a picture.
    stop : Stop
        When a picture's search ends before its budget is spent.

    Raises
    ------
    InputError
        If something cannot be used, or a list is empty or names something twice.
    """

    victims: tuple[VictimSpec, ...]
    data: Data
    attacks: tuple[str, ...] = (PAPER_USUAL,)
    levels: tuple[int, ...] = (3,)
    goals: tuple[Goal, ...] = (Goal.BIDIRECTIONAL,)
    seeds: tuple[int, ...] = (0,)
    queries: int = 500
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        for name in ("victims", "attacks", "levels", "goals", "seeds"):
            values = getattr(self, name)
            if not values:
                raise InputError(f"An audit needs at least one of its {name}.")
            if any(value in values[:index] for index, value in enumerate(values)):
                raise InputError(f"An audit's {name} are each said once.")
        for attack in self.attacks:
            if attack not in (PAPER, *ATTACKS):
                raise unknown("attack", attack, (PAPER, *ATTACKS))
        for levels in self.levels:
            Linf(levels)
        for seed in self.seeds:
            whole_number("seed", seed)
        whole_number("queries", self.queries)

    def cells(self) -> tuple[Cell, ...]:
        """Return the runs that the lists multiply into, in their order."""
        labels = names_apart(victim.label for victim in self.victims)
        cells = {}
        for index, victim in enumerate(self.victims):
            attacks = dict.fromkeys(_attack(attack, victim) for attack in self.attacks)
            for attack, levels, goal, seed in product(attacks, self.levels, self.goals, self.seeds):
                varying = [
                    *_varying(self.levels, f"levels-{levels}"),
                    *_varying(self.goals, goal.value),
                    *_varying(self.seeds, f"seed-{seed}"),
                ]
                folder = "--".join((labels[index], attack, *varying))
                cells[folder] = Cell(
                    folder, victim, attack, levels, goal, seed, self.queries, self.stop
                )
        return tuple(cells.values())

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """Return it as JSON holds it, with the victims' public names."""
        return {
            "victims": [
                victim.record(name) for victim, name in zip(self.victims, names, strict=True)
            ],
            "data": self.data.record(),
            "attacks": list(self.attacks),
            "levels": list(self.levels),
            "goals": [goal.value for goal in self.goals],
            "seeds": list(self.seeds),
            "queries": self.queries,
            "early_stop": self.stop.rgo,
            "until_plateau": self.stop.plateau,
        }


def _attack(name: str, victim: VictimSpec) -> str:
    return PAPER_SETTINGS.get(victim.model, PAPER_USUAL) if name == PAPER else name


def _varying(values: Sequence[Any], said: str) -> list[str]:
    return [said] if len(values) > 1 else []
