"""People's own data: a CSV of image,mos, pyiqa's meta-info CSVs, and a folder without scores."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from iqaudit._core.collection import files_of
from iqaudit._core.errors import InputError, printable, some
from iqaudit._core.importing import published
from iqaudit._core.paths import absolute, located
from iqaudit._core.settings import two_numbers
from iqaudit._core.wording import worded
from iqaudit.datasets._base import DataSet, Label, Sample
from iqaudit.datasets._live import CLIVE_TRAINING
from iqaudit.datasets._lookup import Entry, assemble, refuse_outside
from iqaudit.datasets._score_table import fold, number, rows, table

Range = tuple[float, float]
"""Worst and best."""

USUAL: Range = (0, 100)
"""The range of scores of which nothing is said, where they can be on it."""

SMALLER = 10
"""Scores of which none is higher are on 0-1, 1-5 or 0-10, and not on the usual range."""

RECURSIVE = ",recursive"
"""Behind a folder whose folders are searched, too."""

META_NAME = re.compile(r"meta_info_(.+)Dataset\.csv")

PYIQA_RANGES: dict[str, Range] = published("data_sets")["pyiqa_ranges"]
"""Worst and best label by pyiqa's name of the data set."""


def _mend() -> str:
    """Return how a range is said."""
    said = worded("opinion_range=(1, 5)", "--opinion-range 1 5")
    return f" Say the range, as {said}."


def load_csv(rest: str, opinion_range: Range | None = None) -> DataSet:
    """Load a CSV with the columns image and mos, and, where it has them, type and reference.

    Pictures are looked for beside it; ``FILE@DIR`` names another folder.

    Raises
    ------
    InputError
        If a file or a picture is missing, or a score is none or beyond its range.
    """
    path, folder = _file_and_folder(rest)
    entries = _entries(path)
    label = _label("mos", path, entries, opinion_range)
    return assemble(_name(path, folder), folder, entries, label, path, _mend())


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
    header, found = rows(path)
    entries = [_meta_entry(where, header, row) for where, row in found]
    match = META_NAME.fullmatch(path.name)
    known = match[1] if match else ""
    if known == "LIVEChallenge":
        entries = [entry for entry in entries if not CLIVE_TRAINING.fullmatch(entry.name)]
    if opinion_range is None and known in PYIQA_RANGES:
        worst, best = PYIQA_RANGES[known]
        label = Label("label", worst, best, f"pyiqa's range for {known}")
    else:
        label = _label("label", path, entries, opinion_range)
    return assemble(known or _name(path, folder), folder, entries, label, path, _mend())


def load_folder(rest: str, *, recursive: bool = False) -> DataSet:
    """Load the pictures of a folder, by name; nobody scored them.

    ``DIR,recursive`` searches the folders in it, too.

    Raises
    ------
    InputError
        If there is no such folder, or no picture in it.
    """
    root = located(rest)
    if rest.endswith(RECURSIVE) and not root.exists():
        root, recursive = located(rest.removesuffix(RECURSIVE)), True
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder.")
    listing = files_of(root, recursive=recursive)
    samples: dict[str, Sample] = {}
    for each in listing.files:
        name = printable(each.name)
        if name in samples:
            raise InputError(f"{root}: two files' names are both shown as {name}; rename one.")
        samples[name] = Sample(name, each.path)
    return DataSet(
        printable(absolute(root).name), root, tuple(samples.values()), listings=(listing,)
    )


def opinions(path: Path, files: Sequence[Path], opinion_range: Range | None = None) -> list[float]:
    """Return the opinion scores of picture files on 0-10, from a CSV as `load_csv` reads it.

    A row is of the file whose path ends with its name, capitals and composition of letters aside
    where no path ends with exactly that.

    Parameters
    ----------
    path : Path
        The CSV; it may list other pictures, too.
    files : sequence of Path
        The pictures' files.
    opinion_range : (worst, best), optional
        As `iqaudit.datasets.load` takes it.

    Raises
    ------
    InputError
        As `load_csv` raises it; or if a row may be of several files, two rows are of one, or a
        file has none.
    """
    entries = _entries(path)
    label = _label("mos", path, entries, opinion_range)
    refuse_outside(path, entries, label, _mend())
    whole = [absolute(file) for file in files]
    found: dict[Path, Entry] = {}
    by_name: dict[str, dict[Path, None]] = {}
    for file in whole:
        by_name.setdefault(fold(file.name), {})[file] = None
    for entry in entries:
        alike = _ending_with(entry.name, path.parent, list(by_name.get(_last(entry.name), ())))
        if len(alike) > 1:
            raise InputError(
                f"{entry.where}: {entry.name} may be {' or '.join(map(str, alike[:2]))}; write "
                "the one that is meant, with its folder."
            )
        for file in alike:
            if file in found:
                raise InputError(
                    f"{entry.where}: {entry.name} is {file}, and so is {found[file].name} "
                    f"({found[file].where}); leave one of the two out."
                )
            found[file] = entry
    if missing := [str(files[index]) for index, file in enumerate(whole) if file not in found]:
        raise InputError(f"{path}: {len(missing)} pictures have no score: {some(missing)}.")
    labels = [found[file].label for file in whole]
    if len(set(labels)) == 1:
        raise InputError(f"{path}: every picture has the same score: nothing can be fitted to it.")
    return [label.opinion(each) for each in labels]


def _last(name: str) -> str:
    return fold(name).rpartition("/")[2]


def _ending_with(name: str, folder: Path, files: Sequence[Path]) -> list[Path]:
    """Return the files whose paths end with a name: exactly or, where none does, case aside."""
    own = os.path.normpath(name.replace("\\", "/"))
    if own.startswith(os.pardir):  # as seen from the table
        own = str(absolute(folder / own))
    exact = [file for file in files if _ends(file.parts, PurePath(own).parts)]
    parts = PurePath(fold(own)).parts
    return exact or [file for file in files if _ends(PurePath(fold(str(file))).parts, parts)]


def _ends(parts: tuple[str, ...], tail: tuple[str, ...]) -> bool:
    return parts[-len(tail) :] == tail


def _entries(path: Path) -> list[Entry]:
    found = table(path, "image", "mos", optional=("type", "reference"))
    return [
        Entry(
            row["image"],
            number(row["mos"], where),
            row["type"] or None,
            row["reference"] or None,
            where,
        )
        for where, row in found
    ]


def _meta_entry(where: str, header: Sequence[str], cells: Sequence[str]) -> Entry:
    reference = None
    if [fold(column) for column in header[1:2]] == ["dist_name"]:
        reference, *cells = cells
    if len(cells) < 2:  # noqa: PLR2004 (a name and a label)
        raise InputError(f"{where}: a picture's name and its label are due.")
    name, label, *_ = cells
    return Entry(name, number(label, where), None, reference, where)


def _name(path: Path, folder: Path) -> str:
    """Return the name of a table's data set: many a table is called scores.csv."""
    return printable("/".join(filter(None, (folder.resolve().name, path.name))))


def _file_and_folder(rest: str) -> tuple[Path, Path]:
    path = located(rest)
    if "@" in rest and not path.is_file():
        file, _, folder = rest.rpartition("@")
        return located(file), located(folder)
    return path, path.parent


def _label(name: str, path: Path, entries: list[Entry], opinion_range: Range | None) -> Label:
    """Return the label of scores whose range the caller said, or may have left unsaid."""
    if opinion_range is None:
        if entries and max(entry.label for entry in entries) <= SMALLER:
            raise InputError(f"{path}: no {name} is above {SMALLER}: on which range?{_mend()}")
        return Label(name, *USUAL, "assumed, since no range was said")
    try:
        worst, best = map(float, two_numbers(opinion_range))
    except TypeError:
        rule = "Opinion scores run between two numbers, worst and best"
        raise InputError(f"{rule}, not {opinion_range!r}.") from None
    return Label(name, worst, best, "said by the caller")
