"""An audit's manifest, audit.json: what was asked, of whom, on what, with what.

It is written once, before the first picture is begun. A later start makes its own and goes on only
where that is the same.
"""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit._audit.data import Found
from iqaudit._audit.spec import Campaign, Cell
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Picture
from iqaudit._runs.schema import AUDIT, AUDIT_FORMAT, manifest, same_scale
from iqaudit._runs.store import versions, victim_record
from iqaudit.victims._base import Card
from iqaudit.victims._fingerprint import tolerance
from iqaudit.victims._options import HOW_ASKED
from iqaudit.victims._spec import VictimSpec

PROTOCOL = 2
"""Of how searches go: raised where the same settings come to other answers than before."""

OTHER = "name another folder"


def asked(campaign: Campaign, names: Sequence[str]) -> dict[str, Any]:
    """Return what is known before anything is read: the campaign, the protocol, the versions.

    `names` are the victims' public ones.
    """
    return {
        "format": AUDIT_FORMAT,
        "protocol": PROTOCOL,
        "versions": {**versions(), "python": platform.python_version()},
        "campaign": campaign.record(names),
    }


def sample(found: Found, index: int, picture: Picture) -> dict[str, Any]:
    """Return what is held of a picture."""
    return {
        "name": picture.name,
        "file": picture.file,
        "height": picture.height,
        "width": picture.width,
        "sha256": picture.sha256,
        **found.labels(index),
    }


def victim(spec: VictimSpec, card: Card, fingerprint: tuple[float, float]) -> dict[str, Any]:
    """Return what is held of a victim: its card, and its scores of two fixed pictures."""
    return {**_named(spec, card.name), **victim_record(card), "fingerprint": list(fingerprint)}


def cell(cell: Cell, name: str) -> dict[str, Any]:
    """Return what is held of a cell; `name` is its victim's public one."""
    return {
        "folder": cell.folder,
        **_named(cell.victim, name),
        "attack": cell.attack,
        "levels": cell.levels,
        "goal": cell.goal.value,
        "seed": cell.seed,
        "queries": cell.queries,
    }


def _named(victim: VictimSpec, name: str) -> dict[str, Any]:
    options = victim.record(name)
    return {"victim": options.pop("spec"), "victim_options": options}


def victim_of(held: Mapping[str, Any], cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest holds of a cell's victim."""
    keys = ("victim", "victim_options")
    found: dict[str, Any] = next(
        each for each in held["victims"] if all(each[key] == cell[key] for key in keys)
    )
    return found


def victim_in(held: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Return what a manifest holds of the victim of a cell's folder."""
    [cell] = [each for each in held["cells"] if each["folder"] == folder]
    return victim_of(held, cell)


def hardware(devices: Iterable[str]) -> dict[str, Any]:
    """Return what an audit was begun on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": 1,
        "devices": sorted(set(devices)),
    }


def taken_up(root: Path) -> dict[str, Any] | None:
    """Return the manifest of the audit that a folder holds; None where it is free.

    Raises
    ------
    InputError
        If it holds something else.
    """
    held = manifest(root)
    if held is not None:
        return held
    if root.is_dir():
        # A manifest that was being written when a first start was killed is nothing yet.
        if all(each.name == f"{AUDIT}.part" for each in root.iterdir()):
            return None
    elif not root.exists():
        return None
    raise InputError(f"{root}: this is there already and holds no audit; {OTHER}.")


def refuse_other(root: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise an `InputError` where an audit was begun otherwise than it is to go on.

    Parameters
    ----------
    root : Path
        The audit's directory.
    then : mapping
        Its manifest.
    now : mapping
        What is known of the new one, as far as it is.
    """
    for said in _differences(then, now):
        raise InputError(f"{root}: this audit was begun otherwise: {said}. {OTHER.capitalize()}.")


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if "protocol" in now and then["protocol"] != now["protocol"]:
        yield f"with protocol {then['protocol']} of searches; this version has {now['protocol']}"
    yield from _of_mapping(_deciding(then["campaign"]), _deciding(now.get("campaign", {})), "")
    for package, version in now.get("versions", {}).items():
        known = then["versions"].get(package)
        if known != version:
            yield f"with {package} {known}; here is {version}"
    if "data" in now:
        yield from _of_data(then["data"], now["data"])


def _deciding(campaign: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is held of a campaign without what changes no score."""
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
        elif known != _plain(value):
            yield f"{whose}{key} was {known!r}, now {_plain(value)!r}"


def _of_data(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then["pictures"] != now["pictures"]:
        strange = sorted(set(then["pictures"]) ^ set(now["pictures"]))
        yield (
            f"on {len(then['pictures'])} pictures, and here are {len(now['pictures'])}"
            + (f"; {strange[0]} is in one of the two" if strange else ", in another order")
        )
        return
    for known, found in zip(then["samples"], now["samples"], strict=True):
        if known["sha256"] != found["sha256"]:
            yield f"the picture {found['name']} had other pixels"
        yield from _of_mapping(known, found, f"{found['name']}'s ")


def _plain(value: Any) -> Any:
    """Return a value as it comes back from JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def refuse_other_victim(
    root: Path,
    then: Mapping[str, Any],
    card: Card,
    now: tuple[float, float],
    mend: str = f"{OTHER.capitalize()}.",
) -> bool:
    """Raise an `InputError` where a victim is not the one that an audit was begun with.

    Returns
    -------
    bool
        Whether it scores just as then, to the last bit (or within its noise).
    """
    for key, value in victim_record(card).items():
        same = same_scale(then[key], card.scale) if key == "scale" else then[key] == value
        if key not in ("note", "device") and not same:
            raise InputError(
                f'{root}: the victim "{card.name}" is another than the audit was begun with: its '
                f"{key} was {then[key]}, now {value}. {mend}"
            )
    apart = max(abs(one - other) for one, other in zip(then["fingerprint"], now, strict=True))
    if apart > tolerance(card):
        said = " and ".join(f"{score:.9g}" for score in then["fingerprint"])
        raise InputError(
            f'{root}: the victim "{card.name}" is another than the audit was begun with: two fixed '
            f"pictures were scored {said} then, {now[0]:.9g} and {now[1]:.9g} now. "
            f"{mend}"
        )
    return not apart or card.noise > 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
