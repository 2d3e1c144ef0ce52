"""A run's directory, being written; `iqaudit.record` says what it holds.

It is claimed before the first query. Each result is written as soon as it is there, results.json
last and at one stroke, so a run that ends at any moment leaves a directory that reads and verifies.
Nothing in it tells the time or the place: the same run writes the same bytes.
"""

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

from iqaudit import images
from iqaudit.attacks import is_white_box
from iqaudit.audit import Plan
from iqaudit.errors import InputError
from iqaudit.record import (
    ANALYSES,
    ANSWER,
    FILES,
    FORMAT,
    REPORT,
    RESULTS,
    file_names,
    file_sha256,
    load,
    scale_record,
)
from iqaudit.summary import Row, Summary, measure, summarise
from iqaudit.trial import TrialResult
from iqaudit.victims import Victim


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
            self._plan.victim.card,
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
                "cost": plan.victim.card.cost,
                "noise": plan.victim.card.noise,
                "scale": scale_record(plan.victim.card.scale),
            },
            "attack": {
                "name": type(plan.attack).__name__,
                **asdict(plan.attack),
                **({"white_box": True} if is_white_box(plan.attack) else {}),
            },
            "levels": plan.threat.levels,
            "goal": plan.goal.value,
            "queries": plan.queries,
            "early_stop": plan.stop.rgo,
            "until_plateau": plan.stop.plateau,
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
    for file in (*files, RESULTS, REPORT, *ANALYSES):
        (path / file).unlink(missing_ok=True)
