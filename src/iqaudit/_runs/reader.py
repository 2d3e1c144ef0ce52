"""Results of a run, read back from its directory as the search returned them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

from iqaudit._core.goal import Direction, Place
from iqaudit._core.paths import absolute
from iqaudit._core.picture import Picture, Pixels, read
from iqaudit._runs.checksums import file_sha256, refuse_changed
from iqaudit._runs.records import PictureRecord
from iqaudit._runs.schema import file_names, load, load_answers
from iqaudit._search.trial import Step, TrialResult, TrialResults


class Results(TrialResults):
    """The results of a run's pictures, in order; each is read anew when it is asked for.

    So their number takes no memory.

    Parameters
    ----------
    path : path
        The run's directory.

    Raises
    ------
    InputError
        If there is no run; later, if a file of it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        record = load(path)
        self._path, self._cost = absolute(path), record.victim.cost
        self._entries: Sequence[PictureRecord] = record.pictures
        self.unscored = record.unscored

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> TrialResult: ...

    @overload
    def __getitem__(self, index: slice) -> list[TrialResult]: ...

    def __getitem__(self, index: int | slice) -> TrialResult | list[TrialResult]:
        if isinstance(index, slice):
            return [self[at] for at in range(len(self))[index]]
        return result(self._path, self._entries[index], self._cost)


def clean(path: str | os.PathLike[str], name: str, sha256: str) -> Picture:
    """Return a run's clean picture, the hash of whose pixels is in its record.

    Raises
    ------
    InputError
        If its file cannot be read, or is not as it was written.
    """
    file = Path(path) / file_names(name)["clean"]
    picture = read(file, name)
    refuse_changed(file, intact=picture.sha256 == sha256)
    return picture


def attacked(path: str | os.PathLike[str], name: str, sha256: str) -> Pixels:
    """Return a run's attacked picture, the hash of whose file is in its record; see `clean`."""
    file = Path(path) / file_names(name)["attacked"]
    pixels = read(file).pixels
    refuse_changed(file, intact=file_sha256(file) == sha256)
    return pixels


def result(path: str | os.PathLike[str], entry: PictureRecord, cost: int) -> TrialResult:
    """Return the result of a picture, from its record and its files.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    picture = clean(path, entry.name, entry.clean_pixels_sha256)
    adversarial = attacked(path, entry.name, entry.attacked_file_sha256)
    answers = load_answers(path, entry.name, entry.scores_file_sha256)
    return TrialResult(
        picture=replace(picture, file=entry.file or "", notes=tuple(entry.notes)),
        adversarial=adversarial,
        clean_score=entry.clean_score,
        adversarial_score=entry.attacked_score,
        clean_quality=entry.clean_quality,
        adversarial_quality=entry.attacked_quality,
        direction=Direction(entry.direction),
        scores=answers["score"].copy(),
        asked=tuple(answers["picture"].tolist()),
        trace=tuple(Step(*step) for step in entry.trace),
        best_query=entry.best_query,
        outcome=entry.end,
        cost=cost,
        refused=entry.refused,
        fresh=entry.fresh,
        place=None if entry.place is None else Place(*entry.place),
        edits=entry.edits,
        steepness=entry.steepness,
    )
