"""Status of an audit, and verification of its cells: read from its directory alone."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iqaudit._audit import cell_store
from iqaudit._core.errors import InputError
from iqaudit._runs import journal
from iqaudit._runs.schema import load, load_audit
from iqaudit._runs.verify import Check, verify
from iqaudit.victims._spec import Victims, VictimSpec, held_spec


@dataclass(frozen=True)
class CellStatus:
    """The progress of a cell.

    `finished`, `begun` and `waiting` count pictures; `queries` were answered so far.
    """

    cell: str
    finished: int
    begun: int
    waiting: int
    queries: int

    @property
    def pictures(self) -> int:
        """The number of pictures."""
        return self.finished + self.begun + self.waiting


def status(path: str | os.PathLike[str]) -> tuple[CellStatus, ...]:
    """Return how far each cell of an audit is, in the manifest's order.

    Raises
    ------
    InputError
        If there is no audit.
    """
    audit = load_audit(path)
    return tuple(
        _standing(Path(path) / cell.folder, audit.data.pictures, audit.victim_of(cell).cost)
        for cell in audit.cells
    )


def _standing(folder: Path, names: Sequence[str], cost: int) -> CellStatus:
    if cell_store.is_done(folder):
        return CellStatus(folder.name, len(names), 0, 0, load(folder).summary.queries)
    finished = cell_store.finished(folder)
    asked = [
        len(journal.read(cell_store.journal(folder, name)))
        for name in names
        if name not in finished
    ]
    begun = sum(count > 0 for count in asked)
    queries = sum(cell_store.entry(folder, name).entry.queries for name in finished)
    waiting = len(asked) - begun
    return CellStatus(folder.name, len(finished), begun, waiting, queries + cost * sum(asked))


def verify_audit(
    path: str | os.PathLike[str], objects: Iterable[VictimSpec] = ()
) -> Iterator[tuple[str, tuple[Check, ...]]]:
    """Verify the finished cells of an audit, each with its victim made again from the manifest.

    Parameters
    ----------
    path : path
        The audit's directory.
    objects : iterable of VictimSpec
        Victims that exist in this process alone.

    Yields
    ------
    tuple of (str, tuple of Check)
        A cell's folder, and its pictures' verification.

    Raises
    ------
    InputError
        If there is no audit, no cell is finished, or a victim cannot be made again from the
        manifest.
    """
    audit, victims = load_audit(path), Victims()
    done = [cell for cell in audit.cells if cell_store.is_done(Path(path) / cell.folder)]
    if not done:
        raise InputError(f"{path}: none of this audit's cells is finished yet.")
    for cell in done:
        folder = Path(path) / cell.folder
        spec = held_spec(folder, cell.victim, cell.victim_options, objects)
        yield cell.folder, verify(folder, victims.get(spec, audit.victim_of(cell).noise))
