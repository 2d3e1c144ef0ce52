"""The data sets whose scores are MATLAB files: LIVE, and LIVE In the Wild."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.scale import opinion_maximum
from iqaudit.datasets._base import DataSet, Label
from iqaudit.datasets._lookup import Entry, assemble, parts

LIVE_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
"""The distortions in the order of the scores, with how many pictures each folder of the release
holds, its copies of the references included (readme.txt of the release)."""

LIVE_WORST = 111.7747
"""The largest realigned DMOS of a distorted picture; the smallest is below 0."""

LIVE_SOURCE = "the lists of arXiv 2402.17533's authors: 10 (111.7747 - DMOS) / 114.4147"
LIVE_BEST = LIVE_WORST - opinion_maximum("live")
LIVE_LABEL = Label("realigned DMOS", LIVE_WORST, LIVE_BEST, LIVE_SOURCE)

CLIVE_LABEL = Label("MOS", 0, 100, "Ghadiyaram and Bovik, IEEE TIP 25 (1), 2016: 0 to 100")

CLIVE_TRAINING = re.compile(r"t\d+\.bmp")
"""Pictures that the release lists and its readme sets apart: they trained the people asked."""


def load_live(root: Path) -> DataSet:
    """Load LIVE release 2: its distorted pictures, without the references' copies among them.

    dmos_realigned.mat has a score for every img1.bmp, img2.bmp, ... of the five folders in turn,
    and `orgs` tells which of those are copies of a reference. They are left out: their DMOS is 0
    by definition, and neither the paper nor others count them. dmos.mat, which lies beside it, has
    older scores on another scale.

    H. R. Sheikh, M. F. Sabir, A. C. Bovik, "A statistical evaluation of recent full reference
    image quality assessment algorithms", IEEE TIP 15 (11), 2006.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "LIVE release 2"
    scores, names, *folders = parts(
        root, release, "dmos_realigned.mat", "refnames_all.mat", *LIVE_FOLDERS
    )
    labels = np.ravel(_variable(scores, "dmos_new"))
    copies = np.ravel(_variable(scores, "orgs")).astype(bool)
    references = _strings(_variable(names, "refnames_all"))
    if not labels.size == copies.size == len(references):
        raise InputError(
            f"{root}: {release} has as many scores in dmos_realigned.mat (here {labels.size}) as "
            f"orgs there ({copies.size}) and names in refnames_all.mat ({len(references)})."
        )
    files = [
        (folder, f"{folder}/img{index}.bmp")
        for folder, count in _live_counts(root, folders, labels.size).items()
        for index in range(1, count + 1)
    ]
    rows = zip(files, labels, copies, references, strict=True)
    entries = [
        Entry(name, float(label), folder, reference)
        for (folder, name), label, copy, reference in rows
        if not copy
    ]
    return assemble(release, root, entries, LIVE_LABEL)


def _live_counts(root: Path, folders: list[Path], scores: int) -> dict[str, int]:
    """Return how many scores each folder has: as released, or as a smaller copy has pictures."""
    if scores == sum(LIVE_FOLDERS.values()):
        return LIVE_FOLDERS
    named = re.compile(r"img\d+\.bmp", re.IGNORECASE)
    counts = [sum(bool(named.fullmatch(file.name)) for file in each.iterdir()) for each in folders]
    if sum(counts) != scores:
        raise InputError(
            f"{root}: dmos_realigned.mat has {scores} scores, and the folders hold {sum(counts)} "
            f"pictures; LIVE release 2 has {sum(LIVE_FOLDERS.values())} of both."
        )
    return dict(zip(LIVE_FOLDERS, counts, strict=True))


def load_clive(root: Path) -> DataSet:
    """Load LIVE In the Wild (the LIVE Challenge), without its seven training pictures.

    D. Ghadiyaram, A. C. Bovik, "Massive Online Crowdsourced Study of Subjective and Objective
    Picture Quality", IEEE TIP 25 (1), 2016.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "LIVE In the Wild"
    data, folder = parts(root, release, "Data", "Images")
    images, scores = parts(data, f"{release}'s Data", "AllImages_release.mat", "AllMOS_release.mat")
    names = _strings(_variable(images, "AllImages_release"))
    labels = np.ravel(_variable(scores, "AllMOS_release"))
    if labels.size != len(names):
        raise InputError(f"{data}: there are {len(names)} names, but {labels.size} scores.")
    entries = [
        Entry(name, float(label))
        for name, label in zip(names, labels, strict=True)
        if not CLIVE_TRAINING.fullmatch(name)
    ]
    return assemble(release, folder, entries, CLIVE_LABEL, scores)


def _variable(path: Path, name: str) -> NDArray[Any]:
    import scipy.io  # a quarter of a second that other data sets do without

    try:
        variables = scipy.io.loadmat(path, variable_names=[name])
    except Exception as error:  # noqa: BLE001 (a damaged file can raise anything in its reader)
        raise InputError(f"{path}: this MATLAB file cannot be read ({error}).") from None
    if name not in variables:
        raise InputError(f"{path}: there is no variable {name} in this MATLAB file.")
    return np.asarray(variables[name])


def _strings(cells: NDArray[Any]) -> list[str]:
    """Return a cell array's strings; each is a one-element array of its own."""
    return ["".join(np.ravel(cell).astype(str)).strip() for cell in np.ravel(cells)]
