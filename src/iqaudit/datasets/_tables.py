"""The data sets whose scores are CSV files: KADID-10k, KonIQ-10k, BIQ2021."""

import re
from pathlib import Path

from iqaudit._core.errors import InputError
from iqaudit._core.importing import published
from iqaudit.datasets._base import DataSet, Label
from iqaudit.datasets._lookup import Entry, assemble, has, parts
from iqaudit.datasets._score_table import number, table

KADID_LABEL = Label("DMOS", 1, 5, "Lin, Hosu, Saupe, QoMEX 2019: 1 to 5, higher is better")

KADID_DISTORTIONS: list[str] = published("data_sets")["distortions"]["kadid10k"]
"""The types 1 to 25 (Lin, Hosu, Saupe, QoMEX 2019, section 3)."""

KADID_NAME = re.compile(r"I\d\d_(\d\d)_\d\d\.png", re.IGNORECASE)

KONIQ_LABELS = (
    ("MOS_zscore", Label("MOS", 1, 100, "Hosu et al., IEEE TIP 29, 2020: z-scores on 1 to 100")),
    ("MOS", Label("MOS", 1, 5, "Hosu et al., IEEE TIP 29, 2020: ratings of 1 to 5")),
)
"""The table's columns, the better first: its authors and most others use the z-scores."""

KONIQ_SIZES = ("1024x768", "512x384")
"""The pictures as they were rated, and as many models take them."""

BIQ_LABEL = Label("MOS", 0, 1, "Ahmed and Asif, J. Electronic Imaging 31 (5), 2022: 0 to 1")


def load_kadid10k(root: Path) -> DataSet:
    """Load KADID-10k: images, scored in dmos.csv, whose "dmos" is a mean score: higher is better.

    H. Lin, V. Hosu, D. Saupe, "KADID-10k: A Large-scale Artificially Distorted IQA Database",
    QoMEX 2019.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "KADID-10k"
    folder, scores = parts(root, release, "images", "dmos.csv")
    rows = table(scores, "dist_img", "ref_img", "dmos")
    entries = [_kadid_entry(row, where) for where, row in rows]
    return assemble(release, folder, entries, KADID_LABEL, scores)


def _kadid_entry(row: dict[str, str], where: str) -> Entry:
    name, score = row["dist_img"], number(row["dmos"], where)
    match = KADID_NAME.fullmatch(name)
    if not (match and 1 <= int(match[1]) <= len(KADID_DISTORTIONS)):
        raise InputError(f"{where}: {name!r} is no name as I01_01_01.png.")
    return Entry(name, score, KADID_DISTORTIONS[int(match[1]) - 1], row["ref_img"], where)


def load_koniq10k(root: Path) -> DataSet:
    """Load KonIQ-10k at 1024 x 768, as it was rated, or where only that is there at 512 x 384.

    The folder 512x384 itself may be named where both are there.

    V. Hosu, H. Lin, T. Sziranyi, D. Saupe, "KonIQ-10k: An Ecologically Valid Database for Deep
    Learning of Blind Image Quality Assessment", IEEE TIP 29, 2020.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "KonIQ-10k"
    sizes = [size for size in KONIQ_SIZES if has(root, size)]
    if root.name in KONIQ_SIZES:
        root, sizes = root.parent, [root.name]
    size = sizes[0] if sizes else " or ".join(KONIQ_SIZES)
    scores, folder = parts(root, release, "koniq10k_scores_and_distributions.csv", size)
    better, other = KONIQ_LABELS
    rows = list(table(scores, "image_name", other[0], optional=[better[0]]))
    column, label = better if any(row[better[0]] for _, row in rows) else other
    entries = [
        Entry(row["image_name"], number(row[column], where), where=where) for where, row in rows
    ]
    return assemble(release, folder, entries, label, scores)


def load_biq2021(root: Path) -> DataSet:
    """Load BIQ2021, its training and test pictures.

    N. Ahmed, S. Asif, "BIQ2021: a large-scale blind image quality assessment database", Journal of
    Electronic Imaging 31 (5), 2022.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "BIQ2021"
    names = (f"{part} (Images and MOS).csv" for part in ("Train", "Test"))
    folder, *tables = parts(root, release, "Images", *names)
    entries = [
        Entry(row["Image Name"], number(row["MOS"], where), where=where)
        for scores in tables
        for where, row in table(scores, "Image Name", "MOS")
    ]
    return assemble(release, folder, entries, BIQ_LABEL, root)
