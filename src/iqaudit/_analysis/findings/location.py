"""Where on the pictures an attack's changes lie, and where its steps were accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings.grid import edge_and_middle
from iqaudit._analysis.findings.observations import OF, Look
from iqaudit._analysis.findings.pairs import Pair
from iqaudit._analysis.findings.search_replay import Windows
from iqaudit._analysis.formatting import few, figure, numbers, too_few
from iqaudit.measures._bootstrap import NOTHING, Beside, Estimate, beside, beyond, interval, ratio

EVEN = 0.05
"""A difference between edge and middle that is surely below this share is said to be none."""

Map: TypeAlias = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Where:
    """Where on the pictures changes lie; grids of 32 x 32 cells over a picture's extent.

    Attributes
    ----------
    strength : tuple of tuples of float
        Mean |change| of the attacked pictures, in levels.
    bias : Beside
        The mean of |change| on the outer eighth over that elsewhere.
    accepted : tuple of tuples of float or None, or None
        Coverage by accepted windows over that expected if place did not matter; None for a cell
        where none is expected, and where it cannot be had from the run.
    accepted_bias : Estimate
        The same on the outer eighth over that elsewhere; 1 for a victim that place does not matter
        to, the floor's included.
    retraced : int
        Pictures whose accepted windows are known.
    never : float or None
        Share of pixels that no picture of the run had changed; None where sizes differ.
    never_cells : float
        Share of the grid's cells likewise.
    unseen : float
        Share of the pictures that the victim does not look at.
    """

    strength: Map
    bias: Beside
    accepted: Map | None
    accepted_bias: Estimate
    retraced: int
    never: float | None
    never_cells: float
    unseen: float
    text: str


def where(looks: Sequence[Look], never: float | None) -> Where:
    """Say where changes lie; `never` is `never_changed`'s."""
    strengths = [look.attack.strength for look in looks]
    bias = beside(
        ratio, *([*_columns([edge_and_middle(of(look).strength) for look in looks])] for of in OF)
    )
    windows = [look.windows for look in looks if look.windows is not None]
    accepted, accepted_bias = _accepted(windows) if windows else (None, NOTHING)
    cells = float(np.mean(np.max(strengths, axis=0) == 0))
    unseen = float(np.mean([look.unseen for look in looks]))
    said = (
        _on_bias(bias.attack, len(looks)),
        _on_accepted(accepted_bias, len(windows)),
        _on_never(never, cells),
        f"The victim does not look at {100 * unseen:.0f} % of a picture." if unseen else "",
    )
    return Where(
        strength=tuple(numbers(row) for row in np.mean(strengths, axis=0)),
        bias=bias,
        accepted=accepted,
        accepted_bias=accepted_bias,
        retraced=len(windows),
        never=never,
        never_cells=cells,
        unseen=unseen,
        text=" ".join(filter(None, said)),
    )


def never_changed(pairs: Sequence[Pair]) -> float | None:
    """Return the share of pixels that no picture had changed; None where their sizes differ."""
    untouched: NDArray[np.bool_] | None = None
    for pair in pairs:
        same = (pair.clean() == pair.attacked()).all(axis=2)
        if untouched is None:
            untouched = same
        elif untouched.shape != same.shape:
            return None
        else:
            untouched &= same
    return None if untouched is None else float(untouched.mean())


def _accepted(windows: Sequence[Windows]) -> tuple[Map, Estimate]:
    found = np.sum([each.accepted for each in windows], axis=0)
    expected = np.sum([each.expected for each in windows], axis=0)
    lift = np.divide(found, expected, out=np.full_like(found, np.nan), where=expected > 0)
    sums = [(*edge_and_middle(each.accepted), *edge_and_middle(each.expected)) for each in windows]
    return tuple(numbers(row) for row in lift), interval(_lift, *_columns(sums))


def _lift(*sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return accepted over expected on the edge, over the same elsewhere."""
    edge, middle, edge_expected, middle_expected = (each.sum(axis=-1) for each in sums)
    below = middle * edge_expected
    lifted: NDArray[np.float64] = np.divide(
        edge * middle_expected, below, out=np.full(np.shape(below), np.nan), where=below > 0
    )
    return lifted


def _columns(rows: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    return np.array(rows, np.float64).T


def _on_bias(bias: Estimate, count: int) -> str:
    if bias.value is None:
        return "No picture was changed."
    said = f"On the outer eighth of a picture the change is {figure(bias)} times that elsewhere"
    if few(count) or bias.low is None or bias.high is None:
        return f"{said}; {too_few(count)} to say more."
    if max(abs(bias.low - 1), abs(bias.high - 1)) < EVEN:
        return f"{said}: as good as even."
    if not beyond(bias, 1):
        return f"{said}: no clear difference between edge and middle."
    return f"{said}: it is {'stronger' if bias.value > 1 else 'weaker'} at the edge."


def _on_accepted(bias: Estimate, count: int) -> str:
    if not count:
        return "Where accepted steps fell cannot be had from this run."
    if bias.value is None:
        return "No step was accepted that says where the victim minds."
    said = (
        f"Windows at the edge were accepted {figure(bias)} times as often as others of their size"
    )
    if few(count):
        return f"{said}; {too_few(count)} to say more."
    if not beyond(bias, 1):
        return f"{said}: no clear difference between edge and middle."
    minds = "more" if bias.value > 1 else "less"
    return f"{said}: a change at the edge helps the attack {minds}."


def _on_never(never: float | None, cells: float) -> str:
    share, what = (cells, "parts") if never is None else (never, "pixels")
    if not share:
        return f"All {what} of a picture were changed in some picture of the run."
    return f"{100 * share:.1f} % of a picture's {what} were changed in no picture of the run."
