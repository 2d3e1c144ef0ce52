"""A function or torch module of the user's, named by a string."""

from typing import Any

from iqaudit._core.errors import InputError
from iqaudit._core.importing import import_object
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

    value = import_object(f"python:{spec}")
    if isinstance(value, str | type):
        raise InputError(
            f"python:{spec}: this is a {type(value).__name__}; name a function, a torch module "
            "that is made already, or a victim."
        )
    how: dict[str, Any] = {"score_range": score_range, "lower_is_better": lower_is_better}
    return as_victim(value, scale=scale, exact=exact, **how)
