"""Data sets: pictures on disk, each with the opinion score that people gave it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from iqaudit._core.collection import Listing
from iqaudit._core.errors import refuse_unless
from iqaudit._core.picture import Picture, read
from iqaudit._core.scale import QUALITY_MAX


@dataclass(frozen=True)
class Label:
    """A data set's opinion scores: their name, and their map onto 0-10.

    Parameters
    ----------
    name : str
        The label's name there.
    worst, best : float
        The labels that map to 0 and to 10; `best` is the lower one where lower is better.
    source : str
        Where the two ends come from, for the reader of a result.

    Raises
    ------
    InputError
        If the ends are no two finite numbers.
    """

    name: str
    worst: float
    best: float
    source: str

    def __post_init__(self) -> None:
        apart = math.isfinite(self.best - self.worst) and self.best != self.worst
        rule = "Opinion scores run between two numbers, worst and best"
        refuse_unless(apart, rule, f"from {self.worst:g} to {self.best:g}")

    @property
    def lower_is_better(self) -> bool:
        """True where a lower label means better quality."""
        return self.best < self.worst

    def opinion(self, value: float) -> float:
        """Map a label onto 0-10, higher is better; a straight line, so that none is cut off.

        Parameters
        ----------
        value : float
            A label, in its published unit.
        """
        share = (value - self.worst) / (self.best - self.worst)
        return QUALITY_MAX * share + 0.0  # -0.0 + 0.0 is 0.0


@dataclass(frozen=True)
class Sample:
    """A picture of a data set; its file is found, but not read.

    Parameters
    ----------
    name : str
        Unique in the data set, the same on every machine: the data set's name of the picture,
        with the distortion's folder where there is one, as ``"jp2k/img2.bmp"``.
    path : Path
        Its file.
    label : float or None
        As published; None where the data set has none.
    opinion : float or None
        The label on 0-10, higher is better.
    distortion : str or None
        The type of distortion, in the data set's words; None where pictures are as taken.
    reference : str or None
        The undistorted picture's name.
    """

    name: str
    path: Path
    label: float | None = None
    opinion: float | None = None
    distortion: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class DataSet:
    """Pictures with opinion scores.

    Parameters
    ----------
    name : str
        Its usual name.
    folder : Path
        Where its pictures lie.
    samples : tuple of Sample
        In the data set's own order.
    label : Label or None
        The label that opinion scores were made from; None where there are none.
    listings : tuple of Listing
        Of the folder that was searched, where one was.
    """

    name: str
    folder: Path
    samples: tuple[Sample, ...]
    label: Label | None = None
    listings: tuple[Listing, ...] = ()

    @property
    def skipped(self) -> tuple[str, ...]:
        """A sentence for each folder that holds more than its pictures."""
        return tuple(each.skipped for each in self.listings if each.skipped)


def pictures(samples: Iterable[Sample]) -> Iterator[Picture]:
    """Read samples' pictures one at a time, under the samples' names.

    `Picture.file` is the sample's name, too: it stays when the name is made fit for a file, so
    that a result leads back to its sample.

    Parameters
    ----------
    samples : iterable of Sample
        As `DataSet.samples` has them.

    Yields
    ------
    Picture
        Each sample's, read when it is asked for.

    Raises
    ------
    InputError
        If a file is no picture that `iqaudit.read` takes.
    """
    for sample in samples:
        yield replace(read(sample.path, sample.name), file=sample.name)
