"""Tables of scores: the one reader of them, for data sets, calibration and lists of pictures.

Tables come from spreadsheets, scripts and other systems. So commas, semicolons and tabs separate
cells, columns are found by their names whatever their capitals, and letters are told by what they
look like, not by how they are composed. Where a table can be read in two ways, it is refused with
both.
"""

import codecs
import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from iqaudit._core.errors import InputError, some
from iqaudit._core.wording import read_number

SEPARATORS = ",;\t"

EXCEL = re.compile(r"sep=(.)")
"""A line before the header, by which spreadsheets know the separator."""

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def fold(name: str) -> str:
    """Return a name with its capitals and its composition of letters aside, and with / in it."""
    return unicodedata.normalize("NFC", name.replace("\\", "/")).casefold()


def rows(path: Path) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """Return a table's header, and its rows that are not blank, each with where it stands.

    Parameters
    ----------
    path : Path
        A text file in UTF-8 (or UTF-16, with its mark), the columns' names in its first line.

    Raises
    ------
    InputError
        If the file cannot be read, or a row has more cells than the header.
    """
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = EXCEL.fullmatch(first)
    found = _split(path, text, told[1] if told else max(SEPARATORS, key=first.count))
    if told:
        next(found)
    _, header = next(found, ("", []))
    return header, _within(header, found)


def table(
    path: Path, *needed: str, optional: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield a table's rows by the names of the columns asked for, each with where it stands.

    Parameters
    ----------
    path : Path
        As `rows` reads it.
    *needed : str
        Names of columns, capitals aside, whose cells are all filled.
    optional : sequence of str
        Further columns; their cells are empty where there is none.

    Raises
    ------
    InputError
        As `rows` raises it; or if a needed column or a cell of it is missing, or two columns have
        the name of one.
    """
    header, found = rows(path)
    places = _places(path, header, needed, optional)
    for where, row in found:
        cells = {name: row[place] for name, place in places.items()}
        for name in needed:
            if not cells[name]:
                known = next(filter(None, cells.values()), "")
                raise InputError(f"{where}: {known or 'a picture'} has no {name}.")
        yield where, cells | {name: "" for name in optional if name not in cells}


def number(text: object, where: str) -> float:
    """Return a label as a float, or raise an `InputError` that says where it stands."""
    try:
        value = read_number(str(text))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        comma = DECIMAL_COMMA.fullmatch(str(text))
        mend = f"; write {comma[0].replace(',', '.')}" if comma else ""
        raise InputError(f"{where}: {text!r} is no score{mend}.")
    return value


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise InputError(f"{path}: this CSV cannot be read ({error}).") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: this CSV cannot be read: it is not in UTF-8 ({error.reason} at byte "
            f"{error.start}); save it in UTF-8."
        ) from None


def _split(path: Path, text: str, separator: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows that are not blank, each with where it stands."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield f"{path}, line {reader.line_num}", cells
    except csv.Error as error:
        line = reader.line_num
        raise InputError(f"{path}, line {line}: this CSV cannot be read ({error}).") from None


def _within(
    header: Sequence[str], found: Iterator[tuple[str, list[str]]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield rows with as many cells as the header has."""
    width = len(header)
    for where, row in found:
        if any(row[width:]):
            raise InputError(
                f"{where}: {len(row)} cells, and the header names {width} columns; quote a name "
                "that holds a comma, and write decimals behind a point."
            )
        yield where, (row + [""] * width)[:width]


def _places(
    path: Path, header: Sequence[str], needed: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Return the places of the columns that there are."""
    places = {}
    for name in (*needed, *optional):
        alike = [index for index, column in enumerate(header) if fold(column) == fold(name)]
        if len(alike) > 1:
            both = " and ".join(f"{header[index]!r}" for index in alike)
            raise InputError(f"{path}: the columns {both} are both called {name}; rename one.")
        if alike:
            places[name] = alike[0]
    if not any(header):
        raise InputError(f"{path}: this is empty; the columns {', '.join(needed)} are due.")
    if missing := [name for name in needed if name not in places]:
        raise InputError(
            f"{path}: the columns {', '.join(needed)} are due; {', '.join(missing)} "
            f"not found among: {some([each for each in header if each]) or 'none'}."
        )
    return places
