"""The measures that tables hold: what each is called, says, is counted in, and how it is computed.

Gains and distributions are given one direction at a time: pushes up and down would cancel.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iqaudit import measures
from iqaudit._analysis.tables import samples, statistics
from iqaudit._analysis.tables.samples import Sample
from iqaudit._core.errors import unknown
from iqaudit.measures._bootstrap import Estimate, rank_correlation

Side: TypeAlias = Literal["attack", "victim"]
Group: TypeAlias = Literal["strength", "people", "visibility", "others"]

GROUPS: dict[Group, str] = {
    "strength": "How far scores went",
    "people": "Agreement with people",
    "visibility": "What is seen of it",
    "others": "Other groups' measures",
}


@dataclass(frozen=True)
class Measure:
    """What a column of a table is.

    Attributes
    ----------
    name : str
        In JSON, in exports and in rules.
    title, caption : str
        For a heading, and for whoever asks what it says.
    unit : str
        What it is counted in; empty for a bare ratio.
    group : str
        A key of `GROUPS`.
    higher_favours : {"attack", "victim"}
        Whom a higher value speaks for.
    compute : callable
        From a `Sample` to an `Estimate`.
    form : str
        A format specification.
    by_queries : bool
        Whether it is known of earlier budgets: their pictures are not kept.
    """

    name: str
    title: str
    caption: str
    unit: str
    group: Group
    higher_favours: Side
    compute: Callable[[Sample], Estimate]
    form: str = ".3f"
    by_queries: bool = True


def find(name: str) -> Measure:
    """Return a measure by its name, or raise an `InputError` that says those that there are."""
    for measure in MEASURES:
        if measure.name == name:
            return measure
    raise unknown("measure", name, (measure.name for measure in MEASURES))


def _agreement() -> Iterable[Measure]:
    kinds = (
        ("srocc", "SROCC", "Spearman's rank correlation", rank_correlation),
        ("plcc", "PLCC", "Pearson's linear correlation", statistics.linear_correlation),
        ("krocc", "KROCC", "Kendall's rank correlation, tau-b,", None),
    )
    times = (("before", "of clean pictures"), ("after", "of attacked pictures"))
    for name, title, said, statistic in kinds:
        for which, of in times:
            yield Measure(
                f"{name}_{which}",
                f"{title} {which}",
                f"{said} of qualities and opinion scores {of}.",
                "",
                "people",
                "victim",
                samples.agreement(statistic, which) if statistic else samples.pair_agreement(which),
            )
        yield Measure(
            f"{name}_change",
            f"{title} change rate",
            f"The share of the {title} before that the attack took: 1 leaves none, more turns it.",
            "",
            "people",
            "attack",
            samples.agreement(statistic, "change")
            if statistic
            else samples.pair_agreement("change"),
        )
    for which, of in times:
        yield Measure(
            f"rmse_{which}",
            f"RMSE {which}",
            f"Root mean squared difference of qualities and opinion scores {of}.",
            "of 0-10",
            "people",
            "attack",
            samples.agreement(statistics.root_mean_square, which),
        )


def _gains() -> Iterable[Measure]:
    clean = Sample.clean_range
    kinds: tuple[tuple[str, str, str, Callable[[str], Callable[[Sample], Estimate]]], ...] = (
        (
            "range_gain",
            "normalised gain",
            "Mean gain as a share of the native range (Gushchin et al., ICML 2025)",
            lambda way: samples.gain(measures.normalised_gain, way, samples.native_range),
        ),
        (
            "absolute_gain",
            "absolute gain",
            "Mean gain of scores scaled to 0-1 by the clean ones (MSU benchmark, AAAI 2024)",
            lambda way: samples.gain(measures.normalised_gain, way, clean),
        ),
        (
            "relative_gain",
            "relative gain",
            "Mean gain over 1 + score, scaled to 0-1 by the clean ones (MSU benchmark)",
            lambda way: samples.gain(measures.relative_gain, way, clean),
        ),
        (
            "wasserstein",
            "Wasserstein score",
            "Signed Wasserstein-1 distance of scores scaled by the clean ones (MSU benchmark)",
            lambda way: samples.shift(statistics.distribution_shift, way),
        ),
        (
            "energy",
            "energy score",
            "Signed energy distance of scores scaled by the clean ones (MSU benchmark)",
            lambda way: samples.shift(statistics.energy_shift, way),
        ),
    )
    sides: tuple[tuple[str, str, Side], ...] = (
        ("raise", "raised", "attack"),
        ("lower", "lowered", "victim"),
    )
    for name, title, said, make in kinds:
        for way, pushed, side in sides:
            caption = f"{said}, of pictures that were {pushed}; positive is better quality."
            yield Measure(
                f"{name}_{way}", f"{title}, {pushed}", caption, "", "others", side, make(way)
            )


def _seen() -> Iterable[Measure]:
    kinds: tuple[tuple[str, str, str, str, Side, str], ...] = (
        ("ssim", "SSIM", "Structural similarity; 1 is identical.", "", "attack", ".4f"),
        ("psnr", "PSNR", "Peak signal-to-noise ratio.", "dB", "attack", ".1f"),
        (
            "flip",
            "FLIP",
            "How strongly pictures differ to who flips between them; 0 is not at all.",
            "",
            "victim",
            ".4f",
        ),
    )
    for name, title, caption, unit, side, form in kinds:
        yield Measure(
            name,
            title,
            caption,
            unit,
            "visibility",
            side,
            samples.figure_mean(name),
            form,
            by_queries=False,
        )
    yield Measure(
        "linf",
        "L∞",
        "The largest change of any pixel.",
        "levels of 255",
        "visibility",
        "victim",
        samples.largest_change,
        ".0f",
        by_queries=False,
    )


MEASURES: tuple[Measure, ...] = (
    Measure(
        "rgo",
        "RGO",
        "How far scores went of how far 0-10 lets them (Ran et al.).",
        "",
        "strength",
        "attack",
        samples.quality_mean(measures.rgo),
    ),
    Measure(
        "reachable_rgo",
        "reachable RGO",
        "What a perfect attack would reach within the victim's native range.",
        "",
        "strength",
        "attack",
        samples.figure_mean("reachable_rgo"),
    ),
    Measure(
        "mean_deviation",
        "mean deviation",
        "Mean distance that qualities went.",
        "of 0-10",
        "strength",
        "attack",
        samples.quality_mean(measures.mean_deviation),
    ),
    *_agreement(),
    *_seen(),
    Measure(
        "r_natural",
        "R (base e)",
        "Log of how much farther qualities could have gone, on 0-10 (Zhang et al., NeurIPS 2022); "
        "infinite where one did not move.",
        "",
        "others",
        "victim",
        samples.quality_mean(samples.zhang),
    ),
    Measure(
        "r_decimal",
        "R (base 10)",
        "The same of scores scaled to 0-1 by the clean ones, 1e-6 added to moves (MSU benchmark).",
        "",
        "others",
        "victim",
        samples.msu_robustness,
    ),
    *_gains(),
)
"""Every measure, in the order of the tables."""
