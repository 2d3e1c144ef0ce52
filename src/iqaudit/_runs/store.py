"""A run's directory, being written; `iqaudit._runs.schema` says what it holds.

It is claimed before the first query. Each result is written as soon as it is there, results.json
last and at one stroke, so a run that ends at any moment leaves a directory that reads and verifies.
Nothing in it tells the time or the place: the same run writes the same bytes.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
from iqaudit._runs.schema import (
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
from iqaudit._search.driver import SearchSpec
from iqaudit._search.stop import Stop
from iqaudit._search.trial import TrialResult
from iqaudit.attacks import Attack, is_white_box
from iqaudit.victims._base import Card, Victim


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
        plan: SearchSpec,
        *,
        named: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self._plan, self._named = plan, named or {}
        self._entries: list[dict[str, Any]] = []
        self._made: list[Path] = []
        self._replaces = replaces(self.path, overwrite=overwrite)
        if not self._replaces:
            self._claim()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if not (self._entries or self._replaces):
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
        self._entries.append(write_result(self.path, result, self._plan.victim.card))
        self._write_record()
        return row(self._entries[-1])

    @property
    def victim(self) -> Victim:
        """Who was asked."""
        return self._plan.victim

    @property
    def rows(self) -> tuple[Row, ...]:
        """The figures of the results written so far."""
        return tuple(map(row, self._entries))

    @property
    def summary(self) -> Summary:
        """Their means."""
        return summarise(self.rows)

    def record(self) -> dict[str, Any]:
        """Return what results.json holds."""
        plan = self._plan
        return compose(
            victim_record(plan.victim.card) | dict(self._named),
            plan.attack,
            plan.threat,
            plan.goal,
            plan.queries,
            plan.stop,
            plan.seed,
            self._entries,
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
        write_json(self.path / RESULTS, self.record())


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


def write_result(path: Path, result: TrialResult, card: Card) -> dict[str, Any]:
    """Write a result's files into a run's directory, and return its entry in results.json.

    Parameters
    ----------
    path : Path
        The run's directory, with its folders.
    result : TrialResult
        What is written.
    card : Card
        The victim's.
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
    return asdict(figures) | {
        "file": picture.file,
        "notes": list(picture.notes),
        "clean_pixels_sha256": picture.sha256,
        "attacked_file_sha256": file_sha256(attacked),
        "trace": [list(step) for step in result.trace],
    }


def compose(
    victim: Mapping[str, Any],
    attack: Attack[Any],
    threat: Linf,
    goal: Goal,
    queries: int,
    stop: Stop,
    seed: int,
    entries: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what a run's results.json holds, of its plan's parts and its pictures' entries.

    `victim` is its `victim_record`.
    """
    return {
        "format": FORMAT,
        "versions": versions(),
        "victim": dict(victim),
        "attack": {
            "name": type(attack).__name__,
            **asdict(attack),
            **({"white_box": True} if is_white_box(attack) else {}),
        },
        "levels": threat.levels,
        "goal": goal.value,
        "queries": queries,
        "early_stop": stop.rgo,
        "until_plateau": stop.plateau,
        "seed": seed,
        "summary": asdict(summarise([row(entry) for entry in entries])),
        "pictures": list(entries),
    }


def victim_record(card: Card) -> dict[str, Any]:
    """Return what results.json holds of a victim."""
    return {
        "name": card.name,
        "note": card.note,
        "device": card.device,
        "cost": card.cost,
        "noise": card.noise,
        "scale": scale_record(card.scale),
    }


def versions() -> dict[str, str]:
    """Return the versions of what results depend on."""
    return {
        package: version(package)
        for package in ("iqaudit", "numpy", "pillow", "scikit-image", "torch")
    }


def row(entry: Mapping[str, Any]) -> Row:
    """Return the figures that a picture's entry in results.json holds."""
    return Row(**{key: entry[key] for key in Row.__match_args__})


def write_json(path: Path, value: Any) -> None:
    """Write JSON at one stroke: the file is there whole, or as it was."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(value, indent=1, allow_nan=False), "utf-8")
    part.replace(path)


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
