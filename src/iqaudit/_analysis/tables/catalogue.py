"""The catalogue of measures: their names, captions, units, and how each is computed.

Gains and distributions are given one direction at a time: pushes up and down would cancel.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from iqaudit import measures
from iqaudit._analysis.tables import samples, statistics
from iqaudit._analysis.tables.samples import Compute, Snapshot, drawn, figure_mean, quality_mean
from iqaudit._core.errors import unknown
from iqaudit.measures._bootstrap import Estimate, linear_correlation, rank_correlation
from iqaudit.measures._visibility import SSIM_MEANT

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
    """A column of a table.

    Attributes
    ----------
    name : str
        In JSON, in exports and in rules.
    title, caption : str
        A heading, and a sentence that explains it.
    group : str
        A key of `GROUPS`.
    higher_favours : {"attack", "victim"}
        The side that a higher value speaks for.
    sample : callable
        From a `Snapshot` to what the figure is of.
    unit : str
        Empty for a bare ratio.
    form : str
        A format specification.
    by_queries : bool
        Whether it is known of earlier budgets, whose pictures are not kept: likeness is, at
        checkpoints.
    direction : str
        That of the pictures that it is of; empty where it is of all.
    definition : str
        What the figure is of, where programs that give it the same name differ.
    """

    name: str
    title: str
    caption: str
    group: Group
    higher_favours: Side
    sample: Compute
    unit: str = ""
    form: str = ".3f"
    by_queries: bool = True
    direction: str = ""
    definition: str = ""

    def compute(self, snapshot: Snapshot) -> Estimate:
        """Return the figure of a snapshot."""
        figure = self.sample(snapshot)
        return figure if isinstance(figure, Estimate) else figure.estimate()

    def weakness(self, value: float) -> float:
        """Return a key that is higher the weaker a value shows the victim to be."""
        return value if self.higher_favours == "attack" else -value


def find(name: str) -> Measure:
    """Return a measure by its name.

    Raises
    ------
    InputError
        If there is none of this name; it lists those that there are.
    """
    for measure in MEASURES:
        if measure.name == name:
            return measure
    raise unknown("measure", name, (measure.name for measure in MEASURES))


def _agreement() -> Iterable[Measure]:
    kinds = (
        ("SROCC", "Spearman's rank correlation", drawn(rank_correlation)),
        ("PLCC", "Pearson's linear correlation", drawn(linear_correlation)),
        ("KROCC", "Kendall's rank correlation, tau-b,", statistics.pair_correlation),
    )
    times = (("before", "clean"), ("after", "attacked"))
    for title, meaning, correlation in kinds:
        for which, of in times:
            caption = f"{meaning} of qualities and opinion scores of {of} pictures."
            name = f"{title.lower()}_{which}"
            compute = samples.agreement(correlation, which)
            yield Measure(name, f"{title} {which}", caption, "people", "victim", compute)
        caption = (
            f"The share of the {title} before that the attack took: 1 leaves none, more turns it."
        )
        name, compute = f"{title.lower()}_change", samples.agreement(correlation, "change")
        yield Measure(name, f"{title} change rate", caption, "people", "attack", compute)
    for which, of in times:
        caption = f"Root mean squared difference of qualities and opinion scores of {of} pictures."
        compute = samples.agreement(drawn(statistics.root_mean_square), which, fewest=1)
        name, title = f"rmse_{which}", f"RMSE {which}"
        yield Measure(name, title, caption, "people", "attack", compute, "of 0-10")


# fmt: off
GAINS: tuple[tuple[str, str, str, Callable[[str], Compute]], ...] = (
    (
        "range_gain", "normalised gain",
        "Mean gain as a share of the native range (Gushchin et al., ICML 2025)",
        partial(samples.gain, measures.normalised_gain, Snapshot.native_range),
    ),
    (
        "absolute_gain", "absolute gain",
        "Mean gain of scores scaled to 0-1 by the clean ones (MSU benchmark, AAAI 2024)",
        partial(samples.gain, measures.normalised_gain, Snapshot.clean_range),
    ),
    (
        "relative_gain", "relative gain",
        "Mean gain over 1 + score, scaled to 0-1 by the clean ones (MSU benchmark)",
        partial(samples.gain, measures.relative_gain, Snapshot.clean_range),
    ),
    (
        "wasserstein", "Wasserstein score",
        "Signed Wasserstein-1 distance of scores scaled by the clean ones (MSU benchmark)",
        partial(samples.displacement, statistics.distribution_shift),
    ),
    (
        "energy", "energy score",
        "Signed energy distance of scores scaled by the clean ones (MSU benchmark)",
        partial(samples.displacement, statistics.energy_shift),
    ),
)
"""Names, titles and meanings of the measures of one direction, each made from the direction."""
# fmt: on

SIDES: tuple[tuple[str, str, Side], ...] = (
    ("raise", "raised", "attack"),
    ("lower", "lowered", "victim"),
)


def _shifts() -> Iterable[Measure]:
    for way, pushed, side in SIDES:
        caption = f"The same of pictures that were {pushed}; positive is better quality."
        compute = samples.signed_spreads(way)
        yield Measure(
            f"shift_{way}",
            f"shift, {pushed}",
            caption,
            "strength",
            side,
            compute,
            "S",
            ".2f",
            direction=way,
        )


def _gains() -> Iterable[Measure]:
    for name, title, meaning, make in GAINS:
        for way, pushed, side in SIDES:
            caption = f"{meaning}, of pictures that were {pushed}; positive is better quality."
            yield Measure(
                f"{name}_{way}",
                f"{title}, {pushed}",
                caption,
                "others",
                side,
                make(way),
                direction=way,
            )


# fmt: off
MEASURES: tuple[Measure, ...] = (
    Measure(
        "rgo", "RGO", "How far scores went of how far 0-10 lets them (Ran et al.).",
        "strength", "attack", quality_mean(measures.rgo),
    ),
    Measure(
        "reachable_rgo", "reachable RGO",
        "What a perfect attack would reach within the victim's native range.",
        "strength", "attack", figure_mean("reachable_rgo"),
    ),
    Measure(
        "chance_raise", "RGO of random signs, raised",
        "How far random changes of the same size, or the best of a cell of them, raise scores.",
        "strength", "attack", samples.by_chance(0), by_queries=False,
    ),
    Measure(
        "chance_lower", "RGO of random signs, lowered",
        "The same of those that lower them.",
        "strength", "attack", samples.by_chance(1), by_queries=False,
    ),
    Measure(
        "mean_deviation", "mean deviation", "Mean distance that qualities went.",
        "strength", "attack", quality_mean(measures.mean_deviation), "of 0-10",
    ),
    Measure(
        "shift", "shift", "Mean distance that native scores went, in spreads S of the scale.",
        "strength", "attack", samples.spreads, "S", ".2f",
    ),
    *_shifts(),
    Measure(
        "order_kept", "order kept",
        "Spearman's rank correlation of scores before and after: 1 keeps their order, -1 turns it.",
        "strength", "victim", samples.order,
    ),
    Measure(
        "met", "target reached", "The share of pictures whose score reached the goal's target.",
        "strength", "attack", samples.met,
    ),
    Measure(
        "queries_to_target", "queries to the target",
        "The mean number that they took, of the pictures that reached it.",
        "strength", "victim", samples.queries_to_target, "", ",.0f",
    ),
    *_agreement(),
    Measure(
        "ssim", "SSIM", f"Structural similarity; 1 is identical. {SSIM_MEANT}.",
        "visibility", "attack", figure_mean("ssim"), "", ".4f", definition=SSIM_MEANT,
    ),
    Measure(
        "psnr", "PSNR", "Peak signal-to-noise ratio.",
        "visibility", "attack", figure_mean("psnr"), "dB", ".1f",
    ),
    Measure(
        "flip", "FLIP", "How strongly pictures differ to who flips between them; 0 is not at all.",
        "visibility", "victim", figure_mean("flip"), "", ".4f",
    ),
    Measure(
        "linf", "L∞", "The largest change of any pixel.",
        "visibility", "victim", samples.largest_change, "levels of 255", ".0f", by_queries=False,
    ),
    Measure(
        "r_natural", "R (base e)",
        "Log of how much farther qualities could have gone, on 0-10 (Zhang et al., NeurIPS 2022); "
        "infinite where one did not move.",
        "others", "victim", quality_mean(samples.zhang),
    ),
    Measure(
        "unmoved", "pictures that did not move", "Those whose R is infinite.",
        "others", "victim", samples.unmoved, "", ".0f",
    ),
    Measure(
        "r_decimal", "R (base 10)",
        "The same of scores scaled to 0-1 by the clean ones, 1e-6 added to moves (MSU benchmark).",
        "others", "victim", samples.msu_robustness,
    ),
    *_gains(),
)
# fmt: on
"""Every measure, in the order of the tables."""

LEADING = (
    *("rgo", "chance_raise", "chance_lower", "reachable_rgo", "shift"),
    *("srocc_before", "srocc_after", "plcc_before", "plcc_after"),
    *("ssim", "flip", "linf"),
)
"""Those that a reader needs first: how far, farther than chance, against whose judgement, how
visibly."""

OF_TARGET, OF_ORDER = ("met", "queries_to_target"), ("order_kept",)
"""Those that lead as well where the goal is a score to be reached, or an order to be broken."""

SIDES_OF = (("before", "after"), ("raise", "lower"))
"""Endings of measures that go together: ``srocc`` is ``srocc_before`` and ``srocc_after``."""


def choose(names: Iterable[str], among: Iterable[Measure] = MEASURES) -> tuple[Measure, ...]:
    """Return measures by their names, each once; what two begin with names both.

    Raises
    ------
    InputError
        If there is none of a name; it lists those that there are.
    """
    known = {measure.name: measure for measure in among}
    chosen: dict[str, Measure] = {}
    for name in names:
        both = [[f"{name}_{end}" for end in ends] for ends in SIDES_OF]
        found = next((each for each in ([name], *both) if all(one in known for one in each)), None)
        if found is None:
            raise unknown("measure", name, known)
        chosen |= {each: known[each] for each in found}
    return tuple(chosen.values())
