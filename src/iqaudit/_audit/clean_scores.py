"""Clean scores, asked before the searches of a victim whose scale they fit.

They are the searches' first answers, so none is asked twice: a victim's searches, with whatever
attack, begin with the same ones. Until every cell is finished they lie in a journal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from iqaudit._assess.calibration import FEWEST, fit_clean
from iqaudit._audit import manifest
from iqaudit._audit.observer import Observer
from iqaudit._audit.prepare import Prepared
from iqaudit._audit.spec import AuditSpec, Cell
from iqaudit._core.errors import UnscorableError
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture
from iqaudit._core.scale import RANGE, Scale
from iqaudit._core.threat import Linf
from iqaudit._runs.journal import Journal, Lines, read
from iqaudit._runs.records import AuditRecord, AuditVictim, ScaleRecord
from iqaudit._runs.schema import CLEAN_ANSWERS
from iqaudit._search.driver import Progress, SearchSpec, begin, drive
from iqaudit._search.ledger import SMALLEST_BUDGET, Answer
from iqaudit._search.trial import Trial, TrialResult, Unscored, refuse_nothing
from iqaudit.attacks import RandomSigns
from iqaudit.victims._base import Victim, draws
from iqaudit.victims._objects import rescaled
from iqaudit.victims._options import BESIDE
from iqaudit.victims._spec import Victims


class CleanScore(NamedTuple):
    """A clean picture's answer.

    The victim's place in the audit, the seed where it draws numbers (else 0), the picture's name,
    the native score and the picture's key.
    """

    victim: int
    seed: int
    picture: str
    score: float
    key: int


def _clean_score(line: Any) -> CleanScore:
    victim, seed, picture, score, key = line
    numbers = all(isinstance(each, int) for each in (victim, seed, key))
    if not (numbers and isinstance(picture, str) and isinstance(score, float)):
        raise TypeError("no answer")
    return CleanScore(victim, seed, picture, score, key)


LINES = Lines(_clean_score, "audit")


@dataclass(frozen=True)
class Clean:
    """The clean scores that are known before searches: by victim, seed and picture's name."""

    answers: Mapping[tuple[int, int, str], Answer] = field(default_factory=dict)

    def of(self, prepared: Prepared, cell: Cell, name: str) -> Answer | None:
        """Return the answer that a cell's search of a picture begins with; None where it asks."""
        if not self.answers:
            return None
        index = prepared.spec.victims.index(cell.victim)
        return self.answers.get((index, _seed(prepared, index, cell.seed), name))


def settle(prepared: Prepared, observer: Observer, *, strict: bool) -> tuple[Prepared, Clean]:
    """Ask the clean scores of victims whose scale is a range's alone, and fit it.

    Parameters
    ----------
    prepared : Prepared
        An audit; with fewer than ten pictures, or once its scales are settled, nothing is asked.
    observer : Observer
        Notified of the scales.
    strict : bool
        Whether the first picture that a victim cannot score ends all.

    Returns
    -------
    prepared : Prepared
        The audit with its scales, as its manifest has them then.
    clean : Clean
        The scores that are known.

    Raises
    ------
    InputError
        If an answer cannot be kept.
    VictimError
        If a victim is down, or can score no picture. The answers are kept.
    KeyboardInterrupt
        If it was stopped, likewise.
    """
    file, victims = prepared.root / CLEAN_ANSWERS, list(prepared.record.victims)
    searched = [prepared.spec.victims.index(cell.victim) for cell in prepared.pending]
    due = [index for index in sorted({*searched}) if victims[index].scale.basis == RANGE]
    if not due or len(prepared.found.names) < FEWEST:
        return prepared, _known(read(file, LINES).entries)
    with Journal(file, LINES) as journal:
        known = dict(_known(journal.answers).answers)
        for index in due:
            base = _undefended(prepared.spec, victims, index)
            if base is None:
                scale = _fitted(prepared, index, journal, known, observer, strict=strict)
                victims[index] = replace(victims[index], scale=ScaleRecord.of(scale))
        for index in due:
            base = _undefended(prepared.spec, victims, index)
            if base is not None:
                victims[index] = replace(victims[index], scale=victims[base].scale)
    record = manifest.settle(prepared.root, replace(prepared.record, victims=tuple(victims)))
    for index in due:
        scale = victims[index].scale.scale()
        observer.says(f"{victims[index].name}: {scale}.")
    return replace(prepared, record=record, victims=_victims(prepared, record)), Clean(known)


def _fitted(
    prepared: Prepared,
    index: int,
    journal: Journal[CleanScore],
    known: dict[tuple[int, int, str], Answer],
    observer: Observer,
    *,
    strict: bool,
) -> Scale:
    """Ask a victim's clean scores, as far as they are not known, and fit its scale to them."""
    record, pictures = prepared.record.victims[index], prepared.found.pictures
    cell = next(each for each in prepared.pending if prepared.victim(each) is record)
    victim = prepared.victims.get(cell.victim, record.noise, record.scale.scale())
    spec, seed = cell.search(victim), _seed(prepared, index, cell.seed)
    observer.says(f"{record.name}: first {len(pictures)} clean scores, to fit its scale to.")
    scores, unscored = [], []
    names, size = prepared.found.names, victim.card.concurrency
    missing = [at for at, name in enumerate(names) if (index, seed, name) not in known]
    for start in range(0, len(missing), size):
        if observer.stopping:
            raise KeyboardInterrupt
        for trial in first(spec, [pictures[at] for at in missing[start : start + size]]):
            name = trial.picture.name
            if trial.fault is None:
                journal.keep([CleanScore(index, seed, name, *trial.last)])
                known[index, seed, name] = trial.last
            elif strict:
                raise UnscorableError(f"{name}: {trial.fault}")
            else:
                unscored.append(Unscored(name, str(trial.fault)))
    scores = [known[index, seed, name].score for name in names if (index, seed, name) in known]
    refuse_nothing(unscored, len(pictures))
    return fit_clean(scores, victim.card.scale)


def first(spec: SearchSpec, pictures: Sequence[Picture]) -> Iterator[Trial]:
    """Ask the first query of searches, the clean pictures', and yield trials that end with it.

    All are asked together; those that are answered come first.

    Raises
    ------
    VictimError, KeyboardInterrupt
        If the victim is down, or was interrupted.
    """
    budget = SMALLEST_BUDGET * spec.victim.card.cost  # too short for a session
    goal = Goal.BIDIRECTIONAL  # whichever: the clean score is asked alone
    asking = replace(
        spec, attack=RandomSigns(), threat=Linf(), goal=goal, queries=budget, shorter=()
    )
    trials = [begin(asking, picture) for picture in pictures]
    with closing(drive(spec.victim, trials)) as steps:
        yield from next(steps)
        if any(trial.fault is None and not trial.ledger.answers for trial in trials):
            next(steps)  # which raises what kept them from an answer
    yield from (trial for trial in trials if trial.fault is not None)


def settle_in_memory(
    spec: SearchSpec,
    pictures: Sequence[Picture],
    begun: list[TrialResult],
    progress: Progress | None = None,
) -> tuple[SearchSpec, dict[str, Answer]]:
    """Return searches with the scale that their clean scores fit, and those scores, by name.

    As `settle`; `begun` takes in the results of the pictures that were asked about.
    """
    victim, known = spec.victim, dict[str, Answer]()
    if victim.card.scale.basis != RANGE or len(pictures) < FEWEST:
        return spec, known
    for start in range(0, len(pictures), victim.card.concurrency):
        for trial in first(spec, pictures[start : start + victim.card.concurrency]):
            if trial.fault is None:
                known[trial.picture.name] = trial.last
                begun.append(trial.result())
                if progress is not None:
                    progress(trial.picture, trial.ledger.spent)
    if known:
        scale = fit_clean([each.score for each in known.values()], victim.card.scale)
        spec = replace(spec, victim=rescaled(victim, scale))
    return spec, known


def _known(answers: Iterable[CleanScore]) -> Clean:
    return Clean(
        {(each.victim, each.seed, each.picture): Answer(each.score, each.key) for each in answers}
    )


def _seed(prepared: Prepared, index: int, seed: int) -> int:
    """Return the seed that a victim's answer hangs on; 0 where it draws no numbers."""
    record = prepared.record.victims[index]
    spec = prepared.spec.victims[index]
    victim = prepared.victims.get(spec, record.noise, record.scale.scale())
    return seed if draws(victim) else 0


def _victims(prepared: Prepared, record: AuditRecord) -> Victims:
    """Return the victims of this process with the scales that were settled."""

    def each() -> Iterator[tuple[Any, float, Scale, Victim]]:
        before = prepared.record.victims
        for spec, then, now in zip(prepared.spec.victims, before, record.victims, strict=True):
            scale = now.scale.scale()
            for known, noise, own, victim in prepared.victims.known:
                if (known, noise, own) == (spec, then.noise, then.scale.scale()):
                    yield spec, noise, scale, rescaled(victim, scale)

    return Victims(each())


def _undefended(spec: AuditSpec, victims: Sequence[AuditVictim], index: int) -> int | None:
    """Return the place of the same victim without its defence; None where it is not there."""
    own, record = spec.victims[index], victims[index]
    others = [
        place
        for place, (each, other) in enumerate(zip(spec.victims, victims, strict=True))
        if place != index and _range(other) == _range(record) and "defences" not in each.options
    ]
    if "defences" in own.options:
        same = [each for each in others if _key(spec, each) == _key(spec, index)]
    else:  # by its name: other weights, or an object, whose options no file holds
        same = [each for each in others if record.name.startswith(f"{victims[each].name}+")]
    return max(same, key=lambda each: len(victims[each].name), default=None)


def _key(spec: AuditSpec, index: int) -> tuple[str, dict[str, Any]]:
    victim = spec.victims[index]
    rest = {key: value for key, value in victim.options.items() if key not in BESIDE}
    return victim.spec, rest


def _range(victim: AuditVictim) -> tuple[float | None, float | None, bool]:
    return victim.scale.low, victim.scale.high, victim.scale.lower_is_better
