"""An audit that grows: more victims, attacks, levels, goals, seeds or pictures in the same folder.

A cell depends on no other, nor a picture's search, so those that were there are taken as they are,
cells under the names that the larger audit gives them: its files are those of an audit that was so
large from the beginning.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from iqaudit._assess.calibration import FEWEST
from iqaudit._audit import cell_store, manifest
from iqaudit._core.errors import InputError, naming
from iqaudit._core.wording import worded
from iqaudit._runs.records import AuditRecord, AuditVictim, CellRecord, ScaleRecord
from iqaudit.victims._spec import as_declared

LISTS = ("victims", "attacks", "levels", "goals", "seeds")
"""The settings that may become longer, behind what was there."""


def is_larger(then: AuditRecord, now: AuditRecord, names: Sequence[str]) -> bool:
    """Whether an audit is an earlier one with more in its lists, or more pictures, and no less.

    Parameters
    ----------
    then : AuditRecord
        The manifest of the earlier one.
    now : AuditRecord
        The new one, as far as it is known before anything is read.
    names : sequence of str
        The new one's pictures.
    """
    more = len(now.cells) > len(then.cells) or has_more(then, names)
    if then.flat != now.flat or not more or not set(then.data.pictures) <= set(names):
        return False
    before, after = (manifest.deciding(each.campaign) for each in (then, now))
    longer = all(list(after[key])[: len(before[key])] == list(before[key]) for key in LISTS)
    cells = {_key(each) for each in now.cells}
    return longer and _rest(then) == _rest(now) and all(_key(each) in cells for each in then.cells)


def has_more(then: AuditRecord, names: Sequence[str]) -> bool:
    """Whether there are pictures that an audit has not."""
    return not set(names) <= set(then.data.pictures)


def restricted(then: AuditRecord, now: AuditRecord, *, grows: bool) -> AuditRecord:
    """Return a larger audit's manifest with the pictures of the earlier one alone."""
    if not grows:
        return now
    samples = {each.name: each for each in now.data.samples}
    kept = tuple(samples[name] for name in then.data.pictures)
    return replace(now, data=replace(now.data, pictures=then.data.pictures, samples=kept))


def enlarged(root: Path, then: AuditRecord, now: AuditRecord, names: Sequence[str]) -> AuditRecord:
    """Return the larger audit's manifest with the earlier one's pictures and victims.

    Their scales stay, though more pictures would fit others.

    Raises
    ------
    InputError
        If the code of an attack has changed since.
    """
    for each in then.attacks:
        if each not in now.attacks:
            raise InputError(
                f"{root}: this audit was begun otherwise: attack {each.name} has changed since. "
                f"{manifest.OTHER.capitalize()}, or say {worded('overwrite=True')}."
            )
    victims = then.victims
    if len(then.data.pictures) < FEWEST <= len(names):  # their searches went by their ranges
        scales = (ScaleRecord.of(as_declared(each.scale.scale())) for each in victims)
        victims = tuple(
            replace(each, scale=scale) for each, scale in zip(victims, scales, strict=True)
        )
    return replace(now, data=then.data, victims=victims, hardware=then.hardware)


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


def move(root: Path, then: AuditRecord | None, now: AuditRecord, places: Mapping[str, str]) -> None:
    """Rename cells' folders, and remove what is of fewer cells or pictures: analyses, results.

    The manifest is written after it, so that a start that is killed here is one that grows again.
    """
    if then is None:
        return
    for name, present in places.items():
        with naming(root / name):
            (root / present).rename(root / name)
    if has_more(then, now.data.pictures):
        for cell in now.cells:
            cell_store.reopen(root / cell.folder)
    cell_store.withdraw(root, [each.folder for each in now.cells])


def known(then: AuditRecord | None, index: int) -> AuditVictim | None:
    """Return the record of a victim; None of one that is new."""
    victims = () if then is None else then.victims
    return victims[index] if index < len(victims) else None


def _key(cell: CellRecord) -> str:
    """Return what tells a cell from others, its folder's name aside."""
    return json.dumps(asdict(replace(cell, folder="")), sort_keys=True)


def _rest(record: AuditRecord) -> tuple[Any, ...]:
    """Return what must be the same: all but the lists, pictures, and the code of attacks."""
    rest = {key: value for key, value in record.campaign.items() if key not in (*LISTS, "data")}
    return record.protocol, dict(record.versions), rest
