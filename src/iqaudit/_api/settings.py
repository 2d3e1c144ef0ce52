"""Settings of an audit from Python's arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

from iqaudit import datasets
from iqaudit._audit.parse import audit_spec
from iqaudit._audit.spec import AuditSpec


def audit_settings(*, data: Any, flat: bool = False, **settings: Any) -> AuditSpec:
    """Return an audit's settings; those that are None are not given.

    Parameters
    ----------
    data : str, path, array, Picture, a sequence of them, or mapping
        The string of a data set, as ``"live:DIR"``; pictures, or folders of them; or a table of
        keys as an audit's file has it.
    flat : bool
        Whether the audit's one cell lies in the audit's own folder.
    **settings
        The keys of an audit's file.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    return replace(audit_spec({**given, "data": _data(data)}), flat=flat)


def _data(data: Any) -> Mapping[str, Any]:
    if isinstance(data, Mapping):
        return data
    if isinstance(data, str) and data.partition(":")[0] in datasets.KINDS:
        return {"spec": data}
    many = isinstance(data, Sequence) and not isinstance(data, str | PathLike)
    return {"pictures": list(data) if many else [data]}
