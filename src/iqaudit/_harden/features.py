"""What the head takes of pictures, kept on disk: none is passed through the network twice."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from iqaudit._analysis.scorers import Progress
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Linf
from iqaudit._harden.head import Head, Seen
from iqaudit._runs.store import write_whole
from iqaudit.victims._base import Victim

BLOCKS = (1, 2, 4, 8, 16, 32)
"""Pixels: the sides of the squares that a sign pattern is made of, one pattern each a picture."""


class Features:
    """The features of pictures.

    Parameters
    ----------
    victim : Victim
    head : Head
        Its network's.
    folder : Path
        Where they are kept, a file a picture.
    """

    def __init__(self, victim: Victim, head: Head, folder: Path) -> None:
        self._victim, self._head, self._folder = victim, head, folder
        folder.mkdir(exist_ok=True)

    def each(self, pictures: Iterable[Pixels], count: Progress | None) -> Iterator[Seen]:
        """Yield what is seen of each of some pictures, and tell how many there were."""
        for number, pixels in enumerate(pictures, 1):
            yield self.of(pixels)
            if count is not None:
                count(number)

    def of(self, pixels: Pixels) -> Seen:
        """Return a picture's score and features.

        Raises
        ------
        VictimError
            If the victim fails.
        """
        file = self._folder / f"{pixels_sha256(pixels)}.npy"
        if not file.exists():
            seen = self._head.seen(self._victim, pixels)
            content = io.BytesIO()
            np.save(content, np.array([seen.score, *seen.features]))
            write_whole(file, content.getvalue())
        native, *features = np.load(file)
        return Seen(float(native), np.array(features))


def changed(pixels: Pixels, levels: int, seed: int) -> Iterator[Pixels]:
    """Yield a picture changed by so many levels along random signs, from fine to coarse.

    The same picture gets the same signs. They are alike within squares of 1 to 32 pixels, and of
    each channel by itself: attacks paint with coarse patterns, too.
    """
    stream = Stream(seed, f"{pixels_sha256(pixels)}:slopes")
    height, width = pixels.shape[:2]
    for number, side in enumerate(BLOCKS):
        cells = (-(-height // side), -(-width // side), 3)
        signs = 2 * stream.at(number).integers(2, size=cells, dtype=np.int16) - 1
        pattern = signs.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
        yield Linf(levels).apply(pixels, np.int16(levels) * pattern)
