"""CSIQ: pictures by distortion, scores in a spreadsheet."""

from pathlib import Path
from typing import Any

from iqaudit._core.errors import InputError, some
from iqaudit._core.scale import opinion_maximum
from iqaudit.datasets._base import DataSet, Label
from iqaudit.datasets._lookup import Entry, assemble, parts
from iqaudit.datasets._score_table import number

SOURCE = "Larson and Chandler, J. Electronic Imaging 19 (1), 2010: 0 to 1"
LABEL = Label("DMOS", opinion_maximum("csiq"), 0, SOURCE)

SHEET = "all_by_image"
COLUMNS = ("image", "dst_type", "dst_lev", "dmos")

FILES = {
    "noise": ("awgn", "AWGN"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
    "fnoise": ("fnoise", "fnoise"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
}
"""The spreadsheet's names of the distortions, with those of the folders and in the files."""


def load_csiq(root: Path) -> DataSet:
    """Load CSIQ: dst_imgs/awgn/1600.AWGN.1.png, ..., scored in csiq.DMOS.xlsx.

    Some distorted pictures on disk were never scored; they are not in the data set.

    E. C. Larson, D. M. Chandler, "Most apparent distortion: full-reference image quality assessment
    and the role of strategy", Journal of Electronic Imaging 19 (1), 2010.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "CSIQ"
    folder, book = parts(root, release, "dst_imgs", "csiq.DMOS.xlsx")
    entries = [_entry(row, book) for row in _rows(book)]
    return assemble(release, folder, entries, LABEL, book)


def _entry(row: dict[str, Any], book: Path) -> Entry:
    kind = str(row["dst_type"]).strip().casefold()
    where = f"{book}, {row['image']}, {kind}"
    if kind not in FILES:
        raise InputError(f"{where}: no such distortion; known are {', '.join(FILES)}.")
    folder, infix = FILES[kind]
    # Excel keeps the picture called 1600 as a number, as it does the levels.
    image, level = (
        f"{each:.0f}" if isinstance(each, int | float) else each.strip()
        for each in (row["image"], row["dst_lev"])
    )
    name = f"{folder}/{image}.{infix}.{level}.png"
    return Entry(name, number(row["dmos"], where), folder, f"{image}.png", where)


def _rows(book: Path) -> list[dict[str, Any]]:
    """Return the sheet's rows by column; its table begins some rows down and columns in."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(book) as workbook:
            sheets = workbook.sheet_names
            cells = workbook.get_sheet_by_name(SHEET).to_python() if SHEET in sheets else []
    except (CalamineError, OSError) as error:
        raise InputError(f"{book}: this spreadsheet cannot be read ({error}).") from None
    if SHEET not in sheets:
        raise InputError(f"{book}: there is no sheet {SHEET}; there are {some(sheets)}.")
    for top, header in enumerate(cells):
        if set(COLUMNS) <= {str(cell) for cell in header}:
            rows = [dict(zip(map(str, header), row, strict=True)) for row in cells[top + 1 :]]
            return [row for row in rows if row["image"] != ""]
    raise InputError(f"{book}, sheet {SHEET}: no row has the columns {', '.join(COLUMNS)}.")
