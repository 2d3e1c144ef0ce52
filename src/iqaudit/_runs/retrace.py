"""Searches made again from their recorded scores: no victim is asked, and each step is compared.

A search is determined by its answers. So its direction, its end and its best query follow from the
recorded scores alone; and where the attack can be made again, so do every picture that it asked
about, its trace, and the pictures that it came to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np

from iqaudit._core.goal import Goal, named
from iqaudit._core.patches import Patched
from iqaudit._core.threat import threat_of
from iqaudit._runs.agreement import planned
from iqaudit._runs.figures import differences, likeness
from iqaudit._runs.records import PictureRecord, RunRecord
from iqaudit._runs.schema import load_answers
from iqaudit._runs.store import versions
from iqaudit._runs.trust import is_own_attack
from iqaudit._search.ledger import Answer, Ledger, check_budget
from iqaudit._search.order import places
from iqaudit._search.stop import Stop
from iqaudit._search.trial import Trial, TrialResult
from iqaudit.attacks._base import Attack, is_white_box
from iqaudit.attacks._code import digest
from iqaudit.attacks._registry import PYTHON, made
from iqaudit.victims._base import Card

DECIDING = ("iqaudit", "numpy")
"""The packages another version of which may make other proposals."""


def of_scores(result: TrialResult, record: RunRecord, card: Card) -> Iterator[str]:
    """Say where a search's end is not the one that its scores lead to."""
    goal = result.place or named(record.goal)
    queries = record.queries if result.place is None else result.place.queries
    check_budget(queries, card.cost)
    pixels, stop = result.picture.pixels, Stop(record.early_stop, record.until_plateau)
    ledger = Ledger(pixels, card.scale, goal, queries, card.cost)
    unchanged = Patched(pixels)
    for answer in map(Answer, result.scores.tolist(), result.asked):
        if end := ledger.end(stop):
            yield (
                f"the search ends after {ledger.spent} queries ({end.name.lower()}), and "
                f"{result.queries} are recorded"
            )
            return
        ledger.record(unchanged, answer)
    end = ledger.end(stop)
    if result.outcome is not end and (end is not None or result.outcome.finished):
        now = "that of a search that is not at its end" if end is None else end.name.lower()
        yield f"outcome is {now}, recorded {result.outcome.name.lower()}"
    if ledger.direction is not result.direction:
        yield f"direction is {ledger.direction.value}, recorded {result.direction.value}"
    if ledger.best_query != result.best_query:
        yield f"best_query is {ledger.best_query}, recorded {result.best_query}"


def of_places(run: Path, record: RunRecord) -> Iterator[str]:
    """Say which pictures' places are not those that their probes lead to.

    Where a picture is not finished, nothing is said: its probes are not all at hand.
    """
    pictures = record.pictures
    placed = [each.place for each in pictures if each.place is not None and each.end.finished]
    if named(record.goal) is not Goal.RANK or len(placed) < len(pictures) or record.unscored:
        return
    admits, probed = record.victim.scale.scale().admits, []
    for each, (*_, after, _) in zip(pictures, placed, strict=True):
        scores = load_answers(run, each.name, each.scores_file_sha256)["score"][:after]
        probed.append(np.where(admits(scores), scores, np.nan).tolist())
    found = places(probed, record.queries, record.victim.cost)
    for each, place in zip(pictures, found, strict=True):
        if astuple(place) != each.place:
            yield f"{each.name}'s place is {astuple(place)}, recorded {each.place}"


def attack_of(run: Path, record: RunRecord, *, trust: bool = False) -> Attack[Any] | None:
    """Make a run's attack again, which follows no gradient: nothing but its scores is known.

    Parameters
    ----------
    run : Path
        The run's directory.
    record : RunRecord
        Its results.json.
    trust : bool
        Whether the run is the user's own: a module that it names is imported for no other.

    Returns
    -------
    Attack or None
        None where it cannot be made again, or is a stranger's, or its code is another than then.
    """
    name, settings = record.attack.name, record.attack.settings
    attack = made(name, settings)
    if attack is None and name.startswith(PYTHON):
        root, audit, _ = planned(run.resolve())
        known = () if audit is None else audit.attacks
        codes = {each.code for each in known if each.settings == record.attack} - {None}
        if codes and is_own_attack(root, name, trust=trust):
            attack = made(name, settings, imports=True)
            attack = attack if attack and digest(attack) in codes else None
    return None if attack is None or is_white_box(attack) else attack


def of_attack(
    result: TrialResult,
    recorded: PictureRecord,
    record: RunRecord,
    card: Card,
    attack: Attack[Any] | None,
) -> Sequence[str] | None:
    """Say where a search that is made again from its scores goes otherwise than is recorded.

    Returns
    -------
    sequence of str or None
        None where it cannot be made again: there is no attack, or it goes another way with other
        versions of the packages that decide.
    """
    if attack is None:
        return None
    trial = Trial(
        result.picture,
        replace(card, noise=record.victim.noise, incremental=record.victim.incremental),
        attack,
        threat_of(record.levels),
        record.goal_of(recorded),
        record.budget_of(recorded),
        record.seed,
        others=[each.queries for each in recorded.checkpoints],
    )
    for score, key in zip(result.scores.tolist(), result.asked, strict=True):
        trial.ask()
        trial.tell(score)
        if trial.ledger.answers[-1].picture != key:
            here = versions()
            if any(record.versions.get(each) != here[each] for each in DECIDING):
                return None
            query = f"query {trial.ledger.spent}"
            return [f"{query} is about another picture than the search asks for after those scores"]
    again = trial.result()
    wrong = []
    if again.trace != result.trace:
        wrong.append("the trace is not of the recorded scores")
    if not np.array_equal(again.adversarial, result.adversarial):
        wrong.append("the attacked picture is not the one that the search comes to")
    if recorded.edits and again.edits != recorded.edits:
        wrong.append("the edits are not those of the attacked picture")
    checkpoints = likeness(result.picture.pixels, again.checkpoints)
    if recorded.checkpoints and len(checkpoints) != len(recorded.checkpoints):
        wrong.append(f"checkpoints are {len(checkpoints)}, recorded {len(recorded.checkpoints)}")
    for now, then in zip(checkpoints, recorded.checkpoints, strict=False):
        wrong += [f"after {then.queries} queries {each}" for each in differences(now, then)]
    return wrong
