"""Sentences on figures: every claim that transfer.json and insights.json make in words.

A difference is claimed only where an interval says so, and nothing below `ENOUGH` pictures. Figures
stand with their intervals.
"""

from collections.abc import Sequence
from dataclasses import astuple

from iqaudit._analysis.findings.figures import Colour, Group, Part, Reached
from iqaudit._core.wording import number
from iqaudit.measures._bootstrap import ENOUGH, Estimate, Paired, beyond, disjoint

EVEN = 0.05
"""A difference between edge and middle that is surely below this share counts as none."""

SHARES = (0.1, 0.3)
"""Of the queries, that the sentence on them names."""

UNCHANGED = "No picture was changed."

NO_DIFFERENCE = "no clear difference"

CHANCE = "less than by chance", "more than by chance"


def figure(estimate: Estimate, form: str = ".2f", unit: str = "") -> str:
    """Return a figure with its interval, as ``0.35 (0.30 to 0.41)``."""
    if estimate.value is None:
        return "no figure"
    value = f"{number(estimate.value, form)}{unit}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({number(estimate.low, form)} to {number(estimate.high, form)})"


def percent(estimate: Estimate) -> str:
    """Return a share with its interval, as ``35 % (30 to 41)``."""
    hundred = (None if each is None else 100 * each for each in astuple(estimate))
    return figure(Estimate(*hundred), ".0f", " %")


def pictures(count: int) -> str:
    """Return a number of pictures."""
    return f"{count} picture" if count == 1 else f"{count} pictures"


def _few(*counts: int) -> bool:
    """Tell whether some group has too few pictures to be compared."""
    return min(counts) < ENOUGH


def _too_few(count: int, to: str = "say more") -> str:
    """Return that pictures are too few."""
    return f"{pictures(count)} {'is' if count == 1 else 'are'} too few to {to}"


def on_baseline(rgo: Paired, levels: int, queries: int | None, count: int) -> str:
    """Compare an attack with random changes: the best of so many queries, or one a picture."""
    if queries is None:
        rival = f"one random picture of ±{levels} levels each, whichever way it moves the score,"
    else:
        rival = f"the best of {queries:,} queries of random pictures of ±{levels} levels"
    ways = (
        "the attack moves scores less far than chance does",
        "the attack moves scores farther than chance does",
    )
    return (
        f"The attack's RGO is {figure(rgo.attack, '.3f')}; that of {rival} is "
        f"{figure(rgo.floor, '.3f')}: {_against(rgo, count, ways)}."
    )


def on_chance(raised: Paired, lowered: Paired, count: int) -> str:
    """Tell how far random changes go each way, and warn where one goes beyond the attack."""
    ways = (("up", raised), ("down", lowered))
    said = " and ".join(f"{figure(both.floor, '.3f')} {way}" for way, both in ways)
    text = f"Counted one way at a time, random changes move scores by {said}."
    beaten = [way for way, both in ways if both.sign < 0]
    if beaten and not _few(count):
        text += (
            f" The way {' and '.join(beaten)}, they go beyond the attack: noise alone moves this "
            "victim, and the attack's figure says less than that of random signs."
        )
    return text


def on_directions(down: Group, up: Group, drift: Estimate, *, both: bool) -> str:
    """Compare pushing down with pushing up; `both` where the goal chooses by the clean score."""
    one, other = down.rgo.attack, up.rgo.attack
    if not (down.pictures and up.pictures):
        way, only = ("down", down) if down.pictures else ("up", up)
        text = f"All {pictures(only.pictures)} were pushed {way}: RGO {figure(only.rgo.attack)}."
    elif _few(down.pictures, up.pictures):
        text = (
            f"{pictures(down.pictures)} down ({figure(one)}) and {up.pictures} up "
            f"({figure(other)}) are too few to say which way is easier."
        )
    elif not disjoint(one, other):
        text = (
            f"No clear difference between pushing down (RGO {figure(one)}, "
            f"{pictures(down.pictures)}) and up ({figure(other)}, {pictures(up.pictures)})."
        )
    else:
        ways = [("down", down), ("up", up)]
        ways.sort(key=lambda each: -(each[1].rgo.attack.value or 0))
        (easy, first), (hard, second) = ways
        text = (
            f"Pushing {easy} was easier: RGO {figure(first.rgo.attack)} over "
            f"{pictures(first.pictures)}, against {figure(second.rgo.attack)} over "
            f"{pictures(second.pictures)} pushed {hard}."
        )
    if down.pictures and up.pictures and both:
        text += (
            " Pictures that score above 5 are pushed down and the others up, so this compares good "
            "with bad pictures as well as one way with the other."
        )
    if beyond(drift, 0) and not _few(down.pictures + up.pictures):
        way = "raise" if (drift.value or 0) > 0 else "lower"
        low, high = sorted(abs(end or 0) for end in (drift.low, drift.high))
        size = Estimate(abs(drift.value or 0), low, high)
        text += f" Random changes alone {way} the score, by {figure(size)} of 10."
    return text


def on_trend(name: str, both: Paired, count: int) -> str:
    """Relate RGO to a number by their rank correlation."""
    if _few(count):
        return f"{_too_few(count, f'relate RGO to {name}')}."
    correlation = both.attack
    if not beyond(correlation, 0):
        return f"No clear relation between RGO and {name} (rank correlation {figure(correlation)})."
    how = "farther" if (correlation.value or 0) > 0 else "less far"
    return (
        f"The higher the {name}, the {how} the score was pushed "
        f"(rank correlation {figure(correlation)}; random changes: {figure(both.floor)})."
    )


def on_distortions(groups: Sequence[Group]) -> str:
    """Compare the types of distortion, the farthest pushed first."""
    large = [each for each in groups if not _few(each.pictures)]
    if not groups:
        return "The pictures have no known type of distortion."
    if len(large) < 2:  # noqa: PLR2004 (a comparison needs two)
        return "Too few pictures a type of distortion to compare types."
    most, least = large[0], large[-1]
    if not disjoint(most.rgo.attack, least.rgo.attack):
        return "No clear difference between types of distortion."
    return (
        f'"{most.label}" was pushed farthest (RGO {figure(most.rgo.attack)}), '
        f'"{least.label}" least ({figure(least.rgo.attack)}).'
    )


def on_bias(bias: Estimate, count: int) -> str:
    """Compare the change at the edge with that elsewhere."""
    if bias.value is None:
        return UNCHANGED
    text = f"On the outer eighth of a picture the change is {figure(bias)} times that elsewhere"
    if _few(count) or bias.low is None or bias.high is None:
        return f"{text}; {_too_few(count)}."
    if max(abs(bias.low - 1), abs(bias.high - 1)) < EVEN:
        return f"{text}: as good as even."
    if not beyond(bias, 1):
        return f"{text}: {NO_DIFFERENCE} between edge and middle."
    return f"{text}: it is {'stronger' if bias.value > 1 else 'weaker'} at the edge."


def on_accepted(bias: Estimate, count: int) -> str:
    """Compare the steps accepted at the edge with those elsewhere."""
    if not count:
        return "Where accepted steps fell cannot be had from this run."
    if bias.value is None:
        return "No step was accepted that says where the victim minds."
    return _said(
        f"Windows at the edge were accepted {figure(bias)} times as often as others of their size",
        f"a change at the edge helps the attack {'more' if bias.value > 1 else 'less'}",
        count,
        clear=beyond(bias, 1),
        otherwise=f"{NO_DIFFERENCE} between edge and middle",
    )


def on_never(never: float | None, cells: float) -> str:
    """Tell the share of pixels, or else of the grid's cells, that were never changed."""
    share, parts = (cells, "parts") if never is None else (never, "pixels")
    if not share:
        return f"All {parts} of a picture were changed in some picture of the run."
    return f"{100 * share:.1f} % of a picture's {parts} were changed in no picture of the run."


def on_unseen(unseen: float) -> str:
    """Tell the share outside the victim's window; nothing where there is none."""
    return f"The victim does not look at {100 * unseen:.0f} % of a picture." if unseen else ""


def on_frequencies(half: Paired, vertical: Paired, horizontal: Paired, count: int) -> str:
    """Compare the changes' frequencies with those of random changes."""
    if not count:
        return UNCHANGED
    return (
        f"Half of the change's power lies below {figure(half.attack, '.3f')} cycles a pixel "
        f"(random changes: {figure(half.floor, '.3f')}): "
        f"{_against(half, count, ('it is coarser', 'it is finer'))}. Vertical stripes "
        f"hold {percent(vertical.attack)} of it (random: {percent(vertical.floor)}): "
        f"{_against(vertical, count, CHANCE)}; horizontal ones "
        f"{percent(horizontal.attack)} (random: {percent(horizontal.floor)}): "
        f"{_against(horizontal, count, CHANCE)}."
    )


def on_colours(axes: Sequence[Colour], count: int) -> str:
    """Compare the share of luminance, the first axis, with that of random changes."""
    if not count:
        return UNCHANGED
    shares = ", ".join(f"{each.axis} {percent(each.share.attack)}" for each in axes)
    light = axes[0].share
    ways = "more of it is colour", "more of it is luminance"
    return (
        f"The change's energy is {shares}; of random changes {percent(light.floor)} are luminance: "
        f"{_against(light, count, ways)}."
    )


UNKNOWING = (
    "The pictures were made without knowing of these treatments, unless they are the victim's own "
    "defences: an attack that knows of one gets farther. iqaudit defences attacks behind each."
)
"""On persistence: what is left of yesterday's pictures is no measure of a defence."""


def on_persistence(title: str, share: Estimate, rgo: Paired, count: int) -> str:
    """Tell the share of the move that a treatment leaves, beside random changes."""
    name = title[0].upper() + title[1:]
    if share.value is None:
        return f"{name}: no score was moved, so nothing can be left."
    text = f"{name} leaves {percent(share)} of the move"
    if _few(count):
        return f"{text}; {_too_few(count)}."
    if not beyond(share, 0):
        verdict = "that may be nothing"
    elif share.value < 0:
        verdict = "scores go the other way"
    else:
        verdict = {
            1: "still more than random changes do",
            0: f"{NO_DIFFERENCE} from random changes",
            -1: "less than random changes do",
        }[rgo.sign]
    return f"{text}: {verdict} ({_beside(rgo, '.3f')})."


def on_query_efficiency(reached: Sequence[Reached], parts: Sequence[Part], count: int) -> str:
    """Tell how soon the move was there, and compare the first part's acceptance with the last's."""
    if reached[-1].share.attack.value is None:
        return "No score was moved."
    text = "; ".join(
        f"{100 * each.queries:.0f} % of the queries reached {percent(each.share.attack)} of the "
        "final move"
        for each in reached
        if each.queries in SHARES
    )
    first, last = parts[0].accepted, parts[-1].accepted
    if first.value is None or last.value is None:
        return f"{text}."  # too few queries to be parted
    if _few(count):
        verdict = f"{_too_few(count)}"
    elif disjoint(first, last):
        how = "less" if first.value > last.value else "more"
        verdict = f"they are accepted {how} often as the search goes on"
    else:
        verdict = NO_DIFFERENCE
    return (
        f"{text}. {percent(first)} of the proposals were accepted in the first tenth of the "
        f"queries, {percent(last)} in the last seven tenths: {verdict}."
    )


def on_entry(rgo: Paired, count: int, *, own: bool) -> str:
    """Compare pictures' effect on a victim, theirs (`own`) or another, with random changes."""
    how = "farther" if rgo.sign > 0 else "less far, or the other way,"
    pushed = "its own pictures" if own else "another's pictures"
    return _said(
        _beside(rgo, "+.3f"),
        f"{pushed} move it {how} than random changes do",
        count,
        clear=rgo.sign != 0,
        otherwise=f"{NO_DIFFERENCE} from random changes",
    )


def on_transfer(others: Sequence[tuple[str, int, str, Paired]]) -> str:
    """Tell which pictures move other victims than their own.

    Parameters
    ----------
    others : sequence of (cell, number of pictures, victim, RGO)
        The matrix off its diagonal.
    """
    if not others:
        return "Each picture is scored by the victim that it was made against, and by no other."
    large = [each for each in others if not _few(each[1])]
    if not large:
        return "Too few pictures to say whether they move other victims than their own."
    large.sort(key=lambda each: -(each[3].attack.value or 0))
    clear = [each for each in large if each[3].sign > 0]
    text = "; ".join(
        f"{cell} moves {victim} by {figure(rgo.attack, '+.3f')}, random changes "
        f"by {figure(rgo.floor, '+.3f')}"
        for cell, _, victim, rgo in clear or large[:1]
    )
    if not clear:
        return (
            "Pictures made against one victim move another clearly farther than random changes do "
            f"in none of {len(large)} cases. Farthest: {text}."
        )
    return (
        "Pictures made against one victim move another farther than random changes do in "
        f"{len(clear)} of {len(large)} cases: {text}."
    )


def _said(text: str, verdict: str, count: int, *, clear: bool, otherwise: str) -> str:
    """Return figures with what they show; that they do not, or that pictures are too few."""
    if _few(count):
        return f"{text}; {_too_few(count)}."
    return f"{text}: {verdict if clear else otherwise}."


def _beside(rgo: Paired, form: str) -> str:
    return f"RGO {figure(rgo.attack, form)}, random changes {figure(rgo.floor, form)}"


def _against(both: Paired, count: int, ways: tuple[str, str]) -> str:
    """Compare a figure with the baseline's: less, more, or neither."""
    if _few(count):
        return f"{_too_few(count)}"
    return ways[both.sign > 0] if both.sign else NO_DIFFERENCE
