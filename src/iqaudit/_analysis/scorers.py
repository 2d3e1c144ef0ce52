"""The victims that score, and their scores: each is asked once, and on disk before the next is.

A victim is a run's own, made again from its directory, or another by name. A file of scores is a
journal: a line an answer, with the victim's label, the picture's key (`picture_key`) and the native
score.
"""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from iqaudit._core.errors import DamageWarning, InputError, printable, shown
from iqaudit._core.picture import Pixels, picture_key
from iqaudit._core.scale import Scale
from iqaudit._core.settings import PAIR
from iqaudit._core.wording import worded
from iqaudit._runs import journal
from iqaudit._runs.journal import Journal, Lines
from iqaudit._runs.records import AuditRecord, CellRecord
from iqaudit._runs.schema import load, manifest
from iqaudit._runs.trust import place, refuse_strange
from iqaudit._runs.verify import unnamed
from iqaudit.victims._base import ELSEWHERE, Victim
from iqaudit.victims._fingerprint import tolerance
from iqaudit.victims._objects import rescaled
from iqaudit.victims._options import OPTIONS
from iqaudit.victims._registry import KINDS
from iqaudit.victims._scoring import score
from iqaudit.victims._spec import Victims, VictimSpec, held_spec, ready, unasked

Progress: TypeAlias = Callable[[int], None]
"""Called after every score asked, with how many were. A KeyboardInterrupt raised in it stops
between two scores."""


class CachedScore(NamedTuple):
    """A victim's label, a picture's key, and its native score."""

    label: str
    picture: int
    score: float


def _cached(line: Any) -> CachedScore:
    label, picture, native = line
    if not (isinstance(label, str) and isinstance(picture, int)):
        raise TypeError("no answer")
    return CachedScore(label, picture, float(native))


SCORES = Lines(_cached, "file")


@dataclass(frozen=True)
class Scorer:
    """A victim, and its label in answers and tables."""

    label: str
    victim: Victim

    def quality(self, native: float) -> float:
        """Map a native score onto 0-10."""
        return self.victim.card.scale.quality(native)


def own_label(run: Path) -> str:
    """Return the label of a run's own victim."""
    planned = _planned(run)
    if planned is None:
        return load(run).victim.name
    return label_of(planned[1].victim, planned[1].victim_options)


def own(
    run: Path,
    *,
    may_ask: bool = False,
    trust: bool = False,
    named: Iterable[VictimSpec] = (),
    again: str = "",
) -> Scorer:
    """Make a run's own victim again.

    Parameters
    ----------
    run : Path
        The run's directory; whole, since an audit's manifest lies in the folder above.
    may_ask : bool
        Whether making it may ask a service, as measuring the noise of its answers does.
    trust : bool
        Whether the run is the user's own, so that its victim may be made whatever that runs.
    named : iterable of VictimSpec
        Victims that the caller named: they need no trust, and of those that exist in this process
        alone the record cannot make any again.
    again : str
        How the caller names one; see `held_spec`.

    Raises
    ------
    InputError
        If the run does not say how, is not known to be the user's own, or a service would have to
        be asked.
    """
    root, recorded, options, noise, scale = _recorded(run)
    if recorded is None:
        victim = load(run).victim
        if victim.name not in KINDS:
            raise unnamed(victim.name)
        spec = VictimSpec(victim.name, {"repeats": victim.cost} if victim.cost > 1 else {})
        refuse_strange(root, spec, trust=trust)
        return Scorer(victim.name, rescaled(asked(spec, may_ask=may_ask), scale))
    spec = held_spec(run, recorded, options, named, again)
    if not any(spec is each for each in named):
        refuse_strange(root, spec, trust=trust)
    try:
        return Scorer(own_label(run), Victims().get(spec, noise, scale))
    except InputError as error:
        if not isinstance(error.__cause__, ModuleNotFoundError):
            raise
        folder = place(root, spec)
        if folder is None:
            raise
        raise InputError(
            f"{error} When the run was made it was imported from {printable(folder)}: start there, "
            "or name that folder in PYTHONPATH."
        ) from error


def _recorded(run: Path) -> tuple[Path, str | None, Mapping[str, Any], float, Scale]:
    """Return the folder of a run or its audit, and its victim as it is recorded there.

    By its string, its options, its noise and its scale.
    """
    if planned := _planned(run):
        audit, cell = planned
        victim = audit.victim_of(cell)
        return run.parent, cell.victim, cell.victim_options, victim.noise, victim.scale.scale()
    own = load(run).victim
    return run, own.spec, own.options or {}, own.noise, own.scale.scale()


def owns(
    runs: Sequence[Path],
    *,
    may_ask: bool = False,
    trust: bool = False,
    named: Iterable[VictimSpec] = (),
    again: str = "",
) -> tuple[Scorer, ...]:
    """Make the victims of runs again, each once; see `own`."""
    made: dict[str, Scorer] = {}
    for run in runs:
        name = own_label(run)
        if name not in made:
            made[name] = own(run, may_ask=may_ask, trust=trust, named=named, again=again)
    return tuple(made.values())


def is_own(run: Path, scorer: Scorer) -> bool:
    """Tell whether a victim is the one that a run attacked.

    By its label; of a run by itself, which has the card's name alone, by that and the scale.
    """
    if scorer.label == own_label(run):
        return True
    victim, card = load(run).victim, scorer.victim.card
    alike = card.name == victim.name and victim.scale.agrees(card.scale)
    return _planned(run) is None and alike


def as_attacked(runs: Sequence[Path], scorer: Scorer) -> Scorer:
    """Return a victim with the scale that an audit fitted, where it is the one of a run there."""
    for run in runs:
        victim = rescaled(scorer.victim, load(run).victim.scale.scale())
        again = replace(scorer, victim=victim)
        if is_own(run, again):
            return again
    return scorer


def refuse_another(run: Path, victim: Victim) -> None:
    """Raise an `InputError` where a victim's scale is not that of a run's own.

    Its answers are compared where they are asked: see `ScoreCache.check`.
    """
    recorded = load(run).victim
    if not recorded.scale.agrees(victim.card.scale):
        raise InputError(
            f'The score scale of "{victim.card.name}" is not that of the victim of {run}, '
            f'"{recorded.name}"; give the run\'s victim.'
        )


def named(text: str, *, may_ask: bool = False) -> Scorer:
    """Make a victim of ``SPEC[,OPTION[=VALUE]...]``; see `VictimSpec.parse`."""
    if not isinstance(text, str):
        raise InputError(f"A victim is a string here, not {shown(text)}.")
    spec = VictimSpec.parse(text)
    victim = asked(spec, may_ask=may_ask)
    options = spec.record(victim.card.name)
    return Scorer(label_of(options.pop("spec"), options), victim)


def asked(spec: VictimSpec, *, may_ask: bool) -> Victim:
    """Make a victim, whose noise, where its answers are averaged, is measured now.

    Raises
    ------
    InputError
        If that would ask a service that may not be asked.
    """
    base = unasked(spec)
    if "repeats" in spec.options and not may_ask and base.card.device == ELSEWHERE:
        raise InputError(
            f'The victim "{base.card.name}" may cost money, and measuring the noise of its '
            f"answers asks for 16 of them: say {worded('yes=True')} to have it asked."
        )
    return ready(spec, base)


def _planned(run: Path) -> tuple[AuditRecord, CellRecord] | None:
    """Return the manifest of the audit that a run is a cell of, and the cell there."""
    audit = manifest(run.parent)
    cell = None if audit is None else audit.cell(run.name)
    return None if audit is None or cell is None else (audit, cell)


def label_of(spec: str, options: Mapping[str, Any]) -> str:
    """Return the label of a victim: its string, and its options behind commas."""
    parts = [spec]
    for key, value in sorted(options.items()):
        if key in OPTIONS and OPTIONS[key].type is PAIR:
            word = "range" if key == "score_range" else key
            parts.append(f"{word}=" + ":".join(f"{end:g}" for end in value))
        elif key in OPTIONS and OPTIONS[key].many:  # a tuple, or a list as a file has it
            parts += [f"{key.removesuffix('s')}={each}" for each in value]
        else:
            parts.append(key if value is True else f"{key}={value}")
    return ",".join(parts)


class ScoreCache(ExitStack):
    """A file of scores that grows, a context manager.

    One picture is asked at a time: a score's last bits then do not depend on where an earlier
    start was interrupted. The file is opened, and kept from other processes, once there is a score
    to ask for.

    Parameters
    ----------
    path : path
        The file; its answers are known. A torn last line is dropped, a damaged one passed over
        with a `DamageWarning`.
    progress : callable, optional
        See `Progress`.

    Attributes
    ----------
    counts : Counter of str
        The number of answers that the file holds of each victim.

    Raises
    ------
    InputError
        If, once a score is to be asked, another process adds to it.
    OSError
        If there is no room for a score that is to be asked.
    """

    def __init__(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        super().__init__()
        self._path, self._progress = Path(path), progress
        self._known: dict[tuple[str, int], float] = {}
        self._asked = 0
        kept = journal.read(self._path, SCORES)
        if kept.damaged:
            warnings.warn(journal.on_damage(self._path, kept.damaged), DamageWarning, stacklevel=2)
        self._take_in(kept.entries)
        self.callback(journal.tidy, self._path, SCORES)

    def know(self, label: str, answers: Iterable[tuple[int, float]]) -> None:
        """Take in pictures' keys and scores that were recorded elsewhere."""
        for key, native in answers:
            self._known.setdefault((label, key), native)

    def knows(self, label: str, key: int) -> bool:
        """Tell whether a picture's score is known, by the picture's key."""
        return (label, key) in self._known

    def of(self, scorer: Scorer, pixels: Pixels) -> float:
        """Return a picture's native score: the known one, or else asked and kept."""
        key = picture_key(pixels)
        return self.kept(scorer.label, key, lambda: score(scorer.victim, pixels))

    def kept(self, label: str, key: int, ask: Callable[[], float]) -> float:
        """Return the native score of a label and a key: the known one, or else asked and kept."""
        place = label, key
        if place not in self._known:
            file = self._file
            if place not in self._known:  # another process may have asked meanwhile
                native = ask()
                file.keep([CachedScore(*place, native)])
                self.counts[label] += 1
                self._known[place] = native
                self._count()
        return self._known[place]

    def qualities(self, scorer: Scorer, pictures: Iterable[Pixels]) -> list[float]:
        """Return pictures' qualities on 0-10: known ones, or else asked and kept one by one."""
        return [scorer.quality(self.of(scorer, each)) for each in pictures]

    def check(self, scorer: Scorer, pixels: Pixels) -> None:
        """Ask for a known score again: answers of two victims must not stand in one figure.

        Raises
        ------
        InputError
            If the victim answers otherwise now.
        """
        known = self._known.get((scorer.label, picture_key(pixels)))
        if known is None:
            return
        now = score(scorer.victim, pixels)
        self._count()
        if abs(now - known) > tolerance(scorer.victim.card):
            raise InputError(
                f'The victim "{scorer.label}" scores a picture {now:.6g} that it scored '
                f"{known:.6g} before: it is another. Give the run's victim, or remove "
                f"{self._path} where that is older."
            )

    def _count(self) -> None:
        self._asked += 1
        if self._progress is not None:
            self._progress(self._asked)

    @cached_property
    def _file(self) -> Journal[CachedScore]:
        """The file, open from the first score that is asked."""
        file = self.enter_context(Journal(self._path, SCORES, patience=0))
        self._take_in(file.answers)
        return file

    def _take_in(self, answers: Sequence[CachedScore]) -> None:
        """Know the answers of the file: all of them, since it only grows."""
        self._known |= {(each.label, each.picture): each.score for each in answers}
        self.counts = Counter(each.label for each in answers)
