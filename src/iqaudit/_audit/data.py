"""An audit's pictures: found once, read one at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iqaudit import datasets
from iqaudit._audit.spec import Data
from iqaudit._core.collection import PictureFile, Pictures, collect, searched
from iqaudit._core.errors import InputError, printable
from iqaudit._core.paths import absolute
from iqaudit._core.picture import Picture, names_apart
from iqaudit.datasets._base import DataSet, Sample

LOOSE = "pictures"
"""The set's name where pictures are no one folder's."""


@dataclass(frozen=True)
class Found:
    """The pictures of an audit, not read yet.

    `dataset` has a sample for each of `pictures`, in their order; `pictures` have the samples'
    names as files and tables can have them.
    """

    dataset: DataSet
    pictures: Pictures

    @property
    def names(self) -> tuple[str, ...]:
        """The pictures' names."""
        return self.pictures.names

    def labels(self, index: int) -> dict[str, Any]:
        """Return what people said of a picture, as its entry in results.json holds it."""
        sample = self.dataset.samples[index]
        return {key: getattr(sample, key) for key in ("opinion", "distortion", "reference")}


def find(data: Data, out: Path | None = None) -> Found:
    """Find the pictures of an audit.

    Parameters
    ----------
    data : Data
        The audit's.
    out : Path, optional
        Its directory.

    Raises
    ------
    InputError
        If there is no such data set, list or file, or no picture; or if the directory lies where
        pictures are searched for.
    """
    if data.spec:
        whole = datasets.load(data.spec, opinion_range=data.opinion_range, recursive=data.recursive)
        sources: dict[str, PictureFile | Picture] = {
            each.name: PictureFile(each.path, each.name) for each in whole.samples
        }
        listings = whole.listings
    else:
        collected = collect(data.pictures, recursive=data.recursive)
        samples = map(Sample, collected.names, collected.paths)
        whole = DataSet(_folder_name(collected), Path(), tuple(samples))
        sources, listings = (
            dict(zip(collected.names, collected.sources, strict=True)),
            collected.listings,
        )
    deep = None if out is None else searched(listings, out)
    if deep is not None:
        raise InputError(
            f"{out}: this lies in {deep}, whose folders are searched for pictures; name a folder "
            "beside it."
        )
    drawn = data.drawing.draw(whole)
    if not drawn.samples:
        raise InputError("There is no picture to work on.")
    names = names_apart(each.name for each in drawn.samples)
    return Found(drawn, Pictures([sources[each.name] for each in drawn.samples], names, listings))


def _folder_name(pictures: Pictures) -> str:
    """Return the name of the one folder that the pictures were searched in, else `LOOSE`."""
    folders = [each.folder for each in pictures.listings]
    if sum(len(each.files) for each in pictures.listings) < len(pictures) or None in folders:
        return LOOSE
    names = {printable(absolute(folder).name) for folder in folders if folder is not None}
    return names.pop() if len(names) == 1 and all(names) else LOOSE
