"""An audit's pictures: found once, read one at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from iqaudit import datasets
from iqaudit._audit.spec import Data
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Picture, collect, files_of, names_apart, read
from iqaudit.datasets._base import DataSet, Sample


@dataclass(frozen=True)
class Found:
    """The pictures of an audit, not read yet.

    `names` are the names of the samples of `dataset` in files and tables, in its order; `plain`
    tells picture files, that no data set has names for; `loaded` has the pictures in memory.
    """

    dataset: DataSet
    names: tuple[str, ...]
    plain: bool = False
    loaded: Mapping[str, Picture] = field(default_factory=dict)

    def picture(self, index: int) -> Picture:
        """Read a picture."""
        sample = self.dataset.samples[index]
        if sample.name in self.loaded:
            return replace(self.loaded[sample.name], name=self.names[index])
        named = read(sample.path, self.names[index])
        return named if self.plain else replace(named, file=sample.name)

    def pictures(self) -> Iterator[Picture]:
        """Read the pictures, one at a time."""
        yield from map(self.picture, range(len(self.names)))

    def labels(self, index: int) -> dict[str, Any]:
        """Return what people said of a picture, as its entry in results.json holds it."""
        sample = self.dataset.samples[index]
        return {key: getattr(sample, key) for key in ("opinion", "distortion", "reference")}


def find(data: Data) -> Found:
    """Find the pictures of an audit.

    Raises
    ------
    InputError
        If there is no such data set, list or file, or no picture.
    """
    loaded: dict[str, Picture] = {}
    if data.spec:
        whole = datasets.load(data.spec, opinion_range=data.opinion_range)
    elif data.files is not None:
        whole = _of_files(data.files)
    else:
        loaded = {picture.name: picture for picture in collect(data.pictures)}
        samples = (Sample(name, Path(picture.file or name)) for name, picture in loaded.items())
        whole = DataSet("pictures", Path(), tuple(samples))
    drawn = data.drawing.draw(whole)
    if not drawn.samples:
        raise InputError("There is no picture to work on.")
    names = tuple(names_apart(sample.name for sample in drawn.samples))
    return Found(drawn, names, plain=not data.spec, loaded=loaded)


def _of_files(sources: Sequence[str]) -> DataSet:
    files = [file for source in sources for file in files_of(source)]
    names = names_apart(file.stem for file in files)
    samples = tuple(Sample(name, file) for name, file in zip(names, files, strict=True))
    return DataSet("pictures", Path(), samples)
