"""Rules against a baseline run: a victim's figures less those of the same attacks there.

Both are over the pictures that both runs have, told by their pixels and resampled together, and
averaged over each run's seeds within each picture. Figures of another threat, budget or scale are
no baseline: such a rule fails, and says why.
"""

import math
from collections.abc import Iterable, Sequence

from iqaudit._analysis.tables.attack_pairs import attack_name, by_attack, rivals
from iqaudit._analysis.tables.catalogue import Measure
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.gate import Judgement, Rule, absent, firmness, held
from iqaudit._analysis.tables.samples import Snapshot
from iqaudit._core.errors import listed, many
from iqaudit._core.wording import worded
from iqaudit.measures._bootstrap import NOTHING, Estimate, Paired, Sample


def judge(
    cells: Sequence[CellData],
    baseline: Sequence[CellData],
    rules: Sequence[Rule],
    missing: Iterable[str] = (),
) -> tuple[Judgement, ...]:
    """Hold every victim to rules against a baseline, by the worst of its attacks.

    Parameters
    ----------
    cells, baseline : sequence of CellData
        The run's, and the baseline's.
    rules : sequence of Rule
        Those of which `Rule.baseline` is true.
    missing : iterable of str
        Cells of the run that have no results yet, all of which fail.
    """
    groups, there = rivals(cells), rivals(baseline)
    longest: dict[str, int] = {}
    for group in groups:
        longest[_name(group)] = max(longest.get(_name(group), 0), group[0].queries)
    judged = []
    for group in groups:
        name, queries = _name(group), group[0].queries
        if queries < longest[name]:
            name = f"{name} at {queries:,} queries"
        other = _counterpart(group, groups, there)
        judged += [_worst(name, group, other, rule) for rule in rules]
    return (*judged, *absent(missing, rules))


def _name(group: Sequence[CellData]) -> str:
    """Return a victim's name in verdicts: its cells' common one, or that of the only one."""
    first = group[0]
    seeds = {cell.seed for cell in group}
    name = (first.unattacked if len(by_attack(group)) > 1 else "") or first.cell
    return name if len(seeds) == 1 else first.seedless(name)


def _counterpart(
    group: Sequence[CellData],
    groups: Sequence[Sequence[CellData]],
    there: Sequence[Sequence[CellData]],
) -> Sequence[CellData] | str:
    """Return the baseline's cells of a victim and protocol; a sentence where there are none."""
    first = group[0]
    alike = [each for each in there if each[0].victim == first.victim]
    if not alike and _alone(groups) and _alone(there):  # a name may have changed with the weights
        alike = list(there)
    if not alike:
        names = listed(sorted({each[0].victim for each in there}))
        return f'The baseline has no victim "{first.victim}", but {names}.'
    same = [each for each in alike if not _differences(first, each[0])]
    named = [each for each in same if each[0].unattacked == first.unattacked] or same
    if len(named) == 1:
        return named[0]
    if named:
        return f'The baseline has several victims "{first.victim}": it cannot be told which.'
    nearest = min((_differences(first, each[0]) for each in alike), key=len)
    return f"It cannot be compared with the baseline: {'; '.join(nearest)}."


def _alone(groups: Sequence[Sequence[CellData]]) -> bool:
    return len({each[0].victim for each in groups}) == 1


def _differences(one: CellData, other: CellData) -> list[str]:
    """Say in what a cell's terms differ from the baseline's."""
    told = []
    if one.levels != other.levels:
        told.append(f"changes of {one.levels}/255 here and {other.levels}/255 there")
    if one.goal != other.goal:
        told.append(f"the goal is {one.goal} here and {other.goal} there")
    if one.budget != other.budget:
        told.append(f"{one.budget} here and {other.budget} there")
    if _scale(one) != _scale(other):
        declared = worded('scale="declared"', "--scale declared")
        told.append(
            f"the victim's scale is {_briefly(one)} here and {_briefly(other)} there (give both "
            f"runs one: {declared}, or a file of iqaudit calibrate, scale=FILE in the victim's "
            "string)"
        )
    return told


def _scale(cell: CellData) -> tuple[object, ...]:
    scale = cell.scale
    return scale.center, scale.spread, scale.limits, scale.lower_is_better


def _briefly(cell: CellData) -> str:
    """Return what scales are compared by, as words."""
    scale = cell.scale
    bounded = math.isfinite(scale.high - scale.low) and not scale.fitted
    ends = f", range {scale.low:g} to {scale.high:g}" if bounded else ""
    lower = ", lower is better" if scale.lower_is_better else ""
    return f"C = {scale.center:.4g}, S = {scale.spread:.4g}{ends}{lower}"


def _worst(
    name: str, group: Sequence[CellData], other: Sequence[CellData] | str, rule: Rule
) -> Judgement:
    """Hold the attacks on one victim to a rule by the one that comes nearest to breaking it."""
    if isinstance(other, str):
        return Judgement(name, rule, None, failed=True, sentence=other)
    attacks, there = by_attack(group), by_attack(other)
    judged = [
        _judged(name, seeds, there.get(attack, ()), rule, of=len(attacks))
        for attack, seeds in attacks.items()
    ]
    return min(judged, key=lambda each: firmness(each.value, rule, ranked=not each.doubtful))


def _judged(
    name: str, seeds: Sequence[CellData], there: Sequence[CellData], rule: Rule, *, of: int
) -> Judgement:
    """Hold one attack to a rule."""
    attack = attack_name(seeds[0])

    def refused(why: str) -> Judgement:
        sentence = f"{attack}: {why}" if of > 1 else why
        return Judgement(name, rule, None, failed=True, sentence=sentence, attack=attack)

    if not there:
        return refused(f"The baseline has no {attack} on this victim.")
    if seeds[0].settings != there[0].settings:
        return refused(f"{attack} had other hyper-parameters in the baseline.")
    sides = _shared(Snapshot.of(*seeds), Snapshot.of(*there), rule.measure)
    pictures = len(sides[0].pictures[0])
    if not pictures:
        return refused(f"{rule.measure.title} cannot be compared: no picture is in both runs.")
    figures = _paired(rule.measure, *sides)
    value: float | None = getattr(figures.difference, rule.end)
    if value is None:
        shared = f"{many(pictures, 'picture')} of both runs"
        what = "no interval" if figures.difference.value is not None else "no difference"
        return refused(f"{rule.measure.title} cannot be compared: {shared} give {what}.")
    doubts = [doubt for cell in (*seeds, *there) for doubt in cell.doubts]
    doubtful = any(doubt.whole for doubt in doubts)
    by = f" by {attack}, the worst of {of} attacks," if of > 1 else ""
    text = f"{rule.measure.title}{by} is {_apart(figures)} ({_whose(seeds, there, pictures)})."
    if there[0].victim != seeds[0].victim:
        text += f' The baseline is of "{there[0].victim}".'
    if there[0].version != seeds[0].version:
        text += (
            f" The baseline was made by iqaudit {there[0].version}, this by {seeds[0].version}: "
            "the attack may have changed."
        )
    text = " ".join((text, *dict.fromkeys(doubt.text for doubt in doubts)))
    failed = doubtful or held(value, rule)
    return Judgement(name, rule, value, failed, text, attack, doubtful)


def _shared(one: Snapshot, other: Snapshot, measure: Measure) -> tuple[Snapshot, Snapshot]:
    """Return the pictures of two runs that a measure's difference is of, in one order.

    Pictures with identical pixels count once; correlations are with one opinion, and gains of one
    direction are of pictures that both runs pushed that way.
    """
    if measure.direction:
        one, other = one.pushed(measure.direction), other.pushed(measure.direction)
    first, second = (
        {each.sha256: at for at, each in enumerate(side.pictures[0])} for side in (one, other)
    )
    keys = [key for key in first if key in second]
    if measure.group == "people":
        opinions = [[each.opinion for each in side.pictures[0]] for side in (one, other)]
        keys = [
            key for key in keys if None is not opinions[0][first[key]] == opinions[1][second[key]]
        ]
    return one.at([first[key] for key in keys]), other.at([second[key] for key in keys])


def _paired(measure: Measure, one: Snapshot, other: Snapshot) -> Paired:
    here, there = measure.sample(one), measure.sample(other)
    if isinstance(here, Sample) and isinstance(there, Sample):
        return Paired(here.estimate(), there.estimate(), here.less(there))
    ends = measure.compute(one), measure.compute(other)
    if ends[0].value is None or ends[1].value is None:
        return Paired(*ends, NOTHING)
    apart = ends[0].value - ends[1].value
    return Paired(*ends, Estimate(apart) if math.isfinite(apart) else NOTHING)


def _apart(figures: Paired) -> str:
    """Say a figure, the baseline's, and how far they are apart."""
    difference = figures.difference
    less = difference.value or 0.0
    way = "above" if less > 0 else "below"
    far = f"{abs(less):.4g} {way}" if less else "the same as"
    ends = ""
    if difference.low is not None:
        ends = f", 95 % interval of the difference {difference.low:.4g} to {difference.high:.4g}"
    return f"{figures.attack.value:.4g}, {far} the baseline's {figures.floor.value:.4g}{ends}"


def _whose(seeds: Sequence[CellData], there: Sequence[CellData], pictures: int) -> str:
    """Say which pictures and seeds a difference is of."""
    most = max(seeds[0].planned, there[0].planned)
    of = (
        f"over {pictures} pictures that both runs have"
        if pictures != 1
        else "over the only picture that both runs have"
    )
    counts = f"{len(seeds)} and {len(there)} seeds averaged within each"
    return (
        of
        + (f", of {most}" if most > pictures else "")
        + (f", {counts}" if max(len(seeds), len(there)) > 1 else "")
    )
