"""The page's first sight: a pair of pictures that flips, the order that breaks, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from iqaudit._analysis import telling
from iqaudit._analysis.telling import Advice, Order
from iqaudit._core.patches import Window
from iqaudit._report import data_urls
from iqaudit._report.charts import Drawing, domain
from iqaudit._report.figures import csv_url, figure
from iqaudit._report.gallery import crop, sources
from iqaudit._report.verdict import Cell
from iqaudit._runs.figures import Row

OWN = 400, 512
"""Pixels of the pair at its own size, in height and width: beside a headline, or on a phone."""

SPOT, TIMES = 56, 4
"""Pixels in height and width that are enlarged, and how many times."""

MOST_POINTS, MOST_ARROWS = 300, 60
"""Pictures that are drawn, and of how many at the most each has its way drawn as well."""


@dataclass(frozen=True)
class Layers:
    """A part of a picture: clean, and what is added and taken away, as addresses."""

    shown: Window
    clean: str
    up: str
    down: str


@dataclass(frozen=True)
class Face:
    """The pair.

    Attributes
    ----------
    cell, figures, opinion
        Its cell, the picture's figures, and what people rate it.
    key : str
        The picture's name in the page.
    own, spot : Layers
        The part that is shown, and that of it which is enlarged; `spot.shown` is seen from `own`.
    times : int
        How many times that is.
    count : int
        Pictures of the cell, of which it is the one that moved farthest.
    """

    cell: Cell
    figures: Row
    opinion: float | None
    key: str
    own: Layers
    spot: Layers
    times: int
    count: int

    @property
    def is_whole(self) -> bool:
        """Whether the whole picture is shown."""
        return (self.own.shown.height, self.own.shown.width) == (
            self.figures.height,
            self.figures.width,
        )

    @property
    def scores(self) -> tuple[str, str]:
        """The clean and the attacked score, with as many digits as tell them apart."""
        both = self.figures.clean_score, self.figures.attacked_score
        for form in (".3g", ".4g", ".6g"):
            one, other = (figure(each, form) for each in both)
            if one != other:
                break
        return one, other

    @property
    def scale(self) -> str:
        """The victim's range and direction, behind its score."""
        scale = self.cell.data.scale
        ends = f"of {scale.low:g} to {scale.high:g}, " if _finite(scale.low, scale.high) else ""
        return f"{ends}{'lower' if scale.lower_is_better else 'higher'} is better"


@dataclass(frozen=True)
class Mark:
    """A picture in the scatter: its name, and its places in per cent of the plot."""

    name: str
    x: float
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Scatter(Drawing):
    """A drawing of pictures before and after the attack.

    Attributes
    ----------
    order : Order
        What is drawn.
    marks : tuple of Mark
        Its pictures, some of them where they are too many.
    arrows : bool
        Whether each has its way drawn.
    victim, by : str
        Whose scores, and the attack.
    """

    order: Order
    marks: tuple[Mark, ...]
    arrows: bool
    victim: str
    by: str

    @property
    def alt(self) -> str:
        """The drawing in words."""
        return f"{self.title}. {self.order.text}"


def face(cell: Cell | None) -> Face | None:
    """Return the pair of a cell; None where it has no finished picture, or none that moved.

    Raises
    ------
    InputError
        If the picture is gone.
    """
    told = None if cell is None else telling.most_telling(cell.data)
    if cell is None or told is None or not told.figures.changed:
        return None
    [source] = (each for each in sources(cell.data.path, [cell]) if each.data is told)
    clean, attacked = source.read()
    own = crop(clean, attacked, *OWN)
    clean, attacked = clean[own.slices], attacked[own.slices]
    spot = crop(clean, attacked, SPOT)
    return Face(
        cell,
        told.figures,
        told.opinion,
        source.key,
        Layers(own, *map(data_urls.url, data_urls.three(clean, attacked))),
        Layers(
            spot, *map(data_urls.url, data_urls.three(clean[spot.slices], attacked[spot.slices]))
        ),
        TIMES,
        len(cell.data.finished),
    )


def scatter(cell: Cell | None) -> Scatter | None:
    """Draw the order of a cell's pictures before and after; None where there is none."""
    order = None if cell is None else telling.order(cell.data)
    if cell is None or order is None:
        return None
    places = telling.shown(order.places, MOST_POINTS)
    across = [each.against for each in order.places]
    x = domain(across, min(across))
    heights = [value for each in order.places for value in (each.before, each.after)]
    y = domain(heights, min(heights))
    what = "scores against people's" if order.rated else "scores"
    rows = [("picture", "against", "before", "after")]
    rows += [(each.name, each.against, each.before, each.after) for each in order.places]  # type: ignore[misc]
    return Scatter(
        name="order",
        title=f"{cell.data.victim}: {what}, before the attack and after",
        x_title=("people" if order.rated else f"{cell.data.victim}, before") + ", 0–10",
        y_title=f"{cell.data.victim}, 0–10",
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        csv=csv_url(rows),
        order=order,
        marks=tuple(
            Mark(each.name, x.at(each.against), y.at(each.before), y.at(each.after))
            for each in places
        ),
        arrows=len(places) <= MOST_ARROWS,
        victim=cell.data.victim,
        by=cell.data.attack,
    )


def advice(cell: Cell | None, *, compared: bool) -> Sequence[Advice]:
    """Return what to do about the victim of a cell."""
    if cell is None:
        return ()
    unclear = cell.insights is not None and cell.insights.rgo.sign <= 0
    return telling.advice(cell.data, cell.row, unclear=unclear, compared=compared)


def _finite(*values: float) -> bool:
    return all(map(isfinite, values))
