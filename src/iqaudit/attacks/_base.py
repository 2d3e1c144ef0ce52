"""Attacks: frozen values of hyper-parameters that propose and are told.

``state = attack.init(problem)``, then in turns ``proposal = attack.ask(state)`` and
``state = attack.tell(state, proposal, loss)``. All three are pure: the same arguments give the
same answer, states are never changed, and random numbers come from ``problem.stream.at(query)``.
An attack never calls a victim, counts, clips or saves.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Patch, Patched, Perturbation
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream
from iqaudit._core.threat import OWN, Threat

PREPARATION, FIRST_QUERY = 1, 2
"""Steps of the stream: the clean picture's query, at which an attack may draw what it needs from
the start on, and that of its first proposal."""

LossGradient: TypeAlias = Callable[[Perturbation], NDArray[np.float32]]
"""From a perturbation to the gradient of the loss by the picture's levels there, but for a positive
factor; both (height, width, 3)."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The problem of an attack: all that it may know.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The clean picture: the part of it that the victim sees.
    levels : int
        The largest change of a channel.
    queries : int
        The whole budget, in scores. Query 1 is the clean picture's; the attack's first is query 2.
    stream : Stream
        The trial's random numbers.
    noise : float
        The standard deviation of a loss, at the most: a smaller gain may be the victim's chance.
    clean_loss : float
        The clean picture's loss; infinite where it is not known.
    gradient : callable, optional
        See `LossGradient`; for white-box attacks alone.
    incremental : bool
        Whether a small window costs the victim less than the whole picture.
    memory : object, optional
        What the attack learned on earlier pictures, where it carries that on.
    """

    pixels: Pixels
    levels: int
    queries: int
    stream: Stream
    noise: float = 0.0
    clean_loss: float = math.inf
    gradient: LossGradient | None = None
    incremental: bool = False
    memory: Any = None

    def unchanged(self) -> Perturbation:
        """Return a new perturbation that changes nothing."""
        return np.zeros(self.pixels.shape, np.int16)


class State(Protocol):
    """The state of an attack; each adds its own values."""

    @property
    def perturbation(self) -> Perturbation:
        """The perturbation so far; a new array, never a changed one, once a step is accepted."""
        ...


@dataclass(frozen=True, eq=False)
class Descent:
    """State of a search that keeps a proposal where the loss falls.

    Attributes
    ----------
    problem : Problem
        The problem.
    query : int
        The number of the next proposal.
    perturbation : ndarray of int16, (height, width, 3)
        The one that was kept last.
    loss : float
        Its loss; infinite before the start is scored, where that is taken whatever it scores.
    """

    problem: Problem
    query: int
    perturbation: Perturbation
    loss: float

    def edited(self, levels: Perturbation, row: int = 0, column: int = 0) -> Patched:
        """Return the proposal that has other levels from a place on."""
        return Patched(self.perturbation, (Patch(row, column, levels),))

    def gains(self, loss: float) -> bool:
        """Tell whether a loss is lower by more than the noise."""
        return loss < self.loss - self.problem.noise

    def told(self, proposal: Patched, loss: float, *, kept: bool) -> Self:
        """Return the state after a proposal's loss, at the proposal where that is kept."""
        at, loss = (proposal.painted(), loss) if kept else (self.perturbation, self.loss)
        return replace(self, query=self.query + 1, perturbation=at, loss=loss)


def beginning(problem: Problem, loss: float) -> tuple[Problem, int, Perturbation, float]:
    """Return the first four parts of a `Descent` that begins at the clean picture."""
    return problem, FIRST_QUERY, problem.unchanged(), loss


S = TypeVar("S", bound=State)
P = TypeVar("P", bound=Patched)


class Attack(Protocol[S]):
    """An attack, a frozen dataclass; the module's docstring has the order of calls.

    It is a black-box one unless its class has a true ``white_box``: then its problem has a
    gradient, and only victims that have one can be attacked. One whose class has a true
    ``anytime`` proposes the same whatever `Problem.queries` is, so that a search is the beginning
    of every longer one. One whose class has a ``threat`` of ``"retouch"`` keeps to bounds of its
    own, and is not clipped to ε. One whose class has a true ``shared`` makes one change for many
    pictures. One whose class has a true ``carries`` searches an audit's pictures one after the
    other, and its ``learned(state)`` after one is the `Problem.memory` of the next. One whose class
    has a true ``compares`` keeps a proposal where its loss is lower than ``state.loss``, that of
    what is held: where the victim answers at random, it is asked about again before. One whose
    proposals are made of edits with names says in
    ``edits(proposal)`` how large each is; those of the best are recorded.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def init(self, problem: Problem) -> S:
        """Return the state before the first proposal."""
        ...

    def ask(self, state: S) -> Patched:
        """Return the perturbation to be scored next."""
        ...

    def tell(self, state: S, proposal: Patched, loss: float) -> S:
        """Return the state after a proposal's loss.

        Parameters
        ----------
        state : State
            The one that `ask` was called with.
        proposal : Patched
            Its proposal.
        loss : float
            The proposal's, lower is better: quality on 0-10, or its negative.
        """
        ...


def is_anytime(attack: Attack[Any]) -> bool:
    """Tell whether an attack's proposals do not depend on the budget."""
    return bool(getattr(attack, "anytime", False))


def own_threat(attack: Attack[Any]) -> Threat | None:
    """Return the threat that an attack brings; None where it plays within an L∞ ball."""
    name = getattr(type(attack), "threat", None)
    return OWN.get(name) if isinstance(name, str) else None


def edits_of(attack: Attack[Any], proposal: Patched) -> Mapping[str, float]:
    """Return the sizes of the edits that a proposal is made of, by their names; empty without."""
    named = getattr(attack, "edits", None)
    return named(proposal) if callable(named) else {}


def own_proposal(proposal: Patched, kind: type[P]) -> P:
    """Return a proposal that an attack is told of, which is of the kind that it makes.

    Raises
    ------
    TypeError
        If it is not.
    """
    if not isinstance(proposal, kind):
        raise TypeError(f"told of {type(proposal).__name__}, which was not asked")
    return proposal


def is_white_box(attack: Attack[Any]) -> bool:
    """Tell whether an attack follows the victim's gradient."""
    return bool(getattr(attack, "white_box", False))


def compares(attack: Attack[Any]) -> bool:
    """Tell whether an attack keeps a proposal where its loss is lower than that of what is held."""
    return bool(getattr(attack, "compares", False)) and not is_white_box(attack)


def is_shared(attack: Attack[Any]) -> bool:
    """Tell whether an attack makes one change for many pictures."""
    return bool(getattr(attack, "shared", False))


def is_carrying(attack: Attack[Any]) -> bool:
    """Tell whether an attack carries what it learned from picture to picture."""
    return bool(getattr(attack, "carries", False))


def spans(attack: Attack[Any]) -> bool:
    """Tell whether an attack's searches of some pictures hang on others."""
    return is_shared(attack) or is_carrying(attack)


def learned(attack: Attack[Any], state: Any) -> Any:
    """Return what an attack that carries knows after a search."""
    carrying: Any = attack
    return carrying.learned(state)
