"""The part of a picture that shows a change best, where the whole is too large for the page."""

import numpy as np

from iqaudit import measures
from iqaudit._core.patches import Window, whole
from iqaudit._core.picture import Pixels


def crop(clean: Pixels, attacked: Pixels, side: int) -> Window:
    """Return the part, `side` pixels high and wide at the most, that has the highest mean FLIP.

    The first of several from the top and from the left; the whole where a side holds it.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        The picture before and after.
    side : int
        At least 1.
    """
    height, width = clean.shape[:2]
    rows, columns = min(side, height), min(side, width)
    if (rows, columns) == (height, width):
        return whole(height, width)
    # Whole millionths of FLIP, so that the sums of equal parts are equal.
    seen = np.rint(1e6 * measures.flip_map(clean, attacked)).astype(np.int64)
    total = np.pad(seen.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    below, above = total[rows:], total[:-rows]
    sums = (below[:, columns:] - below[:, :-columns]) - (above[:, columns:] - above[:, :-columns])
    top, left = divmod(int(sums.argmax()), sums.shape[1])
    return Window(top, left, rows, columns)
