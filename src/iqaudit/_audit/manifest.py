"""An audit's manifest, audit.json: its settings, its pictures, its victims and its cells.

It is written before the first picture is begun, once more where victims' scales are fitted to clean
scores, which are asked before all else, and anew where the audit grows. A later start makes its own
and goes on only where that is the same.
"""

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from iqaudit._audit.data import Found
from iqaudit._audit.spec import AuditSpec, Cell
from iqaudit._core.errors import AnotherVictimError, InputError, printable
from iqaudit._core.paths import refuse_unwritable
from iqaudit._core.picture import Picture
from iqaudit._core.wording import worded
from iqaudit._runs.records import (
    AttackRecord,
    AttackVersion,
    AuditRecord,
    AuditVictim,
    CardRecord,
    CellRecord,
    DataRecord,
    SampleRecord,
)
from iqaudit._runs.schema import AUDIT, AUDIT_FORMAT, PART, load, load_audit, manifest
from iqaudit._runs.store import libraries, versions, write_record
from iqaudit.attacks._code import digest
from iqaudit.attacks._registry import AttackSpec
from iqaudit.victims._base import Card
from iqaudit.victims._fingerprint import EDITION, tolerance
from iqaudit.victims._options import HOW_ASKED
from iqaudit.victims._spec import VictimSpec

PROTOCOL = 2
"""Of how searches go: raised where the same settings come to other answers than before."""

OTHER = "name another folder"


def asked(spec: AuditSpec, names: Sequence[str]) -> AuditRecord:
    """Return what is known before anything is read: the protocol, the versions, settings and cells.

    `names` are the victims' public ones.
    """
    public = dict(zip(map(id, spec.victims), names, strict=True))
    return AuditRecord(
        protocol=PROTOCOL,
        versions={**versions(), "python": platform.python_version()},
        libraries=libraries(),
        campaign=json.loads(json.dumps(spec.record(names))),  # as it is read again
        attacks=attack_versions([cell.attack for cell in spec.cells()]),
        data=DataRecord(name="", pictures=()),
        victims=(),
        cells=tuple(cell(each, public[id(each.victim)]) for each in spec.cells()),
    )


def attack_versions(specs: Iterable[AttackSpec]) -> tuple[AttackVersion, ...]:
    """Return the version of each attack, equal ones once."""
    found: list[AttackVersion] = []
    for spec in specs:
        settings = AttackRecord.of(spec.settings)
        version = AttackVersion(name=spec.name, settings=settings, code=digest(spec.attack))
        if version not in found:
            found.append(version)
    return tuple(found)


def data(found: Found, samples: Iterable[SampleRecord]) -> DataRecord:
    """Return the record of the pictures."""
    whole = found.dataset
    return DataRecord(
        name=whole.name,
        folder=printable(whole.folder),
        label=None if whole.label is None else asdict(whole.label),
        pictures=found.names,
        samples=tuple(samples),
    )


def sample(found: Found, index: int, picture: Picture) -> SampleRecord:
    """Return the record of a picture."""
    return SampleRecord(
        name=picture.name,
        file=picture.file,
        height=picture.height,
        width=picture.width,
        sha256=picture.sha256,
        **found.labels(index),
    )


def victim(spec: VictimSpec, card: Card, fingerprint: tuple[float, float]) -> AuditVictim:
    """Return the record of a victim: its card, and its scores of two fixed pictures."""
    return AuditVictim.of(
        card, fingerprint=fingerprint, fingerprint_edition=EDITION, **_named(spec, card.name)
    )


def cell(cell: Cell, name: str) -> CellRecord:
    """Return the record of a cell; `name` is its victim's public one."""
    return CellRecord(
        folder=cell.folder,
        attack=cell.attack.name,
        levels=cell.levels,
        goal=cell.goal.value,
        seed=cell.seed,
        queries=cell.queries,
        shorter=cell.shorter,
        **_named(cell.victim, name),
    )


def _named(victim: VictimSpec, name: str) -> dict[str, Any]:
    options = victim.record(name)
    return {"victim": options.pop("spec"), "victim_options": options}


def taken_up(root: Path, *, overwrite: bool = False) -> AuditRecord | None:
    """Return the manifest of the audit that a folder holds; None where it is free.

    Parameters
    ----------
    root : Path
        The folder.
    overwrite : bool
        Whether a run or an audit that it holds counts as none.

    Raises
    ------
    InputError
        If it holds something else, or cannot be written.
    """
    if not root.exists():
        refuse_unwritable(root)
        return None
    # A manifest that was being written when a first start was killed is nothing yet.
    if root.is_dir() and all(each.name == AUDIT + PART for each in root.iterdir()):
        return None
    audit = manifest(root)
    try:
        if audit is None:
            load(root)
    except InputError:
        raise InputError(f"{root}: this is there already and holds no run; {OTHER}.") from None
    if audit is None and not overwrite:
        raise InputError(
            f"{root}: this holds another run; {OTHER}, or say {worded('overwrite=True')}."
        )
    return None if overwrite else audit


def begin(root: Path, known: AuditRecord, victims: Sequence[AuditVictim]) -> AuditRecord:
    """Write an audit's manifest, and return it as it is read again.

    Parameters
    ----------
    root : Path
        The audit's directory.
    known : AuditRecord
        The manifest but for its victims and hardware.
    victims : sequence of AuditVictim
        In the order of the audit's settings.
    """
    hardware = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": 1,
        "devices": sorted({each.device for each in victims}),
    }
    return settle(root, replace(known, hardware=hardware, victims=tuple(victims)))


def settle(root: Path, record: AuditRecord) -> AuditRecord:
    """Write an audit's manifest, with its victims' scales, and return it as it is read again."""
    write_record(root / AUDIT, AUDIT_FORMAT, record)
    return load_audit(root)


def refuse_other(root: Path, then: AuditRecord, now: AuditRecord) -> None:
    """Raise an `InputError` where an audit was begun otherwise than it is to go on.

    Parameters
    ----------
    root : Path
        The audit's directory.
    then : AuditRecord
        Its manifest.
    now : AuditRecord
        The new one, as far as it is known: `asked`, with its pictures or without.
    """
    for difference in _differences(then, now):
        raise InputError(
            f"{root}: this audit was begun otherwise: {difference}. {OTHER.capitalize()}, or say "
            f"{worded('overwrite=True')}."
        )


def _differences(then: AuditRecord, now: AuditRecord) -> Iterator[str]:
    if then.protocol != now.protocol:
        yield f"with protocol {then.protocol} of searches; this version has {now.protocol}"
    yield from _of_mapping(deciding(then.campaign), deciding(now.campaign), "")
    if [each.folder for each in then.cells] != [each.folder for each in now.cells]:
        yield (
            "by iqaudit attack, whose pictures lie in the folder itself"
            if then.flat
            else "by iqaudit audit, whose cells have folders of their own"
        )
    for known_attack, attack in zip(then.attacks, now.attacks, strict=False):
        if known_attack != attack:
            part = "code" if known_attack.settings == attack.settings else "settings"
            yield f"attack {attack.name} has changed since, its {part}"
    for package in {**now.versions, **then.versions}:
        known, version = then.versions.get(package), now.versions.get(package)
        if known != version:
            yield f"{_with(package, known)}; here is {version or 'none'}"
    if now.data.pictures:
        yield from _of_data(then.data, now.data)


def _with(package: str, version: str | None) -> str:
    return f"with {package} {version}" if version else f"without {package}"


def other_libraries(then: AuditRecord, now: AuditRecord) -> str:
    """Return a sentence on image libraries that have changed since; empty where none has.

    They are no reason to refuse: only the victim's code knows which it uses, and its fingerprint
    tells whether that matters.
    """
    names = sorted({*then.libraries, *now.libraries}) if then.libraries else ()
    pairs = ((name, then.libraries.get(name), now.libraries.get(name)) for name in names)
    changed = [f"{name} {a or 'none'}, now {b or 'none'}" for name, a, b in pairs if a != b]
    if not changed:
        return ""
    return (
        f"Image libraries are not those of the audit's beginning: {'; '.join(changed)}. A victim "
        "that reads or resizes pictures with them may score otherwise; two fixed pictures tell."
    )


def deciding(campaign: Mapping[str, Any]) -> dict[str, Any]:
    """Return an audit's settings without the options that change no score."""
    victims = [
        {key: value for key, value in victim.items() if key not in HOW_ASKED}
        for victim in campaign.get("victims", ())
    ]
    return {**campaign, "victims": victims} if victims else dict(campaign)


def _of_mapping(then: Mapping[str, Any], now: Mapping[str, Any], whose: str) -> Iterator[str]:
    for key, value in now.items():
        known = then.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            yield from _of_mapping(known, value, f"{key}'s ")
        elif known != value:
            yield f"{whose}{key} was {known!r}, now {value!r}"


def _of_data(then: DataRecord, now: DataRecord) -> Iterator[str]:
    if then.pictures != now.pictures:
        strange = sorted(set(then.pictures) ^ set(now.pictures))
        yield (
            f"on {len(then.pictures)} pictures, and here are {len(now.pictures)}"
            + (f"; {strange[0]} is in one of the two" if strange else ", in another order")
        )
        return
    for known, found in zip(then.samples, now.samples, strict=True):
        if known.sha256 != found.sha256:
            yield f"the picture {found.name} had other pixels"
        yield from _of_mapping(asdict(known), asdict(found), f"{found.name}'s ")


def refuse_other_victim(
    root: Path,
    then: AuditVictim,
    card: Card,
    now: tuple[float, float],
    mend: str = "",
) -> bool:
    """Raise an `AnotherVictimError` where a victim is not the one that an audit was begun with.

    Returns
    -------
    bool
        Whether it scores just as then, to the last bit (or within its noise).
    """
    mend = mend or f"{OTHER.capitalize()}, or say {worded('overwrite=True')}."
    another = f'{root}: the victim "{card.name}" is another than the audit was begun with'
    for key, now_value in asdict(CardRecord.of(card)).items():
        known = getattr(then, key)
        if key == "scale":
            same, known = known.agrees(card.scale), asdict(known)
        else:
            same = known == now_value
        if key not in ("note", "device") and not same:
            raise AnotherVictimError(f"{another}: its {key} was {known}, now {now_value}. {mend}")
    apart = max(abs(one - other) for one, other in zip(then.fingerprint, now, strict=True))
    if apart > tolerance(card):
        scores = " and ".join(f"{score:.9g}" for score in then.fingerprint)
        raise AnotherVictimError(
            f"{another}: two fixed pictures were scored {scores} then, {now[0]:.9g} and "
            f"{now[1]:.9g} now. {mend}"
        )
    return not apart or card.noise > 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
