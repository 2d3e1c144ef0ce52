"""`guided` from picture to picture: what was found on some is asked first on the next."""

from dataclasses import dataclass
from typing import ClassVar

from iqaudit.attacks._guided.attack import Guided
from iqaudit.attacks._guided.memory import Memory, raises, share
from iqaudit.attacks._guided.moves import GuidedState


@dataclass(frozen=True)
class GuidedCarrying(Guided):
    """`Guided`, with what it learned on an audit's earlier pictures.

    The first picture of each direction is searched as `Guided` does. From then on the opening has,
    besides its patterns, the signs that earlier searches ended with, folded to tiles; it is asked
    in the order of what each promises by the earlier pictures, and ends where none promises
    enough for a query.

    The pictures are searched one after the other, in their order, on which each but the first
    hangs.

    Parameters
    ----------
    visibility : float
        As `Guided` has it, and the others.
    explore : float
        Share of the queries whose operator is drawn without regard to gains, in (0, 1].
    budget : {"queries", "compute"}, optional
        What is scarce.

    Examples
    --------
    >>> GuidedCarrying().carries
    True
    """

    anytime: ClassVar[bool] = False
    """A longer search would leave the next pictures another memory."""

    carries: ClassVar[bool] = True

    def learned(self, state: GuidedState) -> Memory:
        """Return what is known after a search."""
        problem = state.problem
        memory: Memory = problem.memory or {}
        after = state.known.after(state.asked, state.perturbation, share(problem, state.loss))
        return {**memory, raises(problem): after}
