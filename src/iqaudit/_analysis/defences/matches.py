"""Which cells of an audit are one victim with a defence and without, attacked alike."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit._analysis.defences.figures import Cells
from iqaudit._analysis.tables import cells as cell_reader
from iqaudit._analysis.tables.cells import CellData
from iqaudit._core.errors import InputError
from iqaudit._core.wording import worded
from iqaudit._runs import schema
from iqaudit._runs.records import AuditRecord, AuditVictim, CellRecord
from iqaudit.victims._options import BESIDE


def matches(run: Path) -> list[tuple[str, Cells]]:
    """Return the defences of finished cells, with those and the same undefended.

    Raises
    ------
    InputError
        If there is no defended one, or none that is there without its defence.
    """
    audit = schema.manifest(run)
    if audit is None or audit.flat:
        schema.runs(run)  # which says where there is no run at all
        raise InputError(
            f"{run}: this is a run by itself; defences are compared within an audit, whose victims "
            "are there with a defence and without."
        )
    known = {cell.cell: cell for cell in cell_reader.load(run)}
    cells = [(each, *_split(each, audit)) for each in audit.cells if each.folder in known]
    if not any(defence for *_, defence in cells):
        raise InputError(
            f"{run}: no finished cell's victim is defended; name defences "
            f"({worded('defences', '--defence')}) with its pictures and victims."
        )
    black = [each for each in cells if not known[each[0].folder].white_box]
    found: list[tuple[str, Cells]] = []
    for own, victim, defence in black:
        for plain, other, none in black if defence else ():
            if not none and other == victim and _protocol(plain) == _protocol(own):
                one, other_one = (
                    _whites(known, cells, own, victim, which) for which in (none, defence)
                )
                both = known[plain.folder], known[own.folder]
                found.append((defence, Cells(*both, one, other_one)))
    if not found:
        raise InputError(
            f"{run}: no defended victim is there without its defence, with the same attack that "
            "asks scores alone: there is nothing to compare it with."
        )
    return found


def _split(cell: CellRecord, audit: AuditRecord) -> tuple[Any, str]:
    """Return a key of a cell's undefended victim, and the defence; empty where there is none."""
    if several := cell.victim_options.get("defences", ()):
        defence, (victim, rest) = "+".join(several), _key(cell)
        return (victim.removesuffix(f"+{defence}"), rest), defence
    # Another's name, and more behind it: as of other weights, or an object, whose options no file
    # holds.
    name = audit.victim_of(cell).name
    bases = [each for each in audit.victims if name.startswith(f"{each.name}+")]
    if bases:
        base = max(bases, key=lambda each: len(each.name))
        return _key(base), name.removeprefix(f"{base.name}+")
    return _key(cell), ""


def _key(victim: AuditVictim | CellRecord) -> tuple[str, Any]:
    """Return what an undefended victim is told by."""
    options = victim.victim_options
    rest = sorted((key, value) for key, value in options.items() if key not in BESIDE)
    return victim.victim, rest


def _protocol(cell: CellRecord) -> tuple[Any, ...]:
    return cell.attack, cell.levels, cell.goal, cell.seed, cell.queries


def _whites(
    known: Mapping[str, CellData],
    cells: Sequence[tuple[CellRecord, Any, str]],
    own: CellRecord,
    victim: Any,
    defence: str,
) -> list[CellData]:
    """Return a victim's white-box cells with the threat of a cell, the smallest budget first."""
    found = [
        known[each.folder]
        for each, other, which in cells
        if (other, which) == (victim, defence)
        and (each.levels, each.goal, each.seed) == (own.levels, own.goal, own.seed)
        and known[each.folder].white_box
    ]
    return sorted(found, key=lambda cell: cell.queries)
