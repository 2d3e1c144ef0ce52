"""The work of passes, told from shapes alone: what takes how long, about.

In arithmetic operations of a compiled pass. A number that is written costs as much as some of them,
and so does every call; nothing is measured where it runs, so that what hangs on it is the same
everywhere.
"""

import math

from iqaudit._incremental.compiled import Compiled
from iqaudit._incremental.network import Network
from iqaudit._incremental.nodes import NUMBER
from iqaudit._incremental.operators import AnyStep, Reduction, Shape

HANDED = 250.0
"""Operations in the time that a number takes to be collected from a stored map and laid out for a
compiled pass."""

STEP, CALL, OPERATOR = 7e6, 50e6, 2e6
"""Operations in the time that a step on windows, a compiled pass and an operator of torch's take
beside their work."""

IN_WINDOWS, WHOLE = 1.6, 1.5
"""How much longer than compiled our own steps take: on windows, and on whole maps."""


def work(step: AnyStep) -> float:
    """Return a step's work on a whole map."""
    return step.flops + (0.0 if isinstance(step, Reduction) else NUMBER * math.prod(step.shape))


def handed(shape: Shape) -> float:
    """Return the work of handing a map to a compiled pass."""
    return HANDED * math.prod(shape)


def in_windows(step: AnyStep, share: float) -> float:
    """Return the work of a step on windows that are a share of its map."""
    return STEP + IN_WINDOWS * share * work(step)


def at_once(amount: float) -> float:
    """Return the work of a compiled pass that does an amount of it."""
    return CALL + amount


def behind(network: Network) -> float:
    """Return the work of the tail."""
    if isinstance(network.tail, Compiled):
        return at_once(network.rest)
    return OPERATOR * len(network.tail.calls) + WHOLE * network.rest


def dense(network: Network) -> float:
    """Return the work of a dense pass."""
    steps = sum(map(work, network.steps))
    if network.whole is not None:
        return at_once(steps + network.rest)
    return OPERATOR * len(network.steps) + WHOLE * steps + behind(network)


def anchoring(network: Network) -> float:
    """Return the work of making a base's maps, as a share of a dense pass's.

    0 where dense passes are our own as well, and no faster.
    """
    if network.whole is None:
        return 0.0
    steps = sum(map(work, network.steps))
    return (OPERATOR * len(network.steps) + WHOLE * steps) / dense(network)
