"""A run's or an audit's figures as one flat table: a row a picture and cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iqaudit import measures
from iqaudit._analysis.tables import samples
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._analysis.tables.csv_text import csv_text
from iqaudit._analysis.tables.samples import Ranged, Snapshot
from iqaudit._analysis.tables.tables import checkpoints
from iqaudit._core.errors import InputError, naming
from iqaudit._core.paths import begins
from iqaudit._runs.figures import Row

OF_CELL = ("cell", "victim", "attack", "data", "levels", "goal")
OF_PICTURE = ("file", "opinion", "distortion", "reference")


def rows(cells: Sequence[CellData]) -> list[dict[str, Any]]:
    """Return a row a picture and cell, all with the same columns; None where a figure is none.

    Pictures whose search was cut off are there, and `outcome` says so.
    """
    earlier = sorted({each for cell in cells for each in checkpoints(cell)[:-1]})
    wholes = [Snapshot.of(cell) for cell in cells]
    return [_row(whole, each, earlier) for whole in wholes for each in whole.cell.pictures]


def write_csv(path: Path, cells: Sequence[CellData]) -> None:
    """Write the rows as CSV, in UTF-8; see `csv_text`."""
    table = rows(cells)
    heads = list(table[0]) if table else OF_CELL
    text = csv_text([heads, *(row.values() for row in table)])
    with naming(path):
        path.write_text(text, encoding="utf-8", newline="")


def write_parquet(path: Path, cells: Sequence[CellData]) -> None:
    """Write the rows as Parquet.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    pa, parquet = _pyarrow()
    table = rows(cells)
    columns = {name: [row[name] for row in table] for name in (table[0] if table else ())}
    arrays = {
        # An empty column is of numbers, so that files can be joined.
        name: pa.array(values, pa.float64() if values.count(None) == len(values) else None)
        for name, values in columns.items()
    }
    # Not to the path: where that fails, pyarrow removes the file, which may be an older export.
    whole = pa.BufferOutputStream()
    parquet.write_table(pa.table(arrays), whole)
    with naming(path):
        path.write_bytes(whole.getvalue())


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            'Parquet is written by pyarrow: pip install "iqaudit[parquet]", or write CSV.'
        ) from None
    return pa, parquet


def _is_parquet(path: Path) -> bool:
    """Tell whether a file is an export as Parquet."""
    pa, parquet = _pyarrow()
    try:
        return tuple(parquet.read_schema(path).names[: len(OF_CELL)]) == OF_CELL
    except (pa.ArrowInvalid, OSError):  # no Parquet, or a damaged one
        return False


WRITE = {"csv": write_csv, "parquet": write_parquet}
SIGNS = {"csv": begins(",".join(OF_CELL).encode()), "parquet": _is_parquet}
"""What an export of each form is known by: the first names of its columns."""


def _row(whole: Snapshot, picture: PictureData, earlier: Sequence[int]) -> dict[str, Any]:
    cell, figures = whole.cell, picture.figures
    qualities = [figures.clean_quality], [figures.attacked_quality]
    natives = [figures.clean_score], [figures.attacked_score]
    return {
        **{key: getattr(cell, key) for key in OF_CELL},
        "budget": cell.queries,
        "seed": cell.seed,
        "picture": figures.name,
        **{key: getattr(picture, key) for key in OF_PICTURE},
        **{key: value for key, value in vars(figures).items() if key != "name"},
        "shift": measures.shift(*natives, cell.scale.spread),
        "signed_shift": whole.sign() * measures.shift(*natives, cell.scale.spread, signed=True),
        "deviation": abs(figures.attacked_quality - figures.clean_quality),
        "r_natural": samples.zhang(*qualities),
        **_gains(whole, figures),
        **{f"quality_at_{queries}": _quality(cell, picture, queries) for queries in earlier},
    }


def _gains(whole: Snapshot, figures: Row) -> dict[str, float | None]:
    """Return the other groups' terms of one picture, gains positive towards better quality.

    Scores are scaled by the clean ones of the finished pictures, as in the tables.
    """
    scores = [figures.clean_score], [figures.attacked_score]
    clean, sign = whole.clean_range(), whole.sign()
    terms: tuple[tuple[str, int, Ranged, tuple[float, float] | None], ...] = (
        ("range_gain", sign, measures.normalised_gain, whole.native_range()),
        ("absolute_gain", sign, measures.normalised_gain, clean),
        ("relative_gain", sign, measures.relative_gain, clean),
        ("r_decimal", 1, samples.msu, clean),
    )
    return {
        name: None if ends is None else factor * measure(*scores, ends)
        for name, factor, measure, ends in terms
    }


def _quality(cell: CellData, picture: PictureData, queries: int) -> float | None:
    """Return the quality reached after so many queries, where the cell's budget had as many."""
    if queries > cell.queries or queries < cell.cost:
        return None
    return cell.scale.quality(float(picture.reached[: queries // cell.cost][-1]))
