"""Questions on what a scorer sees of a picture: other pictures, its parts, its rim, its mirror."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise, takewhile
from typing import Any

import numpy as np

from iqaudit._assess.questions import BEYOND_CHANCE, MIDDLE, SMALL, Outcome, Verdict
from iqaudit._core import distortions
from iqaudit._core.errors import VictimError, listed
from iqaudit._core.picture import Pixels
from iqaudit.victims._base import Victim
from iqaudit.victims._scoring import finite

GRID = 8
"""Cells a side, each changed on its own to see whether the victim looks there."""

BLOCKS = (64, 32, 16)
"""Pixels of the blocks into which scorers cut pictures; they may drop what is left over."""

RIM = 16
"""Outermost rows or columns of a side that are looked at, one by one, at the most."""

MIRRORED = 90
"""Quality of the JPEG that a mirrored picture is compared with: a loss that few people see."""

CELL_CHANGE = 40
"""Levels: a change of a cell that any eye sees."""


def different(victim: Victim, pictures: Iterable[Pixels]) -> Outcome:
    """Tell whether pictures that nobody takes for one another are told apart at all."""
    pictures = iter(pictures)
    first = next(pictures)
    answers = [finite(victim, first), *(finite(victim, each) for each in pictures)]
    for odd in (255 - first, np.full_like(first, MIDDLE)):
        with suppress(VictimError):  # what it does not take is told by other checks
            answers.append(finite(victim, odd))
    if len(set(answers)) > 1 or len(answers) == 1:
        return Verdict.PASS, "Unlike pictures score differently."
    return Verdict.FAIL, (
        f"{len(answers)} unlike pictures all score {answers[0]:.6g}: the victim does not look at "
        "them. One that reads them from a scratch file of one name, through a library that keeps "
        "files which it has read, answers so; give each picture a file of its own."
    )


def rim(victim: Victim, pixels: Pixels) -> Outcome:
    """Tell how many of the outermost rows and columns have no say, of a size that blocks leave."""
    pixels = _uneven(victim, pixels)
    height, width = pixels.shape[:2]
    seen = victim.card.window(height, width)
    rows = slice(seen.top, seen.top + seen.height)
    columns = slice(seen.left, seen.left + seen.width)
    clean = finite(victim, pixels)
    lines: dict[str, Callable[[int], tuple[int | slice, int | slice]]] = {
        "first row": lambda at: (rows.start + at, columns),
        "last row": lambda at: (rows.stop - 1 - at, columns),
        "first column": lambda at: (rows, columns.start + at),
        "last column": lambda at: (rows, columns.stop - 1 - at),
    }
    blind = []
    for name, line in lines.items():
        parts = map(line, range(min(RIM, seen.height, seen.width)))
        unseen = takewhile(lambda part: not _has_say(victim, pixels, part, clean), parts)
        count = sum(1 for _ in unseen)
        if count:
            side, kind = name.split()
            least = "at least " if count == RIM else ""
            blind.append(f"the {name}" if count == 1 else f"the {side} {least}{count} {kind}s")
    size = f"of a picture of {width} x {height}"
    if not blind:
        return Verdict.PASS, f"The outermost rows and columns have a say ({size})."
    plural = len(blind) > 1 or blind[0].endswith("s")
    some_noise = " beyond the score's noise" if victim.card.noise else ""
    return Verdict.WARN, (
        f"T{listed(blind)[1:]} {size} {'have' if plural else 'has'} no say{some_noise}: what is "
        "changed there is never seen, and queries spent there are wasted."
    )


def _uneven(victim: Victim, pixels: Pixels) -> Pixels:
    """Return a picture cut so that blocks leave as many rows and columns over as they can."""
    least = max(victim.card.smallest_side, SMALL)

    def short(side: int) -> int:
        """Return the largest side that is one pixel short of whole blocks."""
        sides = (side // block * block - 1 for block in BLOCKS)
        return next((each for each in sides if each >= least), side)

    height, width = map(short, pixels.shape[:2])
    return pixels if victim.card.size else np.ascontiguousarray(pixels[:height, :width])


def _has_say(victim: Victim, pixels: Pixels, part: Any, clean: float) -> bool:
    """Tell whether a change that any eye sees, of one part of a picture, moves its score."""
    changed = pixels.copy()
    here = changed[part]
    changed[part] = np.where(here > MIDDLE, here - CELL_CHANGE, here + CELL_CHANGE)
    return abs(finite(victim, changed) - clean) > BEYOND_CHANCE * victim.card.noise


def mirror(victim: Victim, pictures: Iterable[Pixels]) -> Outcome:
    """Compare what a mirror does to a score, which changes no quality, with what JPEG does."""
    mirrored: list[float] = []
    compressed: list[float] = []
    for pixels in pictures:
        clean = finite(victim, pixels)
        for moves, changed in (
            (mirrored, distortions.mirror(pixels)),
            (compressed, distortions.jpeg(pixels, MIRRORED)),
        ):
            moves.append(abs(finite(victim, changed) - clean) / victim.card.scale.spread)
    one, other = float(np.mean(mirrored)), float(np.mean(compressed))
    sentence = f"A mirror moves the score by {one:.2g} S, JPEG at quality {MIRRORED} by {other:.2g}"
    if one <= max(other, BEYOND_CHANCE * victim.card.noise / victim.card.scale.spread):
        return Verdict.PASS, f"{sentence}."
    return Verdict.WARN, (
        f"{sentence}: the one changes no quality and counts for more. Scores that lie nearer than "
        "that tell no two pictures apart."
    )


def everywhere(victim: Victim, pixels: Pixels) -> Outcome:
    """Tell which parts of a picture have a say."""
    height, width = pixels.shape[:2]
    clean = finite(victim, pixels)
    rows = np.linspace(0, height, GRID + 1).astype(int)
    columns = np.linspace(0, width, GRID + 1).astype(int)
    unseen = cells = 0
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            if top == bottom or left == right:
                continue
            cells += 1
            part = slice(top, bottom), slice(left, right)
            unseen += not _has_say(victim, pixels, part, clean)
    window = victim.card.window(height, width)
    known = 1 - window.height * window.width / (height * width)
    if not unseen:
        return Verdict.PASS, "Every part of the picture has a say."
    say, drawn = "no say", "queries spent there are wasted"
    if known:
        drawn = f"the attack draws only in the {100 * (1 - known):.0f} % that it looks at"
    elif victim.card.noise:
        say, drawn = "no say beyond the score's noise", "more repeats would tell what it has"
    share = f"{100 * (unseen / cells):.0f} % of the picture"
    return Verdict.WARN, f"{share} has {say} ({width} x {height}): {drawn}."
