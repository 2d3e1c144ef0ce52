"""Changes for many pictures: made before the searches, each on a half of the pictures.

Every question is one picture's, in its budget and its record; the search that is left asks about
the change that was made on others. Until every cell is finished the answers lie in a journal, from
which a later start makes the same changes.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from iqaudit._audit import cell_store
from iqaudit._audit.clean_scores import Clean
from iqaudit._audit.observer import Observer
from iqaudit._audit.prepare import Prepared
from iqaudit._audit.ranks import LINES, Probe, refuse_unscored, searched
from iqaudit._audit.spec import Cell
from iqaudit._core.picture import Picture
from iqaudit._runs.journal import Journal
from iqaudit._runs.schema import PROBE_ANSWERS
from iqaudit._search.driver import Progress, SearchSpec, begin, drive
from iqaudit._search.halves import Subject, check_count, made
from iqaudit._search.ledger import Answer
from iqaudit._search.trial import Shared, Trial
from iqaudit.attacks._base import is_shared
from iqaudit.attacks._universal import Signs, pattern

Keep = Callable[[Mapping[int, tuple[Answer, int]]], object]
"""Called with answers before anything else is asked, and how many their pictures have had with
them, by the pictures' places."""


@dataclass(frozen=True)
class Changes:
    """What pictures' trials are given, and their clean scores: by folder and name."""

    shared: Mapping[tuple[str, str], Shared] = field(default_factory=dict)
    clean: Mapping[tuple[str, str], Answer] = field(default_factory=dict)


def settle(prepared: Prepared, clean: Clean, observer: Observer) -> Changes:
    """Make the changes of cells whose attack makes one for many pictures.

    Its arguments and errors are those of `iqaudit._audit.ranks.settle`: halves hang on all
    pictures, as an order does.
    """
    cells = [cell for cell in prepared.pending if is_shared(cell.attack.attack)]
    if not cells:
        return Changes()
    shared: dict[tuple[str, str], Shared] = {}
    scores: dict[tuple[str, str], Answer] = {}
    with Journal(prepared.root / PROBE_ANSWERS, LINES) as journal:
        for cell in cells:
            observer.says(
                f"{cell.folder}: first the changes are made, each on half of the pictures."
            )
            asked = _of_cell(prepared, cell, clean, journal, observer)
            for name, answer, change in zip(asked.names, *asked.made(), strict=True):
                scores[cell.folder, name], shared[cell.folder, name] = answer, change
    return Changes(shared, scores)


def _of_cell(
    prepared: Prepared, cell: Cell, clean: Clean, journal: Journal[Probe], observer: Observer
) -> "_Asked":
    found, spec = prepared.found, searched(prepared, cell)
    asked: dict[str, list[Answer]] = {}
    for each in journal.answers:
        if each.folder == cell.folder:
            asked.setdefault(each.picture, []).append(Answer(each.score, each.key))
    known: dict[tuple[str, int], deque[float]] = {}
    for name in found.names:
        mine = asked.get(name, [])
        first = clean.of(prepared, cell, name)
        if first is not None:
            # The first of its answers, though a tile that clips to the same pixels has some, too.
            mine = [first, *mine]
        kept = cell_store.answers(prepared.root / cell.folder, name)  # of a cell that was finished
        for score, key in max(mine, kept, key=len):
            known.setdefault((name, key), deque()).append(score)

    def keep(answers: Mapping[int, tuple[Answer, int]]) -> None:
        names = {at: found.names[at] for at in answers}
        journal.keep(Probe(cell.folder, names[at], *answer) for at, (answer, _) in answers.items())
        for at, (_, count) in answers.items():
            observer.answered(cell.folder, names[at], count * spec.victim.card.cost)
        if observer.stopping:
            raise KeyboardInterrupt

    subjects = [Subject(each.reference, each.sha256) for each in prepared.record.data.samples]
    return _Asked(spec, found.pictures, found.names, subjects, keep, known)


def in_memory(
    spec: SearchSpec,
    pictures: Sequence[Picture],
    clean: Mapping[str, Answer],
    progress: Progress | None = None,
) -> tuple[dict[str, Sequence[Answer]], dict[str, Shared]]:
    """Return clean scores, and what was made where one change is for many pictures: by name."""
    if not is_shared(spec.attack):
        return {}, {}
    names = [picture.name for picture in pictures]
    subjects = [Subject(None, picture.sha256) for picture in pictures]
    known = {(name, each.picture): deque([each.score]) for name, each in clean.items()}

    def keep(answers: Mapping[int, tuple[Answer, int]]) -> None:
        for at, (_, count) in answers.items():
            if progress is not None:
                progress(pictures[at], count * spec.victim.card.cost)

    answers, changes = _Asked(spec, pictures, names, subjects, keep, known).made()
    first: dict[str, Sequence[Answer]] = {
        name: (answer,) for name, answer in zip(names, answers, strict=True)
    }
    return first, dict(zip(names, changes, strict=True))


class _Asked:
    """Pictures that are asked about together, as far as their answers are not known.

    Parameters
    ----------
    spec : SearchSpec
        The searches.
    pictures, subjects
        The pictures, each read when it is asked about.
    names : sequence of str
        Theirs.
    keep : callable
        See `Keep`.
    known : mapping
        Answers of an earlier start, in their order, by the picture's name and the key of what was
        asked.
    """

    def __init__(
        self,
        spec: SearchSpec,
        pictures: Sequence[Picture],
        names: Sequence[str],
        subjects: Sequence[Subject],
        keep: Keep,
        known: Mapping[tuple[str, int], deque[float]],
    ) -> None:
        check_count(len(names))
        self._spec, self._pictures, self.names, self._subjects = spec, pictures, names, subjects
        self._keep, self._known = keep, known
        self._answers: list[list[Answer]] = [[] for _ in names]
        self._read: dict[int, Picture] = {}

    def made(self) -> tuple[tuple[Answer, ...], tuple[Shared, ...]]:
        """Return the clean pictures' answers, and what was made for each."""
        card, count = self._spec.victim.card, len(self.names)
        for start in range(0, count, card.concurrency):
            # Whatever a picture is tested with, it is asked about as it is first.
            self._ask(pattern(0), range(start, min(start + card.concurrency, count)))
        clean = tuple(answers[0] for answers in self._answers)
        changes = made(
            self._spec.attack,
            [self._spec.goal.aim(answer.score, card.scale) for answer in clean],
            [answer.score for answer in clean],
            self._subjects,
            self._spec.queries // card.cost,
            self._spec.seed,
            card.scale.slope * card.noise,
            self._ask,
        )
        return clean, changes

    def _ask(self, tile: Signs, places: Sequence[int]) -> list[Answer]:
        """Ask about a tile on pictures; those whose answers are not known all at once."""
        self._read = {at: self._read.get(at) or self._pictures[at] for at in places}
        found, left = dict[int, Answer](), dict[int, Trial]()
        for at in places:
            first, others = self._answers[at][:1], self._answers[at][1:]
            trial = begin(self._spec, self._read[at], first, shared=Shared(tile, tuple(others)))
            if (answer := self._before(at, trial)) is None:
                left[at] = trial
            else:
                found[at] = answer
                trial.close()
        found |= self._asked(left)
        for at in places:
            self._answers[at].append(found[at])
        return [found[at] for at in places]

    def _before(self, at: int, trial: Trial) -> Answer | None:
        """Return an earlier start's answer to what a trial asks next."""
        if not self._known:
            return None
        key = trial.due
        scores = self._known.get((self.names[at], key))
        return Answer(scores.popleft(), key) if scores else None

    def _asked(self, trials: Mapping[int, Trial]) -> dict[int, Answer]:
        """Ask the next question of each trial, and keep the answers that came."""
        if not trials:
            return {}
        with closing(drive(self._spec.victim, list(trials.values()))) as steps:
            answered = next(steps)
            found = {at: trial.last for at, trial in trials.items() if trial in answered}
            self._keep({at: (answer, len(self._answers[at]) + 1) for at, answer in found.items()})
            for trial in trials.values():
                refuse_unscored(trial, "A change for many pictures")
            if len(found) < len(trials):
                next(steps)  # which raises what kept them from an answer
        return found
