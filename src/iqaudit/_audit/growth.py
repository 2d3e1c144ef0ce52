"""An audit that grows: longer lists or budgets, or more pictures, in the same folder.

A cell depends on no other, nor a picture's search, so those that were there are taken as they are,
cells under the names that the larger audit gives them: its files are those of an audit that was so
large from the beginning.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from iqaudit._assess.calibration import FEWEST
from iqaudit._audit import cell_store, manifest
from iqaudit._core.errors import InputError, naming
from iqaudit._core.goal import Goal
from iqaudit._core.wording import worded
from iqaudit._runs.records import (
    AttackVersion,
    AuditRecord,
    AuditVictim,
    CellRecord,
    ScaleRecord,
)
from iqaudit._runs.suites import whole
from iqaudit.victims._spec import as_declared

LISTS = ("victims", "attacks", "levels", "goals", "seeds", "queries")
"""The settings that may become longer, behind what was there."""


def is_larger(then: AuditRecord, now: AuditRecord, names: Sequence[str]) -> bool:
    """Whether an audit is an earlier one with more in its lists, or more pictures, and no less.

    An order of more pictures is another one, and so is a change that is made on more, or what is
    carried on from more.

    Parameters
    ----------
    then : AuditRecord
        The manifest of the earlier one.
    now : AuditRecord
        The new one, as far as it is known before anything is read.
    names : sequence of str
        The new one's pictures.
    """
    more = len(now.cells) > len(then.cells) or has_more(then, names) or prolonged(then, now)
    together = Goal.RANK.value in then.campaign["goals"] or any(map(_spans, then.attacks))
    other = then.flat != now.flat or (together and has_more(then, names))
    if other or not more or not set(then.data.pictures) <= set(names):
        return False
    before, after = (manifest.deciding(each.campaign) for each in (then, now))
    longer = all(
        _listed(after[key])[: len(_listed(before[key]))] == _listed(before[key]) for key in LISTS
    )
    return longer and _rest(then) == _rest(now) and all(_now(each, now) for each in then.cells)


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
    found = {}
    for cell in then.cells:
        larger = _now(cell, now)
        assert larger is not None  # noqa: S101 (or it would not grow)
        name = larger.folder
        if name == cell.folder or not (root / cell.folder).exists():
            continue
        if (root / name).exists():
            raise InputError(
                f"{root / name}: this is there already, where {cell.folder} would lie in the "
                "larger audit; name another folder."
            )
        found[name] = cell.folder
    return found


def move(
    root: Path,
    then: AuditRecord | None,
    now: AuditRecord,
    places: Mapping[str, str],
    longer: Iterable[str] = (),
) -> None:
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
    for folder in longer:
        cell_store.prolong(root / folder)
    cell_store.withdraw(root, [each.folder for each in now.cells])


def prolonged(then: AuditRecord | None, now: AuditRecord) -> set[str]:
    """Return the folders of cells whose searches go on to a larger budget.

    Of attacks whose proposals do not depend on it; of the others each budget is a cell.
    """
    pairs = [(each, _now(each, now)) for each in (() if then is None else then.cells)]
    return {new.folder for old, new in pairs if new is not None and new.queries > old.queries}


def searched_anew(then: AuditRecord, now: AuditRecord) -> list[str]:
    """Return the attacks whose larger budgets are searches of their own."""
    before = {(each.attack, each.queries) for each in then.cells}
    were = {attack for attack, _ in before}
    more = (
        each.attack
        for each in now.cells
        if each.attack in were and not each.shorter and (each.attack, each.queries) not in before
    )
    return sorted(set(more))


def known(then: AuditRecord | None, index: int) -> AuditVictim | None:
    """Return the record of a victim; None of one that is new."""
    victims = () if then is None else then.victims
    return victims[index] if index < len(victims) else None


def _spans(attack: AttackVersion) -> bool:
    """Whether an attack's searches of some pictures hang on others."""
    return any(attack.settings.settings.get(sign) for sign in ("shared", "carries"))


def _now(cell: CellRecord, now: AuditRecord) -> CellRecord | None:
    """Return the cell that a cell of the earlier audit is in the larger one."""
    same = [each for each in now.cells if _key(each) == _key(cell)]
    exact = [each for each in same if each.queries == cell.queries]
    longer = [each for each in same if cell.queries in each.shorter]
    return next(iter((*exact, *longer)), None)


def _key(cell: CellRecord) -> str:
    """Return what tells a cell from others, its folder's name and its budgets aside."""
    keys = asdict(replace(cell, folder="", queries=0, shorter=()))
    return json.dumps(keys, sort_keys=True)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _rest(record: AuditRecord) -> tuple[Any, ...]:
    """Return what must be the same: all but the lists, pictures, and the code of attacks.

    A suite's light form is the same with fewer budgets.
    """
    apart = (*LISTS, "data", "suite")
    rest = {key: value for key, value in record.campaign.items() if key not in apart}
    return record.protocol, dict(record.versions), whole(record.suite), rest
