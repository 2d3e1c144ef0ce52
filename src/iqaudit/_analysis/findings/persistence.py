"""How much of a push is left when the picture is compressed, resized, mirrored or made noisy."""

from collections.abc import Sequence
from dataclasses import dataclass

from iqaudit._analysis.findings.observations import OF, Look
from iqaudit._analysis.findings.pairs import room
from iqaudit._analysis.formatting import few, figure, percent, too_few
from iqaudit._core.treatments import TREATMENTS
from iqaudit.measures._bootstrap import Beside, Estimate, beside, beyond, interval, mean, ratio


@dataclass(frozen=True)
class Survival:
    """What is left of the push after one treatment.

    Attributes
    ----------
    left : Beside
        The sum of the moves of treated pictures over that of untreated ones: the mean share left,
        each picture's weighted by its move. Below 0 where scores go the other way.
    rgo : Beside
        The mean move of treated pictures over how far the treated clean score could go; below 0
        where scores go the other way. The floor's moves count whichever way they went.
    shift : Estimate
        What the treatment alone does to the clean pictures' quality.
    """

    treatment: str
    title: str
    left: Beside
    rgo: Beside
    shift: Estimate
    text: str


def survivals(looks: Sequence[Look]) -> tuple[Survival, ...]:
    """Return what is left after each treatment."""
    return tuple(_survival(looks, index) for index in range(len(TREATMENTS)))


def left(look: Look, index: int) -> float | None:
    """Return the share of a picture's move that a treatment leaves; None where nothing moved."""
    return look.attack.left[index] / look.attack.move if look.attack.move else None


def _survival(looks: Sequence[Look], index: int) -> Survival:
    moves = (
        (
            [_onward(of(look).left[index], of(look).move) for look in looks],
            [abs(of(look).move) for look in looks],
        )
        for of in OF
    )
    shares = [look.attack.left[index] / room(look.treated[index]) for look in looks]
    floor = [abs(look.floor.left[index]) / room(look.treated[index]) for look in looks]
    rgo = beside(mean, [shares], [floor])
    left_over = beside(ratio, *moves)
    shift = interval(mean, [look.treated[index] - look.before for look in looks])
    treatment = TREATMENTS[index]
    text = _on_survival(treatment.title, left_over.attack, rgo, len(looks))
    return Survival(treatment.name, treatment.title, left_over, rgo, shift, text)


def _onward(after: float, before: float) -> float:
    """Return a treated picture's move, positive where it goes the way of the untreated one's."""
    return after if before >= 0 else -after


def _on_survival(title: str, share: Estimate, rgo: Beside, count: int) -> str:
    name = title[0].upper() + title[1:]
    if share.value is None:
        return f"{name}: no score was moved, so nothing can be left."
    said = f"{name} leaves {percent(share)} of the move"
    if few(count):
        return f"{said}; {too_few(count)} to say more."
    figures = f"RGO {figure(rgo.attack, '.3f')}, random changes {figure(rgo.floor, '.3f')}"
    if not beyond(share, 0):
        verdict = "that may be nothing"
    elif share.value < 0:
        verdict = "scores go the other way"
    else:
        verdict = {
            1: "still more than random changes do",
            0: "no clear difference from random changes",
            -1: "less than random changes do",
        }[rgo.sign]
    return f"{said}: {verdict} ({figures})."
