"""A function or torch module of the user's, named by a string."""

import sys
from importlib import import_module
from typing import Any

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Victim


def python(
    spec: str,
    *,
    score_range: tuple[float, float] | None = None,
    lower_is_better: bool = False,
    scale: Scale | None = None,
    exact: str | None = None,
) -> Victim:
    """Return the victim that a Python module holds under a name. Importing it runs its code.

    Parameters
    ----------
    spec : str
        ``package.module:name``; the current folder is searched as well. The name may be a function
        from uint8 (n, h, w, 3) to n scores, a torch module from (n, 3, h, w) in [0, 1], or a
        victim.
    score_range, lower_is_better, scale
        As `Scale.declared` reads them; a victim brings its own.
    exact : {"incremental", "dense"}, optional
        For a torch module; see `TorchModule`.

    Raises
    ------
    InputError
        If the module cannot be imported, or holds nothing usable under the name.
    """
    from iqaudit.victims._spec import as_victim

    return as_victim(
        _find(spec),
        score_range=score_range,
        lower_is_better=lower_is_better,
        scale=scale,
        exact=exact,
    )


def _find(spec: str) -> Any:
    place, colon, name = spec.partition(":")
    if not (place and colon and name):
        raise InputError(f'"python:{spec}" is not of the form python:package.module:name.')
    # As `python -m` does; appended, so that no file there hides an installed package.
    if "" not in sys.path:
        sys.path.append("")
    try:
        module = import_module(place)
    except Exception as error:
        raise InputError(
            f'python:{spec}: importing "{place}" failed ({type(error).__name__}: {error}).'
        ) from error
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            raise InputError(f'python:{spec}: "{place}" holds no "{name}".')
        value = getattr(value, part)
    if isinstance(value, str | type):
        raise InputError(
            f"python:{spec}: this is a {type(value).__name__}; name a function, a torch module "
            "that is made already, or a victim."
        )
    return value
