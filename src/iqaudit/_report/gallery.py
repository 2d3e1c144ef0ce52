"""The gallery: each picture of each cell, clean, attacked, and the change, worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from iqaudit._analysis.tables.cells import PictureData
from iqaudit._core.patches import Window, whole
from iqaudit._core.picture import Pixels, read
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._report import data_urls
from iqaudit._report.crop import crop
from iqaudit._report.verdict import Cell
from iqaudit._runs.records import PictureRecord
from iqaudit._runs.schema import file_names

SIDES = (1024, 768, 640, 512, 384, 320, 256, 192, 128, 96, 64)
"""Pixels that are shown of a picture, in height and width: the first with which all have room."""

BUDGET = 9_500_000
"""Bytes for the gallery's pictures; a third more as text in the page, which stays below 15 MB."""

SPARK = 48
"""Points of a picture's curve."""

SAMPLES, SAMPLE = 16, 96
"""Pictures by whose middles, of so many pixels in height and width, the room is guessed."""


@dataclass(frozen=True)
class Shot:
    """One picture of one cell.

    Attributes
    ----------
    cell, data, entry
        Its cell, its figures, and its entry in results.json.
    shown : Window
        The part that the page shows.
    clean, up, down : str
        That part, and the change upwards and downwards, as addresses.
    preview : str or None
        The whole, small, where a part is shown.
    folder : str
        Where its files are from the page on, as an address.
    spark : str
        Points of its quality against the logarithm of queries, in a drawing of 100 x 100.
    """

    cell: Cell
    data: PictureData
    entry: PictureRecord
    shown: Window
    clean: str
    up: str
    down: str
    preview: str | None
    folder: str
    spark: str

    @property
    def name(self) -> str:
        """The picture's name."""
        return self.data.figures.name

    @property
    def key(self) -> str:
        """Its name in the page; no two of a page have one."""
        return f"{self.cell.key}--{self.name}"

    @property
    def clean_file(self) -> str:
        """The whole clean picture's address."""
        return self.folder + quote(file_names(self.name)["clean"])

    @property
    def attacked_file(self) -> str:
        """The whole attacked picture's address."""
        return self.folder + quote(file_names(self.name)["attacked"])


@dataclass(frozen=True)
class Gallery:
    """All pictures, the most visible change first; `side` is the longest shown of each."""

    shots: tuple[Shot, ...]
    side: int

    @property
    def cut(self) -> bool:
        """Whether any picture is shown in part."""
        return any(shot.preview is not None for shot in self.shots)


def gallery(root: Path, cells: Sequence[Cell], budget: int = BUDGET) -> Gallery:
    """Read the pictures, and show as much of each as has room.

    Parameters
    ----------
    root : Path
        Where the page will lie.
    cells : sequence of Cell
        Whose pictures.
    budget : int
        Bytes.

    Raises
    ------
    InputError
        If a picture is gone.
    """
    sources = [_Source(cell, picture) for cell in cells for picture in cell.data.pictures]
    sources.sort(key=lambda each: -(each.data.figures.flip or 0))
    rate = _rate(sources)
    for side in SIDES[:-1]:
        if rate * sum(each.area(side) for each in sources) > budget:
            continue
        shots = _shots(root, sources, side, budget)
        if shots is not None:
            return Gallery(shots, side)
    return Gallery(_shots(root, sources, SIDES[-1], None) or (), SIDES[-1])


@dataclass(frozen=True, eq=False)
class _Source:
    """A picture of a cell, read when it is looked at."""

    cell: Cell
    data: PictureData

    def read(self) -> tuple[Pixels, Pixels]:
        """Return the clean picture and the attacked one."""
        files = file_names(self.data.figures.name)
        clean, attacked = (
            read(self.cell.data.path / files[which]).pixels for which in ("clean", "attacked")
        )
        return clean, attacked

    def area(self, side: int) -> int:
        """Return how many pixels a part has."""
        return min(side, self.data.figures.height) * min(side, self.data.figures.width)


def _rate(sources: Sequence[_Source]) -> float:
    """Return about how many bytes a pixel takes, by the middles of some of the pictures."""
    taken = area = 0
    for each in sources[:: max(1, len(sources) // SAMPLES)]:
        pictures = each.read()
        rows, columns = (
            slice(max(0, (size - SAMPLE) // 2), (size + SAMPLE) // 2)
            for size in pictures[0].shape[:2]
        )
        clean, attacked = (picture[rows, columns] for picture in pictures)
        taken += sum(map(len, data_urls.three(clean, attacked)))
        area += clean[..., 0].size
    return taken / max(area, 1)


def _shots(
    root: Path, sources: Sequence[_Source], side: int, budget: int | None
) -> tuple[Shot, ...] | None:
    """Return the pictures; None where they take more than the budget."""
    shots, taken = [], 0
    for each in sources:
        clean, attacked = each.read()
        shown = crop(clean, attacked, side)
        pictures = data_urls.three(clean[shown.slices], attacked[shown.slices])
        small = None if shown == whole(*clean.shape[:2]) else data_urls.preview(clean)
        taken += sum(map(len, pictures)) + len(small or b"")
        if budget is not None and taken > budget:
            return None
        shots.append(_shot(root, each, shown, pictures, small))
    return tuple(shots)


def _shot(
    root: Path,
    source: _Source,
    shown: Window,
    pictures: tuple[bytes, bytes, bytes],
    small: bytes | None,
) -> Shot:
    cell, data = source.cell, source.data
    [entry] = [each for each in cell.record.pictures if each.name == data.figures.name]
    inside = cell.data.path.resolve() != root.resolve()
    clean, up, down = map(data_urls.url, pictures)
    return Shot(
        cell=cell,
        data=data,
        entry=entry,
        shown=shown,
        clean=clean,
        up=up,
        down=down,
        preview=None if small is None else data_urls.url(small),
        folder=f"{quote(cell.data.path.name)}/" if inside else "",
        spark=_spark(cell, data),
    )


def _spark(cell: Cell, data: PictureData) -> str:
    """Return a picture's quality against queries: that of the best so far."""
    count = len(data.reached)
    numbers = np.unique(np.rint(np.geomspace(1, count, SPARK)).astype(int))
    points = []
    for number in numbers:
        across = 100 * np.log(number) / np.log(count) if count > 1 else 0.0
        height = 100 * (1 - cell.data.scale.quality(float(data.reached[number - 1])) / QUALITY_MAX)
        points.append(f"{across:.4g},{height:.4g}")
    return " ".join(points)
