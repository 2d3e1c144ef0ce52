"""Records of runs and audits: their files as typed values, and the one reader of those.

results.json          settings, and for each picture its figures, files and hashes
clean/NAME.png        the picture before the attack
attacked/NAME.png     the best picture found: exactly the pixels that were scored
scores/NAME.npy       every native score answered, in order, and its picture's key
report.html           the page
insights.json         weaknesses that the attack shows; beside it the scores asked for it (.jsonl)
transfer.json         the pictures scored by other victims, likewise; in an audit's own directory

An audit's directory holds such runs, its cells, beside a manifest, audit.json, that names them.
Each JSON file names its format; docs/schema has a JSON Schema of each. A key that an older version
did not write has a default here; a key that no version writes is ignored.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale
from iqaudit._runs.figures import Row, Summary
from iqaudit.victims._base import Card

FORMAT = "iqaudit results, version 1"
RESULTS, REPORT = "results.json", "report.html"
AUDIT, AUDIT_FORMAT = "audit.json", "iqaudit audit, version 1"
INSIGHTS, INSIGHTS_ANSWERS = "insights.json", "insights.jsonl"
TRANSFER, TRANSFER_ANSWERS = "transfer.json", "transfer.jsonl"
ANALYSES = (INSIGHTS, INSIGHTS_ANSWERS, TRANSFER, TRANSFER_ANSWERS)

FILES = {"clean": "png", "attacked": "png", "scores": "npy"}
"""The folders, and the suffix of each picture's file in them."""

ANSWER = np.dtype([("score", "<f8"), ("picture", "<u8")])
"""A row of the scores' file: the native score, and the `picture_key` of the picture scored."""

OMITTED: Any = msgspec.UNSET
"""The value of an optional key that a record does not write."""

T = TypeVar("T")


class DamagedRecordError(InputError):
    """A file that has a value of another type where a record has a figure or a name."""


@dataclass(frozen=True, kw_only=True)
class ScaleRecord:
    """A score scale; null for an end that is infinite."""

    center: float
    spread: float
    low: float | None
    high: float | None
    lower_is_better: bool
    source: str
    fitted: bool = False

    @classmethod
    def of(cls, scale: Scale) -> Self:
        """Return the record of a scale."""
        ends = (end if math.isfinite(end) else None for end in (scale.low, scale.high))
        return cls(**(asdict(scale) | dict(zip(("low", "high"), ends, strict=True))))

    def scale(self) -> Scale:
        """Return the scale."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return Scale(**(asdict(self) | {"low": low, "high": high}))

    def agrees(self, scale: Scale) -> bool:
        """Tell whether a scale maps scores as this one does; `fitted` maps none."""
        return replace(self, fitted=scale.fitted) == ScaleRecord.of(scale)


@dataclass(frozen=True, kw_only=True)
class CardRecord:
    """A victim's card."""

    name: str
    note: str
    device: str
    cost: int = 1
    noise: float = 0.0
    scale: ScaleRecord

    @classmethod
    def of(cls, card: Card, **others: Any) -> Self:
        """Return the record of a card, with a subclass's other keys."""
        return cls(
            name=card.name,
            note=card.note,
            device=card.device,
            cost=card.cost,
            noise=card.noise,
            scale=ScaleRecord.of(card.scale),
            **others,
        )


@dataclass(frozen=True, kw_only=True)
class VictimRecord(CardRecord):
    """A run's victim; its string and its options, by which it is made again, where they are known.

    They are left out of a victim that was given as an object, and of a service, whose string may be
    secret.
    """

    spec: str | None = None
    options: Mapping[str, Any] | None = None


class AttackRecord:
    """An attack's class, and its hyper-parameters: free keys beside `name`.

    `white_box` is among them, as true, where it follows the victim's gradient.
    """

    __slots__ = ("name", "settings")

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name, self.settings = name, settings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttackRecord) and self.keys() == other.keys()

    __hash__ = None  # type: ignore[assignment]

    def keys(self) -> dict[str, Any]:
        """Return its keys and values in JSON."""
        return {"name": self.name, **self.settings}


@dataclass(frozen=True, kw_only=True)
class PictureRecord(Row):
    """A picture of a run: its figures, where it was read from, hashes, and the opinion of people.

    `trace` has the query and the native score of each step that was better than all before it; the
    last three keys are an audit's, null where its data set does not say.
    """

    file: str | None = None
    notes: tuple[str, ...] = ()
    clean_pixels_sha256: str
    attacked_file_sha256: str
    trace: tuple[tuple[int, float], ...]
    opinion: float | None = None
    distortion: str | None = None
    reference: str | None = None

    @property
    def figures(self) -> Row:
        """The figures alone."""
        return Row(**{each.name: getattr(self, each.name) for each in fields(Row)})


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run: results.json."""

    versions: Mapping[str, str] = field(default_factory=dict)
    victim: VictimRecord
    attack: AttackRecord
    levels: int
    goal: str
    queries: int
    early_stop: float | None = None
    until_plateau: int | None = None
    seed: int
    summary: Summary
    pictures: tuple[PictureRecord, ...]


@dataclass(frozen=True, kw_only=True)
class SampleRecord:
    """A picture of an audit, before any attack."""

    name: str
    file: str | None
    height: int
    width: int
    sha256: str
    opinion: float | None = None
    distortion: str | None = None
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """The pictures of an audit; `label` is the data set's kind of opinion score."""

    name: str
    folder: str = ""
    label: Mapping[str, Any] | None = None
    pictures: tuple[str, ...]
    samples: tuple[SampleRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Named:
    """The string and the options that a victim was named by."""

    victim: str
    victim_options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AuditVictim(CardRecord, _Named):
    """A victim of an audit, and its scores of two fixed pictures."""

    fingerprint: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """A cell of an audit, as it was planned."""

    folder: str
    victim: str
    victim_options: Mapping[str, Any]
    attack: str
    levels: int
    goal: str
    seed: int
    queries: int


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """An audit's manifest: audit.json.

    `protocol` is raised where the same settings come to other answers; `campaign` has the settings
    as they were given.
    """

    protocol: int
    versions: Mapping[str, str]
    hardware: Mapping[str, Any] = field(default_factory=dict)
    campaign: Mapping[str, Any]
    data: DataRecord
    victims: tuple[AuditVictim, ...]
    cells: tuple[CellRecord, ...]

    def victim_of(self, cell: CellRecord) -> AuditVictim:
        """Return a cell's victim."""
        name = cell.victim, cell.victim_options
        return next(each for each in self.victims if (each.victim, each.victim_options) == name)

    def cell(self, folder: str) -> CellRecord | None:
        """Return the cell of a folder's name; None where there is none."""
        return next((each for each in self.cells if each.folder == folder), None)


def file_names(name: str) -> dict[str, str]:
    """Return the files of a picture's result, relative to the run's directory."""
    return {folder: f"{folder}/{name}.{suffix}" for folder, suffix in FILES.items()}


def load_answers(path: str | os.PathLike[str], name: str) -> NDArray[np.void]:
    """Return a victim's answers on a picture of a run: an array of `ANSWER` rows, in order.

    Raises
    ------
    InputError
        If the file is missing or is no such array.
    """
    file = Path(path) / file_names(name)["scores"]
    try:
        answers = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if answers.dtype != ANSWER or answers.ndim != 1:
        raise InputError(f"{file}: these are no recorded scores.")
    return np.asarray(answers)


def load(path: str | os.PathLike[str]) -> RunRecord:
    """Return a run's results.json.

    Raises
    ------
    InputError
        If there is none, or it is not one that this version reads.
    """
    file = Path(path) / RESULTS
    record = read(file, FORMAT, RunRecord)
    if record is None:
        raise InputError(f"{path}: there is no {RESULTS}, so this is no run.")
    for picture in record.pictures:
        _refuse_a_path(file, picture.name, "picture's")
    return record


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
        for name in (*(cell.folder for cell in record.cells), *record.data.pictures):
            _refuse_a_path(file, name, "cell's or picture's")
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


def _refuse_a_path(file: Path, name: str, whose: str) -> None:
    # Names lead to files: one that leads elsewhere was not written by iqaudit.
    if Path(name).name != name:
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
            raise InputError(f"{path}: there is no {AUDIT} and no {RESULTS}, so this is no run.")
        return (path,)
    cells = [path / cell.folder for cell in audit.cells]
    finished = tuple(cell for cell in cells if (cell / RESULTS).exists())
    if not finished:
        raise InputError(f"{path}: none of this audit's cells is finished yet.")
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
        If a value is of another type than the record's, or a key is missing within one.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
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
    settings = dict(value)
    return AttackRecord(settings.pop("name"), settings)


def _keys(record: Any) -> dict[str, Any]:
    """Return a record's keys and values; those of records within follow when they are written."""
    if isinstance(record, AttackRecord):
        return record.keys()
    values = ((each.name, getattr(record, each.name)) for each in fields(record))
    return {name: value for name, value in values if value is not OMITTED}


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
