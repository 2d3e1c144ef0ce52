"""A run's record against itself and against its audit's manifest: settings, victim, pictures."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from iqaudit._runs import journal
from iqaudit._runs.checksums import is_sealed, noting, refuse_changed, refuse_unsealed
from iqaudit._runs.journal import Lines, on_damage
from iqaudit._runs.records import (
    FLAT,
    AuditRecord,
    CardRecord,
    CellRecord,
    RunRecord,
    SampleRecord,
)
from iqaudit._runs.schema import (
    ANSWERS,
    AUDIT,
    DEFENCES,
    INSIGHTS,
    INSIGHTS_ANSWERS,
    RESULTS,
    TRANSFER,
    TRANSFER_ANSWERS,
    manifest,
)

SETTINGS = ("levels", "goal", "seed", "queries")
STOPS = ("early_stop", "until_plateau")
SAMPLE = tuple(each.name for each in fields(SampleRecord) if each.name not in ("name", "sha256"))


def disagreements(run: Path, record: RunRecord) -> Iterator[str]:
    """Say where a run's record contradicts itself, or its audit's manifest."""
    path = run.resolve()
    ended = {each.name for each in record.pictures if each.end.finished}
    for name in sorted(ended & {each.name for each in record.unscored}):
        yield f"{name} could not be scored, and its search came to its end"
    root, audit, cell = planned(path)
    if any(each.scores_file_sha256 for each in record.pictures):  # earlier versions wrote none
        for file in (path / RESULTS, *([root / AUDIT] if cell else [])):
            if not is_sealed(file.read_bytes()):
                yield f"{file.name} has no checksum: it was changed after it was written"
    if audit is not None and cell is not None:
        for key, now, then in _against(audit, cell, record, whole=not (path / ANSWERS).exists()):
            yield f"{key} is {now}, in {AUDIT} {then}"


def damaged_analyses(folder: Path) -> tuple[str, ...]:
    """Name what is damaged of a directory's analyses: their files and the answers' lines."""
    with noting() as noted:
        for file in (folder / each for each in (INSIGHTS, TRANSFER, DEFENCES)):
            if file.exists():
                refuse_unsealed(file, content := file.read_bytes())
                refuse_changed(file, intact=_is_record(content))
    answers = [folder / INSIGHTS_ANSWERS, folder / TRANSFER_ANSWERS]
    found = [(file, journal.read(file, Lines(_score, "file")).damaged) for file in answers]
    return (*noted, *(on_damage(file, damaged) for file, damaged in found if damaged))


def _is_record(content: bytes) -> bool:
    try:
        return "format" in msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _score(row: Any) -> tuple[Any, Any, Any]:
    label, picture, score = row
    return label, picture, score


def planned(path: Path) -> tuple[Path, AuditRecord | None, CellRecord | None]:
    """Return the audit that a run is a cell of, its directory, and the cell there."""
    own = manifest(path)
    if own is not None and own.flat:
        return path, own, own.cell(FLAT)
    audit = manifest(path.parent)
    return path.parent, audit, None if audit is None else audit.cell(path.name)


def _against(
    audit: AuditRecord, cell: CellRecord, record: RunRecord, *, whole: bool
) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs from what was planned: its name, its value, and the planned one."""
    attacks = [each.settings for each in audit.attacks if each.name == cell.attack]
    victim, planned = record.victim, audit.victim_of(cell)
    card = [each.name for each in fields(CardRecord) if each.name not in ("note", "device")]
    pairs = [
        *((key, getattr(record, key), getattr(cell, key)) for key in SETTINGS),
        *(
            (key, getattr(record, key), audit.campaign[key])
            for key in STOPS
            if key in audit.campaign
        ),
        *(
            ("attack", record.attack.keys(), each.keys())
            for each in attacks[:1]
            if record.attack not in attacks  # values of one class have one name
        ),
        *((f"victim's {key}", getattr(victim, key), getattr(planned, key)) for key in card),
    ]
    if victim.spec is not None:
        pairs += [
            ("victim", victim.spec, cell.victim),
            ("victim's options", victim.options, cell.victim_options),
        ]
    names = [each.name for each in record.pictures]
    known = {*names, *(each.name for each in record.unscored)}
    expected = [each for each in audit.data.pictures if each in names]
    if whole and (missing := [each for each in audit.data.pictures if each not in known]):
        pairs.append(("the number of pictures", len(known), len(known) + len(missing)))
    pairs.append(("pictures", names, expected))
    samples = {each.name: each for each in audit.data.samples}
    for each in record.pictures:
        if sample := samples.get(each.name):
            pairs.append((f"{each.name}'s pixels", each.clean_pixels_sha256, sample.sha256))
            pairs += [
                (f"{each.name}'s {key}", getattr(each, key), getattr(sample, key)) for key in SAMPLE
            ]
    yield from (each for each in pairs if each[1] != each[2])
