"""People's own data: a CSV of image,mos, pyiqa's meta-info CSVs, and a folder without scores."""

import re
from pathlib import Path

from iqaudit._core.errors import InputError
from iqaudit._core.importing import published
from iqaudit._core.picture import files_of
from iqaudit.datasets._base import DataSet, Label, Sample
from iqaudit.datasets._live import CLIVE_TRAINING
from iqaudit.datasets._lookup import Entry, assemble, number, table

Range = tuple[float, float]
"""Worst and best."""

USUAL: Range = (0, 100)
"""The range of scores of which nothing is said, where they can be on it."""

SMALLER = 10
"""Scores of which none is higher are on 0-1, 1-5 or 0-10, and not on the usual range."""

MEND = " Say the range, as opinion_range=(1, 5) or --opinion-range 1 5."

META_NAME = re.compile(r"meta_info_(.+)Dataset\.csv")

PYIQA_RANGES: dict[str, Range] = published("data_sets")["pyiqa_ranges"]
"""Worst and best label by pyiqa's name of the data set."""


def load_csv(rest: str, opinion_range: Range | None = None) -> DataSet:
    """Load a CSV with the columns image and mos, and, where it has them, type and reference.

    Pictures are looked for beside it; ``FILE@DIR`` names another folder.

    Raises
    ------
    InputError
        If a file or a picture is missing, or a score is none or beyond its range.
    """
    path, folder = _file_and_folder(rest)
    entries = [_entry(where, row) for where, row in table(path, "image", "mos")]
    label = _label("mos", path, entries, opinion_range)
    return assemble(folder.resolve().name or path.stem, folder, entries, label, path, MEND)


def load_pyiqa(rest: str, opinion_range: Range | None = None) -> DataSet:
    """Load one of pyiqa's meta-info CSVs, ``FILE@DIR``, DIR being its dataroot_target.

    As pyiqa reads them, columns go by position: picture and label, or, where the second is called
    dist_name, reference, picture and label. The range is pyiqa's for that data set.

    Raises
    ------
    InputError
        If a file or a picture is missing, or a score is none or beyond its range.
    """
    path, folder = _file_and_folder(rest)
    entries = [_meta_entry(where, list(row.items())) for where, row in table(path)]
    match = META_NAME.fullmatch(path.name)
    known = match[1] if match else ""
    if known == "LIVEChallenge":
        entries = [entry for entry in entries if not CLIVE_TRAINING.fullmatch(entry.name)]
    if opinion_range is None and known in PYIQA_RANGES:
        worst, best = PYIQA_RANGES[known]
        label = Label("label", worst, best, f"pyiqa's range for {known}")
    else:
        label = _label("label", path, entries, opinion_range)
    return assemble(known or path.stem, folder, entries, label, path, MEND)


def load_folder(root: Path) -> DataSet:
    """Load the pictures of a folder, by name; nobody scored them.

    Raises
    ------
    InputError
        If there is no such folder, or no picture in it.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder.")
    return DataSet(root.resolve().name, root, tuple(Sample(p.name, p) for p in files_of(root)))


def _entry(where: str, row: dict[str, str]) -> Entry:
    distortion, reference = (row.get(column) or None for column in ("type", "reference"))
    return Entry(row["image"], number(row["mos"], where), distortion, reference)


def _meta_entry(where: str, cells: list[tuple[str, str]]) -> Entry:
    reference = None
    if [column for column, _ in cells[1:2]] == ["dist_name"]:
        (_, reference), *cells = cells
    if len(cells) < 2:  # noqa: PLR2004 (a name and a label)
        raise InputError(f"{where}: a picture's name and its label are due.")
    (_, name), (_, label), *_ = cells
    return Entry(name, number(label, where), None, reference)


def _file_and_folder(rest: str) -> tuple[Path, Path]:
    path = Path(rest).expanduser()
    if "@" in rest and not path.is_file():
        file, _, folder = rest.rpartition("@")
        return Path(file).expanduser(), Path(folder).expanduser()
    return path, path.parent


def _label(name: str, path: Path, entries: list[Entry], opinion_range: Range | None) -> Label:
    """Return the label of scores whose range the caller said, or may have left unsaid."""
    if opinion_range is None:
        if entries and max(entry.label for entry in entries) <= SMALLER:
            raise InputError(f"{path}: no {name} is above {SMALLER}: on which range?{MEND}")
        return Label(name, *USUAL, "assumed, since no range was said")
    worst, best = map(float, opinion_range)
    return Label(name, worst, best, "said by the caller")
