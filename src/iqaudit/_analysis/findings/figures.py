"""Figures of insights.json, each with its sentence; the field names are those of the file.

Figures come in pairs (`Paired`): of the attack, and of the baseline, random changes of the same
size, which the file calls `floor`.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from iqaudit._runs.figures import IF_ANY
from iqaudit._search.trial import Unscored
from iqaudit.measures._bootstrap import Estimate, Paired

Grid: TypeAlias = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Baseline:
    """The random changes beside the attack.

    Attributes
    ----------
    cell : str or None
        The audit's cell of random changes with the same budget; None where the baseline is one
        random picture of ±ε for each picture, scored once.
    signed : Estimate
        Its RGO where a move against the attack's direction counts below 0; everywhere else the
        baseline's RGO counts its moves in either direction.
    raised, lowered : Paired or None
        The attack's RGO beside that of the random changes which move the score up, and down, the
        farthest; an older version had none.
    """

    cell: str | None
    signed: Estimate
    text: str
    raised: Paired | None = field(default=None, metadata=IF_ANY)
    lowered: Paired | None = field(default=None, metadata=IF_ANY)


@dataclass(frozen=True)
class Group:
    """Pictures that share a property, and how far their scores moved.

    Attributes
    ----------
    rgo : Paired
        Relative to the room on the scale; the baseline's in either direction.
    deviation : Paired
        In quality, 0-10.
    """

    label: str
    pictures: int
    rgo: Paired
    deviation: Paired


@dataclass(frozen=True)
class Directions:
    """Groups of pictures pushed down and up.

    `drift` is the mean quality by which random changes move the scores, upwards positive, none of
    them chosen by its score.
    """

    groups: tuple[Group, ...]
    drift: Estimate
    text: str


@dataclass(frozen=True)
class Trend:
    """The relation of RGO to a number of each picture.

    `correlation` is Spearman's between the number and RGO; `groups` are bins or thirds.
    """

    name: str
    correlation: Paired
    groups: tuple[Group, ...]
    text: str


@dataclass(frozen=True)
class Distortions:
    """RGO by type of distortion."""

    groups: tuple[Group, ...]
    text: str


@dataclass(frozen=True)
class Location:
    """The location of changes; grids of 32 x 32 cells over a picture's extent.

    Attributes
    ----------
    strength : tuple of tuples of float
        Mean |change| of the attacked pictures, in levels.
    bias : Paired
        The mean of |change| on the outer eighth over that elsewhere.
    accepted : tuple of tuples of float or None, or None
        Coverage by accepted windows over that expected if location did not matter; None for a cell
        where none is expected, and where the run does not tell.
    accepted_bias : Estimate
        The same on the outer eighth over that elsewhere; 1 for a victim to which location does not
        matter.
    retraced : int
        Pictures whose accepted windows are known.
    never : float or None
        Share of pixels that no picture of the run had changed; None where sizes differ.
    never_cells : float
        Share of the grid's cells likewise.
    unseen : float
        Share of the pictures outside the victim's window.
    """

    strength: Grid
    bias: Paired
    accepted: Grid | None
    accepted_bias: Estimate
    retraced: int
    never: float | None
    never_cells: float
    unseen: float
    text: str

    def __post_init__(self) -> None:
        for grid in (self.strength, self.accepted or ()):
            if any(len(row) != len(grid) for row in grid):
                raise ValueError("Expected grids as wide as they are high")


@dataclass(frozen=True)
class Band:
    """Frequencies above `low` up to `high`, cycles a pixel, and their share of the power."""

    low: float
    high: float
    share: Paired


@dataclass(frozen=True)
class Frequencies:
    """The changes' mean spectrum, over the pictures that were changed.

    Attributes
    ----------
    rings, floor_rings : tuple of float or None
        Radially averaged power density, squared levels a frequency, on rings of 1/128 cycle a pixel
        from 0 to the corners; an older version's end at 1/2.
    half : Paired
        Cycles a pixel below which half of the power lies.
    vertical, horizontal : Paired
        Shares of the power within 22.5 degrees of an axis: in vertical and in horizontal stripes.
    """

    bands: tuple[Band, ...]
    rings: tuple[float | None, ...]
    floor_rings: tuple[float | None, ...]
    half: Paired
    vertical: Paired
    horizontal: Paired
    text: str


@dataclass(frozen=True)
class Colour:
    """An axis of the opponent space, and its share of the changes' energy."""

    axis: str
    share: Paired


@dataclass(frozen=True)
class Colours:
    """The changes' energy by colour, over the pictures that were changed."""

    axes: tuple[Colour, ...]
    text: str


@dataclass(frozen=True)
class Persistence:
    """The part of the push that one treatment leaves.

    Attributes
    ----------
    left : Paired
        The sum of the moves of treated pictures over that of untreated ones: the mean share left,
        each picture's weighted by its move. Below 0 where scores go the other way.
    rgo : Paired
        The mean move of treated pictures over how far the treated clean score could go; below 0
        where scores go the other way. The baseline's moves count in either direction.
    shift : Estimate
        The effect of the treatment alone on the clean pictures' quality.
    """

    treatment: str
    title: str
    left: Paired
    rgo: Paired
    shift: Estimate
    text: str


@dataclass(frozen=True)
class Reached:
    """The share of the final move that was there after a share of the queries.

    `share` is the sum of the pictures' moves by then over that of their final ones; the baseline's
    is none unless that is a cell of random changes.
    """

    queries: float
    share: Paired


@dataclass(frozen=True)
class Part:
    """A part of the searches, and the share of its proposals that were accepted."""

    low: float
    high: float
    accepted: Estimate


@dataclass(frozen=True)
class QueryEfficiency:
    """The progress of the searches by queries."""

    reached: tuple[Reached, ...]
    parts: tuple[Part, ...]
    text: str


@dataclass(frozen=True)
class PictureInsight:
    """A picture's figures; `left` has a share a treatment, None where the score never moved.

    `floor_ways` are how far random changes raise and lower the score; an older version had none.
    """

    name: str
    direction: str
    distortion: str | None
    opinion: float | None
    clean_quality: float
    attacked_quality: float
    rgo: float
    floor_rgo: float
    spatial_information: float
    colourfulness: float
    half: float | None
    luminance: float | None
    left: dict[str, float | None]
    floor_ways: tuple[float, ...] = field(default=(), metadata=IF_ANY)


@dataclass(frozen=True)
class Insights:
    """The findings of a run: its figures and their sentences.

    Attributes
    ----------
    finished, unfinished : int
        Pictures that the figures are over, and those left out since their search was cut short.
    rgo : Paired
        The whole run's.
    unscored : tuple of Unscored
        Pictures left out since the victim could not score a version of them.
    """

    victim: str
    attack: str
    levels: int
    queries: int
    finished: int
    unfinished: int
    rgo: Paired
    floor: Baseline
    directions: Directions
    starts: Trend
    distortions: Distortions
    contents: tuple[Trend, ...]
    where: Location
    frequencies: Frequencies
    colours: Colours
    survival: tuple[Persistence, ...]
    pace: QueryEfficiency
    pictures: tuple[PictureInsight, ...]
    unscored: tuple[Unscored, ...] = field(default=(), metadata=IF_ANY)
