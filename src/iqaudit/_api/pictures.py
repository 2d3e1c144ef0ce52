"""Pictures from Python's arguments, with a warning of what their folders hold besides."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from inspect import currentframe

from iqaudit._audit.observer import Observer
from iqaudit._core.collection import Pictures, Source, collect
from iqaudit._core.picture import Picture


def gathered(pictures: Sequence[Source] | Source, *, recursive: bool) -> Pictures:
    """Return pictures, not read yet; warn of what their folders hold besides.

    Parameters
    ----------
    pictures : path, array, Picture, or a sequence of them
        `Pictures` are returned as they are: whoever collected them knows.
    recursive : bool
        Whether folders in folders are searched, too.

    Raises
    ------
    InputError
        If there is no picture, or one has no form of a picture.
    """
    if isinstance(pictures, Pictures):
        return pictures
    collected = collect(pictures, recursive=recursive)
    warn(collected.skipped)
    return collected


class Caller(Observer):
    """The observer of a caller who named none.

    Parameters
    ----------
    progress : callable, optional
        Called with a picture and how many queries it has had.
    """

    def __init__(self, progress: Callable[[Picture, int], None] | None = None) -> None:
        self._progress = progress
        self._begun: dict[str, Picture] = {}

    def finds(self, pictures: Pictures) -> None:
        """Warn of what the pictures' folders hold besides."""
        self._pictures = pictures
        warn(pictures.skipped)

    def answered(self, _cell: str, picture: str, queries: int) -> None:
        """Tell of a picture's queries; it is read once, and kept while it is worked on."""
        if self._progress is not None:
            if picture not in self._begun:
                self._begun[picture] = self._pictures[self._pictures.names.index(picture)]
            self._progress(self._begun[picture], queries)

    def recalled(self, cell: str, picture: str, queries: int) -> None:
        """Tell of a picture's queries before this start."""
        self.answered(cell, picture, queries)

    def ended(self, _cell: str, picture: str) -> None:
        """Let go of a picture."""
        self._begun.pop(picture, None)


OURS = ("iqaudit.", "contextlib")
"""Beginnings of the names of modules between a caller and a warning: ours, and decorators'."""


def warn(sentences: Iterable[str]) -> None:
    """Warn of sentences, as at the line that called iqaudit."""
    frame, level = currentframe(), 1
    while frame is not None and frame.f_globals["__name__"].startswith(OURS):
        frame, level = frame.f_back, level + 1
    for sentence in sentences:
        warnings.warn(sentence, stacklevel=level)
