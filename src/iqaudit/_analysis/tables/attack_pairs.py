"""Attacks on one victim, compared in pairs over the same pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.samples import Snapshot
from iqaudit._analysis.tables.tables import estimate_record
from iqaudit._core.errors import listed, many
from iqaudit._core.threat import words
from iqaudit._core.wording import number
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import ENOUGH, Estimate, mean, paired
from iqaudit.measures._strength import gains

SAME = 1e-6
"""Share of their size by which clean scores may differ where one victim gave both."""


@dataclass(frozen=True)
class AttackPair:
    """Two attacks on the same pictures, the one with the higher RGO first.

    Attributes
    ----------
    first, second : str
        The attacks.
    pictures : int
        Those that both have finished, identical ones counted once.
    rgo : Estimate
        The first's mean RGO, seeds averaged within each picture.
    other_rgo : Estimate
        The second's.
    difference : Estimate
        The first's less the second's: pictures are resampled in pairs.
    clear : bool
        Whether the first is stronger beyond doubt: of enough pictures, and the difference's
        interval leaves 0 out.
    """

    first: str
    second: str
    pictures: int
    rgo: Estimate
    other_rgo: Estimate
    difference: Estimate
    clear: bool


@dataclass(frozen=True)
class AttackComparison:
    """The attacks on one victim that are the same in all else, the strongest first.

    Attributes
    ----------
    victim, data, levels, goal, queries, budget
        What they have in common, as `Leaderboard` has it.
    attacks : tuple of str
        By their RGO.
    pairs : tuple of AttackPair
        Every two that have pictures in common: the strongest's first.
    text : str
        A sentence: which is the strongest, or that it cannot be told.
    """

    victim: str
    data: str | None
    levels: int
    goal: str
    queries: int
    budget: str
    attacks: tuple[str, ...]
    pairs: tuple[AttackPair, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        ends = ("rgo", "other_rgo", "difference")
        pairs = [
            vars(pair) | {name: estimate_record(getattr(pair, name)) for name in ends}
            for pair in self.pairs
        ]
        return vars(self) | {"pairs": pairs}


def compare_attacks(cells: Iterable[CellData]) -> tuple[AttackComparison, ...]:
    """Compare the attacks on each victim, a comparison a budget; none where there is one attack.

    Each names what it is of where a victim has several: what those differ in.
    """
    groups = [group for group in rivals(cells) if len(by_attack(group)) > 1]
    firsts = [group[0] for group in groups]
    found = (_comparison(group, _on(group[0], firsts)) for group in groups)
    return tuple(each for each in found if each is not None)


def _on(cell: CellData, others: Iterable[CellData]) -> str:
    """Return whom a comparison is on, and the terms in which that differs from its others."""
    own = _shown(cell)
    rivals = [_shown(each) for each in others if each.victim == cell.victim]
    told = [term for at, term in enumerate(own) if any(each[at] != term for each in rivals)]
    return f"On “{cell.victim}”" + (f" ({', '.join(told)})" if told else "")


def _shown(cell: CellData) -> tuple[str, ...]:
    return cell.data or "no data set", words(cell.levels), f"goal {cell.goal}", cell.budget


def rivals(cells: Iterable[CellData]) -> list[list[CellData]]:
    """Return the cells of each victim that differ in their attack and seed alone.

    A cell stands in a group for each of its budgets. Cells of several audits or runs are of one
    victim where its name, its scale and its scores of the clean pictures are the same.
    """
    groups: list[list[CellData]] = []
    for cell in cells:
        for read_off in cell.by_budget():
            group = next((each for each in groups if _alike(each[0], read_off)), None)
            if group is None:
                groups.append([read_off])
            else:
                group.append(read_off)
    return groups


def by_attack(cells: Iterable[CellData]) -> dict[str, list[CellData]]:
    """Return a group's cells by the name of their attack: its seeds."""
    named: dict[str, list[CellData]] = {}
    for cell in cells:
        named.setdefault(attack_name(cell), []).append(cell)
    return named


def attack_name(cell: CellData) -> str:
    """Return the name of a cell's attack, with a note where it sees more than scores."""
    return f"{cell.attack} (white box)" if cell.white_box else cell.attack


def _alike(one: CellData, other: CellData) -> bool:
    if _terms(one) != _terms(other):
        return False
    if one.path.resolve().parent == other.path.resolve().parent and one.unattacked:
        return one.seedless(one.unattacked) == other.seedless(other.unattacked)
    there = {each.sha256: each.figures.clean_score for each in other.finished}
    both = [
        (each.figures.clean_score, there[each.sha256])
        for each in one.finished
        if each.sha256 in there
    ]
    return bool(both) and all(abs(a - b) <= SAME * max(abs(a), abs(b)) for a, b in both)


def _terms(cell: CellData) -> tuple[object, ...]:
    return cell.victim, cell.scale, cell.data, cell.levels, cell.goal, cell.budget


def _comparison(group: Sequence[CellData], on: str) -> AttackComparison | None:
    attacks = {name: _gains(cells) for name, cells in by_attack(group).items()}
    attacks = {name: each for name, each in attacks.items() if each}
    if len(attacks) < 2:  # noqa: PLR2004 (a comparison needs two)
        return None
    order = sorted(attacks, key=lambda name: -float(np.mean(list(attacks[name].values()))))
    made = (_pair(one, other, attacks) for one, other in combinations(order, 2))
    pairs = tuple(each for each in made if each is not None)
    first = group[0]
    return AttackComparison(
        victim=first.victim,
        data=first.data,
        levels=first.levels,
        goal=first.goal,
        queries=first.queries,
        budget=first.budget,
        attacks=tuple(order),
        pairs=pairs,
        text=_sentence(on, order, pairs),
    )


def _gains(cells: Sequence[CellData]) -> dict[str, float]:
    """Return each picture's RGO, averaged over seeds; identical pictures have one trajectory."""
    snapshot = Snapshot.of(*cells)
    each: Floats = gains(*snapshot.qualities).mean(axis=0)
    names = (picture.sha256 for picture in snapshot.pictures[0])
    return dict(zip(names, each.tolist(), strict=True))


def _pair(one: str, other: str, attacks: dict[str, dict[str, float]]) -> AttackPair | None:
    shared = [name for name in attacks[one] if name in attacks[other]]
    if not shared:
        return None
    sides = [np.array([attacks[name][each] for each in shared]) for name in (one, other)]
    if sides[0].mean() < sides[1].mean():  # of the pictures that both have
        one, other, sides = other, one, sides[::-1]
    both = paired(mean, sides[:1], sides[1:])
    clear = both.sign > 0 and len(shared) >= ENOUGH
    return AttackPair(
        one, other, len(shared), both.attack, both.floor, both.difference, clear=clear
    )


def _sentence(on: str, order: Sequence[str], pairs: Sequence[AttackPair]) -> str:
    """Say which attack is the strongest, or that it cannot be told."""
    best = order[0]
    told = [each for each in pairs if best in (each.first, each.second)]
    if not told:
        return f"{on}, {listed(order)} have no picture in common: they cannot be compared."
    pictures = min(each.pictures for each in told)
    over = f"over {many(pictures, 'picture')}"
    if len(order) == 2:  # noqa: PLR2004 (one pair)
        return _of_two(on, over, told[0])
    beaten = [each.second for each in told if each.clear and each.first == best]
    open_ = [name for name in order[1:] if name not in beaten]
    text = f"{on}, {best} has the highest RGO of {len(order)} attacks, {over}"
    if pictures < ENOUGH:
        return f"{text}; too few to tell which is the strongest."
    if not open_:
        return f"{text}: it is stronger than {listed(beaten)}."
    if not beaten:
        return f"{text}; whether it is stronger than {listed(open_)} cannot be told."
    return (
        f"{text}: it is stronger than {listed(beaten)}; whether also than {listed(open_)} "
        "cannot be told."
    )


def _of_two(on: str, over: str, pair: AttackPair) -> str:
    rgos = f"RGO {_figure(pair.rgo.value)} against {_figure(pair.other_rgo.value)}"
    low, high = pair.difference.low, pair.difference.high
    ends = "" if low is None else f" (95 % interval {_figure(low)} to {_figure(high)})"
    apart = f"a difference of {_figure(pair.difference.value)}{ends}"
    if pair.clear:
        return f"{on}, {pair.first} is stronger than {pair.second}: {rgos} {over}, {apart}."
    why = ", too few pictures" if pair.pictures < ENOUGH else ""
    return (
        f"{on}, whether {pair.first} is stronger than {pair.second} cannot be told: {rgos} {over}, "
        f"{apart}{why}."
    )


def _figure(value: float | None) -> str:
    return number(value or 0.0, ".3f")
