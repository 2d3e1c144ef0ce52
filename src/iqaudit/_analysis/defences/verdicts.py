"""The verdict on a defence in a word and in sentences, by intervals alone."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from iqaudit._analysis.defences.figures import Cells, Scores, net, rgo_of
from iqaudit._analysis.findings.sentences import figure, percent
from iqaudit._analysis.tables.cells import CellData
from iqaudit._assess.questions import FAR
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import ENOUGH, Estimate, Paired, beyond, interval, mean, paired

HELPS, COSTS, NOTHING, HIDES, UNCLEAR = (
    "helps",
    "costs more than it helps",
    "does nothing",
    "hides",
    "unclear",
)


SMALLEST, SMALLEST_SHARE = 0.0005, 0.005
"""A difference of RGO, and of shares, that a table rounds to 0: however clear, it is none. Weights
that differ in their last digits have such ones."""


def verdict(
    cells: Cells, names: Sequence[str], scores: Scores, found: dict[str, Any]
) -> tuple[str, str]:
    """Return the word and the sentences on a row's figures."""
    if len(names) < ENOUGH:
        return UNCLEAR, f"Fewer than {ENOUGH} pictures decide nothing."
    if told := [doubt.text for doubt in cells.plain.doubts if doubt.whole]:
        return UNCLEAR, f"Undefended, the figures tell nothing. {' '.join(told)}"
    difference, balance = found["rgo_difference"], net(scores)
    differs = beyond(difference, 0) and abs(difference.value or 0) >= SMALLEST
    less = differs and (difference.value or 0) < 0
    worse = beyond(balance, 0) and (balance.value or 0) <= -SMALLEST_SHARE
    rgo = (
        f"RGO is {figure(found['rgo_adaptive'], '.3f')} to an attack that asks it, against "
        f"{figure(found['rgo_undefended'], '.3f')} without"
    )
    price = _price(balance, "people" if scores.rated.any() else "the undefended scores")
    if signs := _signs(cells, names, scores):
        return HIDES, " ".join((f"{rgo}, and that is no firmness.", *signs))
    if not differs and not worse:
        return NOTHING, f"{rgo}: no clear difference."
    return (HELPS if less and not worse else COSTS), f"{rgo}.{price}"


def _price(balance: Estimate, people: str) -> str:
    """Say whether it takes more of what the attack reaches, or of what the scores are worth."""
    if balance.value is None:
        return ""
    if not beyond(balance, 0):
        less = f"the share of RGO less that of agreement is {percent(balance)}"
        return (
            f" Whether it takes more of RGO than of agreement with {people} is not clear: {less}."
        )
    size, word = balance, "more"
    if balance.value < 0:
        turned = (None if each is None else -each for each in (balance.high, balance.low))
        size, word = Estimate(-balance.value, *turned), "less"
    return f" It takes {percent(size)} {word} of RGO than of agreement with {people}."


def _signs(cells: Cells, names: Sequence[str], scores: Scores) -> list[str]:
    """Say which signs there are that the defence hides the way, and does not bar it."""
    signs = [doubt.text for doubt in cells.own.doubts if doubt.whole]
    if (over := _over_white(cells.own, cells.white, names)) and not _over_white(
        cells.plain, cells.plain_white, names
    ):
        signs.append(
            f"The black box goes beyond the white box by {figure(over.difference, '.3f')}: the "
            "gradient is masked."
        )
    if not _weaker(cells.plain_white, names):
        signs += _weaker(cells.white, names)
    if scores.ahead:
        without, behind = (interval(mean, each) for each in scores.ahead)
        if _above(behind) and not _above(without):
            signs.append(
                f"Scores go more than {FAR} times as far as eps * ||grad||_1 foretells: the "
                "gradient is masked."
            )
    unaware = paired(mean, [scores.unaware], [scores.known])
    if unaware.sign > 0:
        signs.append(
            "Yesterday's pictures, made without knowing of it, go farther, by "
            f"{figure(unaware.difference, '.3f')}: the search is misled."
        )
    return signs


def _above(estimate: Estimate) -> bool:
    """Tell whether a figure is clearly above 0."""
    return beyond(estimate, 0) and (estimate.value or 0) > 0


def _over_white(cell: CellData, white: Sequence[CellData], names: Sequence[str]) -> Paired | None:
    """Return how far a black box goes beyond the strongest white box, where that is clear."""
    found = [_both(rgo_of(cell, names), rgo_of(each, names)) for each in white]
    known = [each for each in found if each is not None]
    strongest = max(known, key=lambda each: each.floor.value or 0, default=None)
    return strongest if strongest is not None and strongest.sign > 0 else None


def _weaker(white: Sequence[CellData], names: Sequence[str]) -> list[str]:
    """Say where more steps along the gradient are clearly weaker than fewer."""
    pairs = [
        (fewer, more, _both(rgo_of(more, names), rgo_of(fewer, names)))
        for fewer, more in pairwise(white)
    ]
    return [
        f"pgd with {more.queries:,} steps is weaker than with {fewer.queries:,}, by "
        f"{figure(both.difference, '.3f')}: the gradient is masked."
        for fewer, more, both in pairs
        if both is not None and both.sign < 0
    ]


def _both(one: Floats, other: Floats) -> Paired | None:
    """Compare two cells' RGO, where both have every picture."""
    return paired(mean, [one], [other]) if len(one) == len(other) >= ENOUGH else None
