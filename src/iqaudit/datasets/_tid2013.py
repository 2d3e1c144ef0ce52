"""TID2013: pictures in one folder, scores in a text file."""

import re
from pathlib import Path

from iqaudit._core.errors import InputError
from iqaudit._core.scale import opinion_maximum
from iqaudit.datasets._base import DataSet, Label
from iqaudit.datasets._lookup import Entry, assemble, number, parts, refuse_outside

LABEL = Label(
    "MOS",
    worst=0,
    best=opinion_maximum("tid2013"),
    source="Ponomarenko et al., Signal Processing: Image Communication 30, 2015: 0 to 9",
)

DISTORTIONS = (
    "additive Gaussian noise",
    "noise in colour components",
    "spatially correlated noise",
    "masked noise",
    "high frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG",
    "JPEG2000",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of colour saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "colour quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)
"""The types 1 to 24 (Ponomarenko et al., table 1)."""

NAME = re.compile(r"i(\d\d)_(\d\d)_\d+\.bmp", re.IGNORECASE)
"""Reference, type and level."""


def load_tid2013(root: Path) -> DataSet:
    """Load TID2013: distorted_images, scored in mos_with_names.txt.

    Names are as that file spells them; the files' own differ in capitals here and there.

    N. Ponomarenko et al., "Image database TID2013: Peculiarities, results and perspectives", Signal
    Processing: Image Communication 30, 2015.

    Raises
    ------
    InputError
        If the folder has another layout, a picture is missing, or a score is none or beyond its
        range.
    """
    release = "TID2013"
    folder, scores = parts(root, release, "distorted_images", "mos_with_names.txt")
    try:
        lines = scores.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{scores}: this cannot be read ({error}).") from None
    entries = [
        _entry(line, f"{scores}, line {index}")
        for index, line in enumerate(lines, 1)
        if line.strip()
    ]
    refuse_outside(scores, entries, LABEL)
    return assemble(release, folder, entries, LABEL)


def _entry(line: str, where: str) -> Entry:
    score, _, name = line.strip().partition(" ")
    name = name.strip()
    match = NAME.fullmatch(name)
    if not (match and 1 <= int(match[2]) <= len(DISTORTIONS)):
        raise InputError(f'{where}: a score and a name as "5.51429 I01_01_1.bmp" are due.')
    return Entry(name, number(score, where), DISTORTIONS[int(match[2]) - 1], f"I{match[1]}.BMP")
