"""The files of runs and audits, and the one reader of those that are JSON.

results.json          settings, and for each picture its figures, files and hashes
clean/NAME.png        the picture before the attack
attacked/NAME.png     the best picture found: exactly the pixels that were scored
scores/NAME.npy       every native score answered, in order, and its picture's key
report.html           the page
insights.json         weaknesses that the attack shows; beside it the scores asked for it (.jsonl)
transfer.json         the pictures scored by other victims, likewise; in an audit's own directory
defences.json         its victims with defences and without; scores asked for it: transfer.jsonl

An audit's directory holds such runs, its cells, beside a manifest, audit.json, that names them.
Each JSON file names its format, and is read into a record of `iqaudit._runs.records`; docs/schema
has a JSON Schema of each. A key that no version writes is ignored.
"""

import hashlib
import io
import json
import os
import stat
from collections.abc import Container
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError, printable
from iqaudit._runs.checksums import DamagedRecordError, refuse_changed, refuse_unsealed
from iqaudit._runs.figures import IF_ANY
from iqaudit._runs.records import FLAT, OMITTED, AttackRecord, AuditRecord, RunRecord

FORMAT = "iqaudit results, version 1"
RESULTS, REPORT = "results.json", "report.html"
AUDIT, AUDIT_FORMAT = "audit.json", "iqaudit audit, version 1"
INSIGHTS, INSIGHTS_ANSWERS = "insights.json", "insights.jsonl"
TRANSFER, TRANSFER_ANSWERS = "transfer.json", "transfer.jsonl"
DEFENCES = "defences.json"
CLEAN_ANSWERS = "clean.jsonl"
"""An audit's clean scores that its scales are fitted to, until its cells are finished."""
PROBE_ANSWERS = "probes.jsonl"
"""The answers by which places in an order are chosen, or changes for many pictures made; likewise
until then."""
COSTS = "costs.jsonl"
"""The requests that it was billed for."""
ANALYSES = (INSIGHTS, INSIGHTS_ANSWERS, TRANSFER, TRANSFER_ANSWERS, DEFENCES)

ANSWERS, ENTRIES = "answers", "entries"
"""The folders of a cell that is not finished: answers on pictures that are begun, and records of
those that are finished."""

FILES = {"clean": "png", "attacked": "png", "scores": "npy"}
"""The folders, and the suffix of each picture's file in them."""

ANSWER = np.dtype([("score", "<f8"), ("picture", "<u8")])
"""A row of the scores' file: the native score, and the `picture_key` of the picture scored."""

PART = ".part"
"""The end of the name of a file that is being written."""

OWN = {
    f"{name}{end}"
    for name in (RESULTS, AUDIT, REPORT, CLEAN_ANSWERS, PROBE_ANSWERS, COSTS, *ANALYSES)
    for end in ("", PART)
} | {
    *FILES,
    ANSWERS,
    ENTRIES,
}
"""The names of what is iqaudit's in a run's or an audit's directory."""

T = TypeVar("T")


class _Formatted(msgspec.Struct):
    """A file's format, without the rest."""

    format: str


def refuse_links(path: str | os.PathLike[str]) -> None:
    """Refuse a run's or a cell's directory that has a link, a device or a pipe among its files.

    What came from elsewhere could lead out of it so, to be read or written over.

    Raises
    ------
    InputError
        If it has one.
    """
    root = Path(path)
    _refuse_links_in(root, OWN)
    for name in (*FILES, ANSWERS, ENTRIES):
        _refuse_links_in(root / name)


def _refuse_links_in(folder: Path, names: Container[str] | None = None) -> None:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if names is None or entry.name in names:
                own = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
                _refuse_unless_own(folder / entry.name, own=own)


def _refuse_link(file: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = file.lstat().st_mode
        _refuse_unless_own(file, own=stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _refuse_unless_own(file: Path, *, own: bool) -> None:
    if not own:
        raise InputError(
            f"{printable(file)}: this is a link, or no regular file, and a run's files are all "
            "its own: remove it, or put a copy of what it leads to in its place."
        )


def file_names(name: str) -> dict[str, str]:
    """Return the files of a picture's result, relative to the run's directory."""
    return {folder: f"{folder}/{name}.{suffix}" for folder, suffix in FILES.items()}


def load_answers(path: str | os.PathLike[str], name: str, sha256: str = "") -> NDArray[np.void]:
    """Return a victim's answers on a picture of a run: an array of `ANSWER` rows, in order.

    `sha256` is the file's, where the run's record has it.

    Raises
    ------
    InputError
        If the file is missing, is no such array, or is not as it was written.
    """
    file = Path(path) / file_names(name)["scores"]
    try:
        content = file.read_bytes()
        answers = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # noqa: BLE001 (a damaged header can raise anything in its parser)
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if answers.dtype != ANSWER or answers.ndim != 1 or not len(answers):
        raise InputError(f"{file}: these are no recorded scores.")
    intact = not sha256 or hashlib.sha256(content).hexdigest() == sha256
    refuse_changed(file, intact=intact)
    return np.asarray(answers)


def load(path: str | os.PathLike[str]) -> RunRecord:
    """Return a run's results.json.

    Raises
    ------
    InputError
        If there is none, or it is not one that this version reads.
    """
    refuse_links(path)
    file = Path(path) / RESULTS
    record = read(file, FORMAT, RunRecord)
    if record is None:
        if lost := on_lost_results(path):
            raise DamagedRecordError(lost)
        raise InputError(f"{path}: there is no {RESULTS}, so this is no run.")
    for picture in record.pictures:
        _refuse_a_path(file, picture.name, "picture's")
    return record


def on_lost_results(path: str | os.PathLike[str]) -> str:
    """Return the sentence on a finished run without results.json; empty where it is not one.

    The pictures' files are there, and no answers or entries, of which results are yet to be made.
    """
    root = Path(path)
    if any((root / name).exists() for name in (RESULTS, ANSWERS, ENTRIES)):
        return ""
    if not all((root / name).is_dir() and any((root / name).iterdir()) for name in FILES):
        return ""
    return (
        f"{printable(root / RESULTS)}: gone: the command that made the run makes it again of the "
        "scores that are kept."
    )


def manifest(path: str | os.PathLike[str]) -> AuditRecord | None:
    """Return an audit's manifest; None where a directory holds none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    file = Path(path) / AUDIT
    record = read(file, AUDIT_FORMAT, AuditRecord)
    if record is not None:
        folders = () if record.flat else [cell.folder for cell in record.cells]
        for name in (*folders, *record.data.pictures):
            _refuse_a_path(file, name, "cell's or picture's")
        _refuse_links_in(file.parent, OWN)
        for folder in folders:
            _refuse_link(file.parent / folder)
        for cell in record.cells:
            if not any(victim.is_of(cell) for victim in record.victims):
                raise InputError(f"{file}: the cell {cell.folder} is of no victim there.")
    return record


def load_audit(path: str | os.PathLike[str]) -> AuditRecord:
    """Return an audit's manifest.

    Raises
    ------
    InputError
        If there is none, or it is not one that this version reads.
    """
    record = manifest(path)
    if record is None:
        raise InputError(f"{path}: there is no {AUDIT}, so this is no audit.")
    return record


def is_audit(path: str | os.PathLike[str]) -> bool:
    """Tell whether a directory holds an audit of cells in folders of their own."""
    audit = manifest(path)
    return audit is not None and not audit.flat


def _refuse_a_path(file: Path, name: str, whose: str) -> None:
    # Names lead to files: one that leads elsewhere was not written by iqaudit.
    if Path(name).name != name or name in {"", "..", FLAT} or "\0" in name:
        raise InputError(f"{file}: {name!r} is no {whose} name.")


def runs(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the directories of an audit's finished cells, in the manifest's order.

    Of a single run, its own.

    Raises
    ------
    InputError
        If the path is neither an audit's nor a run's, or no cell is finished.
    """
    path, audit = Path(path), manifest(path)
    if audit is None:
        if not (path / RESULTS).exists():
            no_run = f"{path}: there is no {AUDIT} and no {RESULTS}, so this is no run."
            raise InputError(on_lost_results(path) or no_run)
        return (path,)
    cells = [path / cell.folder for cell in audit.cells]
    finished = tuple(cell for cell in cells if (cell / RESULTS).exists())
    if not finished:
        lost = next(filter(None, map(on_lost_results, cells)), "")
        raise InputError(lost or f"{path}: none of this audit's cells is finished yet.")
    return finished


def read(file: Path, form: str | None, kind: type[T]) -> T | None:
    """Return the record that a JSON file holds; None where there is no file.

    Parameters
    ----------
    file : Path
        The file.
    form : str or None
        The format that it must name; None for a file that names none.
    kind : type
        The record's dataclass.

    Raises
    ------
    InputError
        If it cannot be read, is in another format, or lacks a key.
    DamagedRecordError
        If a value is of another type than the record's, or a key is missing within one; if the
        file was changed or damaged after it was written.
    """
    _refuse_link(file)
    try:
        written = file.read_bytes()
        record = _decoded(written, form, kind)
        content = json.loads(written.decode("utf-8")) if record is None else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if record is None:
        record = _converted(file, content, form, kind)
    refuse_unsealed(file, written)
    return record


def _decoded(content: bytes, form: str | None, kind: type[T]) -> T | None:
    """Return a file's record; None where it is not well, and what is wrong is to be told.

    Thousands of pictures' steps as plain lists would take several times the record's memory.
    """
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        if form is None or msgspec.json.decode(content, type=_Formatted).format == form:
            return msgspec.json.decode(content, type=kind, dec_hook=_attack_record)
    return None


def _converted(file: Path, content: Any, form: str | None, kind: type[T]) -> T:
    """Return the record of a file's content in JSON; an error says what is wrong with it."""
    if form is not None and not (isinstance(content, dict) and content.get("format") == form):
        raise InputError(f'{file}: this is not in the format "{form}".')
    if isinstance(content, dict) and (lacking := _required(kind) - content.keys()):
        raise InputError(f"{file}: this lacks {', '.join(sorted(lacking))}.")
    try:
        return msgspec.convert(content, kind, dec_hook=_attack_record)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).replace("`", "").partition(" - at $.")
        raise DamagedRecordError(f"{file}: {place or 'the file'}: {problem}.") from None


def as_json(record: Any, form: str | None) -> str:
    """Return a record as the text of its file, which names its format."""
    keys = {} if form is None else {"format": form}
    return json.dumps(keys | _keys(record), indent=1, allow_nan=False, default=_keys)


def _required(kind: type[Any]) -> set[str]:
    return {
        each.name
        for each in fields(kind)
        if each.default is MISSING and each.default_factory is MISSING
    }


def _attack_record(kind: type[Any], value: Any) -> AttackRecord:
    """Return an attack's record, whose keys are free; called for no other type."""
    if kind is not AttackRecord:
        raise NotImplementedError
    if not (isinstance(value, dict) and isinstance(value.get("name"), str)):
        raise ValueError("Expected an object with a name")  # noqa: TRY004 (msgspec's to word)
    return AttackRecord.of(value)


def _keys(record: Any) -> dict[str, Any]:
    """Return a record's keys and values; those of records within follow when they are written."""
    if isinstance(record, AttackRecord):
        return record.keys()
    values = ((each, getattr(record, each.name)) for each in fields(record))
    return {
        each.name: value
        for each, value in values
        if value is not OMITTED and (value or each.metadata != IF_ANY)
    }
