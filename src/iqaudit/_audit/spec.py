"""Settings of an audit: lists of victims, attacks and the rest, which multiply into cells."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from os import PathLike
from typing import Any

from iqaudit._core.collection import Source
from iqaudit._core.errors import InputError, printable, whole_number
from iqaudit._core.goal import AnyGoal, Goal
from iqaudit._core.picture import names_apart
from iqaudit._core.threat import Linf, threat_of
from iqaudit._core.wording import worded
from iqaudit._runs.records import FLAT
from iqaudit._search.driver import SearchSpec
from iqaudit._search.stop import Stop
from iqaudit.attacks._base import is_anytime, own_threat
from iqaudit.attacks._registry import AttackSpec, attack_spec
from iqaudit.datasets._selection import Drawing
from iqaudit.victims._base import Victim
from iqaudit.victims._spec import VictimSpec

PAPER = "paper"
"""In a list of attacks: the paper's, as it is set for each of its victims."""

PAPER_SETTINGS = {"liqe": "bidirectional-liqe"}
"""The paper's victims whose attack is not set as `PAPER_USUAL` is."""

PAPER_USUAL = "bidirectional"

ARGUMENTS = {"levels": "levels", "budgets": "queries"}
"""What is said for parts of an audit, where that is not the part's name."""

USUAL = "guided"
"""The attack where none is named: the strongest on most victims, so that no pass is an easy one."""


@dataclass(frozen=True)
class Data:
    """The pictures of an audit: a data set's, or files.

    Parameters
    ----------
    spec : str
        As `iqaudit.datasets.load` takes it; empty where pictures are given.
    pictures : tuple
        Files, folders of them, arrays or `Picture`.
    opinion_range : (worst, best), optional
        See `iqaudit.datasets.load`.
    drawing : Drawing
        The part of them that is taken.
    recursive : bool
        Whether folders in folders of pictures are searched, too.

    Raises
    ------
    InputError
        If neither a data set nor a picture is given, or both are.
    """

    spec: str = ""
    pictures: tuple[Source, ...] = ()
    opinion_range: tuple[float, float] | None = None
    drawing: Drawing = field(default_factory=Drawing)
    recursive: bool = False

    def __post_init__(self) -> None:
        if bool(self.spec) is bool(self.pictures):
            raise InputError(
                f"An audit needs pictures: a data set ({worded('data')}) or picture files, one "
                "of the two."
            )
        if self.pictures and self.opinion_range is not None:
            raise InputError("Picture files have no opinion scores, so no range of them.")

    @property
    def files(self) -> tuple[str, ...] | None:
        """The pictures' paths; None where some of them are in memory."""
        paths = tuple(str(each) for each in self.pictures if isinstance(each, str | PathLike))
        return paths if len(paths) == len(self.pictures) else None

    def record(self) -> dict[str, Any]:
        """Return it as JSON holds it; pictures in memory are told by their hashes alone."""
        drawing, ends = self.drawing, self.opinion_range
        return {
            "spec": self.spec,
            "pictures": [printable(file) for file in self.files or ()],
            "opinion_range": None if ends is None else list(ends),
            "subset": drawing.subset,
            "sample": drawing.count,
            "stratify": drawing.stratify,
            "seed": drawing.seed or 0,
            **({"or_all": True} if drawing.or_all else {}),
            **({"recursive": True} if self.recursive else {}),
        }


@dataclass(frozen=True)
class Cell:
    """One run of an audit: everything about it but the pictures.

    `folder` is its directory's name in the audit's; `levels` are 0 where its attack brings a threat
    of its own; `shorter` are the budgets that are read off its searches as well, smallest first.
    """

    folder: str
    victim: VictimSpec
    attack: AttackSpec
    levels: int
    goal: AnyGoal
    seed: int
    queries: int
    stop: Stop
    shorter: tuple[int, ...] = ()

    def search(self, victim: Victim) -> SearchSpec:
        """Return the searches of the run with its victim, checked."""
        return SearchSpec(
            victim,
            self.attack.attack,
            threat_of(self.levels),
            self.goal,
            self.queries,
            self.seed,
            self.stop,
            self.shorter,
        )


@dataclass(frozen=True)
class AuditSpec:
    """An audit as it was asked for.

    Parameters
    ----------
    victims : tuple of VictimSpec
    data : Data
    attacks : tuple of AttackSpec or str
        Attacks, or their names as `iqaudit.attacks.ATTACKS` has them or ``python:MODULE:NAME``;
        or ``"paper"``, the paper's attack as set for each victim.
    levels : tuple of int
        The largest change of a channel.
    goals : tuple of Goal or Target
    seeds : tuple of int
    queries : int or tuple of int
        The budget a picture, or several. An attack whose proposals do not depend on it
        (`is_anytime`) is searched with the largest alone, off which the others are read.
    stop : Stop
        Rules that end a picture's search before its budget is spent.
    flat : bool
        Whether the audit's one cell lies in the audit's own folder.
    suite : str
        The name of the suite that the settings are of; empty without one.

    Raises
    ------
    InputError
        If something cannot be used, or a list is empty or names something twice.
    """

    victims: tuple[VictimSpec, ...]
    data: Data
    attacks: tuple[Any, ...] = (USUAL,)
    levels: tuple[int, ...] = (3,)
    goals: tuple[AnyGoal, ...] = (Goal.BIDIRECTIONAL,)
    seeds: tuple[int, ...] = (0,)
    queries: int | tuple[int, ...] = 500
    stop: Stop = field(default_factory=Stop)
    flat: bool = False
    suite: str = ""

    def __post_init__(self) -> None:
        attacks = (each if each == PAPER else attack_spec(each) for each in self.attacks)
        object.__setattr__(self, "attacks", tuple(attacks))
        if isinstance(self.queries, tuple) and len(self.queries) == 1:
            object.__setattr__(self, "queries", self.queries[0])
        for name in ("victims", "attacks", "levels", "goals", "seeds", "budgets"):
            values = getattr(self, name)
            if not values:
                one, argument = name.removesuffix("s"), ARGUMENTS.get(name, name)
                option = ARGUMENTS.get(name, one)
                named = worded(f"{argument}=[…]", f"--{option} …")
                raise InputError(f"An audit needs at least one {one}: name it, {named}.")
            if any(value in values[:index] for index, value in enumerate(values)):
                raise InputError(f"An audit's {name} are each said once.")
        for levels in self.levels:
            Linf(levels)
        for name, numbers in (("seed", self.seeds), ("queries", self.budgets)):
            for number in numbers:
                whole_number(name, number)
        if self.flat and len(self.cells()) > 1:
            raise InputError("One folder holds one cell.")

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets a picture, smallest first."""
        return tuple(sorted(self.queries)) if isinstance(self.queries, tuple) else (self.queries,)

    def cells(self) -> tuple[Cell, ...]:
        """Return the runs that the lists multiply into, in their order."""
        labels = names_apart(victim.label for victim in self.victims)
        cells = []
        for index, victim in enumerate(self.victims):
            attacks: list[AttackSpec] = []
            for each in self.attacks:
                if (attack := _attack(each, victim)) not in attacks:
                    attacks.append(attack)
            named = zip(attacks, names_apart(each.label for each in attacks), strict=True)
            settings = (
                (*each, *others)
                for each in named
                for others in product(self._levels(each[0]), self.goals, self.seeds)
            )
            for attack, name, levels, goal, seed in settings:
                for queries, shorter in _searches(attack, goal, self.budgets):
                    varying = [
                        *_varying(self._levels(attack), f"levels-{levels}"),
                        *_varying(self.goals, goal.label),
                        *_varying(self.seeds, f"seed-{seed}"),
                        *_varying(() if shorter else self.budgets, f"queries-{queries}"),
                    ]
                    folder = FLAT if self.flat else "--".join((labels[index], name, *varying))
                    bounds = levels, goal, seed, queries, self.stop, shorter
                    cells.append(Cell(folder, victim, attack, *bounds))
        return tuple(cells)

    def _levels(self, attack: AttackSpec) -> tuple[int, ...]:
        """Return the levels that an attack is run with; those of the threat that it brings."""
        own = own_threat(attack.attack)
        return self.levels if own is None else (own.levels,)

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """Return it as JSON holds it, with the victims' public names."""
        return {
            "victims": [
                victim.record(name) for victim, name in zip(self.victims, names, strict=True)
            ],
            "data": self.data.record(),
            "attacks": [each if each == PAPER else each.record for each in self.attacks],
            "levels": list(self.levels),
            "goals": [goal.value for goal in self.goals],
            "seeds": list(self.seeds),
            "queries": list(self.budgets) if isinstance(self.queries, tuple) else self.queries,
            "early_stop": self.stop.rgo,
            "until_plateau": self.stop.plateau,
            # The usual number is not written, as before there was one.
            **({"fresh": self.stop.fresh} if self.stop.fresh != Stop.fresh else {}),
            **({"suite": self.suite} if self.suite else {}),
        }


def _attack(attack: AttackSpec | str, victim: VictimSpec) -> AttackSpec:
    if isinstance(attack, AttackSpec):
        return attack
    return attack_spec(PAPER_SETTINGS.get(victim.model, PAPER_USUAL))


def _searches(
    attack: AttackSpec, goal: AnyGoal, budgets: tuple[int, ...]
) -> list[tuple[int, tuple[int, ...]]]:
    """Return the budgets that an attack is searched with, and the shorter ones read off each.

    Places in an order hang on the budget.
    """
    if is_anytime(attack.attack) and goal is not Goal.RANK:
        return [(budgets[-1], budgets[:-1])]
    return [(budget, ()) for budget in budgets]


def _varying(values: Sequence[Any], said: str) -> list[str]:
    return [said] if len(values) > 1 else []
