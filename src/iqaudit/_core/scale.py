"""The score scale: a victim's native scores mapped onto 0-10, higher is better.

The map belongs to the victim (arXiv 2402.17533): s = 10 / (1 + exp(-(f - C) / S)). It makes
victims comparable, gives the bi-directional loss its switch at 5, and bounds the measures.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iqaudit._core.errors import InputError, NoScaleError, real_number, refuse_unless, unknown
from iqaudit._core.importing import published
from iqaudit._core.settings import two_numbers
from iqaudit._core.wording import worded

QUALITY_MAX = 10.0
"""The top of the common scale; its bottom is 0."""

SPREADS_PER_RANGE = 5
"""Range over S for a victim without fitted constants: the S that the paper fitted to DB-CNN are
0.21 to 0.23 of its labels' ranges. A fifth spreads the range over 0.76 to 9.24."""

ROUNDING = 1e-3
"""Share of S by which a score may pass an end of its range: a last digit is no failure."""

RANGE, DECLARED, CLEAN = "range", "declared", "clean"
"""Values of `Scale.basis`."""

IQR = 1.35
"""Standard deviations between the quartiles of a normal distribution."""

FLAT = 15
"""Spreads from the center at which the logistic is within 3e-6 of its end."""


@dataclass(frozen=True)
class Scale:
    """A victim's native score range, its direction, and its logistic map onto 0-10.

    Parameters
    ----------
    center : float
        C, the native score that maps to 5.
    spread : float
        S > 0, in native units.
    low, high : float
        The native range, infinite where the victim is unbounded: an answer outside is no score.
    lower_is_better : bool
        True where a lower native score means better quality.
    source : str
        Where the constants come from, for the reader of a result.
    fitted : bool
        True where the range is that of some pictures' scores, or an estimate: scores may leave it.
    basis : str
        ``"range"`` where C and S are a declared range's alone, which an audit replaces, and
        ``"declared"`` where they are and stay so; ``"clean"`` where an audit fitted them to its
        clean scores; empty for all others.

    Raises
    ------
    InputError
        If a number is not usable: S = 0 would make every loss constant, and the victim would look
        robust that is not.
    """

    center: float
    spread: float
    low: float = -math.inf
    high: float = math.inf
    lower_is_better: bool = False
    source: str = "given by the caller"
    fitted: bool = False
    basis: str = ""

    def __post_init__(self) -> None:
        for name in ("center", "spread", "low", "high"):  # a float32's steps would hide gains
            value = real_number(f"The scale's {name}", getattr(self, name))
            object.__setattr__(self, name, value)
        rule = "The scale's center C must be a finite number"
        refuse_unless(math.isfinite(self.center), rule, self.center)
        if not (math.isfinite(self.spread) and self.spread > 0):
            raise InputError(
                f"The scale's spread S must be a finite number above 0, not {self.spread}; "
                "where a lower score is better, say lower_is_better=True."
            )
        if not self.low < self.high:
            raise InputError(
                f"A score range must run from low to high, not from {self.low} to {self.high}; "
                "where a lower score is better, say lower_is_better=True."
            )

    @classmethod
    def from_range(
        cls, low: float, high: float, *, lower_is_better: bool = False, unbounded: bool = False
    ) -> "Scale":
        """Return the scale of a victim of which only the native range is known.

        C is the range's middle and S a fifth of its width, so that the range's ends map to 0.76
        and 9.24 and scores beyond them still differ.

        Parameters
        ----------
        low, high : float
            The native range's ends, in native units; low < high.
        lower_is_better : bool
            Whether a lower native score means better quality.
        unbounded : bool
            Whether scores may leave that range, as those of a regressor without a last bound. Of
            others an answer outside is taken for a failure.

        Raises
        ------
        InputError
            If they are not two finite numbers, low then high.
        """
        low, high = (real_number("An end of a score range", end) for end in (low, high))
        rule = "A score range must be two finite numbers, low then high"
        refuse_unless(-math.inf < low < high < math.inf, rule, f"{low} and {high}")
        ends = (-math.inf, math.inf) if unbounded else (low, high)
        left = ", which scores may leave" if unbounded else ""
        return cls(
            (low + high) / 2,
            (high - low) / SPREADS_PER_RANGE,
            *ends,
            lower_is_better=lower_is_better,
            source=f"declared range {low:g} to {high:g}{left}, not calibrated",
            basis=RANGE,
        )

    @classmethod
    def declared(
        cls,
        whose: str,
        *,
        score_range: tuple[float, float] | None = None,
        lower_is_better: bool = False,
        unbounded: bool = False,
        scale: "Scale | None" = None,
    ) -> "Scale":
        """Return the scale that the caller declares for a victim that brings none.

        Parameters
        ----------
        whose : str
            Begins the sentence of an error.
        score_range : sequence of two float, optional
            The native range, low then high, in native units; an array or a tensor will do.
        lower_is_better, unbounded : bool
            The direction, and whether scores may leave the range; see `from_range`.
        scale : Scale, optional
            A fitted one, in place of all three.

        Raises
        ------
        InputError
            If neither a range nor a scale is given, both are, or the range is not two numbers.
        """
        if scale is not None:
            if score_range is not None or lower_is_better or unbounded:
                raise InputError("A fitted scale has a range and a direction of its own.")
            if not isinstance(scale, Scale):
                raise InputError(f"scale is a Scale, or a file of one, not {scale!r}.")
            return scale
        if score_range is None:
            raise NoScaleError(
                f"{whose} needs its score range, "
                f"{worded('score_range=(low, high)', '--range LOW HIGH')}, and "
                f"{worded('lower_is_better=True')} where lower means better quality."
            )
        try:
            low, high = map(float, two_numbers(score_range))
        except TypeError:
            raise InputError(
                f"score_range is two numbers, (low, high), not {score_range!r}."
            ) from None
        return cls.from_range(low, high, lower_is_better=lower_is_better, unbounded=unbounded)

    @classmethod
    def paper(cls, model: str, dataset: str) -> "Scale":
        """Return the constants that the paper fitted to one of its models on one data set.

        Parameters
        ----------
        model : {"dbcnn", "unique", "tres", "liqe"}
        dataset : {"live", "csiq", "tid2013"}
        """
        constants = published("paper_scales")
        models: Mapping[str, Any] = constants["scale"]
        if model not in models:
            raise unknown("model with the paper's constants", model, models)
        if dataset not in models[model]:
            raise unknown("data set with the paper's constants", dataset, models[model])
        center, spread = models[model][dataset]
        low, high = constants["native_range"].get(model, (-math.inf, math.inf))
        source = f"{constants['source']}: {model} on {dataset}"
        return cls(center, spread, low, high, source=source)

    def quality(self, score: float) -> float:
        """Map a native score onto 0-10, higher is better."""
        z = (score - self.center) / self.spread
        if self.lower_is_better:
            z = -z
        # Both forms are the logistic; each one's exponential cannot overflow on its side.
        if z >= 0:
            return QUALITY_MAX / (1 + math.exp(-z))
        return QUALITY_MAX * math.exp(z) / (1 + math.exp(z))

    def score(self, quality: float) -> float:
        """Return the native score of a quality between 0 and 10: `quality` inverted."""
        logit = math.log(quality) - math.log(QUALITY_MAX - quality)
        return self.center + self.spread * (-logit if self.lower_is_better else logit)

    @property
    def slope(self) -> float:
        """The most that quality moves a native unit: where the logistic is steepest, at C."""
        return QUALITY_MAX / (4 * self.spread)

    def __str__(self) -> str:
        """Return C, S and where they come from."""
        return f"C = {self.center:.4g}, S = {self.spread:.4g}; {self.source}"

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest answer that are scores: the ends of the range, if it has any.

        But for rounding; both are finite, as scores are.
        """
        most, margin = sys.float_info.max, ROUNDING * self.spread
        if self.fitted:
            return -most, most
        return max(-most, self.low - margin), min(most, self.high + margin)

    def admits(self, answers: Any) -> Any:
        """Tell whether an answer is a score, finite and within the range; of an array, of each."""
        low, high = self.limits
        return (low <= answers) & (answers <= high)

    def fits(self, score: float) -> bool:
        """Tell whether a clean picture's score is one that this scale was made for.

        Beyond a native range by more than S, or 15 S from C, where the logistic is flat, every
        loss would look the same, and the victim robust. An outlier among the clean scores that an
        audit fitted C and S to is the victim's all the same, and a sign beside its figures.
        """
        inside = self.low - self.spread <= score <= self.high + self.spread
        near = self.basis == CLEAN or abs(score - self.center) <= FLAT * self.spread
        return (inside or self.fitted) and near

    @property
    def reachable(self) -> tuple[float, float]:
        """The lowest and highest quality that the native range admits."""
        ends = self.quality(self.low), self.quality(self.high)
        return min(ends), max(ends)


def opinion_maximum(dataset: str) -> float:
    """Return the label that the paper maps to 10 on one of its data sets.

    An opinion score on the common scale is 10 * mos / maximum, where mos is 111.7747 (the worst)
    less the realigned DMOS on LIVE, 1 less DMOS on CSIQ, and the published MOS on TID2013.
    """
    maxima: Mapping[str, float] = published("paper_scales")["opinion_maximum"]
    if dataset not in maxima:
        raise unknown("data set with the paper's constants", dataset, maxima)
    return maxima[dataset]
