"""Miniature copies of the data sets, in the releases' layouts and file formats."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import scipy.io
import xlsxwriter
from PIL import Image

from iqaudit.datasets import DataSet

Found = list[tuple[str, float | None, str | None, str | None]]
"""Name, opinion, distortion, reference of each picture."""

LIVE_COUNTS = {"jp2k": 3, "jpeg": 2, "wn": 2, "gblur": 1, "fastfading": 2}
LIVE_DMOS = [15.5, 0.0, 68.99, 40.0, 21.25, 0.0, -2.64, 100.0, 54.56735, 0.0]
LIVE_COPIES = [0, 1, 0, 0, 0, 1, 0, 0, 0, 1]
LIVE_REFERENCES = ["woman.bmp", "sailing1.bmp", "caps.bmp", "bikes.bmp", "caps.bmp", "woman.bmp"]
LIVE_REFERENCES += ["ocean.bmp", "caps.bmp", "monarch.bmp", "bikes.bmp"]

CSIQ_ROWS = [
    (1600, 1, "noise", 1, 0.061, 0.062),
    (1600, 2, "jpeg", 5, 0.05, 0.75),
    ("aerial_city", 3, "jpeg 2000", 2, 0.1, 0.25),
    ("aerial_city", 4, "fnoise", 3, 0.1, 0.5),
    ("boston", 5, "blur", 4, 0.1, 1.0),
    ("boston", 6, "contrast", 1, 0.02, 0.0),
]
CSIQ_FILES = [
    "awgn/1600.AWGN.1.png",
    "jpeg/1600.JPEG.5.png",
    "jpeg2000/aerial_city.jpeg2000.2.png",
    "fnoise/aerial_city.fnoise.3.png",
    "blur/boston.BLUR.4.png",
    "contrast/boston.contrast.1.png",
]

TID_LINES = "5.51429 I01_01_1.bmp\n4.5 i01_10_5.bmp\n0 i25_24_3.bmp\n9 i03_01_2.BMP\n"

KADID_LINES = """dist_img,ref_img,dmos,var
I01_01_01.png,I01.png,4.57,0.496
I01_25_05.png,I01.png,1,0.0
I81_10_03.png,I81.png,5.0,0.2
"""

KONIQ_LINES = """"image_name","c1","c2","c3","c4","c5","c_total","MOS","SD","MOS_zscore"
"10004473376.jpg",0,0,25,73,7,105,3.82857142857143,0.527278,77.3836206896552
"826373.jpg",50,30,10,5,0,95,1,0.5,1
"2190310.jpg",0,0,0,0,99,99,5,0,100
"""

BIQ_LINES = {
    "Train (Images and MOS).csv": "Image Name,MOS,,\nss03 (3753).jpg,0.8471,,\n"
    "ss01 (1726).jpg,0.0000,,\n",
    "Test (Images and MOS).csv": "Image Name,MOS\nss03 (7805).jpg,1.0000\n",
}


def found(dataset: DataSet) -> Found:
    """Return what a data set says of its pictures."""
    return [(each.name, each.opinion, each.distortion, each.reference) for each in dataset.samples]


def paint(folder: Path, names: Iterable[str]) -> None:
    """Write a small picture under each name, each of its own colour."""
    for index, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 10), (index * 7 % 256, 100, 200)).save(folder / name)


def live(root: Path) -> Path:
    files = [f"{each}/img{i}.bmp" for each, n in LIVE_COUNTS.items() for i in range(1, n + 1)]
    paint(root, [*files, "refimgs/woman.bmp"])
    for folder in LIVE_COUNTS:
        (root / folder / "info.txt").write_text("woman.bmp img1.bmp 0.5\n")
    live_scores(root, LIVE_DMOS, LIVE_COPIES, LIVE_REFERENCES)
    # Older scores on another scale lie beside the right ones.
    scipy.io.savemat(root / "dmos.mat", {"dmos": [[9.0] * 10], "orgs": [LIVE_COPIES]})
    return root


def live_scores(root: Path, dmos: list[float], copies: list[int], references: list[str]) -> None:
    scores = {
        "dmos_new": [dmos],
        "dmos_std": [[1.0] * len(dmos)],
        "orgs": np.array([copies], np.uint8),
    }
    scipy.io.savemat(root / "dmos_realigned.mat", scores)
    cells = np.array([references], dtype=object)
    scipy.io.savemat(root / "refnames_all.mat", {"refnames_all": cells})


def csiq(root: Path) -> Path:
    # Not every distorted picture was scored.
    paint(root / "dst_imgs", [*CSIQ_FILES, "contrast/boston.contrast.5.png"])
    paint(root / "src_imgs", ["1600.png", "aerial_city.png", "boston.png"])
    csiq_scores(root, CSIQ_ROWS)
    return root


def csiq_scores(
    root: Path, rows: Iterable[tuple[object, ...]], sheet: str = "all_by_image"
) -> None:
    """Write the spreadsheet: its table begins in D4, and cells may be formulas."""
    with xlsxwriter.Workbook(root / "csiq.DMOS.xlsx") as book:
        book.add_worksheet("z_crit").write_row(0, 0, ["N", "CriticalZ 5%"])
        page = book.add_worksheet(sheet)
        page.write_row(3, 3, ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"])
        for index, row in enumerate(rows, 4):
            page.write_row(index, 3, row[:-1])
            page.write_formula(index, 8, f"=1-{1 - float(str(row[-1]))}", None, row[-1])
        page.write(20, 9, "a note beside the table")


def tid2013(root: Path) -> Path:
    # As in the release, some files' capitals are not the list's.
    paint(root / "distorted_images", ["I01_01_1.bmp", "I01_10_5.BMP", "i25_24_3.bmp"])
    paint(root / "distorted_images", ["i03_01_2.bmp"])
    paint(root / "reference_images", ["I01.BMP", "i25.bmp"])
    (root / "mos_with_names.txt").write_text(TID_LINES, newline="\r\n")
    return root


def kadid10k(root: Path) -> Path:
    names = ["I01.png", "I81.png", "I01_01_01.png", "I01_25_05.png", "I81_10_03.png"]
    paint(root / "images", names)
    (root / "dmos.csv").write_text(KADID_LINES)
    return root


def koniq10k(root: Path, size: str = "1024x768") -> Path:
    paint(root / size, ["10004473376.jpg", "826373.jpg", "2190310.jpg"])
    (root / "koniq10k_scores_and_distributions.csv").write_text(KONIQ_LINES)
    return root


def clive(
    root: Path, scores: Mapping[str, float], training: Iterable[str] = ("t1.bmp", "t2.bmp")
) -> Path:
    """Write the tables of LIVE In the Wild; its Images are the caller's."""
    names = [*training, *scores]
    labels = [50.0] * (len(names) - len(scores)) + list(scores.values())
    (root / "Data").mkdir(parents=True)
    cells = np.array(names, dtype=object)[:, None]
    for what, held in (("Images", cells), ("MOS", [labels]), ("StdDev", [[19.0] * len(names)])):
        scipy.io.savemat(root / "Data" / f"All{what}_release.mat", {f"All{what}_release": held})
    paint(root / "Images" / "trainingImages", training)
    return root


CLIVE_SCORES = {"10.bmp": 32.5, "1000.JPG": 66.35954917, "1001.JPG": 3.42}


def clive_small(root: Path) -> Path:
    paint(root / "Images", CLIVE_SCORES)
    return clive(root, CLIVE_SCORES)


def biq2021(root: Path) -> Path:
    # One file of the release ends in capitals, and its row does not.
    paint(root / "Images", ["ss03 (3753).jpg", "ss01 (1726).JPG", "ss03 (7805).jpg"])
    for name, lines in BIQ_LINES.items():
        (root / name).write_text(lines)
    return root


RELEASES = {
    "live": live,
    "csiq": csiq,
    "tid2013": tid2013,
    "kadid10k": kadid10k,
    "koniq10k": koniq10k,
    "clive": clive_small,
    "biq2021": biq2021,
}
