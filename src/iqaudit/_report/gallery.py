"""The gallery: each picture of each cell, clean, attacked, and the change, worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from iqaudit import measures
from iqaudit._analysis.tables.cells import PictureData
from iqaudit._core.patches import Window, whole
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._report import data_urls
from iqaudit._report.verdict import Cell
from iqaudit._runs import reader
from iqaudit._runs.records import PictureRecord
from iqaudit._runs.schema import file_names

SIDES = (1024, 768, 640, 512, 384, 320, 256, 192, 128, 96, 64)
"""Pixels that are shown of a picture, in height and width: the first with which all have room."""

BUDGET = 9_500_000
"""Bytes for the gallery; a third more as text in the page, which stays below 15 MB."""

WORDS = 2_000
"""Bytes of it that a picture's figures and its line in the table are counted for."""

SPARK = 48
"""Points of a picture's curve."""

SAMPLES, SAMPLE = 16, 96
"""Pictures by whose middles, of so many pixels in height and width, the room is guessed."""


@dataclass(frozen=True)
class Source:
    """A picture of a cell, read when it is looked at.

    Attributes
    ----------
    cell, data
        Its cell, and its figures.
    folder : str
        Where its files are from the page on, as an address.
    """

    cell: Cell
    data: PictureData
    folder: str

    @property
    def name(self) -> str:
        """The picture's name."""
        return self.data.figures.name

    @property
    def key(self) -> str:
        """Its name in the page; no two of a page have one."""
        return f"{self.cell.key}--{self.name}"

    def read(self) -> tuple[Pixels, Pixels]:
        """Return the clean picture and the attacked one."""
        run, data = self.cell.data.path, self.data
        return (
            reader.clean(run, self.name, data.sha256).pixels,
            reader.attacked(run, self.name, data.attacked_sha256),
        )

    def area(self, side: int) -> int:
        """Return how many pixels a part has."""
        return min(side, self.data.figures.height) * min(side, self.data.figures.width)


@dataclass(frozen=True)
class Shot(Source):
    """One picture of one cell.

    Attributes
    ----------
    cell, data, folder
        As its source has them.
    shown : Window
        The part that the page shows.
    clean, up, down : str
        That part, and the change upwards and downwards, as addresses.
    preview : str or None
        The whole, small, where a part is shown.
    """

    shown: Window
    clean: str
    up: str
    down: str
    preview: str | None

    @property
    def entry(self) -> PictureRecord:
        """Its entry in results.json."""
        return next(each for each in self.cell.record.pictures if each.name == self.name)

    @property
    def clean_file(self) -> str:
        """The whole clean picture's address."""
        return self.folder + quote(file_names(self.name)["clean"])

    @property
    def attacked_file(self) -> str:
        """The whole attacked picture's address."""
        return self.folder + quote(file_names(self.name)["attacked"])

    @property
    def spark(self) -> str:
        """Its best quality so far against the logarithm of queries, in a drawing of 100 x 100."""
        reached, scale = self.data.reached, self.cell.data.scale
        count = len(reached)
        points = []
        for number in np.unique(np.rint(np.geomspace(1, count, SPARK)).astype(int)):
            across = 100 * np.log(number) / np.log(count) if count > 1 else 0.0
            height = 100 * (1 - scale.quality(float(reached[number - 1])) / QUALITY_MAX)
            points.append(f"{across:.4g},{height:.4g}")
        return " ".join(points)


@dataclass(frozen=True)
class Gallery:
    """The pictures, the most visible change first.

    Attributes
    ----------
    shots : tuple of Shot
        Those that have room.
    side : int
        The longest shown of each.
    left_out : int
        The number of others, whose change is less visible.
    """

    shots: tuple[Shot, ...]
    side: int
    left_out: int = 0

    @property
    def cut(self) -> bool:
        """Whether any picture is shown in part."""
        return any(shot.preview is not None for shot in self.shots)


def gallery(root: Path, cells: Sequence[Cell], budget: int = BUDGET) -> Gallery:
    """Read the pictures, and show as much of each as has room; fewer where that is too little.

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
    there = sources(root, cells)
    rate = _rate(there)
    for side in SIDES[:-1]:
        if sum(WORDS + rate * each.area(side) for each in there) > budget:
            continue
        shots = _shots(there, side, budget)
        if len(shots) == len(there):
            return Gallery(shots, side)
    shots = _shots(there, SIDES[-1], budget)
    return Gallery(shots, SIDES[-1], len(there) - len(shots))


def sources(root: Path, cells: Sequence[Cell]) -> list[Source]:
    """Return the pictures of cells, the most visible change first, none read yet."""
    found = []
    for cell in cells:
        inside = cell.data.path.resolve() != root.resolve()
        folder = f"{quote(cell.data.path.name)}/" if inside else ""
        found += [Source(cell, picture, folder) for picture in cell.data.pictures]
    return sorted(found, key=lambda each: -(each.data.figures.flip or 0))


def _rate(sources: Sequence[Source]) -> float:
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


def _shots(sources: Sequence[Source], side: int, budget: int) -> tuple[Shot, ...]:
    """Return the first pictures, as many as the budget has room for."""
    shots, taken = [], 0
    for each in sources:
        clean, attacked = each.read()
        shown = crop(clean, attacked, side)
        pictures = data_urls.three(clean[shown.slices], attacked[shown.slices])
        small = None if shown == whole(*clean.shape[:2]) else data_urls.preview(clean)
        taken += WORDS + sum(map(len, pictures)) + len(small or b"")
        if taken > budget:
            break
        part, up, down = map(data_urls.url, pictures)
        preview = None if small is None else data_urls.url(small)
        shots.append(Shot(each.cell, each.data, each.folder, shown, part, up, down, preview))
    return tuple(shots)


def crop(clean: Pixels, attacked: Pixels, side: int, across: int | None = None) -> Window:
    """Return the part, `side` pixels high and wide at the most, that has the highest mean FLIP.

    There the change is seen best. The first of several from the top and from the left; the whole
    where a side holds it.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        The picture before and after.
    side : int
        At least 1.
    across : int, optional
        Its width, where that is another.
    """
    height, width = clean.shape[:2]
    rows, columns = min(side, height), min(across or side, width)
    if (rows, columns) == (height, width):
        return whole(height, width)
    # Whole millionths of FLIP, so that the sums of equal parts are equal.
    seen = np.rint(1e6 * measures.flip_map(clean, attacked)).astype(np.int64)
    total = np.pad(seen.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    below, above = total[rows:], total[:-rows]
    sums = (below[:, columns:] - below[:, :-columns]) - (above[:, columns:] - above[:, :-columns])
    top, left = divmod(int(sums.argmax()), sums.shape[1])
    return Window(top, left, rows, columns)
