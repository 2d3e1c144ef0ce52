"""A cell's directory on its way to being a run.

clean, attacked, scores   as a run's (`iqaudit._runs.schema`)
answers/NAME.jsonl        the answers on a picture that is begun
answers/NAME.json         the record of one whose search was stopped, or ended with a failure of
                          the victim, with the best until then
entries/NAME.json         the record in results.json of one that is finished: with it, it is
results.json              when all are; then answers and entries are gone
answers/ROOM              room on the disk for what a stop writes, were it for a full disk
answers/STOPPED           a sign that results.json is of a cell that was stopped, or has pictures
                          that could not be scored, and goes on

Every step can be taken again after a stop at any moment, and comes to the same bytes.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from iqaudit._audit.spec import Cell
from iqaudit._core.errors import InputError, naming, printable
from iqaudit._runs.checksums import file_sha256
from iqaudit._runs.figures import summarise
from iqaudit._runs.journal import ANSWERS as JOURNAL
from iqaudit._runs.journal import Journal, on_damage
from iqaudit._runs.journal import read as read_journal
from iqaudit._runs.records import (
    OMITTED,
    AttackRecord,
    CardRecord,
    PictureRecord,
    RunRecord,
    VictimRecord,
)
from iqaudit._runs.schema import (
    ANSWERS,
    DEFENCES,
    ENTRIES,
    FILES,
    FORMAT,
    INSIGHTS,
    REPORT,
    RESULTS,
    TRANSFER,
    file_names,
    load,
    load_answers,
    read,
    refuse_links,
)
from iqaudit._runs.store import versions, write_record, write_result, write_whole
from iqaudit._search.ledger import Answer
from iqaudit._search.trial import TrialResult, Unscored
from iqaudit.victims._base import Card

STOPPED = "STOPPED"
"""The name of the sign; no picture's file among the answers has it."""

ROOM = "ROOM"
"""The name of the file that takes room, likewise."""

MOST_ROOM = 1 << 22
"""Bytes that are taken at the most."""


@dataclass(frozen=True)
class Entry:
    """A picture's record, and the note of the card that its victim had then."""

    note: str
    entry: PictureRecord


def journal(folder: Path, name: str) -> Path:
    """Return the file of a picture's answers."""
    return folder / ANSWERS / f"{name}.jsonl"


def prepare(folder: Path) -> None:
    """Make a cell's directory, as far as it is not there; remove what a stop left to be read."""
    refuse_links(folder)
    for name in (*FILES, ANSWERS, ENTRIES):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in (RESULTS, REPORT, INSIGHTS, TRANSFER, DEFENCES, f"{ANSWERS}/{STOPPED}"):
        (folder / name).unlink(missing_ok=True)


def withdraw(root: Path, folders: Iterable[str]) -> None:
    """Remove the analyses and the page of an audit's cells that were made while one goes on.

    They are of fewer pictures. The scores that were asked for them stay.
    """
    for folder in (root, *(root / name for name in folders)):
        for name in (REPORT, INSIGHTS, TRANSFER, DEFENCES):
            (folder / name).unlink(missing_ok=True)


def reopen(folder: Path) -> None:
    """Have a finished cell go on: its entries are made of its results again.

    With more pictures, or those of which a file is no longer whole.
    """
    record = done(folder)
    if record is None:
        return
    (folder / ENTRIES).mkdir(exist_ok=True)
    for picture in record.pictures:
        write_record(_entry(folder, picture.name), None, Entry(record.victim.note, picture))
    prepare(folder)  # with its entries there, its results may go


def prolong(folder: Path) -> None:
    """Have finished pictures' searches go on to a larger budget: their answers are kept again.

    Those whose answers are damaged stay as they are: they are searched again.
    """
    reopen(folder)
    for name in sorted(_entries(folder)):
        found = answers(folder, name)
        if not found:
            continue
        with Journal(journal(folder, name)) as kept:
            kept.keep(found[len(kept.answers) :])
        _entry(folder, name).unlink()  # only now: a start that is killed before does this again


def answers(folder: Path, name: str) -> tuple[Answer, ...]:
    """Return the answers that a picture's file of scores has; none where it is not as recorded.

    The record of a picture that is finished, or was stopped, has the file's checksum: without, a
    score that was damaged would be taken for an answer. Where the record itself is damaged, or
    lost with all results, the file is taken as it is.
    """
    recorded = _whole(_entry(folder, name)) or _whole(_kept(folder, name))
    sha256 = "" if recorded is None else recorded.entry.scores_file_sha256
    with suppress(InputError):
        return tuple(Answer(*row) for row in load_answers(folder, name, sha256).tolist())
    return ()


def reserve(folder: Path, pictures: int, queries: int) -> None:
    """Take room for what `keep` and `stop` write of so many pictures, where there is that much."""
    room = folder / ANSWERS / ROOM
    each = 4096 + 24 * queries  # a record with its steps, and the scores' file of one under way
    try:
        room.write_bytes(bytes(min(MOST_ROOM, each * (1 + pictures))))
    except OSError:
        room.unlink(missing_ok=True)


def done(folder: Path) -> RunRecord | None:
    """Return a cell's results, where all its pictures are finished; None where they are damaged.

    Raises
    ------
    InputError
        If a link in the cell leads out of it; asked first, this holds for what is read next.
    """
    refuse_links(folder)
    with suppress(InputError):
        return load(folder) if _is_ended(folder) else None
    return None


def is_done(folder: Path) -> bool:
    """Whether `done` returns a cell's results."""
    return done(folder) is not None


def _is_ended(folder: Path) -> bool:
    """Whether results of all pictures of a cell were written."""
    return (folder / RESULTS).exists() and not (folder / ANSWERS / STOPPED).exists()


def is_finished(folder: Path, name: str) -> bool:
    """Whether a picture of a cell is finished: its entry is there, and it and its files whole."""
    try:
        found = read(_entry(folder, name), None, Entry)
    except InputError:
        return False
    return found is not None and _is_whole(folder, found.entry)


def broken(folder: Path, record: RunRecord) -> list[str]:
    """Return the names of the pictures of a cell's results of which a file is damaged or lost."""
    return [picture.name for picture in record.pictures if not _is_whole(folder, picture)]


def _is_whole(folder: Path, picture: PictureRecord) -> bool:
    """Whether a picture's files are as its record says."""
    clean, attacked, scores = (folder / file for file in file_names(picture.name).values())
    try:
        return (
            file_sha256(attacked) == picture.attacked_file_sha256
            and picture.clean_file_sha256 in ("", file_sha256(clean))
            and picture.scores_file_sha256 in ("", file_sha256(scores))
        )
    except (InputError, OSError):
        return False


def finished(folder: Path) -> set[str]:
    """Return the names of a cell's finished pictures, as long as the cell is not done."""
    return {name for name in _entries(folder) if is_finished(folder, name)}


def damage(folder: Path, missing: Iterable[str]) -> Iterator[str]:
    """Yield a sentence on what is damaged of a cell: results, pictures that are not finished."""
    if _is_ended(folder) and not is_done(folder):
        results = printable(folder / RESULTS)
        yield f"{results}: damaged: it is made again of the scores that are kept."
    for name in missing:
        if _entry(folder, name).exists():
            yield on_broken(folder, name)
        damaged = read_journal(journal(folder, name), JOURNAL).damaged
        if damaged:
            yield on_damage(journal(folder, name), damaged)


def on_broken(folder: Path, name: str) -> str:
    """Return the sentence on a picture of which the record or a file is not whole."""
    return (
        f"{printable(folder)}: the record or a file of {printable(name)} is damaged or gone: it is "
        "searched again from the answers that are kept."
    )


def lost(folder: Path, name: str, journal: Journal[Answer]) -> tuple[bool, tuple[Answer, ...]]:
    """Tell whether answers on a picture are lost, and return those that its file of scores has.

    They are where lines of its journal are damaged; and where its entry, or all of the cell's
    results, are: the journal is gone by then.
    """
    damaged = bool(journal.damaged) or _entry(folder, name).exists()
    if journal.answers and not damaged:
        return False, ()
    found = answers(folder, name)
    return damaged or bool(found), found


def _entries(folder: Path) -> set[str]:
    try:
        return {file.stem for file in (folder / ENTRIES).iterdir() if file.suffix == ".json"}
    except FileNotFoundError:
        return set()


def commit(folder: Path, result: TrialResult, card: Card, labels: Mapping[str, Any]) -> None:
    """Write a finished picture's files and, at one stroke, its entry."""
    picture = write_result(folder, result, card, labels)
    write_record(_entry(folder, result.picture.name), None, Entry(card.note, picture))


def keep(folder: Path, result: TrialResult, card: Card, labels: Mapping[str, Any]) -> None:
    """Write the files of a picture whose search is stopped, and then its record."""
    (folder / ANSWERS / ROOM).unlink(missing_ok=True)
    kept = _kept(folder, result.picture.name)
    kept.unlink(missing_ok=True)
    write_record(kept, None, Entry(card.note, write_result(folder, result, card, labels)))


def packed(
    write: Callable[[Path, TrialResult, Card, Mapping[str, Any]], None],
    result: TrialResult,
    card: Card,
    labels: Mapping[str, Any],
) -> dict[str, bytes]:
    """Return what `commit` or `keep` writes of a picture, by its path in the cell's directory.

    The record comes last.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root)
        write(root, result, card, labels)
        files = sorted(
            filter(Path.is_file, root.rglob("*")), key=lambda file: file.suffix == ".json"
        )
        return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}


def unpack(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files that `packed` returned elsewhere; the last one, the record, at one stroke."""
    *others, last = files
    for name in others:
        with naming(folder / name):
            (folder / name).write_bytes(files[name])
    write_whole(folder / last, files[last])


def finish(folder: Path, cell: Cell, victim: CardRecord, names: Sequence[str]) -> None:
    """Write a cell's results, and remove what led to them.

    Parameters
    ----------
    folder : Path
        Its directory; every picture of it is finished.
    cell : Cell
    victim : CardRecord
        Its victim's.
    names : sequence of str
        The pictures, in order.
    """
    if not is_done(folder):
        _write_results(folder, cell, victim, [entry(folder, name) for name in names], ())
    (folder / ANSWERS / STOPPED).unlink(missing_ok=True)
    for name in (ANSWERS, ENTRIES):
        shutil.rmtree(folder / name, ignore_errors=True)


def stop(
    folder: Path,
    cell: Cell,
    victim: CardRecord,
    names: Sequence[str],
    unscored: Iterable[Unscored],
) -> None:
    """Write the results that a cell has so far, where it has any; see `finish`."""
    (folder / ANSWERS / ROOM).unlink(missing_ok=True)
    entries = []
    for name in names:
        if is_finished(folder, name):
            entries.append(entry(folder, name))
            continue
        kept = _whole(_kept(folder, name))
        answers = len(read_journal(journal(folder, name), JOURNAL).entries)
        if kept is not None and kept.entry.queries >= victim.cost * answers:  # not an earlier one
            entries.append(kept)
    if entries:
        (folder / ANSWERS / STOPPED).touch()
        _write_results(folder, cell, victim, entries, unscored)


def _write_results(
    folder: Path,
    cell: Cell,
    victim: CardRecord,
    entries: Sequence[Entry],
    unscored: Iterable[Unscored],
) -> None:
    note = _joined((victim.note, *(each.note for each in entries)))
    card = {each.name: getattr(victim, each.name) for each in fields(CardRecord)}
    named_by = cell.victim.described or {"spec": OMITTED, "options": OMITTED}
    pictures = tuple(each.entry for each in entries)
    record = RunRecord(
        versions=versions(),
        victim=VictimRecord(**card | {"note": note}, **named_by),
        attack=AttackRecord.of(cell.attack.settings),
        levels=cell.levels,
        goal=cell.goal.value,
        queries=cell.queries,
        early_stop=cell.stop.rgo,
        until_plateau=cell.stop.plateau,
        seed=cell.seed,
        summary=summarise(pictures),
        pictures=pictures,
        unscored=tuple(sorted(unscored, key=lambda each: each.name)),
    )
    write_record(folder / RESULTS, FORMAT, record)


def entry(folder: Path, name: str) -> Entry:
    """Return the entry of a finished picture.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    found = read(_entry(folder, name), None, Entry)
    if found is None:
        raise InputError(f"{_entry(folder, name)}: this is gone.")
    return found


def _whole(file: Path) -> Entry | None:
    """Return the record of a picture whose search was stopped; none where it is damaged."""
    with suppress(InputError):
        return read(file, None, Entry)
    return None


def _kept(folder: Path, name: str) -> Path:
    return folder / ANSWERS / f"{name}.json"


def _entry(folder: Path, name: str) -> Path:
    return folder / ENTRIES / f"{name}.json"


def _joined(notes: Iterable[str]) -> str:
    """Join the notes of a victim's cards in several processes, each part once."""
    return "; ".join(dict.fromkeys(part for note in notes for part in note.split("; ") if part))
