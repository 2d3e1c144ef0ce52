"""Attacks said a second time: plain, slow, and sharing nothing but the random draws.

The paper's works on clipped pictures throughout, where the package works on perturbations.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

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


def rectangle(draw: np.random.Generator, tile: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return a tile with a rectangle of one colour, which comes again after a period."""
    while True:
        period = (8, 16, 32, 96)[draw.integers(4)]
        size = (period * period / 2) ** draw.uniform()
        tall = round(size**0.5 * np.exp(0.5 * draw.standard_normal()))
        tall = min(max(1, tall), period)
        wide = min(max(1, round(size / tall)), period)
        top, left = (int(each) for each in draw.integers(period, size=2))
        channels = [0, 1, 2]
        if draw.random() < 0.4:
            channels = [int(draw.integers(3))]
        colour = [1 - 2 * int(bit) for bit in draw.integers(2, size=3)]
        candidate = tile.copy()
        rows = [y for y in range(96) if (y - top) % period < tall]
        columns = [x for x in range(96) if (x - left) % period < wide]
        for y in rows:
            for x in columns:
                for channel in channels:
                    candidate[y, x, channel] = colour[channel]
        if (candidate != tile).any():
            return candidate


class Lanes:
    """Pictures that are asked together, and what they were asked."""

    def __init__(
        self,
        clean: list[float],
        loss: Callable[[int, NDArray[np.int16]], float],
        together: int,
    ) -> None:
        count = max(1, round(len(clean) / together))
        long = len(clean) % count  # so many have one picture more
        sizes = [len(clean) // count + (lane < long) for lane in range(count)]
        self.members = [range(sum(sizes[:lane]), sum(sizes[: lane + 1])) for lane in range(count)]
        self.clean = [sum(clean[picture] for picture in lane) for lane in self.members]
        self.loss, self.asked, self.questions = loss, list[int](), [0] * count

    def ask(self, lane: int, tile: NDArray[np.int16]) -> list[float]:
        """Return a lane's losses."""
        self.asked += self.members[lane]
        self.questions[lane] += 1
        return [self.loss(picture, tile) for picture in self.members[lane]]

    def after(self, lane: int, each: int) -> int | None:
        """Return the lane that is asked next; None where all were asked as often as they can be."""
        if self.questions[lane] < each and self.questions[lane] % 12:
            return lane
        turns = [*range(lane + 1, len(self.members)), *range(lane + 1)]
        return next((turn for turn in turns if self.questions[turn] < each), None)


def universal(
    lanes: Lanes, patterns: list[NDArray[np.int16]], *, each: int, stream: Stream
) -> NDArray[np.int16]:
    """Return the tile that is made on some pictures; `patterns` are those tried first."""
    gained = dict.fromkeys(range(min(len(patterns), each)), 0.0)
    last = len(lanes.members) - 1
    for lane in range(last + 1):
        answers = {place: lanes.ask(lane, patterns[place]) for place in gained}
        gained = {
            place: gained[place] + lanes.clean[lane] - sum(answers[place]) for place in gained
        }
        best = sorted(gained, key=lambda place: gained[place], reverse=True)
        if len(best) <= 2 or lane == last:
            break
        gained = {place: gained[place] for place in best[: (len(best) + 1) // 2]}
    tile, held = patterns[best[0]], {lane: answers[best[0]]}
    turn = lanes.after(lane, each)
    while turn is not None:
        if turn not in held:
            held[turn] = lanes.ask(turn, tile)
        else:
            candidate = rectangle(stream.at(2 + sum(lanes.questions)), tile)
            answer = lanes.ask(turn, candidate)
            falls = np.subtract(held[turn], answer)
            doubt = falls.std(ddof=1) / len(falls) ** 0.5 if len(falls) > 1 else 0
            if falls.mean() > 1.5 * doubt:
                tile, held = candidate, {turn: answer}
        turn = lanes.after(turn, each)
    return tile
