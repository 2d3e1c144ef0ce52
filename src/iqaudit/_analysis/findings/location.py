"""Location of an attack's changes on the pictures, and of its accepted steps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Grid, Location
from iqaudit._analysis.findings.grid import edge_and_middle
from iqaudit._analysis.findings.observations import Observation, compared
from iqaudit._analysis.findings.pairs import Pair
from iqaudit._analysis.findings.search_replay import Windows
from iqaudit._analysis.formatting import numbers
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import NOTHING, Estimate, divided, interval, ratio


def location(observations: Sequence[Observation], never: float | None) -> Location:
    """Locate changes; `never` is `never_changed`'s."""
    strengths = [each.attack.strength for each in observations]
    bias = compared(
        ratio,
        observations,
        lambda effect: edge_and_middle(effect.strength)[0],
        lambda effect: edge_and_middle(effect.strength)[1],
    )
    windows = [each.windows for each in observations if each.windows is not None]
    accepted, accepted_bias = _accepted(windows) if windows else (None, NOTHING)
    cells = float(np.mean(np.max(strengths, axis=0) == 0))
    unseen = float(np.mean([each.unseen for each in observations]))
    text = (
        sentences.on_bias(bias.attack, len(observations)),
        sentences.on_accepted(accepted_bias, len(windows)),
        sentences.on_never(never, cells),
        sentences.on_unseen(unseen),
    )
    return Location(
        strength=tuple(numbers(row) for row in np.mean(strengths, axis=0)),
        bias=bias,
        accepted=accepted,
        accepted_bias=accepted_bias,
        retraced=len(windows),
        never=never,
        never_cells=cells,
        unseen=unseen,
        text=" ".join(filter(None, text)),
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


def _accepted(windows: Sequence[Windows]) -> tuple[Grid, Estimate]:
    """Return accepted over expected coverage, and the same on the edge over elsewhere."""
    accepted = np.sum([each.accepted for each in windows], axis=0)
    expected = np.sum([each.expected for each in windows], axis=0)
    sums = [(*edge_and_middle(each.accepted), *edge_and_middle(each.expected)) for each in windows]
    lift = tuple(numbers(row) for row in divided(accepted, expected))
    return lift, interval(_lift, *np.array(sums, np.float64).T)


def _lift(*sums: Floats) -> Floats:
    """Return accepted over expected on the edge, over the same elsewhere."""
    edge, middle, edge_expected, middle_expected = (each.sum(axis=-1) for each in sums)
    return divided(edge * middle_expected, middle * edge_expected)
