"""Data sets: pictures with opinion scores, each release as it lies on disk. None is downloaded."""

from collections.abc import Callable
from os import PathLike
from types import MappingProxyType
from typing import NamedTuple

from iqaudit._core.errors import InputError, unknown
from iqaudit._core.paths import located
from iqaudit.datasets._base import DataSet, Label, Sample, pictures
from iqaudit.datasets._csiq import load_csiq
from iqaudit.datasets._lists import load_csv, load_folder, load_pyiqa
from iqaudit.datasets._live import load_clive, load_live
from iqaudit.datasets._selection import Drawing, read_names, sample, subset, write_names
from iqaudit.datasets._tables import load_biq2021, load_kadid10k, load_koniq10k
from iqaudit.datasets._tid2013 import load_tid2013

__all__ = [
    "KINDS",
    "DataSet",
    "Drawing",
    "Kind",
    "Label",
    "Sample",
    "load",
    "pictures",
    "read_names",
    "sample",
    "subset",
    "write_names",
]


class Kind(NamedTuple):
    """A kind of data set that a string can name.

    Parameters
    ----------
    spec : str
        The string's form, as ``"live:DIR"``.
    loader : callable
        From a folder's path to the data set; if `ranged`, from the text behind the colon and the
        range of the opinion scores.
    line : str
        The files of a release, for the list of kinds.
    ranged : bool
        Whether the range of the opinion scores is an argument.
    """

    spec: str
    loader: Callable[..., DataSet]
    line: str
    ranged: bool = False


_KINDS = (
    Kind(
        "live:DIR",
        load_live,
        "LIVE release 2: jp2k, jpeg, wn, gblur, fastfading, dmos_realigned.mat, refnames_all.mat",
    ),
    Kind("csiq:DIR", load_csiq, "CSIQ: dst_imgs/<type>, csiq.DMOS.xlsx"),
    Kind("tid2013:DIR", load_tid2013, "TID2013: distorted_images, mos_with_names.txt"),
    Kind("kadid10k:DIR", load_kadid10k, "KADID-10k: images, dmos.csv"),
    Kind(
        "koniq10k:DIR",
        load_koniq10k,
        "KonIQ-10k: 1024x768 or 512x384, koniq10k_scores_and_distributions.csv",
    ),
    Kind("clive:DIR", load_clive, "LIVE In the Wild: Images, Data/All*_release.mat"),
    Kind(
        "biq2021:DIR",
        load_biq2021,
        "BIQ2021: Images, Train (Images and MOS).csv, Test (Images and MOS).csv",
    ),
    Kind(
        "pyiqa:FILE@DIR",
        load_pyiqa,
        "a meta-info CSV of pyiqa's, and the folder of its pictures",
        ranged=True,
    ),
    Kind(
        "csv:FILE",
        load_csv,
        "a CSV with the columns image and mos, pictures beside it or in FILE@DIR",
        ranged=True,
    ),
    Kind(
        "folder:DIR",
        load_folder,
        "pictures without opinion scores; those of folders in it with folder:DIR,recursive",
    ),
)
KINDS = MappingProxyType({kind.spec.partition(":")[0]: kind for kind in _KINDS})
"""Every kind of data set that a string can name, by its prefix."""

FOLDER = "folder"
"""The kind of a folder's path alone."""


def load(
    spec: str | PathLike[str],
    *,
    opinion_range: tuple[float, float] | None = None,
    recursive: bool = False,
) -> DataSet:
    """Find a data set on disk: its pictures' files and opinion scores. No picture is read.

    Parameters
    ----------
    spec : str or path
        As `KINDS` describes them, ``"live:/data/databaserelease2"``; or a path: a folder's
        pictures, or a CSV of image,mos.
    opinion_range : (worst, best), optional
        For a CSV: the labels that map to 0 and to 10; 0 and 100 unless given, if scores are
        above 10. Turned around where lower is better.
    recursive : bool
        For a folder: whether the folders in it are searched, too.

    Raises
    ------
    InputError
        If the kind is unknown; the path has another layout, and then with the names looked for and
        those that are there; a score cannot be read; or a picture is not there.
    """
    spec = str(spec)
    name, colon, rest = spec.partition(":")
    if not (colon and name in KINDS):
        if colon and len(name) > 1 and name.isalnum() and not located(spec).exists():
            raise unknown("kind of data set", name, KINDS)  # one letter is a drive's
        name, rest = "csv" if spec.casefold().endswith(".csv") else FOLDER, spec
    kind = KINDS[name]
    if not rest:
        raise InputError(f'The data set "{spec}" is not of the form {kind.spec}.')
    if recursive and name != FOLDER:
        raise InputError(f"{kind.spec} is searched by its table or layout: leave recursive out.")
    if kind.ranged:
        return kind.loader(rest, opinion_range)
    if opinion_range is not None:
        raise InputError(f"{kind.spec} takes no opinion range: its own is known, or it has none.")
    if name == FOLDER:
        return kind.loader(rest, recursive=recursive)
    return kind.loader(located(rest))
