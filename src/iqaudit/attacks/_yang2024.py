"""Score boundaries raised step by step, each passed with as small a change as can be found.

Yang, Liu, Li, Jiang, "Exploring Vulnerabilities of No-Reference Image Quality Assessment Models: A
Query-Based Black-Box Method", IEEE Transactions on Circuits and Systems for Video Technology 2024
(arXiv 2401.05217), as its authors' program has it. The search for the smallest change is SurFree's
(`iqaudit.attacks._surfree`).
"""

import math
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iqaudit._core.errors import refuse_unless, whole_number
from iqaudit._core.patches import Patched, Perturbation, whole_levels
from iqaudit._core.scale import QUALITY_MAX
from iqaudit.attacks import _surfree, _visibility
from iqaudit.attacks._base import Descent, Problem, beginning
from iqaudit.attacks._surfree import Field

BUDGET = 8_000
"""Queries a picture in the paper: to these belong `tries` and `refinement`."""

FIRST_BOUNDARY, CLOSEST = 1 / 100, 1 / 400
"""The first boundary, and the least way between two, as shares of the rest of the scale."""

TEXTURE = 0.1 * 255
"""Levels: the most that a try adds, before it is clipped."""

SALIENT = 0.225
"""The salience, of at most 1, above which a pixel is textured, as one near an edge is."""

NEAR = 0.8
"""The first share of the way to the changed picture at which a line search asks."""

LINE_HALVINGS, ANGLE_HALVINGS = 5, 10
"""Theirs are 10; but a 32nd of a change of a few levels is far below a level."""

ANGLE, WIDENING = 30.0, 0.98
"""Degrees: the first turn; and what it is divided by where it passed, multiplied by where not."""

COSINES = 0.01
"""Two angles whose cosines differ by less are one."""

TURNS, REMEMBERED = 10, 10
"""Turns a round, and directions to which a new one is made orthogonal."""


class Phase(Enum):
    """The phases of a round."""

    TRY = auto()
    """Looks for a texture that passes the boundary."""
    SHRINK = auto()
    """Goes back along the straight line to where the round began."""
    TURN = auto()
    """Looks for a direction to turn to that still passes."""
    TURN_FARTHER = auto()
    """Looks for the widest such angle."""


@dataclass(frozen=True, eq=False)
class Yang2024State(Descent):
    """The state of the search.

    Attributes
    ----------
    limit : ndarray of int16, (height, width, 1)
        The largest change of each pixel, in levels.
    mask : ndarray of bool, (height, width, 1)
        Where tries add texture: near edges, and where the picture is salient.
    boundary, last : float
        This round's score boundary and the last round's, from 0, the clean score, to 1, the end of
        the scale.
    start, point : ndarray of float32, (height, width, 3)
        Where the round began, and the smallest change from there that passes.
    low : ndarray of float32, (height, width, 3)
        The other end of a line search.
    final : bool
        Whether the line search is the round's last.
    direction : ndarray of float32, (height, width, 3)
        Of a turn, of length 1; `before` holds the earlier ones, the round's first in front.
    angle, beyond, widest : float
        Degrees: what is asked or has passed, what has not, and where turns begin.
    count : int
        Of the phase's queries.
    turned, refined : int
        Turns made, and queries spent on them, in this round.
    """

    limit: Perturbation
    mask: NDArray[np.bool_]
    start: Field
    point: Field
    low: Field
    direction: Field
    before: tuple[Field, ...] = ()
    phase: Phase = Phase.TRY
    boundary: float = FIRST_BOUNDARY
    last: float = 0.0
    final: bool = False
    angle: float = 0.0
    beyond: float = 0.0
    widest: float = ANGLE
    count: int = 0
    turned: int = 0
    refined: int = 0


@dataclass(frozen=True)
class Yang2024:
    """Rounds, each of which passes a boundary of the score and then shrinks the change it took.

    A round tries texture on edges and salient parts until the score passes the boundary (halving
    the way to it if none does), goes back along the line as far as it can, then turns towards
    random directions of low frequencies as long as the score stays beyond. The next boundary is as
    far again.

    Parameters
    ----------
    jnd : float or None
        The share of a just noticeable difference that no pixel's change exceeds, besides ε; at
        least a level is allowed. None: ε alone.
    tries : int
        Textures tried before a boundary is brought nearer, of a budget of 8,000 queries.
    refinement : int
        Queries a round spent on turns, of the same.
    """

    jnd: float | None = 0.38
    tries: int = 200
    refinement: int = 100

    def __post_init__(self) -> None:
        positive = self.jnd is None or 0 < self.jnd < math.inf
        refuse_unless(positive, "jnd is a share above 0, or None", self.jnd)
        for name in ("tries", "refinement"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))

    def init(self, problem: Problem) -> Yang2024State:
        """Return the state at the clean picture."""
        seen, (height, width, _) = problem.pixels, problem.pixels.shape
        limit = np.full((height, width, 1), problem.levels, np.int16)
        if self.jnd is not None:
            noticed = np.floor(self.jnd * _visibility.just_noticeable(seen))
            limit = np.clip(noticed[..., None], 1, limit).astype(np.int16)
        grey = _visibility.luminance(seen)
        mask = ndimage.binary_dilation(_visibility.edges(grey), np.ones((3, 3)))
        mask |= _visibility.salience(grey) > SALIENT
        nothing = np.zeros((height, width, 3), np.float32)
        start = beginning(problem, problem.clean_loss)
        return Yang2024State(*start, limit, mask[..., None], nothing, nothing, nothing, nothing)

    def ask(self, state: Yang2024State) -> Patched:
        """Propose what the round's phase asks for."""
        return state.edited(_whole(state, self._candidate(state)))

    def tell(self, state: Yang2024State, proposal: Patched, loss: float) -> Yang2024State:
        """Take what passes the boundary, and go on."""
        passed = _passes(state, state.boundary, loss)
        candidate = self._candidate(state)
        told = replace(state.told(proposal, loss, kept=passed), count=state.count + 1)
        if state.phase is Phase.TRY:
            return self._tried(told, candidate) if passed else self._missed(told)
        if state.phase is Phase.SHRINK:
            shrunk = replace(told, point=candidate) if passed else replace(told, low=candidate)
            return self._shrunk(shrunk)
        told = replace(told, refined=state.refined + 1)
        if state.phase is Phase.TURN:
            return self._farther(told) if passed else self._other_way(told)
        angle = _middle(state)
        return self._settled(replace(told, angle=angle) if passed else replace(told, beyond=angle))

    def _candidate(self, state: Yang2024State) -> Field:
        """Return what is asked for, in real levels."""
        if state.phase is Phase.TRY:
            return _texture(state)
        if state.phase is Phase.SHRINK:
            share = NEAR if state.count == 0 else 0.5
            return state.low + np.float32(share) * (state.point - state.low)
        angle = state.angle if state.phase is Phase.TURN else _middle(state)
        return _surfree.turned(state.start, state.point, state.direction, angle)

    def _tried(self, state: Yang2024State, candidate: Field) -> Yang2024State:
        """Shrink what passed; a boundary that it passed by far is brought nearer to it."""
        ahead = max(state.boundary + 2 * (state.boundary - state.last), FIRST_BOUNDARY / 2)
        if _passes(state, ahead, state.loss):
            state = replace(state, boundary=(state.boundary + ahead) / 2)
        point = np.clip(candidate, -state.limit, state.limit).astype(np.float32)
        return self._line(replace(state, point=point), final=False)

    def _missed(self, state: Yang2024State) -> Yang2024State:
        if state.count < self._scaled(state, self.tries):
            return state
        way = state.boundary - state.last
        if way > CLOSEST:
            state = replace(state, boundary=state.last + way / 2)
        return replace(state, count=0)

    def _line(self, state: Yang2024State, *, final: bool) -> Yang2024State:
        line = replace(state, phase=Phase.SHRINK, low=state.start, final=final, count=0)
        return self._shrunk(line)

    def _shrunk(self, state: Yang2024State) -> Yang2024State:
        """Go on along the line unless it has no other whole levels between its ends."""
        asked = _whole(state, self._candidate(state))
        ends = (_whole(state, end) for end in (state.low, state.point))
        if state.count <= LINE_HALVINGS and not any(np.array_equal(asked, end) for end in ends):
            return state
        if state.final:
            return self._next_round(state)
        first = _surfree.unit(state.point - state.start)
        return self._turn(replace(state, before=(first,), widest=ANGLE, turned=0, refined=0))

    def _turn(self, state: Yang2024State) -> Yang2024State:
        """Draw a direction to turn to, unless the round has had its share."""
        if state.turned >= TURNS or state.refined >= self._scaled(state, self.refinement):
            return self._line(state, final=True) if state.turned else self._next_round(state)
        draw = state.problem.stream.at(state.query)
        direction = _surfree.direction(draw, state.start.shape[:2], state.before)
        before = (state.before[0], *state.before[1:][-(REMEMBERED - 1) :], direction)
        turning = replace(state, phase=Phase.TURN, direction=direction, before=before)
        return replace(turning, angle=state.widest, count=0)

    def _other_way(self, state: Yang2024State) -> Yang2024State:
        if state.angle > 0:
            return replace(state, angle=-state.angle)
        return self._turn(replace(state, widest=state.widest * WIDENING))

    def _farther(self, state: Yang2024State) -> Yang2024State:
        widest = state.widest / WIDENING
        beyond = state.angle + math.copysign(widest, state.angle)
        farther = replace(state, phase=Phase.TURN_FARTHER, widest=widest, beyond=beyond, count=0)
        return self._settled(farther)

    def _settled(self, state: Yang2024State) -> Yang2024State:
        """Make the turn once its angle is known well enough."""
        passed, failed = (math.cos(math.radians(at)) for at in (state.angle, state.beyond))
        if state.count < ANGLE_HALVINGS and abs(passed - failed) > COSINES:
            return state
        point = _surfree.turned(state.start, state.point, state.direction, state.angle)
        return self._turn(replace(state, point=point, turned=state.turned + 1))

    def _next_round(self, state: Yang2024State) -> Yang2024State:
        """Set the next boundary as far again; one that is passed already asks nothing."""
        boundary, last = state.boundary, state.last
        while _passes(state, boundary, state.loss):
            boundary, last = boundary + max(boundary - last, CLOSEST), boundary
        state = replace(state, phase=Phase.TRY, start=state.point, count=0)
        return replace(state, boundary=boundary, last=last)

    @staticmethod
    def _scaled(state: Yang2024State, number: int) -> int:
        return max(1, round(number * state.problem.queries / BUDGET))


def _passes(state: Yang2024State, boundary: float, loss: float) -> bool:
    """Whether a loss lies beyond a boundary, by more than the noise."""
    clean = state.problem.clean_loss
    way = clean if clean > 0 else QUALITY_MAX + clean  # to 0 where quality is lowered, else to -10
    return loss < clean - boundary * way - state.problem.noise


def _whole(state: Yang2024State, field: Field) -> Perturbation:
    return np.clip(whole_levels(field, state.problem.levels), -state.limit, state.limit)


def _middle(state: Yang2024State) -> float:
    return (state.angle + state.beyond) / 2


def _texture(state: Yang2024State) -> Field:
    """Return the round's start with random texture added where the mask is."""
    draw = state.problem.stream.at(state.query)
    strength = np.float32(TEXTURE * draw.random())
    texture = 2 * draw.random(state.start.shape, dtype=np.float32) - 1
    return state.start + strength * texture * state.mask
