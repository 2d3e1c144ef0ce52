"""Verification: a run's files, measured and scored afresh, against what its results.json says."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from iqaudit import measures
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.picture import picture_key
from iqaudit._runs.figures import Row, Summary, measure, summarise
from iqaudit._runs.reader import result as read_result
from iqaudit._runs.records import PictureRecord, RunRecord
from iqaudit._runs.schema import (
    RESULTS,
    DamagedRecordError,
    file_names,
    file_sha256,
    load,
)
from iqaudit._search.trial import TrialResult
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import NOISE_TOLERANCE, refuse_if_down, tolerance
from iqaudit.victims._scoring import finite

FIGURE_TOLERANCE = 1e-9
"""Relative; a figure that is computed from the same files again differs by rounding alone."""


@dataclass(frozen=True)
class Check:
    """The verification of one picture.

    Parameters
    ----------
    name : str
        The picture's; ``"mean"`` for the means, ``"results.json"`` for a record that is damaged.
    score : float or None
        A fresh native score of the attacked picture; None where it could not be scored.
    linf : int or None
        The largest change of a channel, in levels of 255.
    wrong : tuple of str
        The differences from the record; empty where there are none.
    noise : float
        The part of a score's difference that was put down to a victim that answers at random, in
        native units.
    """

    name: str
    score: float | None
    linf: int | None
    wrong: tuple[str, ...]
    noise: float = 0.0


def verify(path: Path, victim: Victim) -> tuple[Check, ...]:
    """Read a run's files back, measure and score them afresh, and compare with results.json.

    Parameters
    ----------
    path : path
        The run's directory.
    victim : Victim
        Who scores.

    Returns
    -------
    tuple of Check
        One a picture: the files' hashes, the L-infinity distance to the clean picture and whether
        that is within the threat, both scores to within 1e-4 of the native range and, where the
        victim answers at random, its noise, and every other figure recomputed from the files. A
        last one, named "mean", where the means are wrong. A single one, named "results.json", where
        that file holds a value of another type.

    Raises
    ------
    InputError
        If there is no run, or the victim is another than its own.
    """
    try:
        record = load(path)
    except DamagedRecordError as error:
        return (damaged(error),)
    if not record.victim.scale.agrees(victim.card.scale):
        raise InputError("This victim's score scale is not the run's; give the run's victim.")
    if victim.card.cost != record.victim.cost:
        raise InputError(
            f"A score of this victim costs {victim.card.cost} queries, one of the run's "
            f"{record.victim.cost}; give the run's victim, with its repeats."
        )
    checks = tuple(_check(path, picture, record, victim) for picture in record.pictures)
    try:
        wrong = tuple(_differences(summarise(record.pictures), record.summary))
    except (ValueError, KeyError, TypeError) as error:
        wrong = (f"no means can be made of what is recorded ({type(error).__name__}: {error})",)
    return (*checks, Check("mean", None, None, wrong)) if wrong else checks


def damaged(error: DamagedRecordError) -> Check:
    """Return the verification of a run whose record is damaged: a finding, which says where."""
    return Check(RESULTS, None, None, (str(error),))


def unnamed(name: str) -> InputError:
    """Return the error for a run that does not say how its victim was made."""
    return InputError(
        f'The run does not hold how its victim "{name}" was made: give it again, with its options, '
        "as victim and score_range, or --victim python:MODULE:NAME --range LOW HIGH."
    )


def _check(path: Path, recorded: PictureRecord, record: RunRecord, victim: Victim) -> Check:
    card = victim.card
    try:
        result = read_result(path, recorded, card.cost)
        if result.best_query not in range(card.cost, result.queries + 1, card.cost):
            raise InputError(f"best_query is {result.best_query}, of {result.queries} queries.")
        if result.picture.pixels.shape != result.adversarial.shape:
            raise InputError("the two pictures differ in size.")
        row = measure(result, card)
        wrong = list(_changed_files(path, recorded, record, result))
        # Be they within the range or not: an older version took such answers for scores.
        fresh, allowed = finite(victim, result.adversarial), tolerance(card)
        for which, now, then in (
            ("clean", finite(victim, result.picture.pixels), recorded.clean_score),
            ("attacked", fresh, recorded.attacked_score),
        ):
            if abs(now - then) > allowed:
                wrong.append(f"the {which} score is {now:.6g}, recorded {then:.6g}")
    except VictimError as error:
        refuse_if_down(victim, error)
        return Check(recorded.name, None, None, (str(error),))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        return Check(recorded.name, None, None, (text,))
    wrong += _differences(row, recorded)
    return Check(recorded.name, fresh, row.linf, tuple(wrong), NOISE_TOLERANCE * card.noise)


def _changed_files(
    path: Path, recorded: PictureRecord, record: RunRecord, result: TrialResult
) -> Iterator[str]:
    """Say which files are not those that were written."""
    if result.picture.sha256 != recorded.clean_pixels_sha256:
        yield "the clean picture's pixels are not the recorded ones"
    if file_sha256(path / file_names(recorded.name)["attacked"]) != recorded.attacked_file_sha256:
        yield "the attacked file's hash is not the recorded one"
    cost, scores, trace = result.cost, result.scores, result.trace
    if picture_key(result.adversarial) != result.asked[result.best_query // cost - 1]:
        yield "the attacked picture is not the one that got the recorded score"
    distance = measures.linf(result.picture.pixels, result.adversarial)
    if distance > record.levels:
        yield f"L-infinity is {distance}, allowed {record.levels}"
    if ((cost, scores[0]),) != trace[:1] or any(
        query % cost or scores[query // cost - 1] != step for query, step in trace
    ):
        yield "the trace is not of the recorded scores"


def _differences(now: Row | Summary, recorded: Row | Summary) -> Iterator[str]:
    """Say which figures are not the recorded ones."""
    for key, value in asdict(now).items():
        other = getattr(recorded, key)
        if isinstance(value, float) and isinstance(other, int | float):
            same = math.isclose(value, other, rel_tol=FIGURE_TOLERANCE)
        else:
            same = value == other
        if not same:
            yield f"{key} is {value}, recorded {other}"
