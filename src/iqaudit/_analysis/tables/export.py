"""A run's or an audit's figures as one flat table: a row a picture and cell."""

import csv
import math
import os
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from iqaudit import measures
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._analysis.tables.tables import checkpoints
from iqaudit._core.errors import InputError
from iqaudit._core.scale import QUALITY_MAX

OF_CELL = ("cell", "victim", "attack", "data", "levels", "goal")
OF_PICTURE = ("file", "opinion", "distortion", "reference")


def rows(cells: Sequence[CellData]) -> list[dict[str, Any]]:
    """Return a row a picture and cell, all with the same columns; None where a figure is none.

    Pictures whose search was cut off are there, and `outcome` says so.
    """
    earlier = sorted({each for cell in cells for each in checkpoints(cell)[:-1]})
    return [
        _row(cell, picture, _range(cell), earlier) for cell in cells for picture in cell.pictures
    ]


def csv_text(cells: Sequence[CellData]) -> str:
    """Return the rows as CSV: a head, an empty field for None, numbers in full."""
    table = rows(cells)
    buffer = StringIO()
    writer = csv.DictWriter(buffer, list(table[0]) if table else ["cell"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return buffer.getvalue()


def write_csv(path: str | os.PathLike[str], cells: Sequence[CellData]) -> None:
    """Write the rows as CSV, in UTF-8."""
    Path(path).write_text(csv_text(cells), "utf-8")


def write_parquet(path: str | os.PathLike[str], cells: Sequence[CellData]) -> None:
    """Write the rows as Parquet.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            'Parquet is written by pyarrow: pip install "iqaudit[parquet]", or use --csv.'
        ) from None
    table = rows(cells)
    columns = {name: [row[name] for row in table] for name in (table[0] if table else ())}
    arrays = {name: pa.array(values, _type(pa, values)) for name, values in columns.items()}
    parquet.write_table(pa.table(arrays), path)


def _type(pa: Any, values: Iterable[Any]) -> Any:
    """Return a column's type: one that is empty is a number, so that files can be joined."""
    there = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in there):
        return pa.string()
    whole = there and all(isinstance(value, int) for value in there)
    return pa.int64() if whole else pa.float64()


def _row(
    cell: CellData,
    picture: PictureData,
    scaled: tuple[float, float] | None,
    earlier: Sequence[int],
) -> dict[str, Any]:
    figures = picture.figures
    qualities = [figures.clean_quality], [figures.attacked_quality]
    natural = measures.robustness(*qualities, (0, QUALITY_MAX), base=math.e)
    return {
        **{key: getattr(cell, key) for key in OF_CELL},
        "budget": cell.queries,
        "seed": cell.seed,
        "picture": figures.name,
        **{key: getattr(picture, key) for key in OF_PICTURE},
        **{key: value for key, value in vars(figures).items() if key != "name"},
        "deviation": abs(figures.attacked_quality - figures.clean_quality),
        "r_natural": natural,
        **_gains(cell, picture, scaled),
        **{f"quality_at_{queries}": _quality(cell, picture, queries) for queries in earlier},
    }


def _gains(
    cell: CellData, picture: PictureData, scaled: tuple[float, float] | None
) -> dict[str, float | None]:
    """Return the other groups' terms of one picture, gains positive towards better quality."""
    names = ("range_gain", "absolute_gain", "relative_gain", "r_decimal")
    terms: dict[str, float | None] = dict.fromkeys(names)
    scores = [picture.figures.clean_score], [picture.figures.attacked_score]
    sign = -1 if cell.scale.lower_is_better else 1
    native = cell.scale.low, cell.scale.high
    if math.isfinite(native[1] - native[0]):
        terms["range_gain"] = sign * measures.normalised_gain(*scores, native)
    if scaled is not None:
        low, high = scaled
        terms["absolute_gain"] = sign * measures.normalised_gain(*scores, scaled)
        terms["relative_gain"] = sign * measures.relative_gain(*scores, scaled)
        p, p_attacked = ([(score - low) / (high - low)] for (score,) in scores)
        terms["r_decimal"] = measures.robustness(
            p, p_attacked, (0, 1), base=10, offset=measures.MSU_OFFSET
        )
    return terms


def _range(cell: CellData) -> tuple[float, float] | None:
    """Return the range of the clean scores that the tables scale by: of the finished pictures."""
    scores = [picture.figures.clean_score for picture in cell.finished]
    low, high = measures.clean_range(scores) if scores else (0.0, 0.0)
    return (low, high) if low < high else None


def _quality(cell: CellData, picture: PictureData, queries: int) -> float | None:
    """Return the quality reached after so many queries, where the cell's budget had as many."""
    if queries > cell.queries or queries < cell.cost:
        return None
    return cell.scale.quality(float(picture.reached[: queries // cell.cost][-1]))
