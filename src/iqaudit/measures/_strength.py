"""Strength of an attack, by its scores: the paper's measures, and the other groups'."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from iqaudit._core.errors import refuse_unless
from iqaudit._core.scale import QUALITY_MAX
from iqaudit.measures._arrays import Floats, ends, pair, scaled, scores

MSU_OFFSET = 1e-6
"""Added to a score's move, on 0-1, so that R's logarithm is finite: the released program's."""


def rgo(clean: ArrayLike, attacked: ArrayLike) -> float:
    """Relative gain objective (RGO): the share of their possible way that scores went.

    mean of ``|s(x') - s(x)| / max(10 - s(x), s(x))``, from 0 (nothing moved) to 1 (every score at
    the farther end of the scale).

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Qualities in 0-10 before and after.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty.

    References
    ----------
    Ran et al., arXiv 2402.17533.
    """
    return float(np.mean(gains(*pair(clean, attacked))))


def gains(clean: Floats, attacked: Floats) -> Floats:
    """Return each score's term of the RGO."""
    each: Floats = np.abs(attacked - clean) / room(clean)
    return each


def room(clean: Floats) -> Floats:
    """Return how far each score can go, to the farther end: RGO's divisor."""
    farthest: Floats = np.maximum(QUALITY_MAX - clean, clean)
    return farthest


def reachable_rgo(
    clean: ArrayLike, reachable: tuple[float, float], raised: ArrayLike | None = None
) -> float:
    """Return the RGO of a perfect attack, which the victim's native range may hold below 1.

    Parameters
    ----------
    clean : array_like, (n,)
        Qualities in 0-10 before.
    reachable : (low, high)
        The qualities that the native range's ends map to (`Scale.reachable`).
    raised : array_like of bool, (n,), optional
        Which way each score is pushed; to the farther end unless given.

    Raises
    ------
    InputError
        If there is no score.
    """
    s = scores(clean)
    low, high = reachable
    up, down = np.maximum(high - s, 0), np.maximum(s - low, 0)
    farthest = np.maximum(up, down) if raised is None else np.where(raised, up, down)
    return float(np.mean(farthest / room(s)))


def shift(clean: ArrayLike, attacked: ArrayLike, spread: float, *, signed: bool = False) -> float:
    """Return the mean of ``|f(x') - f(x)| / S``: how far scores went, in spreads of their scale.

    It has no upper end, so it tells attacks apart where the RGO nears 1.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Native scores before and after.
    spread : float
        S, above 0, in native units.
    signed : bool
        Whether moves downwards count as negative.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty, or S is not above 0.
    """
    refuse_unless(spread > 0, "A scale's spread S is above 0", spread)
    before, after = pair(clean, attacked)
    moves = (after - before) / spread
    return float(np.mean(moves if signed else np.abs(moves)))


def mean_deviation(clean: ArrayLike, attacked: ArrayLike) -> float:
    """Return the mean of ``|s(x') - s(x)|``, in the scores' units.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Scores before and after, in one unit.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty.
    """
    s, s_attacked = pair(clean, attacked)
    return float(np.mean(np.abs(s_attacked - s)))


def robustness(
    clean: ArrayLike,
    attacked: ArrayLike,
    score_range: tuple[float, float],
    *,
    base: float,
    offset: float = 0,
) -> float:
    """Robustness R: the logarithm of the way left over the way that scores went; higher is firmer.

    mean of ``log_base(max(high - f(x), f(x) - low) / (|f(x') - f(x)| + offset))``. Without an
    offset it is infinite where a score did not move. Three bases are in use: say which wherever R
    is printed.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Scores before and after, in one unit.
    score_range : (low, high)
        The range in that unit.
    base : float
        The logarithm's base: e in Zhang et al., 10 in the MSU robustness benchmark.
    offset : float
        In the scores' unit: 0 in Zhang et al., `MSU_OFFSET` in the MSU robustness benchmark, whose
        scores are scaled to 0-1 by `clean_range`.

    Raises
    ------
    InputError
        If the base is not above 0, or is 1; or as `normalised_gain` does.

    References
    ----------
    Zhang et al., "Perceptual Attacks of No-Reference Image Quality Models with Human-in-the-Loop",
    NeurIPS 2022. Antsiferova et al., AAAI 2024, arXiv 2310.06958.
    """
    refuse_unless(base > 0 and base != 1, "R's logarithm needs a base above 0 that is not 1", base)
    f, f_attacked = pair(clean, attacked)
    low, high = ends(score_range)
    moved = np.abs(f_attacked - f) + offset
    with np.errstate(divide="ignore"):
        ratios = np.log(np.maximum(high - f, f - low)) - np.log(moved)
    return float(np.mean(ratios) / math.log(base))


def normalised_gain(
    clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]
) -> float:
    """Return the mean of (f(x') - f(x)) / (high - low): signed, so give one direction at a time.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Native scores before and after.
    score_range : (low, high)
        The native range, as in Gushchin et al.; `clean_range`, as in the MSU robustness benchmark,
        where this is the absolute gain.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty; or the range is not of two finite
        numbers, low then high.

    References
    ----------
    Gushchin et al., "Guardians of Image Quality", ICML 2025, arXiv 2408.01541. Antsiferova et al.,
    "Comparing the Robustness of Modern No-Reference Image- and Video-Quality Metrics to Adversarial
    Attacks", AAAI 2024, arXiv 2310.06958.
    """
    f, f_attacked = scaled(clean, attacked, score_range)
    return float(np.mean(f_attacked - f))


def relative_gain(clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]) -> float:
    """Return the mean of (p(x') - p(x)) / (1 + p(x)), p being scores scaled to 0-1; signed.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Native scores before and after.
    score_range : (low, high)
        The scores that are scaled to 0 and 1; `clean_range` in the reference.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty; or the range is not of two finite
        numbers, low then high.

    References
    ----------
    Antsiferova et al., AAAI 2024, arXiv 2310.06958.
    """
    p, p_attacked = scaled(clean, attacked, score_range)
    return float(np.mean((p_attacked - p) / (1 + p)))


def wasserstein_score(
    clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]
) -> float:
    """Return how far the distribution of scores moved, with the sign of the mean's move.

    The Wasserstein-1 distance of the scores scaled to 0-1: the area between the two distribution
    functions.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Native scores before and after; which belongs to which makes no difference.
    score_range : (low, high)
        The scores that are scaled to 0 and 1; `clean_range` in the reference.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty; or the range is not of two finite
        numbers, low then high.

    References
    ----------
    Antsiferova et al., AAAI 2024, arXiv 2310.06958.
    """
    return _moved(scipy.stats.wasserstein_distance, clean, attacked, score_range)


def energy_score(clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]) -> float:
    """Return how far the distribution of scores moved, with the sign of the mean's move.

    As `wasserstein_score`, by the energy distance: the square root of twice the area between the
    distribution functions, their difference squared.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Native scores before and after.
    score_range : (low, high)
        The scores that are scaled to 0 and 1.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty; or the range is not of two finite
        numbers, low then high.
    """
    return _moved(scipy.stats.energy_distance, clean, attacked, score_range)


def clean_range(clean: ArrayLike) -> tuple[float, float]:
    """Return the lowest and the highest clean score: the MSU robustness benchmark's range.

    It depends on the pictures, but exists where the native range is unbounded.

    Parameters
    ----------
    clean : array_like, (n,)
        Native scores before.

    Raises
    ------
    InputError
        If there is no score.
    """
    f = scores(clean)
    return float(f.min()), float(f.max())


def _moved(
    distance: object, clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]
) -> float:
    p, p_attacked = scaled(clean, attacked, score_range)
    sign = np.sign(p_attacked.mean() - p.mean())
    return float(sign * distance(p, p_attacked))  # type: ignore[operator]
