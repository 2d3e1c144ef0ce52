"""Settings of an audit from Python's arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

from iqaudit import datasets
from iqaudit._audit.parse import audit_spec, read
from iqaudit._audit.spec import AuditSpec
from iqaudit._core.errors import InputError
from iqaudit._core.wording import worded


def audit_settings(
    *,
    data: Any = None,
    file: str | PathLike[str] | None = None,
    flat: bool = False,
    recursive: bool | None = None,
    **settings: Any,
) -> AuditSpec:
    """Return an audit's settings; those that are None are not given.

    Parameters
    ----------
    data : str, path, array, Picture, a sequence of them, or mapping
        The string of a data set, as ``"live:DIR"``; pictures, or folders of them; or a table of
        keys as an audit's file has it.
    file : path, optional
        A TOML file of the whole audit, in place of all other settings.
    recursive : bool, optional
        Whether folders in folders of pictures are searched, too.
    flat : bool
        Whether the audit's one cell lies in the audit's own folder.
    **settings
        The keys of an audit's file.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """
    present = {name: value for name, value in settings.items() if value is not None}
    table = {**_data(data), **({"recursive": True} if recursive else {})}
    if file is None:
        return replace(audit_spec({**present, "data": table}), flat=flat)
    if more := sorted({**present, **table}):
        said = f"A file ({worded('file', '--from')}) says the whole audit"
        raise InputError(f"{said}; say {', '.join(more)} there.")
    return read(file)


def attack_settings(
    pictures: Any,
    victim: Any,
    *,
    attack: Any = None,
    levels: int | None = None,
    goal: Any = None,
    seed: int | None = None,
    **settings: Any,
) -> AuditSpec:
    """Return the settings of an audit of one cell, which lies in the audit's own folder."""
    lists = {"attacks": attack, "levels": levels, "goals": goal, "seeds": seed}
    lists = {name: [value] for name, value in lists.items() if value is not None}
    return audit_settings(victims=[victim], data=pictures, flat=True, **lists, **settings)


def _data(data: Any) -> Mapping[str, Any]:
    if data is None or isinstance(data, Mapping):
        return data or {}
    if isinstance(data, str) and data.partition(":")[0] in datasets.KINDS:
        return {"spec": data}
    many = isinstance(data, Sequence) and not isinstance(data, str | PathLike)
    return {"pictures": list(data) if many else [data]}
