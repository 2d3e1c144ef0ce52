"""Verification: a run's files, measured and scored afresh, against what its results.json says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iqaudit import measures
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.picture import picture_key
from iqaudit._core.stream import Stream
from iqaudit._core.wording import worded
from iqaudit._runs.agreement import damaged_analyses, disagreements
from iqaudit._runs.checksums import DamagedRecordError, file_sha256, noting, refuse_changed
from iqaudit._runs.figures import differences, measure, summarise
from iqaudit._runs.reader import result as read_result
from iqaudit._runs.records import PictureRecord, RunRecord
from iqaudit._runs.retrace import (
    attack_of,
    of_attack,
    of_changes,
    of_memories,
    of_places,
    of_scores,
)
from iqaudit._runs.schema import RESULTS, file_names, load
from iqaudit._search.trial import Shared, TrialResult, settled
from iqaudit.attacks._base import Attack
from iqaudit.victims._base import Victim, draws
from iqaudit.victims._fingerprint import NOISE_TOLERANCE, refuse_if_down, tolerance
from iqaudit.victims._objects import rescaled
from iqaudit.victims._scoring import answered_then

FAULTS = (OSError, ValueError, LookupError, TypeError, RuntimeError, ArithmeticError)
"""The errors that a damaged record or file may raise where it is used."""


@dataclass(frozen=True)
class Check:
    """The verification of one picture, or of what stands beside the pictures.

    Parameters
    ----------
    name : str
        The picture's; ``"mean"`` for the means, ``"results.json"`` for the record itself, that of
        an analysis for its file.
    score : float or None
        A fresh native score of the attacked picture; None where it could not be scored.
    linf : int or None
        The largest change of a channel, in levels of 255.
    wrong : tuple of str
        The differences from the record; empty where there are none.
    noise : float
        The part of a score's difference that was put down to a victim that answers at random, in
        native units.
    replayed : bool
        Whether the search was made again from its recorded scores: not where its attack follows the
        victim's gradient, is a stranger's or an object, or has changed since, or other versions of
        iqaudit or NumPy go another way.
    is_picture : bool
        Whether it is of a picture, not of a file or the means.
    """

    name: str
    score: float | None
    linf: int | None
    wrong: tuple[str, ...]
    noise: float = 0.0
    replayed: bool = False
    is_picture: bool = True


def verify(path: Path, victim: Victim, *, trust: bool = False) -> tuple[Check, ...]:
    """Read a run's files back, measure and score them afresh, and compare with results.json.

    Parameters
    ----------
    path : path
        The run's directory.
    victim : Victim
        Who scores.
    trust : bool
        Whether the run is the user's own: a module of an attack is imported for no other.

    Returns
    -------
    tuple of Check
        One a picture: the files' hashes, the L-infinity distance to the clean picture and whether
        that is within the threat, both scores to within 1e-4 of the native range and, where the
        victim answers at random, its noise, every other figure recomputed from the files, and the
        search made again from its recorded scores. One named "results.json" where the record, or
        its audit's, was changed or damaged, or the two contradict each other; a single one where it
        holds a value of another type. A last one, named "mean", where the means are wrong.

    Raises
    ------
    InputError
        If there is no run, or the victim is another than its own.
    """
    with noting() as noted:
        try:
            record = load(path)
        except DamagedRecordError as error:
            return (damaged(error),)
        victim = rescaled(victim, record.victim.scale.scale())
        _refuse_another(record, victim)
        intact = not noted
        wrong = (*disagreements(path, record), *damaged_analyses(path), *noted)
        wrong += tuple(_of_places(path, record) if intact else ())
    # Made again where the record is intact alone, so that a search ends.
    attack = attack_of(path, record, trust=trust) if intact else None
    changes, otherwise = _of_changes(path, record, victim, attack)
    wrong += otherwise
    memories = _of_memories(path, record, victim, attack)
    checks = [
        _check(path, each, record, victim, attack, changes, memories) for each in record.pictures
    ]
    if wrong:
        checks.append(beside(RESULTS, wrong))
    try:
        wrong = tuple(differences(summarise(record.pictures), record.summary))
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        wrong = (f"no means can be made of what is recorded ({type(error).__name__}: {error})",)
    if wrong:
        checks.append(beside("mean", wrong))
    return tuple(checks)


def _of_places(path: Path, record: RunRecord) -> Iterator[str]:
    """Say which places are others than the probes lead to, or that they lead to none."""
    try:
        yield from of_places(path, record)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        yield f"no places can be chosen by what is recorded ({type(error).__name__}: {error})"


def _of_changes(
    path: Path, record: RunRecord, victim: Victim, attack: Attack[Any] | None
) -> tuple[Mapping[str, Shared], tuple[str, ...]]:
    """Make changes for many pictures again; none where what they were made of is damaged."""
    try:
        return of_changes(path, record, victim.card, attack)
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError):
        return {}, ()  # which the picture's own verification says


def _of_memories(
    path: Path, record: RunRecord, victim: Victim, attack: Attack[Any] | None
) -> Mapping[str, Any]:
    """Learn again what was carried on; nothing where what it was learned of is damaged."""
    try:
        return of_memories(path, record, victim.card, attack)
    except FAULTS:
        return {}  # which the picture's own verification says


def _refuse_another(record: RunRecord, victim: Victim) -> None:
    if not record.victim.scale.agrees(victim.card.scale):
        raise InputError("This victim's score scale is not the run's; give the run's victim.")
    if victim.card.cost != record.victim.cost:
        raise InputError(
            f"A score of this victim costs {victim.card.cost} queries, one of the run's "
            f"{record.victim.cost}; give the run's victim, with its repeats."
        )


def damaged(error: DamagedRecordError) -> Check:
    """Return the verification of a run whose record is damaged: a finding, which says where."""
    return beside(RESULTS, (str(error),))


def beside(name: str, wrong: tuple[str, ...]) -> Check:
    """Return the verification of a file, or of the means, in which something is wrong."""
    return Check(name, None, None, wrong, is_picture=False)


def unnamed(name: str) -> InputError:
    """Return the error for a run that does not say how its victim was made."""
    return InputError(
        f'The run does not hold how its victim "{name}" was made: give it again, with its options, '
        + worded("as victim and score_range.", "--victim python:MODULE:NAME --range LOW HIGH.")
    )


def _check(
    path: Path,
    recorded: PictureRecord,
    record: RunRecord,
    victim: Victim,
    attack: Attack[Any] | None,
    changes: Mapping[str, Shared],
    memories: Mapping[str, Any],
) -> Check:
    """Verify a picture; its search is made again where there is an attack, and its change."""
    card, replay = victim.card, None
    with noting() as noted:
        try:
            result = read_result(path, recorded, card.cost)
            file = path / file_names(recorded.name)["clean"]
            refuse_changed(file, intact=recorded.clean_file_sha256 in ("", file_sha256(file)))
            if result.best_query not in range(card.cost, result.queries + 1, card.cost):
                raise InputError(f"best_query is {result.best_query}, of {result.queries} queries.")
            if result.picture.pixels.shape != result.adversarial.shape:
                raise InputError("the two pictures differ in size.")
            row = measure(result, card)
            wrong = [*_contradictions(record, result), *of_scores(result, record, card)]
            replay = of_attack(result, recorded, record, card, attack, changes, memories)
            # Be they within the range or not: an older version took such answers for scores.
            stream = Stream(record.seed, result.picture.sha256)
            allowed, fresh = tolerance(card), _attacked(victim, result, stream)
            clean = answered_then(victim, result.picture.pixels, stream, 0)
            for which, now, then in (
                ("clean", clean, recorded.clean_score),
                ("attacked", fresh, recorded.attacked_score),
            ):
                if abs(now - then) > allowed:
                    wrong.append(f"the {which} score is {now:.6g}, recorded {then:.6g}")
        except VictimError as error:
            refuse_if_down(victim, error)
            return Check(recorded.name, None, None, (*noted, str(error)))
        except FAULTS as error:
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            return Check(recorded.name, None, None, (*noted, f"{kind}{error}"))
    found = (*noted, *wrong, *(replay or ()), *differences(row, recorded))
    noise = NOISE_TOLERANCE * card.noise
    return Check(
        recorded.name, fresh, row.linf, tuple(dict.fromkeys(found)), noise, replay is not None
    )


def _attacked(victim: Victim, result: TrialResult, stream: Stream) -> float:
    """Return a fresh score of the attacked picture: what it was answered then, where that is known.

    The mean of its fresh answers is compared with one answer, where the victim answers at random
    and draws nothing itself.
    """
    asked = len(result.scores)
    places = range(asked, asked + len(result.fresh)) if draws(victim) else range(0)
    answers = [
        answered_then(victim, result.adversarial, stream, place)
        for place in places or [result.best_query // result.cost - 1]
    ]
    return settled(answers[0], answers, victim.card.scale)


def _contradictions(record: RunRecord, result: TrialResult) -> Iterator[str]:
    """Say where a picture's files contradict one another, or the threat."""
    cost, scores, trace = result.cost, result.scores, result.trace
    if picture_key(result.adversarial) != result.asked[result.best_query // cost - 1]:
        yield "the attacked picture is not the one that got the recorded score"
    distance = measures.linf(result.picture.pixels, result.adversarial)
    if distance > record.levels and record.levels:
        yield f"L-infinity is {distance}, allowed {record.levels}"
    if ((cost, scores[0]),) != trace[:1] or any(
        query % cost or scores[query // cost - 1] != step for query, step in trace
    ):
        yield "the trace is not of the recorded scores"
