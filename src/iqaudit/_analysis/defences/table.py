"""The table of defences of an audit; RUN/defences.json.

The pictures made against an undefended victim are asked of the defended one, and what certificates
need of the undefended. Answers are kept in RUN/transfer.jsonl, as those of a transfer: each is
asked once, and however often the work is stopped, the same bytes come out.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iqaudit._analysis import transfer
from iqaudit._analysis.defences import certificates, slopes
from iqaudit._analysis.defences.certificates import Request
from iqaudit._analysis.defences.figures import Beyond, Cells, Scores, figures
from iqaudit._analysis.defences.matches import matches
from iqaudit._analysis.defences.records import DefenceRow, DefenceTable
from iqaudit._analysis.defences.verdicts import verdict
from iqaudit._analysis.findings.pairs import Pair
from iqaudit._analysis.scorers import Progress, ScoreCache, Scorer, own_label
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.threads import one_thread
from iqaudit._runs import schema
from iqaudit._runs.figures import likeness
from iqaudit._runs.store import write_record
from iqaudit._search.trial import Unscored, refuse_nothing
from iqaudit.defences import Standard
from iqaudit.defences._base import question
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._defended import defences_of, numbers
from iqaudit.victims._fingerprint import refuse_if_down
from iqaudit.victims._scoring import finite

FORMAT = "iqaudit defences, version 1"

TIMED = 3
"""Scores whose time is measured."""


@dataclass(frozen=True, eq=False)
class Compared:
    """A row to be: its cells, its two victims, and the finished pictures of the undefended one."""

    victim: str
    defence: str
    cells: Cells
    plain: Scorer
    own: Scorer
    finished: transfer.Cell

    @property
    def defences(self) -> tuple[Standard, ...]:
        """The defences, in order."""
        return defences_of(self.own.victim)

    @property
    def pairs(self) -> list[Pair]:
        """The pictures whose searches came to their end with the defence and without."""
        ended = {each.figures.name for each in self.cells.own.finished}
        return [pair for pair in self.finished.pairs if pair.name in ended]

    def requests(self, pair: Pair) -> tuple[Request, tuple[Request, ...], tuple[Request, ...]]:
        """Return what is to be asked: yesterday's picture, for the certificate, and slopes."""
        clean = pair.clean()
        needed = certificates.requests(self.defences, self.plain, clean)
        return (
            Request.of(self.own, pair.attacked()),
            needed,
            slopes.requests(self.plain, self.own, clean),
        )


def compared(run: Path, scorers: Sequence[Scorer]) -> tuple[Compared, ...]:
    """Return the rows of an audit's finished cells.

    Parameters
    ----------
    run : Path
        The audit's directory.
    scorers : sequence of Scorer
        Its victims.

    Raises
    ------
    InputError
        If it is no audit of victims with a defence and without, or no picture is finished.
    """
    named = {scorer.label: scorer for scorer in scorers}
    ended = {cell.path.name: cell for cell in transfer.finished(run)}
    rows = [
        Compared(
            cells.plain.victim,
            defence,
            cells,
            named[own_label(cells.plain.path.resolve())],
            named[own_label(cells.own.path.resolve())],
            ended[cells.plain.cell],
        )
        for defence, cells in matches(run)
        if {cells.plain.cell, cells.own.cell} <= ended.keys()
    ]
    if not any(row.pairs for row in rows):
        raise InputError(f"{run}: no picture is finished both with a defence and without.")
    return tuple(row for row in rows if row.pairs)


def to_ask(run: Path, rows: Sequence[Compared]) -> list[tuple[Scorer, int]]:
    """Return how many scores `compare` will ask each victim for."""
    with ScoreCache(run / schema.TRANSFER_ANSWERS) as cache:
        checked = list(_acquainted(run, rows, cache))
        labels = {scorer.label: (scorer, 0) for scorer, _ in checked}
        for scorer, pixels in checked:
            labels[scorer.label] = scorer, int(Request.of(scorer, pixels).known(cache))
        needed = {
            (each.scorer.label, each.key): each
            for row in rows
            for pair in row.pairs
            for one, several, steep in [row.requests(pair)]
            for each in (one, *several, *steep)
            if not each.known(cache)
        }
    for each in needed.values():
        scorer, count = labels.get(each.scorer.label, (each.scorer, 0))
        labels[scorer.label] = scorer, count + 1
    return list(labels.values())


def compare(run: Path, rows: Sequence[Compared], progress: Progress | None = None) -> DefenceTable:
    """Ask what is not known yet, and write defences.json; see `compared` for the rows.

    Raises
    ------
    InputError
        If a victim answers otherwise than before.
    VictimError
        If a victim fails; the answers so far are kept.
    """
    unscored: list[Unscored] = []
    # With one thread, as in an audit: a score's last bits hang on their number.
    with one_thread(), ScoreCache(run / schema.TRANSFER_ANSWERS, progress) as cache:
        for scorer, pixels in list(_acquainted(run, rows, cache)):
            cache.check(scorer, pixels)
        table = DefenceTable(
            tuple(_row(row, cache, unscored) for row in rows),
            tuple(dict.fromkeys(unscored)),
        )
    write_record(run / schema.DEFENCES, FORMAT, table)
    return table


def timed(table: DefenceTable, rows: Sequence[Compared]) -> DefenceTable:
    """Return the table with the seconds that a score takes now; a service is not asked."""
    seconds: dict[str, float | None] = {}
    for row in rows:
        if row.own.label not in seconds:
            seconds[row.own.label] = _seconds(row.own, row.pairs[0].clean())
    pairs = zip(table.rows, rows, strict=True)
    return replace(
        table, rows=tuple(replace(each, seconds=seconds[row.own.label]) for each, row in pairs)
    )


def load(run: Path) -> DefenceTable | None:
    """Return a directory's defences.json; None where there is none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    return schema.read(run / schema.DEFENCES, FORMAT, DefenceTable)


def _acquainted(
    run: Path, rows: Sequence[Compared], cache: ScoreCache
) -> Iterator[tuple[Scorer, Pixels]]:
    """Take in the recorded scores of each victim, and yield it with a picture to compare it by."""
    cells = transfer.finished(run)
    scorers = {each.label: each for row in rows for each in (row.plain, row.own)}
    for scorer in scorers.values():
        yield scorer, transfer.acquaint(cache, scorer, cells)


def _row(row: Compared, cache: ScoreCache, unscored: list[Unscored]) -> DefenceRow:
    found: dict[str, Beyond] = {}
    faults, passes = [], 1
    for pair in row.pairs:
        try:
            passes, found[pair.name] = _beyond(row, pair, cache)
        except VictimError as error:
            refuse_if_down(row.own.victim, error)
            faults.append(Unscored(f"{row.cells.own.cell}/{pair.name}", str(error)))
    refuse_nothing(faults, len(row.pairs))
    unscored += faults
    scores, own = Scores(row.cells, found), row.cells.own
    values = figures(row.cells, scores, found, passes, row.own.victim.card.noise)
    word, text = verdict(row.cells, tuple(found), scores, values)
    pictures = [each.figures for each in own.finished if each.figures.name in found]
    ends = [each.bounds for each in found.values()]
    certificate = None
    if certificates.requests(row.defences, row.plain, row.pairs[0].clean()):
        certificate = certificates.certificate(row.defences, ends, pictures, own.levels)
    return DefenceRow(
        victim=row.victim,
        defence=row.defence,
        attack=own.attack,
        cell=own.cell,
        undefended=row.cells.plain.cell,
        levels=own.levels,
        goal=own.goal,
        seed=own.seed,
        queries=own.queries,
        pictures=len(found),
        rated=sum(each.entry.opinion is not None for each in row.pairs if each.name in found),
        certificate=certificate,
        verdict=word,
        text=text,
        **values,
    )


def _beyond(row: Compared, pair: Pair, cache: ScoreCache) -> tuple[int, Beyond]:
    """Return the pictures that a question is of, and what is found of one beyond its searches."""
    yesterday, needed, steep = row.requests(pair)
    clean = pair.clean()
    made = question(row.defences, clean, numbers(pixels_sha256(clean), 1)).pictures
    seen = None
    if row.defences and made.shape == clean[None].shape:
        [seen] = likeness(clean, {0: made[0]})
    unaware, bounds = yesterday.quality(cache), None
    try:
        bounds = certificates.bounds(row.defences, needed, cache) if needed else None
    except VictimError as error:  # a picture without a certificate
        refuse_if_down(row.plain.victim, error)
    slope = None
    try:
        slope = tuple(each.native(cache) for each in steep) if steep else None
    except VictimError as error:  # without a gradient there
        refuse_if_down(row.plain.victim, error)
    looks = (None, None) if seen is None else (seen.ssim, seen.flip)
    return len(made), Beyond(unaware, *looks, bounds, slope)


def _seconds(scorer: Scorer, clean: Pixels) -> float | None:
    """Return a score's seconds; of the negative, since what draws counts a picture's questions."""
    if scorer.victim.card.device == ELSEWHERE:
        return None
    begun = time.perf_counter()
    try:
        for _ in range(TIMED):
            finite(scorer.victim, 255 - clean)
    except VictimError:
        return None
    return (time.perf_counter() - begun) / TIMED
