"""What is found by name: objects of the user's modules, and the package's own tables."""

import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from iqaudit._core.errors import InputError


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
        found: Any = import_module(place)
    except Exception as error:
        raise InputError(
            f'{spec}: importing "{place}" failed ({type(error).__name__}: {error}).'
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f'{spec}: "{place}" holds no "{name}".')
        found = getattr(found, part)
    return found


@cache
def published(table: str) -> Mapping[str, Any]:
    """Return one of the package's tables of what others have published."""
    return tomllib.loads(files("iqaudit").joinpath(f"data/{table}.toml").read_text("utf-8"))
