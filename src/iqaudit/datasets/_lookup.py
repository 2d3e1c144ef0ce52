"""Lookup of a data set on disk: its parts, its pictures, its tables.

Names are looked up case aside where no file has the exact one: releases spell theirs one way in the
scores and another on disk, and copies from other systems change more. A folder is listed once.
"""

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from iqaudit._core.errors import InputError, some
from iqaudit.datasets._base import DataSet, Label, Sample
from iqaudit.datasets._score_table import fold


class Entry(NamedTuple):
    """A picture as a data set's table lists it; `where` tells the line."""

    name: str
    label: float
    distortion: str | None = None
    reference: str | None = None
    where: str = ""


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
        refuse_outside(table, entries, label, mend)
    if not entries:
        told = f"{folder}: {release}" if table is None else f"{table}: this"
        raise InputError(f"{told} lists no picture.")
    paths = find(release, folder, [entry.name for entry in entries])
    _refuse_twice(release, folder, entries, paths)
    for entry in entries:
        if not math.isfinite(entry.label):
            raise InputError(f"{folder}: the {label.name} of {entry.name} is {entry.label}.")
    samples = tuple(
        Sample(name, path, score, label.opinion(score), distortion, reference)
        for (name, score, distortion, reference, _), path in zip(entries, paths, strict=True)
    )
    return DataSet(release, folder, samples, label)


def _refuse_twice(
    release: str, folder: Path, entries: Sequence[Entry], paths: Sequence[Path]
) -> None:
    """Raise an `InputError` where two rows are of one file, whatever they call it."""
    first: dict[str, Entry] = {}
    for entry, path in zip(entries, paths, strict=True):
        other = first.setdefault(os.path.normpath(path), entry)
        if other is not entry:
            name = entry.name if entry.name == other.name else f"{other.name}, as {entry.name},"
            lines = f" ({other.where}, and {entry.where})" if entry.where else ""
            raise InputError(f"{folder}: {release} lists {name} twice{lines}.")


def refuse_outside(source: Path, entries: Iterable[Entry], label: Label, mend: str) -> None:
    """Raise an `InputError` where a label lies beyond its range: it would be another scale's."""
    low, high = sorted((label.worst, label.best))
    for entry in entries:
        if not low <= entry.label <= high:
            raise InputError(
                f"{source}: {entry.name} has the {label.name} {entry.label:g}, outside "
                f"{label.worst:g} (worst) to {label.best:g} (best).{mend}"
            )


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
        there = "\\" not in name or (folder / name).exists()
        directory, file = os.path.split(name if there else name.replace("\\", "/"))
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
        self._folded: dict[str, list[str]] = {}
        for name in sorted(self.names):
            self._folded.setdefault(fold(name), []).append(name)

    def get(self, name: str) -> Path | None:
        alike = [name] if name in self.names else self._folded.get(fold(name), [])
        if len(alike) > 1:
            raise InputError(
                f"{self._folder}: {name} is there as {' and as '.join(alike)}; "
                "name one of the two exactly."
            )
        return self._folder / alike[0] if alike else None
