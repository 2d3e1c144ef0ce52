"""The paper's attack said a second time: plain, slow, and sharing nothing but the random draws.

Works on clipped pictures throughout, where the package works on perturbations.
"""

from collections.abc import Callable

import numpy as np

from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream


def share_of_picture(p_init: float, query: int, queries: int) -> float:
    """Return p at a query of a budget, by the schedule's ten phases."""
    at = 10000 * query / queries
    for end, divisor in (
        (10, 1),
        (50, 2),
        (200, 4),
        (500, 8),
        (1000, 16),
        (2000, 32),
        (4000, 64),
        (6000, 128),
        (8000, 256),
    ):
        if at <= end:
            return p_init / divisor
    return p_init / 512


def attack(
    clean: Pixels,
    quality: Callable[[Pixels], float],
    *,
    levels: int,
    queries: int,
    n_squares: int,
    p_init: float,
    stream: Stream,
) -> tuple[list[float], list[int]]:
    """Return the quality that each query was answered, and the numbers of the accepted queries."""
    height, width, _ = clean.shape
    x = clean.astype(int)
    answers = [quality(clean)]
    sign = 1 if answers[0] > 5 else -1

    draw = stream.at(2)
    best = np.empty_like(x)
    stripes = draw.integers(2, size=(1, width, 3))
    for column in range(width):
        for channel in range(3):
            step = levels if stripes[0, column, channel] else -levels
            for row in range(height):
                value = x[row, column, channel] + step
                best[row, column, channel] = min(255, max(0, value))
    answers.append(quality(best.astype(np.uint8)))
    loss, accepted = sign * answers[-1], [2]

    for query in range(3, queries + 1):
        draw = stream.at(query)
        side = round((share_of_picture(p_init, query, queries) * height * width) ** 0.5)
        side = max(1, min(side, min(height, width) - 1))
        candidate = best.copy()
        for _ in range(n_squares):
            top = int(draw.integers(0, height - side + 1))
            left = int(draw.integers(0, width - side + 1))
            window = np.s_[top : top + side, left : left + side]
            while True:
                colour = levels * (2 * draw.integers(2, size=3) - 1)
                square = np.minimum(255, np.maximum(0, x[window] + colour))
                if (square != best[window]).any():
                    break
            candidate[window] = square
        answers.append(quality(candidate.astype(np.uint8)))
        if sign * answers[-1] < loss:
            best, loss = candidate, sign * answers[-1]
            accepted.append(query)
    return answers, accepted
