"""The changes that an attack makes: their frequencies, their colours, and where they lie."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Band, Colour, Colours, Frequencies, Grid, Location
from iqaudit._analysis.findings.observations import Observation, compared
from iqaudit._analysis.findings.pairs import Pair
from iqaudit._analysis.findings.pixels import BANDS, OPPONENTS, RINGS, Spectrum, edge_and_middle
from iqaudit._analysis.findings.searches import Windows
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import NOTHING, Estimate, divided, interval, mean, paired, ratio

DIGITS = 6
"""After the point, of the numbers in maps and curves, which are drawn and not read."""


def composition(observations: Sequence[Observation]) -> tuple[Frequencies, Colours]:
    """Average the changes' spectra, and the shares of their energy along the opponent axes."""
    changed = [
        (attack, baseline)
        for each in observations
        if (attack := each.attack.spectrum) and (baseline := each.baseline.spectrum)
    ]
    sides = [[each[side] for each in changed] for side in (0, 1)]
    half, vertical, horizontal = (
        paired(mean, *([[getattr(each, name) for each in side]] for side in sides))
        for name in ("half", "vertical", "horizontal")
    )
    bands = tuple(
        Band(*ends, paired(mean, *([[each.bands[index] for each in side]] for side in sides)))
        for index, ends in enumerate(BANDS)
    )
    axes = tuple(
        Colour(axis, paired(mean, *([[each.colours[index] for each in side]] for side in sides)))
        for index, axis in enumerate(OPPONENTS)
    )
    rings, baseline_rings = (_curve(side) for side in sides)
    text = sentences.on_frequencies(half, vertical, horizontal, len(changed))
    return (
        Frequencies(bands, rings, baseline_rings, half, vertical, horizontal, text),
        Colours(axes, sentences.on_colours(axes, len(changed))),
    )


def _curve(spectra: Sequence[Spectrum]) -> tuple[float | None, ...]:
    """Average radial spectra, ring by ring, over the pictures that have it."""
    stacked: Floats = np.array([each.rings for each in spectra]).reshape(-1, RINGS)
    filled = np.isfinite(stacked)
    return _numbers(divided(np.where(filled, stacked, 0).sum(axis=0), filled.sum(axis=0)))


def _numbers(row: Floats) -> tuple[float | None, ...]:
    """Return numbers rounded, and None for a NaN."""
    return tuple(round(float(each), DIGITS) if np.isfinite(each) else None for each in row)


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
        strength=tuple(_numbers(row) for row in np.mean(strengths, axis=0)),
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
    if len({(pair.entry.height, pair.entry.width) for pair in pairs}) > 1:
        return None
    same = ((pair.clean() == pair.attacked()).all(axis=2) for pair in pairs)
    return float(reduce(np.logical_and, same).mean())


def _accepted(windows: Sequence[Windows]) -> tuple[Grid, Estimate]:
    """Return accepted over expected coverage, and the same on the edge over elsewhere."""
    accepted = np.sum([each.accepted for each in windows], axis=0)
    expected = np.sum([each.expected for each in windows], axis=0)
    sums = [(*edge_and_middle(each.accepted), *edge_and_middle(each.expected)) for each in windows]
    lift = tuple(_numbers(row) for row in divided(accepted, expected))
    return lift, interval(_lift, *np.array(sums, np.float64).T)


def _lift(*sums: Floats) -> Floats:
    """Return accepted over expected on the edge, over the same elsewhere."""
    edge, middle, edge_expected, middle_expected = (each.sum(axis=-1) for each in sums)
    return divided(edge * middle_expected, middle * edge_expected)
