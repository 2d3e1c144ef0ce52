"""Transfer: pictures made against one victim, scored by all; RUN/transfer.json.

Every clean picture, every attacked one and one random change of each is asked of every victim once.
Answers are kept in RUN/transfer.jsonl as they come: whatever stops the work, the same command goes
on, and the same bytes come out.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iqaudit._analysis.findings.baseline import random_picture
from iqaudit._analysis.findings.pairs import Pair, moved, pairs, recorded, room
from iqaudit._analysis.formatting import few, figure, too_few
from iqaudit._analysis.run_victims import is_own, own_label, owns, refuse_another
from iqaudit._analysis.score_cache import Answers, Progress, Scorer
from iqaudit._analysis.tables.samples import FEWEST_RANKED
from iqaudit._core.errors import InputError
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Picture, Pixels, picture_key
from iqaudit._core.threads import one_thread
from iqaudit._runs.records import RunRecord, ScaleRecord
from iqaudit._runs.schema import TRANSFER, read, runs
from iqaudit._runs.schema import TRANSFER_ANSWERS as ANSWERS
from iqaudit._runs.schema import load as load_run
from iqaudit._runs.store import write_record
from iqaudit._search.driver import check_sizes
from iqaudit.measures._bootstrap import (
    NOTHING,
    Beside,
    Estimate,
    beside,
    interval,
    mean,
    rank_correlation,
)

FORMAT = "iqaudit transfer, version 1"


@dataclass(frozen=True)
class Row:
    """Whose pictures are scored: a cell, the victim that it attacked, how, and how many."""

    cell: str
    victim: str
    attack: str
    pictures: int


@dataclass(frozen=True)
class Column:
    """Who scores: the label, the card's name, note and device, and the scale as in results.json."""

    victim: str
    name: str
    note: str
    device: str
    scale: ScaleRecord


@dataclass(frozen=True)
class Entry:
    """What one cell's pictures do to one victim.

    Attributes
    ----------
    own : bool
        Whether they were made against it: the matrix's diagonal.
    rgo : Beside
        The mean of how far the victim's own quality went the way that the picture was pushed, of
        how far it could go at all: below 0 where scores went the other way. The floor is one random
        change of each picture of the same size, counted likewise.
    size : Beside
        The same whichever way each score went: the RGO as the paper has it.
    srocc_before, srocc : Estimate
        Rank correlation with the opinion scores, before and after; none where there are none.
    """

    own: bool
    rgo: Beside
    size: Beside
    srocc_before: Estimate
    srocc: Estimate
    text: str


@dataclass(frozen=True)
class PictureTransfer:
    """A picture of a cell: which way it was pushed, and each victim's qualities on 0-10.

    `qualities` has clean, attacked and changed at random for each victim, in the columns' order.
    """

    cell: str
    name: str
    direction: str
    opinion: float | None
    qualities: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Transfer:
    """Matrices with a row a cell and a column a victim, and what they say."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    entries: tuple[tuple[Entry, ...], ...]
    pictures: tuple[PictureTransfer, ...]
    text: str


@dataclass(frozen=True)
class _Cell:
    path: Path
    record: RunRecord
    label: str
    pairs: tuple[Pair, ...]


MOST = 3
"""Scores that a victim is asked for a picture at the most: clean, attacked, changed at random."""


def to_ask(run: str | os.PathLike[str], scorers: Sequence[Scorer]) -> dict[str, int]:
    """Return how many scores `transfer` will ask each victim for."""
    cells = _cells(run)
    keys = {
        picture_key(picture)
        for cell in cells
        for pair in cell.pairs
        for picture in _three(cell, pair)
    }
    with Answers(Path(run) / ANSWERS) as answers:
        counts = {}
        for scorer in scorers:
            first = picture_key(_acquaint(answers, scorer, cells))
            again = answers.knows(scorer.label, first)  # the check's
            unknown = sum(not answers.knows(scorer.label, key) for key in keys)
            counts[scorer.label] = unknown + again
    return counts


def transfer(
    run: str | os.PathLike[str],
    scorers: Sequence[Scorer] | None = None,
    progress: Progress | None = None,
) -> Transfer:
    """Score every cell's pictures with every victim, and write transfer.json.

    Parameters
    ----------
    run : path
        An audit's directory, or a single run's.
    scorers : sequence of Scorer, optional
        Who scores; the cells' own victims unless given.
    progress : callable, optional
        Called after every score asked.

    Raises
    ------
    InputError
        If there is no run with a finished picture, a victim cannot be made or takes no picture of
        this size, or it answers otherwise than before.
    VictimError
        If a victim fails; the answers so far are kept.
    """
    path, cells = Path(run), _cells(run)
    scorers = owns([cell.path for cell in cells]) if scorers is None else scorers
    _check(cells, scorers)
    # With one thread, as in an audit: a score's last bits hang on their number.
    with one_thread(), Answers(path / ANSWERS, progress) as answers:
        for scorer in scorers:
            answers.check(scorer, _acquaint(answers, scorer, cells))
        found = [_picture(cell, pair, scorers, answers) for cell in cells for pair in cell.pairs]
    entries = tuple(
        tuple(
            _entry(
                [each for each in found if each.cell == cell.path.name],
                index,
                own=is_own(cell.path, scorer),
            )
            for index, scorer in enumerate(scorers)
        )
        for cell in cells
    )
    rows = tuple(
        Row(cell.path.name, cell.label, cell.record.attack.name, len(cell.pairs)) for cell in cells
    )
    columns = tuple(_column(scorer) for scorer in scorers)
    whole = Transfer(rows, columns, entries, tuple(found), _on_transfer(rows, columns, entries))
    write_record(path / TRANSFER, FORMAT, whole)
    return whole


def load(run: str | os.PathLike[str]) -> Transfer | None:
    """Return a directory's transfer.json; None where there is none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    return read(Path(run) / TRANSFER, FORMAT, Transfer)


def _cells(run: str | os.PathLike[str]) -> tuple[_Cell, ...]:
    """Return the finished cells that have a finished picture."""
    cells = []
    for path in map(Path.resolve, runs(run)):
        record = load_run(path)
        if chosen := pairs(path, record):
            cells.append(_Cell(path, record, own_label(path), chosen))
    if not cells:
        raise InputError(f"{run}: no picture's search came to its end, so there is none to score.")
    return tuple(cells)


def _check(cells: Sequence[_Cell], scorers: Sequence[Scorer]) -> None:
    """Refuse victims before the first is asked."""
    labels = [scorer.label for scorer in scorers]
    if len(set(labels)) < len(labels):
        raise InputError(f"A victim is named twice: {', '.join(labels)}.")
    for scorer in scorers:
        for cell in cells:
            if is_own(cell.path, scorer):
                refuse_another(cell.path, scorer.victim)
            for pair in cell.pairs:
                check_sizes(scorer.victim, [Picture(pair.name, pair.clean())])


def _acquaint(answers: Answers, scorer: Scorer, cells: Sequence[_Cell]) -> Pixels:
    """Take in what runs recorded of a victim, and return a picture to compare it by."""
    own = [cell for cell in cells if is_own(cell.path, scorer)]
    for cell in own:
        answers.know(scorer.label, recorded(cell.path, cell.record))
    return (own or cells)[0].pairs[0].clean()


def _three(cell: _Cell, pair: Pair) -> tuple[Pixels, Pixels, Pixels]:
    """Return a picture clean, attacked and changed at random."""
    clean = pair.clean()
    return clean, pair.attacked(), random_picture(clean, cell.record.levels)


def _picture(
    cell: _Cell, pair: Pair, scorers: Sequence[Scorer], answers: Answers
) -> PictureTransfer:
    three = _three(cell, pair)
    qualities = []
    for scorer in scorers:
        before, after, chance = (scorer.quality(answers.of(scorer, each)) for each in three)
        qualities.append((before, after, chance))
    return PictureTransfer(
        cell.path.name, pair.name, pair.direction.value, pair.entry.opinion, tuple(qualities)
    )


def _entry(found: Sequence[PictureTransfer], index: int, *, own: bool) -> Entry:
    qualities = [each.qualities[index] for each in found]
    pushed, chance = np.array(
        [
            [moved(Direction(each.direction), before, after) / room(before) for after in others]
            for each, (before, *others) in zip(found, qualities, strict=True)
        ]
    ).T
    rgo = beside(mean, [pushed], [chance])
    size = beside(mean, [np.abs(pushed)], [np.abs(chance)])
    judged = [
        (each.opinion, before, after)
        for each, (before, after, _) in zip(found, qualities, strict=True)
        if each.opinion is not None
    ]
    before, after = NOTHING, NOTHING
    if len(judged) >= FEWEST_RANKED:
        opinions, *scores = np.array(judged).T
        before, after = (interval(rank_correlation, opinions, each) for each in scores)
    text = _on_entry(rgo, len(found), own=own)
    return Entry(own, rgo, size, before, after, text)


def _on_entry(rgo: Beside, count: int, *, own: bool) -> str:
    said = f"RGO {figure(rgo.attack, '+.3f')}, random changes {figure(rgo.floor, '+.3f')}"
    if few(count):
        return f"{said}; {too_few(count)} to say more."
    if not rgo.sign:
        return f"{said}: no clear difference from random changes."
    how = "farther" if rgo.sign > 0 else "less far, or the other way,"
    whose = "its own pictures" if own else "another's pictures"
    return f"{said}: {whose} move it {how} than random changes do."


def _on_transfer(
    rows: Sequence[Row], columns: Sequence[Column], entries: Sequence[Sequence[Entry]]
) -> str:
    others = [
        (row, column, entry)
        for row, line in zip(rows, entries, strict=True)
        for column, entry in zip(columns, line, strict=True)
        if not entry.own
    ]
    if not others:
        return "Each picture is scored by the victim that it was made against, and by no other."
    told = [(row, column, entry) for row, column, entry in others if not few(row.pictures)]
    if not told:
        return "Too few pictures to say whether they move other victims than their own."
    told.sort(key=lambda each: -(each[2].rgo.attack.value or 0))
    clear = [(row, column, entry) for row, column, entry in told if entry.rgo.sign > 0]
    said = "; ".join(
        f"{row.cell} moves {column.victim} by {figure(entry.rgo.attack, '+.3f')}, random changes "
        f"by {figure(entry.rgo.floor, '+.3f')}"
        for row, column, entry in clear or told[:1]
    )
    if not clear:
        return (
            "Pictures made against one victim move another clearly farther than random changes do "
            f"in none of {len(told)} cases. Farthest: {said}."
        )
    return (
        "Pictures made against one victim move another farther than random changes do in "
        f"{len(clear)} of {len(told)} cases: {said}."
    )


def _column(scorer: Scorer) -> Column:
    card = scorer.victim.card
    return Column(scorer.label, card.name, card.note, card.device, ScaleRecord.of(card.scale))
