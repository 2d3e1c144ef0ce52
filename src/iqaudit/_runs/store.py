"""A run's directory, being written; `iqaudit._runs.schema` says what it holds.

It is claimed before the first query. Each result is written as soon as it is there, results.json
last and at one stroke, so a run that ends at any moment leaves a directory that reads and verifies.
Nothing in it tells the time or the place: the same run writes the same bytes.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from iqaudit._core.errors import InputError
from iqaudit._core.goal import Goal
from iqaudit._core.picture import write
from iqaudit._core.threat import Linf
from iqaudit._runs.figures import Row, Summary, measure, summarise
from iqaudit._runs.journal import lock
from iqaudit._runs.records import OMITTED, AttackRecord, PictureRecord, RunRecord, VictimRecord
from iqaudit._runs.schema import (
    ANALYSES,
    ANSWER,
    FILES,
    FORMAT,
    REPORT,
    RESULTS,
    as_json,
    file_names,
    file_sha256,
    load,
)
from iqaudit._search.driver import Plan
from iqaudit._search.trial import Stop, TrialResult
from iqaudit.attacks import Attack, is_white_box
from iqaudit.victims._base import Card, Victim

PART = ".part"
"""The end of the name of a file that is being written."""

NO_LABELS = dict.fromkeys(("opinion", "distortion", "reference"), OMITTED)
"""The labels of a picture of no data set, which are not written."""


class RunDirectory:
    """A run's directory, being written; a context manager that leaves none where nothing came.

    Parameters
    ----------
    path : path
        Must not exist, or be empty; made at once, with its parents.
    plan : Plan
        What is run.
    named : mapping, optional
        How the victim was named, `spec` and `options`, so that it can be made again.
    overwrite : bool
        Whether a directory that holds a run may lose that run to this one, when the first result
        is written.

    Raises
    ------
    InputError
        If the path is taken, or cannot be written to.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        plan: Plan,
        *,
        named: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self._plan = plan
        self._named = named or {"spec": OMITTED, "options": OMITTED}
        self._pictures: list[PictureRecord] = []
        self._made: list[Path] = []
        self._replaces = replaces(self.path, overwrite=overwrite)
        if not self._replaces:
            self._claim()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if not (self._pictures or self._replaces):
            self._withdraw()

    def _withdraw(self) -> None:
        """Remove what was made."""
        with suppress(OSError):
            (self.path / RESULTS).unlink()
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
        self._pictures.append(write_result(self.path, result, self._plan.victim.card))
        self._write_record()
        return self._pictures[-1].figures

    @property
    def victim(self) -> Victim:
        """The victim asked."""
        return self._plan.victim

    @property
    def rows(self) -> tuple[Row, ...]:
        """The figures of the results written so far."""
        return tuple(picture.figures for picture in self._pictures)

    @property
    def summary(self) -> Summary:
        """Their means."""
        return summarise(self.rows)

    def record(self) -> RunRecord:
        """Return the record that results.json holds."""
        plan = self._plan
        return compose(
            VictimRecord.of(plan.victim.card, **self._named),
            plan.attack,
            plan.threat,
            plan.goal,
            plan.queries,
            plan.stop,
            plan.seed,
            self._pictures,
        )

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
            self._withdraw()
            raise InputError(f"{self.path}: this cannot be written ({error.strerror}).") from None

    def _write_record(self) -> None:
        write_record(self.path / RESULTS, FORMAT, self.record())


def replaces(path: Path, *, overwrite: bool) -> bool:
    """Tell whether a run written there replaces another one.

    Raises
    ------
    InputError
        If the path is taken.
    """
    if not path.exists():
        there = next(folder for folder in path.absolute().parents if folder.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            raise InputError(f"{path}: this cannot be written.")
        return False
    if path.is_dir() and not any(path.iterdir()):
        return False
    if not _holds_run(path):
        raise InputError(f"{path}: this is there already and holds no run.")
    if not overwrite:
        raise InputError(
            f"{path}: this holds another run; name another folder, or say --overwrite."
        )
    return True


def write_result(
    path: Path, result: TrialResult, card: Card, labels: Mapping[str, Any] = NO_LABELS
) -> PictureRecord:
    """Write a result's files into a run's directory, and return its record.

    Parameters
    ----------
    path : Path
        The run's directory, with its folders.
    result : TrialResult
        The result of one picture.
    card : Card
        The victim's.
    labels : mapping
        The picture's opinion score, distortion and reference.
    """
    picture = result.picture
    figures = measure(
        picture.name,
        picture.pixels,
        result.adversarial,
        result.scores,
        result.best_query,
        result.direction,
        result.outcome,
        card,
    )
    clean, attacked, scores = (path / name for name in file_names(picture.name).values())
    write(clean, picture.pixels)
    write(attacked, result.adversarial)
    answers = list(zip(result.scores, result.asked, strict=True))
    np.save(scores, np.array(answers, ANSWER))
    return PictureRecord(
        **asdict(figures),
        file=picture.file,
        notes=tuple(picture.notes),
        clean_pixels_sha256=picture.sha256,
        attacked_file_sha256=file_sha256(attacked),
        trace=result.trace,
        **labels,
    )


def compose(
    victim: VictimRecord,
    attack: Attack[Any],
    threat: Linf,
    goal: Goal,
    queries: int,
    stop: Stop,
    seed: int,
    pictures: Sequence[PictureRecord],
) -> RunRecord:
    """Return the record of a run, of its plan's parts and its pictures."""
    return RunRecord(
        versions=versions(),
        victim=victim,
        attack=attack_record(attack),
        levels=threat.levels,
        goal=goal.value,
        queries=queries,
        early_stop=stop.rgo,
        until_plateau=stop.plateau,
        seed=seed,
        summary=summarise(pictures),
        pictures=tuple(pictures),
    )


def attack_record(attack: Attack[Any]) -> AttackRecord:
    """Return an attack's record."""
    white_box = {"white_box": True} if is_white_box(attack) else {}
    return AttackRecord(type(attack).__name__, {**asdict(attack), **white_box})


def versions() -> dict[str, str]:
    """Return the versions of what results depend on."""
    return {
        package: version(package)
        for package in ("iqaudit", "numpy", "pillow", "scikit-image", "torch")
    }


def write_record(file: Path, form: str | None, record: Any) -> None:
    """Write a record as JSON; see `iqaudit._runs.schema.as_json`."""
    write_whole(file, as_json(record, form).encode())


def write_whole(file: Path, content: bytes) -> Path:
    """Write a file at one stroke, and return its path: it is there whole, or as it was."""
    part = file.with_name(file.name + PART)
    part.write_bytes(content)
    return part.replace(file)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder.

    Raises
    ------
    InputError
        If another process is at work there.
    """
    file = os.open(folder, os.O_RDONLY)
    try:
        if not lock(file):
            raise InputError(f"{folder}: another iqaudit is at work in this folder.")
        yield
    finally:
        os.close(file)


def _holds_run(path: Path) -> bool:
    try:
        load(path)
    except InputError:
        return False
    return True


def _remove_run(path: Path) -> None:
    """Remove a run, and nothing that is not its own."""
    files = [file for each in load(path).pictures for file in file_names(each.name).values()]
    for file in (*files, RESULTS, REPORT, *ANALYSES):
        (path / file).unlink(missing_ok=True)
