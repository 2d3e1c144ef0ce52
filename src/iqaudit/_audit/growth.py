"""An audit that grows: more victims, attacks, levels, goals or seeds in the same folder.

A cell depends on no other, so those that were there are taken as they are, under the names that the
larger audit gives them: its files are those of an audit that was so large from the beginning.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from iqaudit._audit import cell_store, manifest
from iqaudit._core.errors import InputError, naming
from iqaudit._runs.records import AuditRecord, AuditVictim, CellRecord

LISTS = ("victims", "attacks", "levels", "goals", "seeds")
"""The settings that may become longer, behind what was there."""


def is_larger(then: AuditRecord, now: AuditRecord) -> bool:
    """Whether an audit is an earlier one with more in its lists, and nothing else.

    Parameters
    ----------
    then : AuditRecord
        The manifest of the earlier one.
    now : AuditRecord
        The new one, as far as it is known before anything is read.
    """
    if then.flat or now.flat or len(now.cells) <= len(then.cells):
        return False
    before, after = (manifest.deciding(each.campaign) for each in (then, now))
    longer = all(list(after[key])[: len(before[key])] == list(before[key]) for key in LISTS)
    cells = {_key(each) for each in now.cells}
    return longer and _rest(then) == _rest(now) and all(_key(each) in cells for each in then.cells)


def enlarged(root: Path, then: AuditRecord, now: AuditRecord) -> AuditRecord:
    """Return the larger audit's manifest with the earlier one's pictures and victims.

    Raises
    ------
    InputError
        If the code of an attack has changed since.
    """
    for each in then.attacks:
        if each not in now.attacks:
            raise InputError(
                f"{root}: this audit was begun otherwise: attack {each.name} has changed since. "
                f"{manifest.OTHER.capitalize()}, or say --overwrite (overwrite=True)."
            )
    return replace(now, data=then.data, victims=then.victims, hardware=then.hardware)


def moves(root: Path, then: AuditRecord, now: AuditRecord) -> dict[str, str]:
    """Return the present folders of the cells that get another name, by that name.

    Those that an earlier start, which was killed, has moved already are not among them.

    Raises
    ------
    InputError
        If the place of one is taken.
    """
    names = {_key(each): each.folder for each in now.cells}
    found = {}
    for cell in then.cells:
        name = names[_key(cell)]
        if name == cell.folder or not (root / cell.folder).exists():
            continue
        if (root / name).exists():
            raise InputError(
                f"{root / name}: this is there already, where {cell.folder} would lie in the "
                "larger audit; name another folder."
            )
        found[name] = cell.folder
    return found


def move(root: Path, now: AuditRecord, places: Mapping[str, str]) -> None:
    """Rename cells' folders, and remove the analyses, which are of fewer cells."""
    for name, present in places.items():
        with naming(root / name):
            (root / present).rename(root / name)
    cell_store.withdraw(root, [each.folder for each in now.cells])


def known(then: AuditRecord | None, index: int) -> AuditVictim | None:
    """Return the record of a victim; None of one that is new."""
    victims = () if then is None else then.victims
    return victims[index] if index < len(victims) else None


def _key(cell: CellRecord) -> str:
    """Return what tells a cell from others, its folder's name aside."""
    return json.dumps(asdict(replace(cell, folder="")), sort_keys=True)


def _rest(record: AuditRecord) -> tuple[Any, ...]:
    """Return what must be the same: all but the lists, and the code of attacks."""
    rest = {key: value for key, value in record.campaign.items() if key not in LISTS}
    return record.protocol, dict(record.versions), rest
