"""The page's first figures: the most telling picture, the order of all, and advice upon them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iqaudit._analysis.tables.attack_pairs import attack_name
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._analysis.tables.tables import TableRow
from iqaudit.measures._arrays import Floats

PAPERS_BUDGET = 10_000
"""Queries a picture in Ran et al., arXiv 2402.17533."""


@dataclass(frozen=True)
class Place:
    """A picture in the order: what its clean and its attacked quality are held against, on 0-10."""

    name: str
    against: float
    before: float
    after: float


@dataclass(frozen=True)
class Order:
    """The order of a cell's pictures before and after the attack.

    Attributes
    ----------
    rated : bool
        Whether the order is held against people's; else against the victim's own before.
    places : tuple of Place
        The pictures, from the worst that they are held against.
    pairs : int
        Pairs of pictures that do not tie in what they are held against.
    before, after : int
        Those of them that the victim puts in the same order.
    text : str
        A sentence on them.
    """

    rated: bool
    places: tuple[Place, ...]
    pairs: int
    before: int
    after: int
    text: str


@dataclass(frozen=True)
class Advice:
    """A thing to do: its title, why, and the command that does it; empty where there is none."""

    title: str
    text: str
    command: str = ""


def most_telling(cell: CellData) -> PictureData | None:
    """Return the picture whose quality moved farthest; of equal ones that which shows it least."""
    return max(
        cell.finished,
        key=lambda each: (_move(each), -(each.figures.flip or 0)),
        default=None,
    )


def order(cell: CellData) -> Order | None:
    """Return the order of a cell's finished pictures; None where no two of them differ."""
    rated = [each for each in cell.finished if each.opinion is not None]
    people = len({each.opinion for each in rated}) > 1
    places = sorted(
        (
            Place(
                each.figures.name,
                each.figures.clean_quality if each.opinion is None or not people else each.opinion,
                each.figures.clean_quality,
                each.figures.attacked_quality,
            )
            for each in (rated if people else cell.finished)
        ),
        key=lambda each: (each.against, each.name),
    )
    against, before, after = (
        np.array([getattr(each, name) for each in places])
        for name in ("against", "before", "after")
    )
    pairs, *kept = (_agreeing(against, each) for each in (against, before, after))
    if not pairs:
        return None
    if people:
        text = (
            f"People rate {_pairs(pairs)} of pictures apart. “{cell.victim}” puts {kept[0]:,} of "
            f"them in people's order before the attack, and {kept[1]:,} after it."
        )
    else:
        text = (
            f"“{cell.victim}” scores {_pairs(pairs)} of pictures apart. Once attacked, "
            f"{kept[1]:,} of them keep their order, and {pairs - kept[1]:,} do not."
        )
    return Order(people, tuple(places), pairs, kept[0], kept[1], text)


def margin(cell: CellData) -> float:
    """Return how far a quarter of a cell's native scores went at the least; 0 where none did."""
    moves = sorted(
        (abs(each.figures.attacked_score - each.figures.clean_score) for each in cell.finished),
        reverse=True,
    )
    return moves[math.ceil(len(moves) / 4) - 1] if moves else 0.0


def advice(cell: CellData, row: TableRow, *, unclear: bool, compared: bool) -> tuple[Advice, ...]:
    """Return what to do about a victim.

    Parameters
    ----------
    cell, row : CellData, TableRow
        The cell of the attack that went farthest on it, and its figures.
    unclear : bool
        Whether random changes went as far.
    compared : bool
        Whether defences were compared already.
    """
    found, moved = [], margin(cell)
    rgo = row.values["rgo"].value
    if rgo is None:
        return ()
    if moved:
        ends = cell.scale.low, cell.scale.high
        within = f" on {ends[0]:g} to {ends[1]:g}" if np.isfinite(ends).all() else ""
        found.append(
            Advice(
                "Do not decide on small differences",
                f"A quarter of the pictures moved by {moved:.3g}{within} or more. A smaller "
                "difference between two scores can be turned round by one attacked picture.",
            )
        )
    if unclear or cell.queries < PAPERS_BUDGET:
        more = " The change found here is no clear sign either way." if unclear else ""
        found.append(
            Advice(
                "Take these figures for the least",
                f"They are of {cell.queries:,} queries a picture, by {attack_name(cell)}; the "
                f"paper spends {PAPERS_BUDGET:,}, and more queries find more.{more}",
                f"iqaudit attack … --queries {PAPERS_BUDGET}",
            )
        )
    if compared:
        text, command = "Those compared here are below, attacked by who knows of them.", ""
    else:
        text = "Some undo the attack and keep the order, some only hide it: attack each to know."
        command = "iqaudit defences … --defence jpeg:75 --defence median:3"
    found.append(Advice("Put a defence before the scorer", text, command))
    found.append(
        Advice(
            "Harden the network",
            "New weights for a torch network, trained on its own attacked pictures, and the same "
            "table before and after.",
            "iqaudit harden …",
        )
    )
    found.append(
        Advice(
            "Keep it so",
            "A gate in CI fails when a later version is easier to push than this one.",
            f'iqaudit audit … --fail-if "rgo > {rgo:.2f}"',
        )
    )
    return tuple(found)


def _move(picture: PictureData) -> float:
    return abs(picture.figures.attacked_quality - picture.figures.clean_quality)


def _agreeing(one: Floats, other: Floats) -> int:
    """Return how many pairs two sets put in the same order, a picture at a time."""
    return sum(
        int(
            (
                np.sign(one[index + 1 :] - each) * np.sign(other[index + 1 :] - other[index]) > 0
            ).sum()
        )
        for index, each in enumerate(one)
    )


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count:,} pairs"


def shown(places: Sequence[Place], most: int) -> tuple[Place, ...]:
    """Return so many places at the most, at even steps of their order."""
    if len(places) <= most:
        return tuple(places)
    chosen = np.unique(np.linspace(0, len(places) - 1, most).round().astype(int))
    return tuple(places[index] for index in chosen)
