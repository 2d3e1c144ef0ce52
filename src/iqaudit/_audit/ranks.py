"""Places of the goal rank: every picture probed before the searches, and its place chosen.

The probes are the searches' first answers, so none is asked twice. Until every cell is finished
they lie in a journal, from which a later start chooses the same places.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from iqaudit._audit import cell_store
from iqaudit._audit.clean_scores import Clean
from iqaudit._audit.observer import Observer
from iqaudit._audit.prepare import Prepared
from iqaudit._audit.spec import Cell
from iqaudit._core.errors import UnscorableError
from iqaudit._core.goal import Goal, Place
from iqaudit._core.picture import Picture
from iqaudit._runs.journal import Journal, Lines
from iqaudit._runs.schema import PROBE_ANSWERS
from iqaudit._search.driver import Progress, SearchSpec, begin, drive
from iqaudit._search.ledger import Answer
from iqaudit._search.order import check_count, places, probes
from iqaudit._search.trial import Trial


class Probe(NamedTuple):
    """An answer: the cell's folder, the picture's name, the native score and the picture's key."""

    folder: str
    picture: str
    score: float
    key: int


def _probe(line: Any) -> Probe:
    folder, picture, score, key = line
    if not (isinstance(folder, str) and isinstance(picture, str) and isinstance(key, int)):
        raise TypeError("no answer")
    return Probe(folder, picture, float(score), key)


LINES = Lines(_probe, "audit")


@dataclass(frozen=True)
class Ranks:
    """The places of pictures, and the answers that they were chosen by: by folder and name."""

    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    answers: Mapping[tuple[str, str], tuple[Answer, ...]] = field(default_factory=dict)


def settle(prepared: Prepared, clean: Clean, observer: Observer) -> Ranks:
    """Probe the pictures of cells whose goal is rank, and choose their places.

    Parameters
    ----------
    prepared : Prepared
        An audit whose scales are settled.
    clean : Clean
        The clean scores that are known.
    observer : Observer
        Notified.

    Raises
    ------
    InputError
        If the pictures are too few, or the victim scores all alike; or an answer cannot be kept.
    UnscorableError
        If the victim cannot score one of the pictures: an order needs all of them.
    VictimError, KeyboardInterrupt
        If the victim is down, or was stopped. The answers are kept.
    """
    cells = [cell for cell in prepared.pending if cell.goal is Goal.RANK]
    if not cells:
        return Ranks()
    check_count(len(prepared.found.names))
    chosen: dict[tuple[str, str], Place] = {}
    known: dict[tuple[str, str], tuple[Answer, ...]] = {}
    with Journal(prepared.root / PROBE_ANSWERS, LINES) as journal:
        for each in journal.answers:
            place = each.folder, each.picture
            known[place] = (*known.get(place, ()), Answer(each.score, each.key))
        for cell in cells:
            spec = searched(prepared, cell)
            observer.says(f"{cell.folder}: first the pictures are probed, to choose their places.")
            probed = _probed(spec, prepared, cell, clean, known, journal, observer)
            known |= {(cell.folder, name): answers for name, answers in probed.items()}
            chosen |= {(cell.folder, name): each for name, each in _chosen(spec, probed).items()}
    return Ranks(chosen, known)


def searched(prepared: Prepared, cell: Cell) -> SearchSpec:
    """Return a cell's searches with its victim of this process."""
    record = prepared.victim(cell)
    return cell.search(prepared.victims.get(cell.victim, record.noise, record.scale.scale()))


def _probed(
    spec: SearchSpec,
    prepared: Prepared,
    cell: Cell,
    clean: Clean,
    known: Mapping[tuple[str, str], tuple[Answer, ...]],
    journal: Journal[Probe],
    observer: Observer,
) -> dict[str, tuple[Answer, ...]]:
    answers = {}
    for name, picture in zip(prepared.found.names, prepared.found.pictures, strict=True):

        def keep(answer: Answer, name: str = name) -> None:
            journal.keep([Probe(cell.folder, name, *answer)])
            if observer.stopping:
                raise KeyboardInterrupt

        kept = cell_store.answers(prepared.root / cell.folder, name)  # of a cell that was finished
        before = max(known.get((cell.folder, name), ()), kept, key=len)
        if not before and (first := clean.of(prepared, cell, name)) is not None:
            before = (first,)
            keep(first)
        answers[name] = probe(spec, picture, before, keep, lost=bool(journal.damaged))
    return answers


def probe(
    spec: SearchSpec,
    picture: Picture,
    known: Sequence[Answer],
    keep: Callable[[Answer], object],
    *,
    lost: bool = False,
) -> tuple[Answer, ...]:
    """Return a picture's clean score and its probes, asked as far as they are not known.

    Parameters
    ----------
    spec : SearchSpec
        The search, whose goal is rank.
    picture : Picture
        The picture.
    known : sequence of Answer
        Answers of an earlier start.
    keep : callable
        Called with each other answer, before the next is asked.
    lost : bool
        Whether some of those that are known are lost.

    Raises
    ------
    UnscorableError
        If the victim cannot score the picture, though it scores others.
    """
    count = 1 + probes(spec.attack, spec.queries // spec.victim.card.cost)
    if len(known) >= count and not lost:
        return tuple(known[:count])
    trial = begin(spec, picture, known, lost=lost)
    steps = drive(spec.victim, [trial])
    try:
        while len(trial.ledger.answers) < count and trial.fault is None:
            for answered in next(steps, ()):
                keep(answered.last)
    finally:
        steps.close()
        trial.close()
    refuse_unscored(trial, "The goal rank")
    return tuple(trial.ledger.answers[:count])


def refuse_unscored(trial: Trial, whole: str) -> None:
    """Raise an `UnscorableError` where the victim could not score a picture of a whole set."""
    if trial.fault is not None:
        raise UnscorableError(
            f"{trial.picture.name}: {str(trial.fault).rstrip('.')}. {whole} needs every picture's "
            "score: leave it out."
        )


def in_memory(
    spec: SearchSpec,
    pictures: Sequence[Picture],
    clean: Mapping[str, Answer],
    progress: Progress | None = None,
) -> tuple[dict[str, Sequence[Answer]], dict[str, Place]]:
    """Return the first answers of searches, and the places where their goal is rank."""
    first: dict[str, Sequence[Answer]] = {name: (answer,) for name, answer in clean.items()}
    if spec.goal is not Goal.RANK:
        return first, {}
    check_count(len(pictures))
    for picture in pictures:
        asked = list(first.get(picture.name, ()))

        def keep(answer: Answer, picture: Picture = picture, asked: list[Answer] = asked) -> None:
            asked.append(answer)
            if progress is not None:
                progress(picture, spec.victim.card.cost * len(asked))

        first[picture.name] = probe(spec, picture, tuple(asked), keep)
    return first, _chosen(spec, first)


def _chosen(spec: SearchSpec, answers: Mapping[str, Sequence[Answer]]) -> dict[str, Place]:
    """Return the places of pictures by their probes, those alone that are scores."""
    admits = spec.victim.card.scale.admits
    scores = [
        [each.score if admits(each.score) else math.nan for each in of_picture]
        for of_picture in answers.values()
    ]
    chosen = places(scores, spec.queries, spec.victim.card.cost)
    return dict(zip(answers, chosen, strict=True))
