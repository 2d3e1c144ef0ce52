"""A run's directory: results.json, the clean and attacked PNGs, every score, the report.

    results.json          settings, and for each picture its figures, files and hashes
    clean/NAME.png        what was attacked
    attacked/NAME.png     the best picture found: exactly the pixels that were scored
    scores/NAME.npy       every native score answered, in order, and its picture's hash
    report.html           the page

It is claimed before the first query. Each result is written as soon as it is there, results.json
last and at one stroke, so a run that ends at any moment leaves a directory that reads and verifies.
Nothing in it tells the time or the place: the same run writes the same bytes.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from iqaudit import images
from iqaudit.audit import Plan
from iqaudit.errors import InputError
from iqaudit.scale import Scale
from iqaudit.summary import Row, Summary, measure, summarise
from iqaudit.trial import TrialResult
from iqaudit.victims import Victim

FORMAT = "iqaudit results, version 1"
KEYS = {"victim", "attack", "levels", "goal", "queries", "seed", "summary", "pictures"}
RESULTS, REPORT = "results.json", "report.html"
FILES = {"clean": "png", "attacked": "png", "scores": "npy"}
"""The folders, and the suffix of each picture's file in them."""

ANSWER = np.dtype([("score", "<f8"), ("picture", "S64")])
"""A row of the scores' file."""


class RunDirectory:
    """A run's directory, being written; a context manager that leaves none where nothing came.

    Parameters
    ----------
    path : path
        Must not exist, or be empty; made at once, with its parents.
    plan : Plan
        What is run.
    overwrite : bool
        Whether a directory that holds a run may lose that run to this one, when the first result
        is written.

    Raises
    ------
    InputError
        If the path is taken, or cannot be written to.
    """

    def __init__(
        self, path: str | os.PathLike[str], plan: Plan, *, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        self._plan = plan
        self._rows: list[Row] = []
        self._entries: list[dict[str, Any]] = []
        self._made: list[Path] = []
        self._replaces = False
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
            self._replaces = _holds_run(self.path)
            if not self._replaces:
                raise InputError(f"{self.path}: this is there already and holds no run.")
            if not overwrite:
                raise InputError(
                    f"{self.path}: this holds another run; name another folder, or say --overwrite."
                )
        else:
            self._claim()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._entries or self._replaces:
            return
        (self.path / RESULTS).unlink(missing_ok=True)
        for folder in reversed(self._made):
            if folder.is_relative_to(self.path):
                shutil.rmtree(folder, ignore_errors=True)
            else:  # a parent, which may have become another's meanwhile
                with suppress(OSError):
                    folder.rmdir()

    def add(self, result: TrialResult) -> Row:
        """Write one result, and return its figures."""
        if self._replaces:
            _remove_run(self.path)
            self._claim()
            self._replaces = False
        picture = result.picture
        figures = measure(
            picture.name,
            picture.pixels,
            result.adversarial,
            result.scores,
            result.best_query,
            result.direction,
            result.outcome,
            self._plan.victim.card.scale,
        )
        clean, attacked, scores = (self.path / name for name in file_names(picture.name).values())
        images.write(clean, picture.pixels)
        images.write(attacked, result.adversarial)
        answers = list(zip(result.scores, result.asked, strict=True))
        np.save(scores, np.array(answers, ANSWER))
        self._rows.append(figures)
        self._entries.append(
            asdict(figures)
            | {
                "file": picture.file,
                "notes": list(picture.notes),
                "clean_pixels_sha256": picture.sha256,
                "attacked_file_sha256": file_sha256(attacked),
                "trace": [list(step) for step in result.trace],
            }
        )
        self._write_record()
        return figures

    @property
    def victim(self) -> Victim:
        """Who was asked."""
        return self._plan.victim

    @property
    def rows(self) -> tuple[Row, ...]:
        """The figures of the results written so far."""
        return tuple(self._rows)

    @property
    def summary(self) -> Summary:
        """Their means."""
        return summarise(self._rows)

    def record(self) -> dict[str, Any]:
        """Return what results.json holds."""
        plan = self._plan
        return {
            "format": FORMAT,
            "versions": {
                package: version(package)
                for package in ("iqaudit", "numpy", "pillow", "scikit-image", "torch")
            },
            "victim": {
                "name": plan.victim.card.name,
                "note": plan.victim.card.note,
                "device": plan.victim.card.device,
                "scale": scale_record(plan.victim.card.scale),
            },
            "attack": {"name": type(plan.attack).__name__, **asdict(plan.attack)},
            "levels": plan.threat.levels,
            "goal": plan.goal.value,
            "queries": plan.queries,
            "seed": plan.seed,
            "summary": asdict(self.summary),
            "pictures": self._entries,
        }

    def _claim(self) -> None:
        try:
            for folder in (
                *reversed(self.path.parents),
                self.path,
                *map(self.path.joinpath, FILES),
            ):
                if not folder.exists():
                    folder.mkdir()
                    self._made.append(folder)
            self._write_record()
        except OSError as error:
            raise InputError(f"{self.path}: this cannot be written ({error.strerror}).") from None

    def _write_record(self) -> None:
        temporary = self.path / f"{RESULTS}.part"
        temporary.write_text(json.dumps(self.record(), indent=1, allow_nan=False), "utf-8")
        temporary.replace(self.path / RESULTS)


def file_names(name: str) -> dict[str, str]:
    """Return the files of a picture's result, relative to the run's directory."""
    return {folder: f"{folder}/{name}.{suffix}" for folder, suffix in FILES.items()}


def load_answers(path: str | os.PathLike[str], name: str) -> NDArray[np.void]:
    """Return what a run's victim answered on a picture: an array of `ANSWER` rows, in order.

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


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return a run's results.json.

    Raises
    ------
    InputError
        If there is none, or it is not one that this version reads.
    """
    file = Path(path) / RESULTS
    try:
        record = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: there is no {RESULTS}, so this is no run.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f'{file}: this is not in the format "{FORMAT}".')
    if missing := KEYS - record.keys():
        raise InputError(f"{file}: this lacks {', '.join(sorted(missing))}.")
    for entry in record["pictures"]:
        # Names lead to files: one that leads elsewhere was not written by iqaudit.
        if Path(str(entry["name"])).name != entry["name"]:
            raise InputError(f"{file}: {entry['name']!r} is no picture's name.")
    return record


def scale_record(scale: Scale) -> dict[str, Any]:
    """Return a scale as JSON can hold it: null for an end that is infinite."""
    return {
        key: None if value in (np.inf, -np.inf) else value for key, value in asdict(scale).items()
    }


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _holds_run(path: Path) -> bool:
    try:
        load(path)
    except InputError:
        return False
    return True


def _remove_run(path: Path) -> None:
    """Remove a run, and nothing that is not its own."""
    names = [entry["name"] for entry in load(path)["pictures"]]
    files = [file for name in names for file in file_names(name).values()]
    for file in (*files, RESULTS, REPORT):
        (path / file).unlink(missing_ok=True)
