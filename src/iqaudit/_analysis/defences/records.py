"""The table of defences as it is kept, and its columns."""

from dataclasses import dataclass, field
from typing import Any

from iqaudit._runs.figures import IF_ANY
from iqaudit._search.trial import Unscored
from iqaudit.measures._bootstrap import NOTHING, Estimate


@dataclass(frozen=True)
class Reach:
    """The queries after which the mean RGO was what the undefended victim's was at its budget.

    Attributes
    ----------
    queries : int or None
        None where that was not reached: a figure, too.
    ends : tuple of int or None
        Of the 95 % interval, None for "not reached"; no interval of a single picture.
    """

    queries: int | None
    ends: tuple[int | None, int | None] | None = None


@dataclass(frozen=True)
class Certificate:
    """Ends between which the defended answer stays whatever is changed within a bound.

    Attributes
    ----------
    share : float
        Of the pictures, that have such ends.
    width : Estimate
        How far the ends lie apart on 0-10.
    radius : float or None
        The bound: the change's L2 length in levels.
    of_threat : float or None
        That length's share of the longest that the audit's threat allows.
    window : float or None
        The bound, where it is a window that the change is confined to: its share of the picture.
    text : str
        A sentence on it.
    """

    share: float
    width: Estimate
    radius: float | None
    of_threat: float | None
    window: float | None
    text: str


@dataclass(frozen=True, kw_only=True)
class DefenceRow:
    """A victim behind a defence, attacked by one attack, beside the same victim without.

    All figures are of the same pictures. `COLUMNS` explains each.

    Attributes
    ----------
    victim, defence, attack : str
        The undefended victim's name, the defence's string, and the attack's name.
    cell, undefended : str
        The two cells.
    levels, goal, seed, queries
        Their protocol.
    pictures, rated : int
        How many there are, and how many people rated.
    passes : int
        Pictures that the victim scores for one question.
    seconds : float or None
        A score takes, where it was measured now; no file keeps it.
    certificate : Certificate or None
        None where the defence has none.
    verdict : str
        "helps", "costs more than it helps", "does nothing", "hides"; or "unclear".
    text : str
        Sentences on it.
    """

    victim: str
    defence: str
    attack: str
    cell: str
    undefended: str
    levels: int
    goal: str
    seed: int
    queries: int
    pictures: int
    rated: int
    srocc_undefended: Estimate = NOTHING
    srocc_defended: Estimate = NOTHING
    srocc_difference: Estimate = NOTHING
    plcc_undefended: Estimate = NOTHING
    plcc_defended: Estimate = NOTHING
    plcc_difference: Estimate = NOTHING
    score_moved: Estimate
    score_agreement: Estimate
    ssim: Estimate = NOTHING
    flip: Estimate = NOTHING
    rgo_undefended: Estimate
    rgo_unaware: Estimate
    rgo_adaptive: Estimate
    rgo_difference: Estimate
    rgo_equal_passes: Estimate
    srocc_attacked: Estimate = NOTHING
    queries_to_undefended: Reach
    ceiling: Estimate = NOTHING
    noise: Estimate
    passes: int
    seconds: float | None = field(default=None, metadata=IF_ANY)
    certificate: Certificate | None = None
    verdict: str
    text: str

    @property
    def kept(self) -> Estimate:
        """SROCC with people behind the defence; where none rated, with the undefended scores."""
        return self.score_agreement if self.srocc_defended.value is None else self.srocc_defended


def without(row: DefenceRow) -> tuple[Estimate, str]:
    """Return the same of the undefended victim, whose own scores are 1 to it, and its title."""
    if row.srocc_defended.value is None:
        return Estimate(1.0), "SROCC with the undefended scores"
    return row.srocc_undefended, "SROCC with people"


@dataclass(frozen=True)
class DefenceTable:
    """Defences side by side: a row a victim, defence and attack.

    Attributes
    ----------
    rows : tuple of DefenceRow
        In the audit's order.
    unscored : tuple of Unscored
        Pictures that a victim could not score beyond its searches; they are in none of its rows.
    """

    rows: tuple[DefenceRow, ...]
    unscored: tuple[Unscored, ...] = field(default=(), metadata=IF_ANY)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return a flat dict a row, with `NAME`, `NAME_low` and `NAME_high` of each figure.

        None for a figure that does not exist, and for "not reached".
        """
        return [_flat(row) for row in self.rows]


@dataclass(frozen=True)
class Column:
    """A figure of a row: its name there, its heading, what it means, and how it is written.

    `leads` tells whether it is among the few that a terminal shows.
    """

    name: str
    title: str
    caption: str
    form: str = ".3f"
    leads: bool = False


# fmt: off
COLUMNS = (
    Column("srocc_undefended", "SROCC undefended",
           "Rank correlation of clean scores with people's, undefended."),
    Column("srocc_defended", "SROCC defended", "The same behind the defence.", leads=True),
    Column("srocc_difference", "SROCC, difference",
           "Defended less undefended, over the same pictures."),
    Column("plcc_undefended", "PLCC undefended", "Pearson's correlation likewise, undefended."),
    Column("plcc_defended", "PLCC defended", "The same behind the defence."),
    Column("plcc_difference", "PLCC, difference",
           "Defended less undefended, over the same pictures."),
    Column("score_moved", "score moved",
           "Mean distance on 0-10 of clean scores with the defence from those without.", ".2f"),
    Column("score_agreement", "SROCC to undefended",
           "Rank correlation of clean scores with the defence and without.", leads=True),
    Column("ssim", "SSIM of the defence", "Of the picture behind it to the picture.", ".4f"),
    Column("flip", "FLIP of the defence", "Of the picture behind it to the picture.", ".4f"),
    Column("rgo_undefended", "RGO undefended", "At the whole budget.", leads=True),
    Column("rgo_unaware", "RGO unaware",
           "Of yesterday's pictures, made against the undefended victim: how far the defended "
           "victim's scores went the way that they were pushed.", leads=True),
    Column("rgo_adaptive", "RGO adaptive",
           "Of an attack that asks the defended victim, at the whole budget; where it answers at "
           "random by fresh answers.", leads=True),
    Column("rgo_difference", "RGO, difference", "Adaptive less undefended."),
    Column("rgo_equal_passes", "RGO at equal passes",
           "Adaptive, after so many queries as take the passes that the undefended budget takes; "
           "at less than the budget by the luckiest answers."),
    Column("srocc_attacked", "SROCC attacked",
           "Rank correlation with people's scores of the adaptively attacked pictures."),
    Column("ceiling", "white-box RGO", "Of the strongest pgd on the defended victim."),
    Column("noise", "noise", "Of one answer, on 0-10.", ".3f"),
)
# fmt: on
"""The figures with intervals, in their order."""


def _flat(row: DefenceRow) -> dict[str, Any]:
    """Return a row's figures and names side by side, without what is measured anew each time."""
    flat: dict[str, Any] = {}
    for name, value in vars(row).items():
        if isinstance(value, Estimate):
            flat |= _ends(name, value.value, (value.low, value.high))
        elif isinstance(value, Reach):
            flat |= _ends(name, value.queries, value.ends or (None, None))
        elif name == "certificate":
            width = NOTHING if value is None else value.width
            for key in ("share", "radius", "of_threat", "window"):
                flat[f"certified_{key}"] = None if value is None else getattr(value, key)
            flat |= _ends("certified_width", width.value, (width.low, width.high))
        elif name != "seconds":
            flat[name] = value
    return flat


def _ends(name: str, value: float | None, ends: tuple[Any, Any]) -> dict[str, Any]:
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
