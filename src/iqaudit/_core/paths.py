"""Paths: as they are meant, whole ones, and whether something can be written there."""

import os
from collections.abc import Callable
from pathlib import Path

from iqaudit._core.errors import InputError, shown


def located(path: str | os.PathLike[str]) -> Path:
    """Return a path as its user means it: ``~`` and ``~user`` at its beginning are home folders.

    Shells leave them alone behind a colon or an equals sign, TOML and Python anywhere. A folder of
    that name is ``./~``; what is returned has no such beginning, so it can be located again.

    Raises
    ------
    InputError
        If it is no path, or nobody knows the home folder.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise InputError(f"A path is a text or a pathlib.Path, not {shown(path)}.")
    whole = os.path.expanduser(text)  # noqa: PTH111 (one of no such user is a name, not an error)
    if text.startswith("~"):
        own = text.partition("/")[0] == "~"
        if own and (whole == text or os.environ.get("HOME") == ""):
            raise InputError(f"{path}: the home folder is not known; set HOME, or give the path.")
        return Path(whole)
    return absolute(text) if str(Path(text)).startswith("~") else Path(text)


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


Sign = Callable[[Path], bool]
"""Tells whether a file is an output of one kind."""


def begins(sign: bytes) -> Sign:
    """Return the sign of files that begin with some bytes."""

    def tell(file: Path) -> bool:
        with file.open("rb") as stream:
            return stream.read(len(sign)) == sign

    return tell


def holds(sign: bytes) -> Sign:
    """Return the sign of files that some bytes are in."""
    return lambda file: sign in file.read_bytes()


def refuse_to_replace(file: Path, output: str, sign: Sign) -> None:
    """Refuse a file that an output would replace, unless it bears the sign of the same kind.

    An empty file is nobody's; a device or a pipe is not replaced.

    Parameters
    ----------
    file : Path
        Named by the user.
    output : str
        Begins the sentence of the error, as ``"the export"``.
    sign : callable
        Tells whether a file is an earlier output of the same kind.

    Raises
    ------
    InputError
        If it is another file.
    """
    if file.is_file() and file.stat().st_size and not sign(file):
        raise InputError(f"{file}: {output} would replace this file; name another.")
