"""What an attack's changes are made of: their frequencies and their colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings.observations import OF, Look
from iqaudit._analysis.findings.spectrum import BANDS, OPPONENTS, RINGS, Spectrum
from iqaudit._analysis.formatting import few, figure, numbers, percent, too_few
from iqaudit.measures._bootstrap import Beside, beside, mean

UNCHANGED = "No picture was changed."

CHANCE = "less than by chance", "more than by chance"


@dataclass(frozen=True)
class Band:
    """Frequencies above `low` up to `high`, cycles a pixel, and their share of the power."""

    low: float
    high: float
    share: Beside


@dataclass(frozen=True)
class Frequencies:
    """The changes' mean spectrum, over the pictures that were changed.

    Attributes
    ----------
    rings, floor_rings : tuple of float or None
        Radially averaged power density from 0 to 1/2 cycle a pixel, squared levels a frequency.
    half : Beside
        Cycles a pixel below which half of the power lies.
    vertical, horizontal : Beside
        Shares of the power within 22.5 degrees of an axis: in vertical and in horizontal stripes.
    """

    bands: tuple[Band, ...]
    rings: tuple[float | None, ...]
    floor_rings: tuple[float | None, ...]
    half: Beside
    vertical: Beside
    horizontal: Beside
    text: str


@dataclass(frozen=True)
class Colour:
    """An axis of the opponent space, and its share of the changes' energy."""

    axis: str
    share: Beside


@dataclass(frozen=True)
class Colours:
    """The changes' energy by colour, over the pictures that were changed."""

    axes: tuple[Colour, ...]
    text: str


def frequencies(looks: Sequence[Look]) -> Frequencies:
    """Average the changes' spectra."""
    chosen = [
        (own, floor)
        for look in looks
        if (own := look.attack.spectrum) is not None and (floor := look.floor.spectrum) is not None
    ]
    both = [[each[index] for each in chosen] for index in range(len(OF))]
    half, vertical, horizontal = (
        beside(mean, *([[getattr(each, name) for each in some]] for some in both))
        for name in ("half", "vertical", "horizontal")
    )
    bands = tuple(
        Band(*ends, beside(mean, *([[each.bands[index] for each in some]] for some in both)))
        for index, ends in enumerate(BANDS)
    )
    rings, floor_rings = (_curve(some) for some in both)
    text = UNCHANGED
    if chosen:
        text = (
            f"Half of the change's power lies below {figure(half.attack, '.3f')} cycles a pixel "
            f"(random changes: {figure(half.floor, '.3f')}): "
            f"{_against(half, len(chosen), ('it is coarser', 'it is finer'))}. Vertical stripes "
            f"hold {percent(vertical.attack)} of it (random: {percent(vertical.floor)}): "
            f"{_against(vertical, len(chosen), CHANCE)}; horizontal ones "
            f"{percent(horizontal.attack)} (random: {percent(horizontal.floor)}): "
            f"{_against(horizontal, len(chosen), CHANCE)}."
        )
    return Frequencies(bands, rings, floor_rings, half, vertical, horizontal, text)


def colours(looks: Sequence[Look]) -> Colours:
    """Average the shares of the changes' energy along the opponent axes."""
    chosen = [
        (own, floor)
        for look in looks
        if (own := look.attack.colours) is not None and (floor := look.floor.colours) is not None
    ]
    axes = tuple(
        Colour(
            axis,
            beside(mean, *([[each[index][place] for each in chosen]] for index in range(len(OF)))),
        )
        for place, axis in enumerate(OPPONENTS)
    )
    if not chosen:
        return Colours(axes, UNCHANGED)
    said = ", ".join(f"{axis.axis} {percent(axis.share.attack)}" for axis in axes)
    light = axes[0].share
    ways = "more of it is colour", "more of it is luminance"
    return Colours(
        axes,
        f"The change's energy is {said}; of random changes {percent(light.floor)} are luminance: "
        f"{_against(light, len(chosen), ways)}.",
    )


def _against(both: Beside, count: int, ways: tuple[str, str]) -> str:
    """Say how a figure compares with the floor's: less, more, or neither."""
    if few(count):
        return f"{too_few(count)} to say more"
    if not both.sign:
        return "no clear difference"
    return ways[both.sign > 0]


def _curve(spectra: Sequence[Spectrum]) -> tuple[float | None, ...]:
    """Average radial spectra, ring by ring, over the pictures that have it."""
    stacked: NDArray[np.float64] = np.array([each.rings for each in spectra]).reshape(-1, RINGS)
    filled = np.isfinite(stacked)
    sums, counts = np.where(filled, stacked, 0).sum(axis=0), filled.sum(axis=0)
    return numbers(np.divide(sums, counts, out=np.full(RINGS, np.nan), where=counts > 0))
