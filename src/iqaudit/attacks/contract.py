"""What an attack is: a frozen value of hyper-parameters that proposes and is told.

``state = attack.init(problem)``, then in turns ``proposal = attack.ask(state)`` and
``state = attack.tell(state, proposal, loss)``. All three are pure: the same arguments give the
same answer, states are never changed, and what is random comes from ``problem.stream.at(query)``.
An attack never calls a victim, counts, clips or saves.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from iqaudit.images import Pixels
from iqaudit.proposal import Perturbation, Proposal
from iqaudit.randomness import Stream
from iqaudit.victims.contract import Window


@dataclass(frozen=True, eq=False)
class Problem:
    """What an attack may know.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The clean picture.
    levels : int
        The largest change of a channel.
    queries : int
        The whole budget, in scores. Query 1 is the clean picture's; the attack's first is query 2.
    stream : Stream
        The trial's random numbers.
    window : Window
        The part of the picture that the victim looks at: changes elsewhere are wasted.
    noise : float
        The standard deviation of a loss, at the most: a smaller gain may be the victim's chance.
    """

    pixels: Pixels
    levels: int
    queries: int
    stream: Stream
    window: Window
    noise: float = 0.0


class State(Protocol):
    """What every attack's state tells, whatever else it holds."""

    @property
    def perturbation(self) -> Perturbation:
        """Where the attack stands; a new array, never a changed one, once a step is accepted."""
        ...


S = TypeVar("S", bound=State)


class Attack(Protocol[S]):
    """A black-box attack, a frozen dataclass; the module's docstring has the order of calls."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def init(self, problem: Problem) -> S:
        """Return the state before the first proposal."""
        ...

    def ask(self, state: S) -> Proposal:
        """Return the perturbation to be scored next."""
        ...

    def tell(self, state: S, proposal: Proposal, loss: float) -> S:
        """Return the state after the proposal's loss, lower is better."""
        ...
