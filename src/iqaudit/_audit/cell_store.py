"""A cell's directory on its way to being a run.

clean, attacked, scores   as a run's (`iqaudit._runs.schema`)
answers/NAME.jsonl        what was answered on a picture that is begun
entries/NAME.json         the entry in results.json of one that is finished: with it, it is
results.json              when all are; then answers and entries are gone

Every step can be taken again after a stop at any moment, and comes to the same bytes.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit._audit.spec import Cell
from iqaudit._core.threat import Linf
from iqaudit._runs.schema import FILES, RESULTS
from iqaudit._runs.store import compose, write_json, write_result
from iqaudit._search.trial import TrialResult
from iqaudit.attacks import named
from iqaudit.victims._base import Card

ANSWERS, ENTRIES = "answers", "entries"

VICTIM = ("name", "note", "device", "cost", "noise", "scale")
"""The keys of `iqaudit._runs.store.victim_record`."""


def journal(folder: Path, name: str) -> Path:
    """Return the file of a picture's answers."""
    return folder / ANSWERS / f"{name}.jsonl"


def prepare(folder: Path) -> None:
    """Make a cell's directory, as far as it is not there."""
    for name in (*FILES, ANSWERS, ENTRIES):
        (folder / name).mkdir(parents=True, exist_ok=True)


def is_done(folder: Path) -> bool:
    """Whether all pictures of a cell are finished, and its results are written."""
    return (folder / RESULTS).exists()


def is_finished(folder: Path, name: str) -> bool:
    """Whether a picture of a cell is finished."""
    return _entry(folder, name).exists()


def finished(folder: Path) -> set[str]:
    """Return the names of a cell's finished pictures, as long as the cell is not done."""
    try:
        return {file.stem for file in (folder / ENTRIES).iterdir() if file.suffix == ".json"}
    except FileNotFoundError:
        return set()


def commit(folder: Path, result: TrialResult, card: Card, labels: Mapping[str, Any]) -> None:
    """Write a finished picture's files and, at one stroke, its entry."""
    entry = write_result(folder, result, card) | dict(labels)
    write_json(_entry(folder, result.picture.name), {"note": card.note, "entry": entry})


def packed(result: TrialResult, card: Card, labels: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what `commit` writes of a finished picture, by its path in the cell's directory.

    The entry comes last.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root)
        commit(root, result, card, labels)
        entry = _entry(root, result.picture.name)
        files = [file for file in root.rglob("*") if file.is_file() and file != entry]
        return {file.relative_to(root).as_posix(): file.read_bytes() for file in (*files, entry)}


def unpack(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what `packed` returned elsewhere; its last file, the entry, at one stroke."""
    *others, last = files
    for name in others:
        (folder / name).write_bytes(files[name])
    part = folder / f"{last}.part"
    part.write_bytes(files[last])
    part.replace(folder / last)


def finish(folder: Path, cell: Cell, victim: Mapping[str, Any], names: Sequence[str]) -> None:
    """Write a cell's results, and remove what led to them.

    Parameters
    ----------
    folder : Path
        Its directory; every picture of it is finished.
    cell : Cell
    victim : mapping
        Its `iqaudit._runs.store.victim_record`, among whatever else.
    names : sequence of str
        The pictures, in order.
    """
    if not is_done(folder):
        held = [entry(folder, name) for name in names]
        note = _joined((victim["note"], *(each["note"] for each in held)))
        record = compose(
            {**{key: victim[key] for key in VICTIM}, "note": note, **cell.victim.described},
            named(cell.attack),
            Linf(cell.levels),
            cell.goal,
            cell.queries,
            cell.stop,
            cell.seed,
            [each["entry"] for each in held],
        )
        write_json(folder / RESULTS, record)
    for name in (ANSWERS, ENTRIES):
        shutil.rmtree(folder / name, ignore_errors=True)


def entry(folder: Path, name: str) -> dict[str, Any]:
    """Return what is held of a finished picture."""
    held: dict[str, Any] = json.loads(_entry(folder, name).read_text("utf-8"))
    return held


def _entry(folder: Path, name: str) -> Path:
    return folder / ENTRIES / f"{name}.json"


def _joined(notes: Iterable[str]) -> str:
    """Join what a victim's cards said in several processes, each part once."""
    return "; ".join(dict.fromkeys(part for note in notes for part in note.split("; ") if part))
