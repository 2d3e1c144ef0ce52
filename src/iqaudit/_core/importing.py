"""What is found by name: objects of the user's modules, and the package's own tables."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from iqaudit._core.apart import Apart
from iqaudit._core.errors import InputError, foreign

_STATES: dict[str, Apart] = {}
"""By the modules' names: a module is imported once, whatever it is named for."""


def import_object(spec: str) -> Any:
    """Import the object of ``python:package.module:name``, which runs the module's code.

    The current folder is searched as well, last: no file there hides an installed package.

    Raises
    ------
    InputError
        If the string is not of that form, the module cannot be imported, or it has no such name.
    """
    _, _, path = spec.partition(":")
    place, colon, name = path.partition(":")
    if not (place and colon and name):
        raise InputError(f'"{spec}" is not of the form python:package.module:name.')
    if "" not in sys.path:
        sys.path.append("")
    try:
        with state_of(spec).entered(), _argv(place):
            found: Any = import_module(place)
    except Exception as error:
        raise InputError(
            f'{spec}: importing "{place}" failed ({type(error).__name__}: {foreign(error)}).'
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f'{spec}: "{place}" holds no "{name}".')
        found = getattr(found, part)
    return found


def state_of(spec: str) -> Apart:
    """Return the state that the module of ``python:package.module:name`` is run in."""
    return _STATES.setdefault(spec.split(":")[1], Apart())


@contextmanager
def _argv(*arguments: str) -> Iterator[None]:
    """Have the command line be another: it is not for the module that is imported."""
    before, sys.argv = sys.argv, [*arguments]
    try:
        yield
    finally:
        sys.argv = before


@cache
def published(table: str) -> Mapping[str, Any]:
    """Return one of the package's tables of what others have published."""
    return tomllib.loads(files("iqaudit").joinpath(f"data/{table}.toml").read_text("utf-8"))
