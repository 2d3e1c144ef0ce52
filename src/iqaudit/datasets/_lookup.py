"""Lookup of a data set on disk: its parts, its pictures, its tables.

Names are looked up case aside where no file has the exact one: releases spell theirs one way in the
scores and another on disk, and copies from other systems change more. A folder is listed once.
"""

import csv
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from iqaudit._core.errors import InputError
from iqaudit.datasets._base import DataSet, Label, Sample

SHOWN = 3
"""Names that a message gives of many."""


class Entry(NamedTuple):
    """A picture as a data set's table lists it."""

    name: str
    label: float
    distortion: str | None = None
    reference: str | None = None


def parts(root: Path, release: str, *names: str) -> list[Path]:
    """Return the paths of a data set's files and folders.

    Raises
    ------
    InputError
        If one is missing: with the names looked for and those that are there.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: there is no such folder; {release} has {', '.join(names)} in it."
        )
    there = _Listing(root)
    paths = {name: there.get(name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        content = sorted(there.names)
        raise InputError(
            f"{root}: this is not {release}, which has {', '.join(names)} in it. Missing: "
            f"{', '.join(missing)}. Found: {some(content) if content else 'nothing'}."
        )
    return [path for path in paths.values() if path is not None]


def has(root: Path, name: str) -> bool:
    """Tell whether a folder holds a file or folder of a name, case aside."""
    return root.is_dir() and _Listing(root).get(name) is not None


def assemble(
    release: str,
    folder: Path,
    entries: Sequence[Entry],
    label: Label,
    table: Path | None = None,
    mend: str = "",
) -> DataSet:
    """Return a data set of the pictures that its table lists and its folder has.

    Raises
    ------
    InputError
        If the table lists nothing, a picture twice, a label that is no finite number or beyond its
        range, or a picture that is not there.
    """
    if table is not None:
        low, high = sorted((label.worst, label.best))
        for entry in entries:
            if not low <= entry.label <= high:  # it would be another scale's
                raise InputError(
                    f"{table}: {entry.name} has the {label.name} {entry.label:g}, outside "
                    f"{label.worst:g} (worst) to {label.best:g} (best).{mend}"
                )
    if not entries:
        raise InputError(f"{folder}: {release} lists no picture.")
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{folder}: {release} lists {twice} twice.")
    for entry in entries:
        if not math.isfinite(entry.label):
            raise InputError(f"{folder}: the {label.name} of {entry.name} is {entry.label}.")
    samples = tuple(
        Sample(name, path, score, label.opinion(score), distortion, reference)
        for (name, score, distortion, reference), path in zip(
            entries, find(release, folder, names), strict=True
        )
    )
    return DataSet(release, folder, samples, label)


def find(release: str, folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the pictures' files, in order.

    Raises
    ------
    InputError
        If any is missing: how many, and which are the first.
    """
    listings: dict[str, _Listing] = {}
    paths, missing = [], []
    for name in names:
        directory, file = os.path.split(name)
        if directory not in listings:
            listings[directory] = _Listing(_folder(folder, directory))
        path = listings[directory].get(file)
        if path is None:
            missing.append(name)
        else:
            paths.append(path)
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} of {len(paths) + len(missing)} pictures of {release} are "
            f"not there: {some(missing)}."
        )
    return paths


def table(path: Path, *needed: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield a CSV's rows by its header's names, in lower case, each with where it stands.

    Raises
    ------
    InputError
        If the file cannot be read, or a column is missing.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            header = [column.strip().casefold() for column in next(rows, [])]
            if missing := [column for column in needed if column.casefold() not in header]:
                raise InputError(
                    f"{path}: the columns {', '.join(needed)} are due; {', '.join(missing)} "
                    f"not found among: {some([each for each in header if each]) or 'none'}."
                )
            for row in rows:
                if any(row):
                    cells = [cell.strip() for cell in row] + [""] * (len(header) - len(row))
                    values = dict(zip(header, cells, strict=False))
                    yield f"{path}, line {rows.line_num}", values
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: this CSV cannot be read ({error}).") from None


def number(text: object, where: str) -> float:
    """Return a label as a float, or raise an `InputError` that says where it stands."""
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {text!r} is no score.")
    return value


def some(names: Sequence[str]) -> str:
    """Return the first few of many names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _folder(folder: Path, relative: str) -> Path:
    """Return a folder in a folder, case aside; one that is absolute takes the other's place."""
    for part in Path(relative).parts:
        folder = _Listing(folder).get(part) or folder / part
    return folder


class _Listing:
    """A folder's content; empty where there is no folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.names = set(os.listdir(folder))  # noqa: PTH208 (names alone are wanted)
        except OSError:
            self.names = set()
        self._folded = {name.casefold(): name for name in sorted(self.names)}

    def get(self, name: str) -> Path | None:
        file = name if name in self.names else self._folded.get(name.casefold())
        return None if file is None else self._folder / file
