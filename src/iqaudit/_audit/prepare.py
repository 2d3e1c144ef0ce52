"""An audit's preparation: everything is checked, and its victims have answered, before a search."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iqaudit._assess.memory import large
from iqaudit._audit import cell_store, growth, manifest
from iqaudit._audit.costs import Costs
from iqaudit._audit.data import Found, find
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Cell
from iqaudit._core.errors import InputError, some
from iqaudit._core.picture import same_pixels
from iqaudit._core.wording import worded
from iqaudit._runs.records import AuditRecord, AuditVictim, SampleRecord
from iqaudit._runs.store import remove
from iqaudit._search.driver import batch_size, check_sizes
from iqaudit._search.halves import check_count
from iqaudit.attacks._base import is_shared
from iqaudit.victims._base import ELSEWHERE, Victim
from iqaudit.victims._fingerprint import EDITION, fingerprint
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
    costs: Costs,
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
    longer = growth.prolonged(then, now)
    then, places = _grown(root, then, now, found.names, observer)
    _compare(root, then, now, observer)
    pending = _pending(root, spec, then, found.names, places or {}, longer)
    # All are asked who they are, though their cells are finished: figures of yesterday's victim are
    # none of today's.
    bases, batches = _victims(spec, pending, then, batch, observer, yes=yes)
    observer.finds(found.pictures)
    samples = []
    for index, picture in enumerate(found.pictures):
        for base in bases.values():
            check_sizes(base, [picture])
        for note in picture.notes if then is None else ():
            observer.says(f"{picture.name}: {note}")
        samples.append(manifest.sample(found, index, picture))
    if same := same_pixels(found.names, [each.sha256 for each in samples]):
        observer.says(f"The same pixels: {some(same)}. Intervals take them for one picture.")
    now = replace(now, data=manifest.data(found, samples))
    if then is not None:
        manifest.refuse_other(root, then, growth.restricted(then, now, grows=places is not None))
    searched = {spec.victims.index(cell.victim) for cell in pending}
    busy = [base for index, base in bases.items() if index in searched]
    memory = _memory(spec, busy, samples, observer, ignore=ignore_memory)
    records = {} if then is None else dict(enumerate(then.victims))
    costs.begin(bases.values(), goes_on=then is not None)
    victims = []
    for index, base in bases.items():
        known = growth.known(then, index)
        record, victim = _ask(root, spec.victims[index], base, known, observer)
        if known is None:
            records[index] = record
        victims.append((spec.victims[index], record.noise, record.scale.scale(), victim))
    if then is None or places is not None:
        if overwrite:
            remove(root)
        growth.move(root, then, now, places or {}, longer)
        then = manifest.begin(root, now, [records[index] for index in sorted(records)])
    costs.write()
    return Prepared(root, spec, found, then, tuple(pending), Victims(victims), batches, memory)


def _compare(root: Path, then: AuditRecord | None, now: AuditRecord, observer: Observer) -> None:
    """Refuse an audit that was begun otherwise, and tell what else is not as it was."""
    if then is None:
        return
    manifest.refuse_other(root, then, now)
    if changed := manifest.other_libraries(then, now):
        observer.says(changed)


def _grown(
    root: Path,
    then: AuditRecord | None,
    now: AuditRecord,
    names: Sequence[str],
    observer: Observer,
) -> tuple[AuditRecord | None, dict[str, str] | None]:
    """Return the manifest that a start goes on with, and the cells that move where it grows."""
    if then is None or not growth.is_larger(then, now, names):
        return then, None
    places = growth.moves(root, then, now)
    pictures, cells = len(then.data.pictures), len(then.cells)
    observer.says(
        f"The audit grows from {cells} x {pictures} to {len(now.cells)} x {len(names)} pictures; "
        "what was answered stays."
    )
    if anew := growth.searched_anew(then, now):
        observer.says(
            f"The proposals of {some(anew)} hang on the budget: a larger one is another search, "
            "whose pictures are asked about from the beginning."
        )
    return growth.enlarged(root, then, now, names), places


def _pending(
    root: Path,
    spec: AuditSpec,
    then: AuditRecord | None,
    names: Sequence[str],
    places: Mapping[str, str],
    longer: Container[str],
) -> list[Cell]:
    """Return the cells that lack a picture, a file of one, or a part of their searches.

    `places` are the folders of those that move, `longer` those whose searches go on.
    """
    if any(is_shared(cell.attack.attack) for cell in spec.cells()):
        check_count(len(names))
    if then is None or growth.has_more(then, names):
        return list(spec.cells())
    folders = ((cell, places.get(cell.folder, cell.folder)) for cell in spec.cells())
    return [cell for cell, folder in folders if cell.folder in longer or _lacks(root / folder)]


def _lacks(folder: Path) -> bool:
    record = cell_store.done(folder)
    return record is None or bool(cell_store.broken(folder, record))


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
    pending: Sequence[Cell],
    then: AuditRecord | None,
    batch: int | None,
    observer: Observer,
    *,
    yes: bool,
) -> tuple[dict[int, Victim], dict[str, int]]:
    """Make an audit's victims, asked nothing; return them by index, and the pending cells' batches.

    Those that may be paid for and have no pending cell are left out unless they are to be asked.
    """
    bases: dict[int, Victim] = {}
    batches = {}
    for index, victim in enumerate(spec.victims):
        base, cells = unasked(victim), [cell for cell in pending if cell.victim is victim]
        known = growth.known(then, index)
        noise = 0.0 if known is None else known.noise
        for cell in cells:
            cell.search(averaged(victim, base, noise))
            batches[cell.folder] = batch_size(base, batch)
        if base.card.device != ELSEWHERE or yes:
            bases[index] = base  # with its own scale
        elif cells:
            raise InputError(
                f'The victim "{base.card.name}" is a service or a program, whose scores may be '
                "paid for: see what is asked of it with "
                f"{worded('iqaudit.plan', 'iqaudit plan')}, then say {worded('yes=True')}."
            )
        else:
            observer.says(
                f"{base.card.name}: not asked whether it still answers as the figures say, since "
                f"that may cost money; {worded('yes=True')} has it asked for two scores."
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
    scores = fingerprint(victim, EDITION if then is None else then.fingerprint_edition)
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
