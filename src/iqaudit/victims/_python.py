"""A function or torch module of the user's, named by a string."""

import sys
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Card, Session, Victim, forget, open_session


class Python:
    """What a Python module holds under a name. Importing it runs its code.

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

    def __init__(
        self,
        spec: str,
        *,
        score_range: tuple[float, float] | None = None,
        lower_is_better: bool = False,
        scale: Scale | None = None,
        exact: str | None = None,
    ) -> None:
        from iqaudit.victims._spec import as_victim

        found = _find(spec)
        self._victim: Victim = as_victim(
            found,
            score_range=score_range,
            lower_is_better=lower_is_better,
            scale=scale,
            exact=exact,
        )

    @property
    def card(self) -> Card:
        """What the victim says of itself."""
        return self._victim.card

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self._victim.score(pictures)

    def open_session(self, height: int, width: int, scores: int) -> Session | None:
        """Begin a search; see `iqaudit.victims._base.open_session`."""
        return open_session(self._victim, height, width, scores)

    def __getattr__(self, name: str) -> Any:
        """Hand on what only some victims have."""
        if name not in {"incremental", "gradient", "account"}:
            raise AttributeError(name)
        return getattr(self._victim, name)

    def forget(self) -> None:
        """Have a victim that keeps its answers ask again."""
        forget(self._victim)


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
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f'python:{spec}: "{place}" holds no "{name}".')
        found = getattr(found, part)
    if isinstance(found, str | type):
        raise InputError(
            f"python:{spec}: this is a {type(found).__name__}; name a function, a torch module "
            "that is made already, or a victim."
        )
    return found
