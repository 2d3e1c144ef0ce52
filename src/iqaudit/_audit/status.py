"""Status of an audit: read from its directory alone."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from iqaudit._audit import cell_store
from iqaudit._core.errors import InputError
from iqaudit._runs import journal
from iqaudit._runs.schema import load_answers, load_audit, on_lost_results


@dataclass(frozen=True)
class CellStatus:
    """The progress of a cell.

    `finished`, `begun` and `waiting` count pictures; `queries` were answered so far; `damage` has
    a sentence on each file that is damaged, and on what becomes of it.
    """

    cell: str
    finished: int
    begun: int
    waiting: int
    queries: int
    damage: tuple[str, ...] = ()

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
    record = cell_store.done(folder)
    if record is not None:
        broken, queries = cell_store.broken(folder, record), record.summary.queries
        damage = tuple(cell_store.on_broken(folder, name) for name in broken)
        return CellStatus(folder.name, len(names) - len(broken), 0, len(broken), queries, damage)
    finished = cell_store.finished(folder)
    missing = [name for name in names if name not in finished]
    asked = [_asked(folder, name) for name in missing]
    begun = sum(count > 0 for count in asked)
    queries = sum(cell_store.entry(folder, name).entry.queries for name in finished)
    waiting = len(asked) - begun
    return CellStatus(
        folder.name,
        len(finished),
        begun,
        waiting,
        queries + cost * sum(asked),
        tuple(filter(None, (on_lost_results(folder), *cell_store.damage(folder, missing)))),
    )


def _asked(folder: Path, name: str) -> int:
    """Return how many answers on a picture are kept: in its scores' file, where no journal is."""
    kept = journal.read(cell_store.journal(folder, name), journal.ANSWERS).entries
    with suppress(InputError):
        return len(kept or load_answers(folder, name))
    return 0
