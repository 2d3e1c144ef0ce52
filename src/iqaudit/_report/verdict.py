"""The head of the page: its headline, and a verdict on each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.findings.sentences import percent, pictures
from iqaudit._analysis.tables.attack_pairs import attack_name
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.tables import TableRow
from iqaudit._core.errors import listed
from iqaudit._core.threat import words
from iqaudit._report.figures import figure
from iqaudit._report.figures import percent as plain_percent
from iqaudit._runs.records import RunRecord
from iqaudit.attacks import ATTACKS, Bidirectional, RandomSigns
from iqaudit.attacks._registry import PYTHON, label
from iqaudit.measures._bootstrap import NOTHING, Estimate

RAN = (
    "The attack is the patch-based random search of Ran, Zhang, Li, Tang and Wang, “Black-box "
    "Adversarial Attacks Against Image Quality Assessment Models” (arXiv 2402.17533; Expert "
    "Systems with Applications, 2025)."
)


@dataclass(frozen=True)
class Cell:
    """A cell and all that the page has of it.

    Attributes
    ----------
    data, row : CellData, TableRow
        Its pictures and its measures.
    key, label : str
        Its name in addresses and for people.
    style : int
        Its lines' colour and dashes.
    record, insights : RunRecord, Insights or None
        Its results.json, and its insights.json where there is one.
    """

    data: CellData
    row: TableRow
    key: str
    label: str
    style: int
    record: RunRecord
    insights: Insights | None

    @property
    def is_baseline(self) -> bool:
        """Whether its attack is chance."""
        return is_baseline(self.data)


@dataclass(frozen=True)
class Verdict:
    """A cell's summary: a big figure, a bar with marks, and sentences."""

    cell: Cell
    baseline: Estimate
    sentences: tuple[str, ...]


def is_baseline(data: CellData) -> bool:
    """Tell whether a cell's attack is chance."""
    return data.method == RandomSigns.__name__


def labels(cells: Sequence[CellData]) -> dict[str, str]:
    """Name cells apart: by the victim, and whatever else they differ in; else by the folder."""
    parts = [
        (
            cell.victim,
            cell.attack,
            words(cell.levels),
            f"goal {cell.goal}",
            f"{cell.queries:,} queries",
            f"seed {cell.seed}",
        )
        for cell in cells
    ]
    told = [not place or len(set(each)) > 1 for place, each in enumerate(zip(*parts, strict=True))]
    names = [" · ".join(compress(each, told)) for each in parts]
    return {
        cell.cell: name if names.count(name) == 1 else cell.cell
        for cell, name in zip(cells, names, strict=True)
    }


def headline(cells: Sequence[Cell]) -> str:
    """Return the page's title: how far scores were pushed by how small a change.

    Of several attacks on a victim that are the same in all else, the one that went farthest counts,
    and is named.
    """
    cells = _of_one_threat(cells)
    chosen, told = _told(cells)
    if chosen and not told:
        return "These answers do not tell how far the scores can be pushed"
    if not told:
        victims = sorted({f"“{cell.data.victim}”" for cell in cells})
        return f"An unfinished audit of {listed(victims)}"
    worst = [max(_attacks(group), key=lambda each: each[1]) for group in _rivals(cells, told)]
    levels = [cell.data.levels for cell in told]
    change = f"A change of {_between(levels, 'd')} in 255" if all(levels) else "Retouching"
    how_far = _between([100 * rgo for _, rgo in worst], ".0f", " %")
    names = {cell.data.victim for cell in told}
    whose = f"“{names.pop()}”" if len(names) == 1 else f"{len(names)} victims"
    count = len({attack_name(cell.data) for cell in cells})
    by = listed(list(dict.fromkeys(attack for attack, _ in worst)))
    by = f"{by}, the worst of {count} attacks" if count > 1 else by
    return f"{change} moves the scores of {whose} {how_far} of the way they could go: by {by}"


def farthest(cells: Sequence[Cell]) -> Cell | None:
    """Return the cell of the headline's worst attack on the victim that went farthest.

    Of several seeds the one that went farthest; None where no cell tells anything.
    """
    cells = _of_one_threat(cells)
    _, told = _told(cells)
    found = [
        (rgo, [each for each in group if attack_name(each.data) == name])
        for group in _rivals(cells, told)
        for name, rgo in _attacks(group)
    ]
    if not found:
        return None
    _, seeds = max(found, key=lambda each: each[0])
    return max(seeds, key=lambda each: each.row.values["rgo"].value or 0)


def _of_one_threat(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Return the cells of an ε, where there are any; else those of retouching."""
    return [cell for cell in cells if cell.data.levels] or cells


def _told(cells: Sequence[Cell]) -> tuple[list[Cell], list[Cell]]:
    """Return the cells that have an RGO, of attacks if there are any; and those it is told of."""
    chosen = [cell for cell in cells if cell.row.values["rgo"].value is not None]
    chosen = [cell for cell in chosen if not cell.is_baseline] or chosen
    return chosen, [cell for cell in chosen if cell.row.ranked]


def _rivals(cells: Sequence[Cell], told: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells that tell something, chance too, by what they have in common but attacks."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell in told or (cell.row.ranked and cell.row.values["rgo"].value is not None):
            common = cell.data.seedless(cell.data.unattacked)
            name = f"{common}--{cell.data.queries}" if common else cell.key
            groups.setdefault(name, []).append(cell)
    return list(groups.values())


def _attacks(group: Sequence[Cell]) -> list[tuple[str, float]]:
    """Return each attack with its RGO, the mean over seeds."""
    found: dict[str, list[float]] = {}
    for cell in group:
        found.setdefault(attack_name(cell.data), []).append(cell.row.values["rgo"].value or 0)
    return [(name, sum(each) / len(each)) for name, each in found.items()]


def lede(cells: Sequence[Cell]) -> str:
    """Return the protocol in two sentences."""
    finished = [len(cell.data.finished) for cell in cells]
    # "pictures" is what loose files are called, and no data set's name.
    sets = {name for cell in cells if (name := cell.data.data) and name != "pictures"}
    of = f" of {listed(sorted(sets))}" if sets else ""
    queries = _between([cell.data.queries for cell in cells], ",")
    counts = _between(finished, "d")
    noun = "picture" if counts == "1" else "pictures"
    text = f"{counts} {noun}{of}, at most {queries} queries each. "
    followed = [cell.row.ranked for cell in cells if "white_box" in cell.data.settings]
    if followed and not any(followed):
        text += "The attack followed the victim's own gradient, which led nowhere. It changed"
    elif followed and len(followed) < sum(not cell.is_baseline for cell in cells):
        text += (
            "One attack followed the victim's own gradient, so it is no black box but a ceiling "
            "for the others, which saw nothing of it but its scores. They changed"
        )
    elif followed:
        text += (
            "The attack followed the victim's own gradient, so it is no black box but a ceiling "
            "for those that are. It changed"
        )
    else:
        several = len({cell.data.attack for cell in cells}) > 1
        which = "The attacks saw" if several else "The attack saw"
        text += f"{which} nothing of the victim but its scores, and changed"
    balls = [cell.data.levels for cell in cells if cell.data.levels]
    retouched = " light, colour, detail and framing within natural bounds"
    if not balls:
        return f"{text}{retouched}."
    text += f" no channel of any pixel by more than {_between(balls, 'd')} of 255 levels"
    return f"{text}, or{retouched}." if len(balls) < len(cells) else f"{text}."


def attack_text(cell: Cell) -> str:
    """Return what a cell's attack is, in a sentence."""
    if cell.data.method == Bidirectional.__name__:
        return RAN
    name = cell.data.attack
    if name.startswith(PYTHON):
        return f"The attack is the user's own, {label(name)}."
    known = ATTACKS.get(name.partition(",")[0])
    if known is None:
        return f"The attack is {cell.data.method}."
    return f"The attack is “{name}”, {known[1]}."


def verdict(cell: Cell) -> Verdict:
    """Sum a cell up: how far, beside what, and how visibly."""
    values = cell.row.values
    baseline = cell.insights.rgo.floor if cell.insights else NOTHING
    sentences = [
        f"{cell.row.flags.capitalize()}. {cell.row.doubt}" if cell.row.flags else cell.row.doubt,
        _how_far(cell),
        cell.insights.floor.text if cell.insights else "",
        _seen(values),
        _left_out(cell),
    ]
    return Verdict(cell, baseline, tuple(filter(None, sentences)))


def _how_far(cell: Cell) -> str:
    values = cell.row.values
    if values["rgo"].value is None:
        return "No picture's search has come to its end, so there are no means."
    return (
        f"With {cell.data.budget}, scores went {percent(values['rgo'])} of "
        f"the way they could go over {pictures(cell.row.pictures)}, a shift of "
        f"{figure(values['shift'].value, '.2f')} S; a perfect attack would reach "
        f"{plain_percent(values['reachable_rgo'].value)} within this victim's range."
    )


def _seen(values: Mapping[str, Estimate]) -> str:
    """Say how visible the change is, and its effect on the agreement with people."""
    if values["linf"].value is None:
        return ""
    text = (
        f"What is seen of it: FLIP {figure(values['flip'].value)}, SSIM "
        f"{figure(values['ssim'].value)}, at most {figure(values['linf'].value, '.0f')} of 255 "
        "levels."
    )
    before, after = values["srocc_before"], values["srocc_after"]
    if before.value is None or after.value is None:
        return text
    return (
        f"{text} Rank correlation with people's scores: {figure(before.value, '.2f')} before, "
        f"{figure(after.value, '.2f')} after."
    )


def _left_out(cell: Cell) -> str:
    if not cell.row.unfinished:
        return ""
    return f"{pictures(cell.row.unfinished)} not finished, and left out of every figure."


def _between(values: Sequence[float], form: str, unit: str = "") -> str:
    low, high = format(min(values), form), format(max(values), form)
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
