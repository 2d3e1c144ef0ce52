"""TID2013: pictures in one folder, scores in a text file."""

import re
from pathlib import Path

from iqaudit._core.errors import InputError
from iqaudit._core.importing import published
from iqaudit._core.scale import opinion_maximum
from iqaudit.datasets._base import DataSet, Label
from iqaudit.datasets._lookup import Entry, assemble, parts
from iqaudit.datasets._score_table import number

SOURCE = "Ponomarenko et al., Signal Processing: Image Communication 30, 2015: 0 to 9"
LABEL = Label("MOS", 0, opinion_maximum("tid2013"), SOURCE)

DISTORTIONS: list[str] = published("data_sets")["distortions"]["tid2013"]
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
    numbered = enumerate(lines, 1)
    entries = [_entry(line, f"{scores}, line {index}") for index, line in numbered if line.strip()]
    return assemble(release, folder, entries, LABEL, scores)


def _entry(line: str, where: str) -> Entry:
    score, _, name = map(str.strip, line.strip().partition(" "))
    match = NAME.fullmatch(name)
    if not (match and 1 <= int(match[2]) <= len(DISTORTIONS)):
        raise InputError(f'{where}: a score and a name as "5.51429 I01_01_1.bmp" are due.')
    distortion, reference = DISTORTIONS[int(match[2]) - 1], f"I{match[1]}.BMP"
    return Entry(name, number(score, where), distortion, reference, where)
