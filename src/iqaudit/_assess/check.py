"""Checks of a scorer's fitness for an audit, each with a name, a verdict and a sentence.

``docs/guides/checks.md`` explains each, with its remedy.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._assess import cost, memory, questions, sight
from iqaudit._assess.questions import Outcome, Verdict
from iqaudit._core.errors import InputError, VictimError, real_number
from iqaudit._core.picture import Picture, Pixels
from iqaudit.victims._base import Victim, gradient_of
from iqaudit.victims._fingerprint import fingerprint, refuse_if_down
from iqaudit.victims._scoring import finite


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Parameters
    ----------
    check : str
        Its name, as ``"deterministic"``.
    verdict : Verdict
        Whether it passes, warns or fails.
    sentence : str
        The reason, with figures.
    """

    check: str
    verdict: Verdict
    sentence: str


def example() -> list[Picture]:
    """Return the default photographs."""
    from skimage import data

    return [Picture("astronaut", data.astronaut()), Picture("coffee", data.coffee())]


def _no_other(options: Mapping[str, Any]) -> Victim:
    raise InputError(f"it takes no {', '.join(options)}")


def check(
    victim: Victim,
    pictures: Sequence[Picture] | None = None,
    *,
    price: float | None = None,
    others: Callable[[Mapping[str, Any]], Victim] = _no_other,
) -> Iterator[Finding]:
    """Check that a victim is fit to be audited, with about a hundred scores of two pictures.

    Parameters
    ----------
    victim : Victim
        The victim to check.
    pictures : sequence of Picture, optional
        Good photographs; two of scikit-image's by default. Cut to the size that the victim takes.
    price : float, optional
        Money a query, for the cost of a budget.
    others : callable
        From more options of the victim to the one that it is with them; it raises an `InputError`
        where there is none.

    Yields
    ------
    Finding
        One a check, as each is done; after a failing victim's, none.

    Raises
    ------
    InputError
        If a picture is too small for the victim, or the price is no amount.
    """
    if price is not None and not (math.isfinite(real_number("price", price)) and price >= 0):
        raise InputError(f"price must be a finite number of at least 0, not {price!r}.")
    photographs, unscored = pictures or example(), set[str]()

    def cut() -> Iterator[Pixels]:
        return (_cut(victim, picture) for picture in photographs if picture.name not in unscored)

    first = next(cut())
    # Each is read here, before the first query, and large enough.
    largest = max(((each.shape[0], each.shape[1]) for each in cut()), key=math.prod)
    if victim.card.note:
        yield Finding("note", Verdict.WARN, victim.card.note)
    try:
        for name, fault in _unscored(victim, photographs).items():
            unscored.add(name)
            yield Finding("answers", Verdict.WARN, f"{name}: {fault}")
        first = next(cut())
        yield Finding("different", *sight.different(victim, cut()))
        yield from _steady(victim, first)
        yield Finding("resolution", *questions.resolution(victim, first))
        yield Finding("every pixel", *sight.everywhere(victim, first))
        yield Finding("rim", *sight.rim(victim, first))
        yield Finding("scale", *questions.scale(victim, cut()))
        yield Finding("range", *questions.value_range(victim, first))
        ladders = questions.ladders(victim, cut())
        yield Finding("direction", *questions.direction(victim, ladders))
        yield Finding("mirror", *sight.mirror(victim, cut()))
        told = questions.preprocessing(victim, ladders, cut, others)
        yield Finding("preprocessing", *told)
        if gradient_of(victim) is not None:
            yield Finding("gradient", *questions.gradient(victim, first))
        one, two = fingerprint(victim)
        sentence = f"Scores {one:.6g} and {two:.6g} on two fixed synthetic pictures."
        yield Finding("fingerprint", Verdict.PASS, sentence)
        if (work := cost.work(victim, first)) is not None:
            yield Finding("incremental", Verdict.PASS, work)
        if (needed := memory.need(victim, *largest, max(cost.BUDGETS))) is not None:
            yield Finding("memory", *_memory(victim, needed))
        yield Finding("cost", Verdict.PASS, cost.cost(victim, first, price))
    except VictimError as error:
        yield Finding("answers", Verdict.FAIL, str(error))


def _steady(victim: Victim, pixels: Pixels) -> Iterator[Finding]:
    """Tell whether a picture's score is its alone, whatever is asked beside it or before."""
    alone = Finding("deterministic", *questions.deterministic(victim, pixels))
    yield alone
    for name, question in (("batch", questions.batch), ("history", questions.history)):
        if alone.verdict is Verdict.FAIL:
            sentence = "Cannot be told of scores that differ anyway."
            yield Finding(name, Verdict.WARN, sentence)
        else:
            yield Finding(name, *question(victim, pixels))


def _memory(victim: Victim, needed: memory.Need) -> Outcome:
    """Tell what the largest photograph needs."""
    try:
        needed.refuse_unless_it_fits(victim.card.name)
    except InputError as error:
        return Verdict.FAIL, str(error)
    return Verdict.PASS, f"{needed}."


def _cut(victim: Victim, picture: Picture) -> Pixels:
    """Return the middle of a picture, no larger than the victim takes."""
    card, sides = victim.card, (picture.height, picture.width)
    least = card.size or (card.smallest_side, card.smallest_side)
    if any(side < due for side, due in zip(sides, least, strict=True)):
        due = f"{least[1]} x {least[0]}" if card.size else f"{card.smallest_side} a side"
        raise InputError(
            f"{picture.name}: {picture.width} x {picture.height} pixels; the victim "
            f'"{card.name}" needs at least {due}.'
        )
    largest = card.largest_side or max(sides)
    height, width = card.size or (largest, largest)
    top, left = max(0, (sides[0] - height) // 2), max(0, (sides[1] - width) // 2)
    return picture.pixels[top : top + height, left : left + width]


def _unscored(victim: Victim, pictures: Sequence[Picture]) -> dict[str, VictimError]:
    """Return a victim's failures on photographs, by their names.

    Raises
    ------
    VictimError
        If it is down, or fails on all of them.
    """
    faults: dict[str, VictimError] = {}
    for picture in pictures:
        try:
            finite(victim, _cut(victim, picture))
        except VictimError as error:
            refuse_if_down(victim, error)
            faults[picture.name] = error
    if len(faults) == len(pictures):
        raise next(iter(faults.values()))
    return faults
