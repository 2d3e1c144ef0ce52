"""An audit, begun or taken up where it stopped, and brought to its end."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from iqaudit._audit import cell_store, manifest
from iqaudit._audit.data import Found, find
from iqaudit._audit.engines.registry import Engine, named, serial
from iqaudit._audit.failures import GivenUpError
from iqaudit._audit.observer import Watch
from iqaudit._audit.spec import Campaign, Cell
from iqaudit._audit.task import Task
from iqaudit._core.errors import InputError, whole_number
from iqaudit._core.threads import one_thread
from iqaudit._runs.records import AuditRecord, AuditVictim, SampleRecord
from iqaudit._runs.schema import AUDIT, AUDIT_FORMAT, runs
from iqaudit._runs.store import exclusive, write_record
from iqaudit._search.driver import check_sizes
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._spec import (
    SERVICES,
    Victims,
    averaged,
    refuse_another_scale,
    unasked,
)


def run(
    campaign: Campaign,
    out: str | os.PathLike[str],
    *,
    engine: str | Engine = "processes",
    workers: int | None = None,
    yes: bool = False,
    watch: Watch | None = None,
) -> tuple[Path, ...]:
    """Run a campaign into a directory, from where an earlier start left off.

    Parameters
    ----------
    campaign : Campaign
        What is run.
    out : path
        The audit's directory: new, empty, or one that the same campaign was begun in.
    engine : {"processes", "serial", "ray"} or Engine
        How; no result depends on it. Victims elsewhere are asked from this process alone.
        ``iqaudit._audit.engines.cluster.ray(address, gpus_per_worker)`` makes one.
    workers : int, optional
        Pictures worked on at once; as many as there are cores unless said, and one where a victim
        computes on another device of this machine.
    yes : bool
        That a victim elsewhere, whose scores may be paid for, is to be asked.
    watch : Watch, optional
        Who is told of it.

    Returns
    -------
    tuple of Path
        The cells' directories, each a run.

    Raises
    ------
    InputError
        If something cannot be used, or the directory holds an audit that was begun otherwise.
    VictimError
        If a victim fails. What it answered is kept, and what was finished.
    KeyboardInterrupt
        If it was stopped, likewise.
    """
    root, watch = Path(out), watch or Watch()
    if isinstance(engine, str):
        engine = named(engine)
    if workers is not None and whole_number("workers", workers) < 1:
        raise InputError(f"An audit needs at least 1 worker, not {workers}.")
    there = root.exists()
    manifest.taken_up(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with exclusive(root), one_thread():
            _run(campaign, root, engine, workers, watch, yes=yes)
    except OSError as error:
        said = error.strerror or error
        raise InputError(f"{error.filename or root}: this cannot be written ({said}).") from None
    finally:
        if not there:
            with suppress(OSError):  # it holds something
                root.rmdir()
    return runs(root)


def _run(
    campaign: Campaign, root: Path, engine: Engine, workers: int | None, watch: Watch, *, yes: bool
) -> None:
    held, found = manifest.taken_up(root), find(campaign.data)
    names = public_names(campaign)
    now = manifest.asked(campaign, names)
    if held is not None:
        manifest.refuse_other(root, held, now)
    pending = [cell for cell in campaign.cells() if not cell_store.is_done(root / cell.folder)]
    subjects = Victims()
    if pending:
        prepared = _Preparation(campaign, pending, held, watch)
        prepared.refuse_elsewhere(yes=yes)
        now = replace(now, data=manifest.data(found, prepared.read(found)))
        if held is not None:
            manifest.refuse_other(root, held, now)
        victims, subjects = prepared.ask(root)
        if held is None:
            held = _written(root, campaign, names, now, victims)
    assert held is not None  # noqa: S101 (every campaign has a cell)
    audit = _Audit(root, campaign, found, held, watch)
    audit.begin()
    apart = [cell for cell in pending if audit.victim(cell).device == ELSEWHERE]
    here = [cell for cell in pending if cell not in apart]
    given_up = None
    for how, part in ((engine, here), (serial, apart)):
        if part:
            own = subjects if how is serial else Victims()
            with closing(how(root, audit.tasks(part), watch, workers, own)) as ended:
                try:
                    audit.follow(ended)
                except GivenUpError as error:
                    given_up = error
    if given_up is not None:
        raise given_up


def public_names(campaign: Campaign) -> list[str]:
    """Return what victims are called where their strings may hold a secret; else nothing."""
    return [
        unasked(victim).card.name if victim.kind in SERVICES else "" for victim in campaign.victims
    ]


class _Preparation:
    """What is done before the first picture: nothing is asked before everything else fits."""

    def __init__(
        self,
        campaign: Campaign,
        pending: Sequence[Cell],
        held: AuditRecord | None,
        watch: Watch,
    ) -> None:
        self._campaign, self._watch = campaign, watch
        needed = [victim for victim in campaign.victims if any(c.victim == victim for c in pending)]
        self._bases = {campaign.victims.index(victim): unasked(victim) for victim in needed}
        self._then = None if held is None else held.victims
        for cell in pending:
            index = campaign.victims.index(cell.victim)
            cell.plan(averaged(cell.victim, self._bases[index], self._noise(index) or 0.0))

    def _noise(self, index: int) -> float | None:
        return None if self._then is None else self._then[index].noise

    def refuse_elsewhere(self, *, yes: bool) -> None:
        """Raise an `InputError` where a victim may have to be paid and nobody said that it may."""
        for victim in self._bases.values():
            if victim.card.device == ELSEWHERE and not yes:
                raise InputError(
                    f'The victim "{victim.card.name}" is a service or a program, whose scores may '
                    "be paid for: see what is asked of it with iqaudit plan, then say --yes."
                )

    def read(self, found: Found) -> list[SampleRecord]:
        """Read every picture once; refuse one that does not fit a victim."""
        samples = []
        for index, picture in enumerate(found.pictures()):
            for victim in self._bases.values():
                check_sizes(victim, [picture])
            for note in picture.notes if self._then is None else ():
                self._watch.says(f"{picture.name}: {note}")
            samples.append(manifest.sample(found, index, picture))
        return samples

    def ask(self, root: Path) -> tuple[list[AuditVictim], Victims]:
        """Ask each victim for its fingerprint (and its noise); return what they are, and them."""
        described, made = [], []
        for index, base in self._bases.items():
            spec = self._campaign.victims[index]
            victim = averaged(spec, base, self._noise(index))
            card = victim.card
            if card.note:
                self._watch.says(f"{card.name}: {card.note}")
            refuse_another_scale(spec, victim)
            scores = fingerprint(victim)
            described.append(manifest.victim(spec, card, scores))
            if self._then is not None and not manifest.refuse_other_victim(
                root, self._then[index], card, scores
            ):
                self._watch.says(
                    f"{card.name}: its scores' last digits are not those of the audit's beginning "
                    "(another processor?), so what is to come may differ from a run that was never "
                    "stopped."
                )
            made.append((spec, card.noise, victim))
        return described, Victims(made)


def _written(
    root: Path,
    campaign: Campaign,
    names: Sequence[str],
    now: AuditRecord,
    victims: Sequence[AuditVictim],
) -> AuditRecord:
    """Write an audit's manifest, and return it as it is read again."""
    public = dict(zip(map(id, campaign.victims), names, strict=True))
    cells = (manifest.cell(cell, public[id(cell.victim)]) for cell in campaign.cells())
    whole = replace(
        now,
        hardware=manifest.hardware(victim.device for victim in victims),
        victims=tuple(victims),
        cells=tuple(cells),
    )
    write_record(root / AUDIT, AUDIT_FORMAT, whole)
    held = manifest.taken_up(root)
    assert held is not None  # noqa: S101 (it was written just now)
    return held


def campaign_devices(campaign: Campaign) -> list[str]:
    """Return what a campaign's victims compute on."""
    return [unasked(victim).card.device for victim in campaign.victims]


class _Audit:
    """An audit under way: what there is to do, and what is to follow from what was done."""

    def __init__(
        self,
        root: Path,
        campaign: Campaign,
        found: Found,
        held: AuditRecord,
        watch: Watch,
    ) -> None:
        self._root, self._campaign, self._found = root, campaign, found
        self._held, self._watch = held, watch
        self._cells = {cell.folder: cell for cell in campaign.cells()}
        self._missing = {folder: self._unfinished(folder) for folder in self._cells}

    def begin(self) -> None:
        """Say how much there is to do, and finish the cells that lack nothing."""
        pictures, missing = len(self._found.names), sum(map(len, self._missing.values()))
        finished = len(self._cells) * pictures - missing
        self._watch.begins(len(self._cells) * pictures, self._campaign.queries, finished)
        for folder, names in self._missing.items():
            if not names:
                self._finish(folder)

    def victim(self, cell: Cell) -> AuditVictim:
        """Return a cell's victim in the manifest."""
        return self._held.victims[self._campaign.victims.index(cell.victim)]

    def tasks(self, part: Iterable[Cell]) -> Iterator[Task]:
        """Yield what is missing of some cells, each picture read when its turn comes."""
        for cell in part:
            missing = self._missing[cell.folder]
            if missing:
                cell_store.prepare(self._root / cell.folder)
            noise = self.victim(cell).noise
            for index, name in enumerate(self._found.names):
                if name in missing:
                    picture, labels = self._found.picture(index), self._found.labels(index)
                    if picture.sha256 != self._held.data.samples[index].sha256:
                        raise InputError(f"{name}: the picture's file was changed meanwhile.")
                    yield Task(cell, noise, picture, labels)

    def follow(self, ended: Iterable[tuple[str, str]]) -> None:
        """Take note of finished pictures, and finish cells with their last."""
        for folder, name in ended:
            self._watch.ended(folder, name)
            self._missing[folder].remove(name)
            if not self._missing[folder]:
                self._finish(folder)

    def _unfinished(self, folder: str) -> set[str]:
        if cell_store.is_done(self._root / folder):
            return set()
        return set(self._found.names) - cell_store.finished(self._root / folder)

    def _finish(self, folder: str) -> None:
        cell = self._cells[folder]
        cell_store.finish(self._root / folder, cell, self.victim(cell), self._found.names)
