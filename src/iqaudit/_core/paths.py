"""Paths: whole ones, and whether something can be written there."""

import os
from pathlib import Path

from iqaudit._core.errors import InputError


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path from the root on, its links kept.

    Raises
    ------
    InputError
        If it is one from the current folder on, and that was deleted.
    """
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 (pathlib keeps the "..")
    except FileNotFoundError:
        raise InputError(
            f"{path}: the current folder was deleted; change to another, or give the whole path."
        ) from None


def refuse_unwritable(path: Path) -> None:
    """Refuse a path that is not there yet and that nothing can be written to.

    Raises
    ------
    InputError
        If the first folder on its way that there is cannot be written, or is none.
    """
    there = next(folder for folder in absolute(path).parents if folder.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise InputError(f"{path}: this cannot be written.")
