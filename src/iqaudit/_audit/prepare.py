"""An audit's preparation: everything is checked, and its victims have answered, before a search."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iqaudit._assess.memory import large
from iqaudit._audit import cell_store, manifest
from iqaudit._audit.data import Found, find
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Cell
from iqaudit._core.errors import InputError
from iqaudit._runs.records import AuditRecord, AuditVictim, SampleRecord
from iqaudit._runs.store import remove
from iqaudit._search.driver import batch_size, check_sizes
from iqaudit.victims._base import ELSEWHERE, Victim
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._objects import rescaled
from iqaudit.victims._spec import SERVICES, Victims, VictimSpec, averaged, ready, unasked


@dataclass(frozen=True, eq=False)
class Prepared:
    """An audit that was checked and whose victims have answered.

    Attributes
    ----------
    root : Path
        Its directory.
    spec : AuditSpec
        Its settings.
    found : Found
        Its pictures.
    record : AuditRecord
        Its manifest, as it is on disk.
    pending : tuple of Cell
        The cells that have no results yet.
    victims : Victims
        Theirs, as they were made in this process.
    batches : mapping
        How many pictures' searches share a victim's batches, by the pending cells' folders.
    memory : int
        About the bytes that a search of the largest picture takes; 0 where that is no matter.
    """

    root: Path
    spec: AuditSpec
    found: Found
    record: AuditRecord
    pending: tuple[Cell, ...]
    victims: Victims
    batches: Mapping[str, int]
    memory: int = 0

    def victim(self, cell: Cell) -> AuditVictim:
        """Return the record of a cell's victim."""
        return self.record.victims[self.spec.victims.index(cell.victim)]


def prepare(
    spec: AuditSpec,
    root: Path,
    observer: Observer,
    batch: int | None = None,
    *,
    yes: bool = False,
    overwrite: bool = False,
    ignore_memory: bool = False,
) -> Prepared:
    """Prepare an audit: nothing is asked before everything else fits, nor written before that.

    See `iqaudit._audit.execute.run`.
    """
    then, found = manifest.taken_up(root, overwrite=overwrite), find(spec.data, root)
    now = manifest.asked(spec, public_names(spec))
    if then is not None:
        manifest.refuse_other(root, then, now)
    pending = [
        cell for cell in spec.cells() if then is None or not cell_store.is_done(root / cell.folder)
    ]
    # An object of this process may be another of the same name, though its cells are finished.
    asked = [cell for cell in spec.cells() if cell in pending or cell.victim.base is not None]
    if not asked and then is not None:
        return Prepared(root, spec, found, then, (), Victims(), {})
    bases, batches = _victims(spec, asked, then, batch, yes=yes)
    observer.finds(found.pictures)
    samples = []
    for index, picture in enumerate(found.pictures):
        for base in bases.values():
            check_sizes(base, [picture])
        for note in picture.notes if then is None else ():
            observer.says(f"{picture.name}: {note}")
        samples.append(manifest.sample(found, index, picture))
    now = replace(now, data=manifest.data(found, samples))
    if then is not None:
        manifest.refuse_other(root, then, now)
    memory = _memory(spec, bases.values(), samples, observer, ignore=ignore_memory)
    records, victims = [], []
    for index, base in bases.items():
        known = None if then is None else then.victims[index]
        record, victim = _ask(root, spec.victims[index], base, known, observer)
        records.append(record)
        victims.append((spec.victims[index], record.noise, record.scale.scale(), victim))
    if then is None:
        if overwrite:
            remove(root)
        then = manifest.begin(root, now, records)
    return Prepared(root, spec, found, then, tuple(pending), Victims(victims), batches, memory)


def _memory(
    spec: AuditSpec,
    victims: Iterable[Victim],
    samples: Iterable[SampleRecord],
    observer: Observer,
    *,
    ignore: bool,
) -> int:
    """Tell what the largest picture needs, and return the most memory of any victim's search."""
    largest = max(samples, key=lambda each: each.height * each.width)
    most = 0
    for victim in victims:
        need = large(victim, largest.height, largest.width, spec.budgets[-1])
        if need is not None:
            if not ignore:
                need.refuse_unless_it_fits(victim.card.name)
            observer.says(f"{victim.card.name}, {largest.name}: {need}.")
            most = max(most, need.memory)
    return most


def _victims(
    spec: AuditSpec,
    cells: Sequence[Cell],
    then: AuditRecord | None,
    batch: int | None,
    *,
    yes: bool,
) -> tuple[dict[int, Victim], dict[str, int]]:
    """Make the victims of some cells, asked nothing; return them by index, and the batches."""
    bases: dict[int, Victim] = {}
    batches = {}
    for cell in cells:
        index = spec.victims.index(cell.victim)
        base = bases[index] = bases.get(index) or unasked(cell.victim)  # with its own scale
        noise = 0.0 if then is None else then.victims[index].noise
        cell.search(averaged(cell.victim, base, noise))
        batches[cell.folder] = batch_size(base, batch)
        if base.card.device == ELSEWHERE and not yes:
            raise InputError(
                f'The victim "{base.card.name}" is a service or a program, whose scores may be '
                "paid for: see what is asked of it with iqaudit plan, then say --yes (yes=True)."
            )
    return bases, batches


def _ask(
    root: Path, spec: VictimSpec, base: Victim, then: AuditVictim | None, observer: Observer
) -> tuple[AuditVictim, Victim]:
    """Ask a victim for its fingerprint, and its noise; return its record, and it."""
    victim = ready(spec, base, None if then is None else then.noise)
    if then is not None:
        victim = rescaled(victim, then.scale.scale())
    card = victim.card
    if card.note:
        observer.says(f"{card.name}: {card.note}")
    scores = fingerprint(victim)
    if then is not None and not manifest.refuse_other_victim(root, then, card, scores):
        observer.says(
            f"{card.name}: its scores' last digits are not those of the audit's beginning "
            "(another processor?), so what is to come may differ from a run that was never "
            "stopped."
        )
    return manifest.victim(spec, card, scores), victim


def public_names(spec: AuditSpec) -> list[str]:
    """Return the victims' names where their strings may hold a secret; else empty ones."""
    return [unasked(victim).card.name if victim.kind in SERVICES else "" for victim in spec.victims]
