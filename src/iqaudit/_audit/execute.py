"""An audit: prepared, then executed, from where an earlier start left off to its end."""

import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from iqaudit._audit import cell_store, changes, manifest, ranks
from iqaudit._audit.changes import Changes
from iqaudit._audit.clean_scores import Clean, settle
from iqaudit._audit.costs import Costs
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.engines.registry import Engine, named, serial
from iqaudit._audit.observer import Observer
from iqaudit._audit.prepare import Prepared, prepare
from iqaudit._audit.ranks import Ranks
from iqaudit._audit.spec import AuditSpec, Cell
from iqaudit._audit.task import Ended, Member, Task
from iqaudit._core.errors import InputError, UnscorableError, whole_number
from iqaudit._core.paths import located
from iqaudit._core.process import machine_memory
from iqaudit._core.threads import one_thread
from iqaudit._runs.records import FLAT, AuditVictim
from iqaudit._runs.schema import CLEAN_ANSWERS, PROBE_ANSWERS, runs
from iqaudit._runs.store import exclusive, tidied, writing
from iqaudit._runs.trust import remember
from iqaudit._search.trial import Unscored, refuse_nothing
from iqaudit.attacks._base import is_carrying, is_shared
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._spec import Victims

WORTH_PROCESSES = 2_000
"""Queries that are left below which an audit is executed in this process unless an engine is named:
each of several takes seconds to start."""


def run(
    spec: AuditSpec,
    out: str | os.PathLike[str],
    *,
    engine: str | Engine | None = None,
    workers: int | None = None,
    batch: int | None = None,
    yes: bool = False,
    overwrite: bool = False,
    ignore_memory: bool = False,
    strict: bool = False,
    observer: Observer | None = None,
) -> tuple[Path, ...]:
    """Run an audit into a directory, from where an earlier start left off.

    Parameters
    ----------
    spec : AuditSpec
        The audit's settings.
    out : path
        The audit's directory: new, empty, or one that the same audit was begun in.
    engine : {"processes", "serial", "ray"} or Engine, optional
        Processes where that takes less time, unless given. Victims elsewhere, and victims and
        attacks that exist in this process alone, are worked on here.
    workers, batch, yes, overwrite, ignore_memory, strict, observer
        As `iqaudit.audit` takes them.

    Returns
    -------
    tuple of Path
        The cells' directories, each a run.

    Raises
    ------
    InputError, VictimError, KeyboardInterrupt
        As `iqaudit.audit` does.
    """
    root, observer = located(out), observer or Observer()
    backend = named(engine) if isinstance(engine, str) else engine
    if workers is not None and whole_number("workers", workers) < 1:
        raise InputError(f"An audit needs at least 1 worker, not {workers}.")
    with writing(root), tidied(root), ExitStack() as stack:
        manifest.taken_up(root, overwrite=overwrite)
        root.mkdir(parents=True, exist_ok=True)
        stack.enter_context(exclusive(root))
        stack.enter_context(one_thread())
        costs = stack.enter_context(Costs(root))
        prepared = prepare(
            spec,
            root,
            observer,
            costs,
            batch,
            yes=yes,
            overwrite=overwrite,
            ignore_memory=ignore_memory,
        )
        attacks = (cell.attack.settings["name"] for cell in spec.cells())
        remember(root, spec.victims, attacks)
        try:
            execute(prepared, backend, workers, observer, strict=strict)
        finally:
            _tell_accounts(prepared.victims, costs, observer)
    return runs(root)


def execute(
    prepared: Prepared,
    engine: Engine | None,
    workers: int | None,
    observer: Observer,
    *,
    strict: bool = False,
) -> None:
    """Execute a prepared audit; see `run`."""
    progress = _Progress(prepared, observer, strict=strict)
    progress.begin()
    try:
        progress.settle()
        _work_off(progress.prepared, progress, engine, workers, observer)
        progress.refuse_nothing()
    except BaseException:
        progress.stop()
        raise


def _work_off(
    prepared: Prepared,
    progress: "_Progress",
    engine: Engine | None,
    workers: int | None,
    observer: Observer,
) -> None:
    here = [cell for cell in prepared.pending if _is_bound(cell, prepared.victim(cell), observer)]
    elsewhere = [cell for cell in prepared.pending if cell not in here]
    if engine is None:
        engine = named("processes") if progress.is_worth_processes(elsewhere, workers) else serial
        workers = _as_fit(prepared, workers, observer)
    for backend, part in ((engine, elsewhere), (serial, here)):
        if part:
            own = prepared.victims if backend is serial else Victims()
            tasks = progress.tasks(part)
            with closing(backend(prepared.root, tasks, observer, workers, own)) as finished:
                progress.follow(finished)


def _as_fit(prepared: Prepared, workers: int | None, observer: Observer) -> int | None:
    """Return as many workers as the machine has memory for, at most those that were meant."""
    machine = machine_memory()
    if not prepared.memory or machine is None:
        return workers
    most = max(1, machine // prepared.memory)
    meant = workers or usual_workers(victim.device for victim in prepared.record.victims)
    if meant <= most:
        return workers
    observer.says(f"{most} of {meant} workers, as the memory allows; it changes no result.")
    return most


def _is_bound(cell: Cell, victim: AuditVictim, observer: Observer) -> bool:
    """Whether a cell is worked on in this process: its parts cannot be sent, or may be paid for."""
    if victim.device == ELSEWHERE:
        return True
    attack = cell.attack.attack
    bound = cell.victim.base is not None or type(attack).__module__ == "__main__"
    if not bound:
        try:
            pickle.dumps(attack)
        except Exception:  # noqa: BLE001 (whatever it is, it cannot be sent)
            bound = True
    if bound:
        observer.says(
            f"{cell.folder}: its victim or its attack is an object of this process, so it is "
            "worked on here, one task after the other."
        )
    return bound


def _tell_accounts(victims: Victims, costs: Costs, observer: Observer) -> None:
    """Tell what each service was asked since it was made, and in all starts.

    Its fingerprint, its noise, the run.
    """
    for victim in victims:
        account = getattr(victim, "account", None)
        if account is not None:
            tokens = f"{account.tokens:,} tokens, " if account.tokens else ""
            observer.says(
                f"{victim.card.name}: {account.billed} requests billed, {account.unique} pictures "
                f"answered, {account.cached} answers from the cache, {tokens}{account.spent:g} "
                "spent."
            )
            earlier = costs.earlier(victim)
            if earlier.requests:
                tokens = account.tokens + earlier.tokens
                observer.says(
                    f"{victim.card.name}, in all starts: "
                    f"{earlier.requests + account.billed} requests billed, "
                    + (f"{tokens:,} tokens, " if tokens else "")
                    + f"{earlier.money + account.spent:g} spent."
                )


class _Progress:
    """The pictures that are missing, and the cells that end with their last one.

    `_unscored` are those of the missing that a victim could not score in this start, with reasons.
    """

    def __init__(self, prepared: Prepared, observer: Observer, *, strict: bool) -> None:
        self.prepared, self._observer, self._strict = prepared, observer, strict
        self._clean, self._ranks, self._changes = Clean(), Ranks(), Changes()
        self._cells = {cell.folder: cell for cell in prepared.spec.cells()}
        for cell in prepared.pending:  # one that was finished has lost a file
            cell_store.reopen(prepared.root / cell.folder)
        self._missing = {folder: self._unfinished(folder) for folder in self._cells}
        self._unscored: dict[str, list[Unscored]] = {folder: [] for folder in self._cells}

    def begin(self) -> None:
        """Tell how much there is to do, and finish the cells that lack nothing."""
        pictures, missing = len(self.prepared.found.names), sum(map(len, self._missing.values()))
        total = len(self._cells) * pictures
        queries = sum(cell.queries for cell in self._cells.values()) // len(self._cells)
        self._observer.begins(total, queries, total - missing)
        for folder, names in self._missing.items():
            for sentence in cell_store.damage(self.prepared.root / folder, sorted(names)):
                self._observer.says(sentence)
        for folder, names in self._missing.items():
            if not names:
                self._finish(folder)

    def settle(self) -> None:
        """Have what searches hang on settled: scales, places in an order, changes for many."""
        self.prepared, self._clean = settle(self.prepared, self._observer, strict=self._strict)
        self._ranks = ranks.settle(self.prepared, self._clean, self._observer)
        self._changes = changes.settle(self.prepared, self._clean, self._observer)

    def is_worth_processes(self, cells: Iterable[Cell], workers: int | None) -> bool:
        """Tell whether several processes take less time than this one."""
        tasks = queries = 0
        for cell in cells:
            missing, attack = len(self._missing[cell.folder]), cell.attack.attack
            tasks += min(missing, 1) if is_carrying(attack) else missing
            # Of a change for many pictures, which is made here, one question a picture is left.
            queries += missing * (1 if is_shared(attack) else cell.queries)
        return workers != 1 and tasks > 1 and queries >= WORTH_PROCESSES

    def tasks(self, part: Iterable[Cell]) -> Iterator[Task]:
        """Yield what is missing of some cells, the pictures read when their turn comes."""
        prepared = self.prepared
        for cell in part:
            missing = self._missing[cell.folder]
            if missing:
                cell_store.withdraw(prepared.root, self._cells)
                cell_store.prepare(prepared.root / cell.folder)
                if cell.folder == FLAT:
                    cell_store.reserve(prepared.root, len(missing), cell.queries)
            victim = prepared.victim(cell)
            places = [at for at, name in enumerate(prepared.found.names) if name in missing]
            size = prepared.batches[cell.folder]
            if places and is_carrying(cell.attack.attack):
                places = list(range(places[-1] + 1))
                size = len(places)
            for start in range(0, len(places), size):
                members = (self._member(cell, place) for place in places[start : start + size])
                yield Task(cell, victim.noise, victim.scale.scale(), tuple(members))

    def _member(self, cell: Cell, index: int) -> Member:
        found = self.prepared.found
        picture = found.pictures[index]
        if picture.sha256 != self.prepared.record.data.samples[index].sha256:
            raise InputError(f"{picture.name}: the picture's file was changed meanwhile.")
        clean = self._clean.of(self.prepared, cell, picture.name)
        place = cell.folder, picture.name
        clean = self._changes.clean.get(place, clean)
        first = self._ranks.answers.get(place, () if clean is None else (clean,))
        labels, goal = found.labels(index), self._ranks.places.get(place)
        shared = self._changes.shared.get(place)
        done = picture.name not in self._missing[cell.folder]
        return Member(picture, labels, first=first, place=goal, shared=shared, done=done)

    def follow(self, ends: Iterable[Ended]) -> None:
        """Take note of pictures that are at their end, and finish cells with their last."""
        for folder, name, reason in ends:
            missing, unscored = self._missing[folder], self._unscored[folder]
            if reason and name in missing:  # not finished before others of its batch failed
                unscored.append(Unscored(name, reason))
                if self._strict:
                    raise UnscorableError(f"{name}: {reason}")
            missing.discard(name)
            if not reason:
                self._observer.ended(folder, name)
            if not missing:
                self._finish(folder)

    def refuse_nothing(self) -> None:
        """Raise an `UnscorableError` where not one picture of a cell was scored."""
        for unscored in self._unscored.values():
            refuse_nothing(unscored, len(self.prepared.found.names))

    def stop(self) -> None:
        """Write what a flat audit has so far; of another, tables are made of whole cells."""
        if self._missing.get(FLAT):
            with suppress(OSError, InputError):  # the answers are kept, whatever becomes of this
                self._stop(FLAT)

    def _unfinished(self, folder: str) -> set[str]:
        root = self.prepared.root
        if cell_store.is_done(root / folder):
            return set()
        return set(self.prepared.found.names) - cell_store.finished(root / folder)

    def _finish(self, folder: str) -> None:
        if self._unscored[folder]:
            self._stop(folder)
        else:
            cell_store.finish(*self._cell(folder))
        if not any(self._missing.values()) and not any(self._unscored.values()):
            for name in (CLEAN_ANSWERS, PROBE_ANSWERS):
                (self.prepared.root / name).unlink(missing_ok=True)

    def _stop(self, folder: str) -> None:
        cell_store.stop(*self._cell(folder), self._unscored[folder])

    def _cell(self, folder: str) -> tuple[Path, Cell, AuditVictim, Sequence[str]]:
        cell, prepared = self._cells[folder], self.prepared
        return prepared.root / folder, cell, prepared.victim(cell), prepared.found.names
