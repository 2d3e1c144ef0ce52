"""The parsimonious attack: signs of blocks, searched as a set that gains and loses members.

Moon, An, Song, "Parsimonious Black-Box Adversarial Attacks via Efficient Combinatorial
Optimization", ICML 2019; local search with lazy greedy insertion and deletion over blocks that are
split in four once every one was tried. Batches and block sizes are those of their released program.
"""

import heapq
import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import refuse_unless, whole_number
from iqaudit._core.patches import Patched
from iqaudit.attacks._base import FIRST_QUERY, Descent, Problem, beginning

BLOCKS_A_SIDE = 8
"""At the start: theirs are 32 x 32 of 256 x 256."""


@dataclass(frozen=True, eq=False)
class ParsimoniousState(Descent):
    """The state of the search.

    `loss` is infinite before the start is scored, which is taken whatever it scores.

    Attributes
    ----------
    side : int
        Of a block, in pixels.
    order : ndarray of int64
        The blocks, each of one channel, in the order drawn, flattened as (row, column, channel).
    batch : int
        Which part of the order is worked upon.
    inserting : bool
        Whether blocks go from -ε to +ε, or back.
    waiting : tuple of int
        Blocks of the batch whose margins are not known yet.
    queue : tuple of (float, int)
        A heap of margins, each the change of the loss that its block's flip made when it was last
        tried, and blocks.
    """

    side: int
    order: NDArray[np.int64]
    batch: int = 0
    inserting: bool = True
    waiting: tuple[int, ...] = ()
    queue: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True)
class Parsimonious:
    """Block-wise local search over the signs of ±ε.

    The start is -ε everywhere; the set to be found is that of the blocks at +ε. Of each batch, the
    blocks outside the set are tried one by one, then, best margin first, tried again and inserted
    while the loss falls, by more than its noise where the victim answers at random; then the same
    for deletion. A margin is measured again only when it has come to the top (lazily). When all
    batches are through, blocks are split in four; of single pixels, the order is drawn again.

    Parameters
    ----------
    batch : int
        Blocks worked upon together, at least 1.
    """

    batch: int = 64

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch", whole_number("batch", self.batch))
        refuse_unless(self.batch >= 1, "batch must be at least 1 block", self.batch)

    def init(self, problem: Problem) -> ParsimoniousState:
        """Return the state before the start is scored."""
        side = first_side(*problem.pixels.shape[:2])
        order = _drawn(problem, FIRST_QUERY, side)
        return ParsimoniousState(*beginning(problem, math.inf), side, order)

    def ask(self, state: ParsimoniousState) -> Patched:
        """Propose the start, then flips of one block."""
        problem = state.problem
        if state.query == FIRST_QUERY:
            return state.edited(np.broadcast_to(np.int16(-problem.levels), problem.pixels.shape))
        block = state.waiting[0] if state.waiting else state.queue[0][1]
        rows, columns, channel = _place(state, block)
        levels = state.perturbation[rows, columns].copy()
        levels[..., channel] *= -1
        return state.edited(levels, rows.start, columns.start)

    def tell(self, state: ParsimoniousState, proposal: Patched, loss: float) -> ParsimoniousState:
        """Take in a margin, and keep the flip where it is the best there is and lowers the loss."""
        if state.query == FIRST_QUERY:
            return self._settled(_phase(self.batch, state.told(proposal, loss, kept=True)))
        margin, queue, waiting = loss - state.loss, list(state.queue), state.waiting
        kept = False
        if waiting:
            heapq.heappush(queue, (margin, waiting[0]))
            waiting = waiting[1:]
        else:
            _, block = heapq.heappop(queue)
            if queue and margin > queue[0][0]:
                heapq.heappush(queue, (margin, block))
            elif margin < -state.problem.noise:
                kept = True
            else:
                queue = []
        told = state.told(proposal, loss, kept=kept)
        return self._settled(replace(told, waiting=waiting, queue=tuple(queue)))

    def _settled(self, state: ParsimoniousState) -> ParsimoniousState:
        """Go on to where there is something to try."""
        # A margin that promises nothing ends a phase: it would have to fall as the set grows.
        while not state.waiting and not (state.queue and state.queue[0][0] < -state.problem.noise):
            state = self._next(state)
        return state

    def _next(self, state: ParsimoniousState) -> ParsimoniousState:
        """Return the state at the beginning of the next phase."""
        if state.inserting:
            return _phase(self.batch, replace(state, inserting=False))
        state = replace(state, inserting=True, batch=state.batch + 1)
        if state.batch * self.batch >= len(state.order):
            side = max(1, state.side // 2)
            order = _drawn(state.problem, state.query, side)
            state = replace(state, side=side, order=order, batch=0)
        return _phase(self.batch, state)


def first_side(height: int, width: int) -> int:
    """Return the blocks' side at the start: the power of two nearest to an eighth of the picture.

    Of its shorter side; a power of two, so that blocks split in four down to single pixels.
    """
    return int(2 ** round(math.log2(max(1, min(height, width) / BLOCKS_A_SIDE))))


def _drawn(problem: Problem, query: int, side: int) -> NDArray[np.int64]:
    height, width, _ = problem.pixels.shape
    blocks = 3 * -(-height // side) * -(-width // side)
    return problem.stream.at(query).permutation(blocks)


def _phase(size: int, state: ParsimoniousState) -> ParsimoniousState:
    """Return the state with the batch's blocks outside the set, or inside it, waiting."""
    batch = state.order[state.batch * size : (state.batch + 1) * size].tolist()
    waiting = tuple(block for block in batch if _inside(state, block) is not state.inserting)
    return replace(state, waiting=waiting, queue=())


def _inside(state: ParsimoniousState, block: int) -> bool:
    rows, columns, channel = _place(state, block)
    return bool(state.perturbation[rows.start, columns.start, channel] > 0)


def _place(state: ParsimoniousState, block: int) -> tuple[slice, slice, int]:
    height, width, _ = state.problem.pixels.shape
    cell, channel = divmod(block, 3)
    row, column = (state.side * at for at in divmod(cell, -(-width // state.side)))
    return (
        slice(row, min(row + state.side, height)),
        slice(column, min(column + state.side, width)),
        channel,
    )
