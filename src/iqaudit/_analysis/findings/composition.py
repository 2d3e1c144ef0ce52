"""Composition of an attack's changes: their frequencies and their colours."""

from collections.abc import Sequence

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Band, Colour, Colours, Frequencies
from iqaudit._analysis.findings.observations import Observation
from iqaudit._analysis.findings.spectrum import BANDS, OPPONENTS, RINGS, Spectrum
from iqaudit._analysis.formatting import numbers
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import divided, mean, paired


def frequencies(observations: Sequence[Observation]) -> Frequencies:
    """Average the changes' spectra."""
    spectra = [
        (attack, baseline)
        for each in observations
        if (attack := each.attack.spectrum) is not None
        and (baseline := each.baseline.spectrum) is not None
    ]
    sides = [[each[side] for each in spectra] for side in (0, 1)]
    half, vertical, horizontal = (
        paired(mean, *([[getattr(each, name) for each in side]] for side in sides))
        for name in ("half", "vertical", "horizontal")
    )
    bands = tuple(
        Band(*ends, paired(mean, *([[each.bands[index] for each in side]] for side in sides)))
        for index, ends in enumerate(BANDS)
    )
    rings, baseline_rings = (_curve(side) for side in sides)
    text = sentences.on_frequencies(half, vertical, horizontal, len(spectra))
    return Frequencies(bands, rings, baseline_rings, half, vertical, horizontal, text)


def colours(observations: Sequence[Observation]) -> Colours:
    """Average the shares of the changes' energy along the opponent axes."""
    shares = [
        (attack, baseline)
        for each in observations
        if (attack := each.attack.colours) is not None
        and (baseline := each.baseline.colours) is not None
    ]
    axes = tuple(
        Colour(axis, paired(mean, *([[each[side][at] for each in shares]] for side in (0, 1))))
        for at, axis in enumerate(OPPONENTS)
    )
    return Colours(axes, sentences.on_colours(axes, len(shares)))


def _curve(spectra: Sequence[Spectrum]) -> tuple[float | None, ...]:
    """Average radial spectra, ring by ring, over the pictures that have it."""
    stacked: Floats = np.array([each.rings for each in spectra]).reshape(-1, RINGS)
    filled = np.isfinite(stacked)
    return numbers(divided(np.where(filled, stacked, 0).sum(axis=0), filled.sum(axis=0)))
