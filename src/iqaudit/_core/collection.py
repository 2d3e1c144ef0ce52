"""Collections of pictures: found by their paths and named at once, read one at a time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from PIL import Image

from iqaudit._core.errors import InputError, printable, some
from iqaudit._core.paths import absolute, located
from iqaudit._core.picture import Picture, Pixels, formats, names_apart, read
from iqaudit._core.wording import worded

Source: TypeAlias = str | PathLike[str] | Pixels | Picture
"""The forms of a picture: a file's path, an array, or a `Picture`."""


@dataclass(frozen=True)
class PictureFile:
    """A file that is taken for a picture, not read yet.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Of the file, with the folders between it and the folder that was searched.
    """

    path: Path
    name: str

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.removesuffix(self.path.suffix)


@dataclass(frozen=True)
class Listing:
    """The pictures of a path: those of a folder, or the file itself.

    Parameters
    ----------
    files : tuple of PictureFile
        By name.
    skipped : str
        A sentence on what else the folder holds; empty where there is nothing.
    deep : Path or None
        The folder, if the folders in it were searched, too.
    folder : Path or None
        The folder; None of a file.
    """

    files: tuple[PictureFile, ...]
    skipped: str = ""
    deep: Path | None = None
    folder: Path | None = None


class Pictures(Sequence[Picture]):
    """Pictures under names of their own, each read anew when it is asked for.

    So their number takes no memory. Read them once before anything is paid for: a file that is no
    picture is refused when its turn comes.

    Parameters
    ----------
    sources : sequence of PictureFile or Picture
        The files, or the pictures that are in memory.
    names : iterable of str
        Their names, one each.
    listings : tuple of Listing
        Of the folders that were searched.
    """

    def __init__(
        self,
        sources: Sequence[PictureFile | Picture],
        names: Iterable[str],
        listings: tuple[Listing, ...] = (),
    ) -> None:
        self.sources = tuple(sources)
        self.names = tuple(names)
        self.listings = listings

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Picture: ...

    @overload
    def __getitem__(self, index: slice) -> "Pictures": ...

    def __getitem__(self, index: int | slice) -> "Picture | Pictures":
        if isinstance(index, slice):
            return Pictures(self.sources[index], self.names[index], self.listings)
        source, name = self.sources[index], self.names[index]
        if isinstance(source, Picture):
            return source if source.name == name else replace(source, name=name)
        return replace(read(source.path, name), file=printable(source.name))

    @property
    def skipped(self) -> tuple[str, ...]:
        """A sentence for each folder that holds more than its pictures."""
        return tuple(each.skipped for each in self.listings if each.skipped)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The pictures' files; of pictures in memory, those that they say they were read from."""
        return tuple(
            Path(each.file) if isinstance(each, Picture) else each.path for each in self.sources
        )


def collect(sources: Iterable[Source] | Source, *, recursive: bool = False) -> Pictures:
    """Gather pictures from paths, folders, arrays and pictures, under names of their own.

    A folder stands for the pictures in it, by name. Two pictures of one name are told apart by a
    number behind it.

    Parameters
    ----------
    sources : path, array, Picture, or an iterable of them
        The pictures. `Pictures` are returned as they are.
    recursive : bool
        Whether folders in folders are searched, too; names begin with theirs.

    Raises
    ------
    InputError
        If there is no picture, or one has no form of a picture.
    """
    if isinstance(sources, Pictures):
        return sources
    if isinstance(sources, str | PathLike | np.ndarray | Picture):
        sources = [sources]
    if isinstance(sources, bytes) or not isinstance(sources, Iterable):
        sources = [sources]  # refused below, by its type's name
    found: list[PictureFile | Picture] = []
    listings = []
    for source in sources:
        if isinstance(source, Picture):
            found.append(source)
        elif isinstance(source, np.ndarray):
            found.append(Picture(f"picture-{len(found) + 1}", source))
        elif isinstance(source, str | PathLike):
            listing = files_of(source, recursive=recursive)
            found += listing.files
            listings.append(listing)
        else:
            raise InputError(
                "A picture is a path or a uint8 array (np.asarray of an RGB image), "
                f"not {type(source).__name__}."
            )
    if not found:
        raise InputError("There is no picture to work on.")
    names = names_apart(each.name if isinstance(each, Picture) else each.stem for each in found)
    return Pictures(found, names, tuple(listings))


def searched(listings: Iterable[Listing], path: Path) -> Path | None:
    """Return the folder that a path lies in and that was searched with the folders in it."""
    whole = absolute(path).resolve()
    folders = (each.deep for each in listings if each.deep is not None)
    return next((each for each in folders if each.resolve() in whole.parents), None)


@cache
def suffixes() -> frozenset[str]:
    """Return the endings of the files that are taken for pictures where a folder is given."""
    known = {*formats(), "MPO"}  # Pillow reads a multi-picture JPEG as a JPEG
    return frozenset(end for end, name in Image.registered_extensions().items() if name in known)


def files_of(source: str | PathLike[str], *, recursive: bool = False) -> Listing:
    """Return the file that a path names or, of a folder, the pictures in it, by name.

    Parameters
    ----------
    source : path
        The file or the folder.
    recursive : bool
        Whether folders in the folder are searched, too, but for hidden ones.

    Raises
    ------
    InputError
        If the path is empty, a folder holds no picture, or one cannot be listed.
    """
    if not str(source):
        raise InputError("A picture's path is empty.")
    path = located(source)
    if not os.path.isdir(path):  # noqa: PTH112 (where pathlib raises, it is none)
        return Listing((PictureFile(path, path.name),))
    files: list[PictureFile] = []
    folders: list[str] = []
    others: list[str] = []
    try:
        for entry, name in _walk(path, "", recursive=recursive, seen=set()):
            hidden = entry.name.startswith(".")
            if entry.is_dir():
                folders.append(name)
            elif entry.suffix.lower() in suffixes() and entry.is_file() and not hidden:
                files.append(PictureFile(entry, name))
            else:
                others.append(name)
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: this folder cannot be listed ({error.strerror or error})."
        ) from None
    skipped = _skipped(folders, others, recursive=recursive)
    if not files:
        raise InputError(f"{path}: the folder holds no picture{skipped and f' ({skipped})'}.")
    files.sort(key=lambda each: each.path)
    sentence = printable(f"{path}: {skipped}.") if skipped else ""
    return Listing(tuple(files), sentence, path if recursive else None, path)


def _walk(
    folder: Path, prefix: str, *, recursive: bool, seen: set[tuple[int, int]]
) -> Iterator[tuple[Path, str]]:
    """Yield a folder's content, each with its name as seen from the first folder."""
    status = folder.stat()
    seen.add((status.st_dev, status.st_ino))
    for entry in sorted(folder.iterdir()):
        name = prefix + entry.name
        if recursive and entry.is_dir() and not entry.name.startswith("."):
            status = entry.stat()
            if (status.st_dev, status.st_ino) not in seen:  # a link may lead back
                yield from _walk(entry, f"{name}/", recursive=True, seen=seen)
        else:
            yield entry, name


def _skipped(folders: Sequence[str], others: Sequence[str], *, recursive: bool) -> str:
    """Say what was skipped; an empty text where nothing was."""
    mend = "" if recursive else f"; {worded('recursive=True')} searches folders, too"
    parts = [
        f"{len(names)} {kind}{'s' if len(names) > 1 else ''} ({some(names)}{then})"
        for kind, names, then in (("folder", folders, mend), ("file", others, ""))
        if names
    ]
    return f"skipped {' and '.join(parts)}" if parts else ""
