"""Searches made again from their recorded scores: no victim is asked, and each step is compared.

A search is determined by its answers. So its direction, its end and its best query follow from the
recorded scores alone; and where the attack can be made again, so do every picture that it asked
about, its trace, and the pictures that it came to.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from iqaudit._core.goal import Goal, named
from iqaudit._core.patches import Patched
from iqaudit._core.picture import Picture, picture_key, read
from iqaudit._core.threat import threat_of
from iqaudit._runs.agreement import planned
from iqaudit._runs.figures import differences, likeness
from iqaudit._runs.reader import result as read_result
from iqaudit._runs.records import PictureRecord, RunRecord
from iqaudit._runs.schema import file_names, load_answers
from iqaudit._runs.store import versions
from iqaudit._runs.trust import is_own_attack
from iqaudit._search.halves import Subject, made
from iqaudit._search.ledger import Answer, Ledger, check_budget
from iqaudit._search.order import places
from iqaudit._search.painter import Painter
from iqaudit._search.stop import Stop
from iqaudit._search.trial import Shared, Trial, TrialResult
from iqaudit.attacks import _registry
from iqaudit.attacks._base import Attack, is_carrying, is_shared, is_white_box
from iqaudit.attacks._code import digest
from iqaudit.attacks._registry import PYTHON
from iqaudit.attacks._universal import Signs, Universal, laid
from iqaudit.victims._base import Card

DECIDING = ("iqaudit", "numpy")
"""The packages another version of which may make other proposals."""


def of_scores(result: TrialResult, record: RunRecord, card: Card) -> Iterator[str]:
    """Say where a search's end is not the one that its scores lead to."""
    goal = result.place or named(record.goal)
    queries = record.queries if result.place is None else result.place.queries
    check_budget(queries, card.cost)
    pixels, stop = result.picture.pixels, Stop(record.early_stop, record.until_plateau)
    noise = record.victim.noise
    ledger = Ledger(pixels, card.scale, goal, queries, card.cost, noise=noise)
    unchanged = Patched(pixels)
    for place, answer in enumerate(map(Answer, result.scores.tolist(), result.asked)):
        if end := ledger.end(stop):
            yield (
                f"the search ends after {ledger.spent} queries ({end.name.lower()}), and "
                f"{result.queries} are recorded"
            )
            return
        if place in record.for_others:
            ledger.charge(answer)
        else:
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


class _OtherwiseError(Exception):
    """A making that asks about another picture than is recorded."""


def of_changes(
    run: Path, record: RunRecord, card: Card, attack: Attack[Any] | None
) -> tuple[dict[str, Shared], tuple[str, ...]]:
    """Make the changes for many pictures again, from the recorded scores.

    Where a picture is not finished, or the attack cannot be made again, nothing is.

    Returns
    -------
    changes : dict of str to Shared
        What each picture's trial was given, by name.
    wrong : tuple of str
        The first question that is another than is recorded.
    """
    pictures = record.pictures
    whole = pictures and all(each.end.finished for each in pictures) and not record.unscored
    if not (isinstance(attack, Universal) and whole):
        return {}, ()
    rows = [load_answers(run, each.name, each.scores_file_sha256) for each in pictures]
    left = [deque(map(Answer, row["score"].tolist(), row["picture"].tolist())) for row in rows]
    clean = [answers.popleft().score for answers in left]
    threat, scale, cost = threat_of(record.levels), record.victim.scale.scale(), record.victim.cost
    painters: dict[int, Painter] = {}

    def again(tile: Signs, places: Sequence[int]) -> list[Answer]:
        for at in set(painters) - set(places):
            del painters[at]
        answers = []
        for at in places:
            if at not in painters:
                pixels = read(run / file_names(pictures[at].name)["clean"]).pixels
                window = card.window(*pixels.shape[:2])
                painters[at] = Painter(pixels, window, threat)
            levels = laid(tile, painters[at].seen, record.levels)
            change = painters[at].change(Patched(levels))
            answers.append(left[at].popleft())
            if picture_key(change.painted()) != answers[-1].picture:
                query = cost * (len(rows[at]) - len(left[at]))
                raise _OtherwiseError(
                    f"{pictures[at].name}: query {query} is about another change than the making "
                    "asks about after those scores"
                )
        return answers

    try:
        found = made(
            attack,
            [named(record.goal).aim(score, scale) for score in clean],
            clean,
            [Subject(each.reference, each.clean_pixels_sha256) for each in pictures],
            record.queries // cost,
            record.seed,
            scale.slope * record.victim.noise,
            again,
        )
    except _OtherwiseError as other:
        return {}, (str(other),) if _is_of_here(record) else ()
    return {each.name: shared for each, shared in zip(pictures, found, strict=True)}, ()


def of_memories(
    run: Path, record: RunRecord, card: Card, attack: Attack[Any] | None
) -> dict[str, Any]:
    """Learn again what an attack carried on to each picture, from the recorded scores.

    Returns
    -------
    dict of str to object
        By the pictures' names; up to the first of which the recorded scores are of another search.
    """
    memories: dict[str, Any] = {}
    if attack is None or not is_carrying(attack):
        return memories
    memory: Any = None
    for each in record.pictures:
        memories[each.name] = memory
        result = read_result(run, each, card.cost)
        trial = trial_of(result.picture, each, record, card, attack, memory=memory)
        if not each.end.finished or _parting(trial, result, record) is not None:
            break
        memory = trial.learned()
    return memories


def trial_of(
    picture: Picture,
    recorded: PictureRecord,
    record: RunRecord,
    card: Card,
    attack: Attack[Any],
    shared: Shared | None = None,
    memory: Any = None,
) -> Trial:
    """Return a trial that makes a recorded search again, at its beginning."""
    return Trial(
        picture,
        replace(card, noise=record.victim.noise, incremental=record.victim.incremental),
        attack,
        threat_of(record.levels),
        record.goal_of(recorded),
        record.budget_of(recorded),
        record.seed,
        others=[each.queries for each in recorded.checkpoints],
        shared=shared,
        memory=memory,
    )


def _is_of_here(record: RunRecord) -> bool:
    """Tell whether a run was made with the versions that decide here."""
    here = versions()
    return all(record.versions.get(each) == here[each] for each in DECIDING)


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
    attack = _registry.made(name, settings)
    if attack is None and name.startswith(PYTHON):
        root, audit, _ = planned(run.resolve())
        known = () if audit is None else audit.attacks
        codes = {each.code for each in known if each.settings == record.attack} - {None}
        if codes and is_own_attack(root, name, trust=trust):
            attack = _registry.made(name, settings, imports=True)
            attack = attack if attack and digest(attack) in codes else None
    return None if attack is None or is_white_box(attack) else attack


def _parting(trial: Trial, result: TrialResult, record: RunRecord) -> int | None:
    """Tell a trial a search's scores; return the query at which it asks for another picture."""
    for place, (score, key) in enumerate(zip(result.scores.tolist(), result.asked, strict=True)):
        if place in record.for_others:
            continue
        trial.ask()
        trial.tell(score)
        if trial.ledger.answers[-1].picture != key:
            return trial.ledger.spent
    return None


def of_attack(
    result: TrialResult,
    recorded: PictureRecord,
    record: RunRecord,
    card: Card,
    attack: Attack[Any] | None,
    changes: Mapping[str, Shared],
    memories: Mapping[str, Any] = MappingProxyType({}),
) -> Sequence[str] | None:
    """Say where a search that is made again from its scores goes otherwise than is recorded.

    Parameters
    ----------
    result, recorded, record, card
        The picture's, and its run's.
    attack : Attack or None
        Its own.
    changes : mapping of str to Shared
        What `of_changes` found, where one change is for many pictures.
    memories : mapping of str to object
        What `of_memories` found, where an attack carries on what it learned.

    Returns
    -------
    sequence of str or None
        None where it cannot be made again: there is no attack, or it goes another way with other
        versions of the packages that decide.
    """
    name = result.picture.name
    shared = changes.get(name)
    if attack is None or (is_shared(attack) and shared is None):
        return None
    if is_carrying(attack) and name not in memories:
        return None
    memory = memories.get(name)
    trial = trial_of(result.picture, recorded, record, card, attack, shared, memory)
    query = _parting(trial, result, record)
    if query is not None:
        text = f"query {query} is about another picture than the search asks for after those scores"
        return [text] if _is_of_here(record) else None
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
