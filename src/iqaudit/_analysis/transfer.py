"""Transfer: pictures made against one victim, scored by all; RUN/transfer.json.

Every clean picture, every attacked one and one random change of each is asked of every victim once.
Answers are kept in RUN/transfer.jsonl as they come: however often the work is stopped, the same
command goes on, and the same bytes come out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.pairs import Pair, moved, pairs, recorded, room, three
from iqaudit._analysis.scorers import (
    Progress,
    ScoreCache,
    Scorer,
    is_own,
    own_label,
    refuse_another,
)
from iqaudit._analysis.tables.samples import FEWEST_RANKED
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.goal import Direction
from iqaudit._core.picture import Picture, Pixels, picture_key
from iqaudit._core.threads import one_thread
from iqaudit._runs import schema
from iqaudit._runs.figures import IF_ANY
from iqaudit._runs.records import RunRecord, ScaleRecord
from iqaudit._runs.store import write_record
from iqaudit._search.driver import check_sizes
from iqaudit._search.trial import Unscored, on_unscored, refuse_nothing
from iqaudit.measures._bootstrap import (
    NOTHING,
    Estimate,
    Paired,
    interval,
    mean,
    paired,
    rank_correlation,
)
from iqaudit.victims._fingerprint import refuse_if_down

FORMAT = "iqaudit transfer, version 1"


@dataclass(frozen=True)
class Row:
    """A cell whose pictures are scored: the victim that it attacked, how, and how many pictures."""

    cell: str
    victim: str
    attack: str
    pictures: int


@dataclass(frozen=True)
class Column:
    """A victim that scores: its label, its card's name, note and device, its scale as recorded."""

    victim: str
    name: str
    note: str
    device: str
    scale: ScaleRecord


def titles(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the victims' names for people; of those that share one, their labels."""
    names = [column.name for column in columns]
    return tuple(
        column.name if names.count(column.name) == 1 else column.victim for column in columns
    )


@dataclass(frozen=True)
class Entry:
    """The effect of one cell's pictures on one victim.

    Attributes
    ----------
    own : bool
        Whether they were made against it: the matrix's diagonal.
    rgo : Paired
        The mean of how far the victim's own quality went the way that the picture was pushed, of
        how far it could go at all: below 0 where scores went the other way. The baseline is one
        random change of each picture of the same size, counted likewise.
    size : Paired
        The same whichever way each score went: the RGO as the paper has it.
    srocc_before, srocc : Estimate
        Rank correlation with the opinion scores, before and after; none where there are none.
    """

    own: bool
    rgo: Paired
    size: Paired
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
    """Matrices of a cell's pictures scored by each victim.

    Parameters
    ----------
    rows : tuple of Row
        The cells.
    columns : tuple of Column
        The victims.
    entries : tuple of tuple of Entry
        A row a cell, with an entry a victim.
    pictures : tuple of PictureTransfer
        The scores that they are made of.
    text : str
        A sentence on them.
    unscored : tuple of Unscored
        Pictures that a victim could not score, their names behind their cells'; they are in no
        figure.
    """

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    entries: tuple[tuple[Entry, ...], ...]
    pictures: tuple[PictureTransfer, ...]
    text: str
    unscored: tuple[Unscored, ...] = field(default=(), metadata=IF_ANY)


@dataclass(frozen=True)
class Cell:
    """A finished cell: its directory, its results.json, and the pictures whose searches ended."""

    path: Path
    record: RunRecord
    pairs: tuple[Pair, ...]


MOST = 3
"""Scores that a victim is asked for a picture at the most: clean, attacked, changed at random."""


def to_ask(run: Path, scorers: Sequence[Scorer]) -> dict[str, int]:
    """Return how many scores `transfer` will ask each victim for, by its label."""
    cells = finished(run)
    keys = {
        picture_key(picture)
        for cell in cells
        for pair in cell.pairs
        for picture in three(pair, cell.record.levels)
    }
    with ScoreCache(run / schema.TRANSFER_ANSWERS) as cache:
        counts = {}
        for scorer in scorers:
            first = picture_key(acquaint(cache, scorer, cells))
            again = cache.knows(scorer.label, first)  # the check's
            unknown = sum(not cache.knows(scorer.label, key) for key in keys)
            counts[scorer.label] = unknown + again
    return counts


def transfer(run: Path, scorers: Sequence[Scorer], progress: Progress | None = None) -> Transfer:
    """Score every cell's pictures with every victim, and write transfer.json.

    Parameters
    ----------
    run : path
        An audit's directory, or a single run's.
    scorers : sequence of Scorer
        The victims that score.
    progress : callable, optional
        Called after every score asked.

    Raises
    ------
    InputError
        If there is no run with a finished picture, or a victim takes no picture of this size or
        answers otherwise than before.
    VictimError
        If a victim fails; the answers so far are kept.
    """
    cells = finished(run)
    refuse_unfit(cells, scorers)
    # With one thread, as in an audit: a score's last bits hang on their number.
    with one_thread(), ScoreCache(run / schema.TRANSFER_ANSWERS, progress) as cache:
        for scorer in scorers:
            cache.check(scorer, acquaint(cache, scorer, cells))
        unscored: list[Unscored] = []
        asked = [_cell(each, scorers, cache, unscored) for each in cells]
    rows = tuple(
        Row(each.path.name, own_label(each.path), each.record.attack.name, len(pictures))
        for each, pictures in zip(cells, asked, strict=True)
    )
    entries = tuple(
        tuple(
            _entry(pictures, index, own=is_own(cell.path, scorer))
            for index, scorer in enumerate(scorers)
        )
        for cell, pictures in zip(cells, asked, strict=True)
    )
    columns, pictures = tuple(map(_column, scorers)), tuple(chain.from_iterable(asked))
    others = [
        (row.cell, row.pictures, name, entry.rgo)
        for row, line in zip(rows, entries, strict=True)
        for name, entry in zip(titles(columns), line, strict=True)
        if not entry.own
    ]
    text = sentences.on_transfer(others)
    if unscored:
        text += f" {on_unscored(unscored, len(unscored) + len(pictures))}"
    whole = Transfer(rows, columns, entries, pictures, text, tuple(unscored))
    write_record(run / schema.TRANSFER, FORMAT, whole)
    return whole


def load(run: Path) -> Transfer | None:
    """Return a directory's transfer.json; None where there is none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    return schema.read(run / schema.TRANSFER, FORMAT, Transfer)


def finished(run: Path) -> tuple[Cell, ...]:
    """Return the finished cells that have a finished picture."""
    cells = []
    for path in map(Path.resolve, schema.runs(run)):
        record = schema.load(path)
        if chosen := pairs(path, record):
            cells.append(Cell(path, record, chosen))
    if not cells:
        raise InputError(f"{run}: no picture's search came to its end, so there is none to score.")
    return tuple(cells)


def refuse_unfit(cells: Sequence[Cell], scorers: Sequence[Scorer]) -> None:
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


def acquaint(cache: ScoreCache, scorer: Scorer, cells: Sequence[Cell]) -> Pixels:
    """Take in the recorded scores of a victim, and return a picture to compare it by."""
    attacked = [cell for cell in cells if is_own(cell.path, scorer)]
    for cell in attacked:
        cache.know(scorer.label, recorded(cell.path, cell.record))
    return (attacked or cells)[0].pairs[0].clean()


def _cell(
    cell: Cell, scorers: Sequence[Scorer], cache: ScoreCache, unscored: list[Unscored]
) -> list[PictureTransfer]:
    """Ask every victim about a cell's pictures; one that a victim cannot score is left out."""
    answers = [_asked(cell, pair, scorers, cache) for pair in cell.pairs]
    faults = [each for each in answers if isinstance(each, Unscored)]
    refuse_nothing(faults, len(answers))
    unscored += faults
    return [each for each in answers if isinstance(each, PictureTransfer)]


def _asked(
    cell: Cell, pair: Pair, scorers: Sequence[Scorer], cache: ScoreCache
) -> PictureTransfer | Unscored:
    """Ask every victim about a picture, as far as its scores are not known."""
    pictures = three(pair, cell.record.levels)
    qualities = []
    for scorer in scorers:
        try:
            before, after, chance = cache.qualities(scorer, pictures)
        except VictimError as error:
            refuse_if_down(scorer.victim, error)
            return Unscored(f"{cell.path.name}/{pair.name}", str(error))
        qualities.append((before, after, chance))
    return PictureTransfer(
        cell.path.name, pair.name, pair.direction.value, pair.entry.opinion, tuple(qualities)
    )


def _column(scorer: Scorer) -> Column:
    card = scorer.victim.card
    return Column(scorer.label, card.name, card.note, card.device, ScaleRecord.of(card.scale))


def _entry(pictures: Sequence[PictureTransfer], index: int, *, own: bool) -> Entry:
    """Compute one square of the matrices: the pictures of a cell, the victim by its index."""
    clean, *others = np.array([each.qualities[index] for each in pictures]).T
    rooms = [room(each) for each in clean]
    directions = [Direction(each.direction) for each in pictures]
    pushed, chance = (
        np.array([moved(*each) for each in zip(directions, clean, after, strict=True)]) / rooms
        for after in others
    )
    rgo = paired(mean, [pushed], [chance])
    opinions = np.array([each.opinion for each in pictures], np.float64)
    rated = ~np.isnan(opinions)  # where there is one
    before, after = (
        interval(rank_correlation, opinions[rated], each[rated])
        if rated.sum() >= FEWEST_RANKED
        else NOTHING
        for each in (clean, others[0])
    )
    return Entry(
        own=own,
        rgo=rgo,
        size=paired(mean, [np.abs(pushed)], [np.abs(chance)]),
        srocc_before=before,
        srocc=after,
        text=sentences.on_entry(rgo, len(pictures), own=own),
    )
