"""The split of a network: windows as far as they pay, one compiled pass behind them.

Windows grow from map to map, until they cover most of the late ones. From where a compiled pass
over whole maps takes no longer than windows do, it is the better way, and maps behind it are not
kept.
"""

from collections.abc import Iterable
from dataclasses import replace

from iqaudit._incremental.compiled import Compiled, NotCompiledError, compiled, runtime
from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import INPUT, AnyStep
from iqaudit._incremental.plan import Planner
from iqaudit._incremental.work import at_once, behind, handed, in_windows, work

TYPICAL = 2, 0.001
"""The windows that a split is made for: their number, and the share of the picture of each."""


def split(network: Network) -> Network:
    """Return a network as it is computed best; as it was where OpenVINO is not there."""
    if runtime() is None:
        return network
    network = replace(network, whole=_compiled(network, (INPUT,), pixels=True))
    place = _place(network)
    if place is None:
        return network
    steps, left = network.steps[:place], network.steps[place:]
    front = _front(steps, left, network.tail.inputs)
    tail = _compiled(network, front, pixels=False) if steps else network.whole
    if tail is None:
        return network
    needed, kept = set(tail.inputs), list[AnyStep]()
    for step in reversed(steps):
        if step.name in needed:
            kept.append(step)
            needed |= set(step.inputs)
    rest = network.rest + sum(map(work, left))
    return replace(network, steps=tuple(reversed(kept)), tail=tail, rest=rest)


def _compiled(network: Network, starts: Iterable[str], *, pixels: bool) -> Compiled | None:
    source = network.source
    nodes = {name: source.nodes[name] for name in starts}
    try:
        return compiled(source.graph, source.constants, nodes, pixels=pixels)
    except NotCompiledError:
        return None


def _place(network: Network) -> int | None:
    """Return how many steps are worth computing on windows; None: all, before the tail as it is."""
    count, share = TYPICAL
    height, width = network.shape[2:]
    side = max(1, round((share * height * width) ** 0.5))
    shares = Planner(network).shares(count, min(side, height), min(side, width))
    outputs = network.tail.inputs
    before, left = 0.0, network.rest + sum(map(work, network.steps))
    works: dict[int | None, float] = {}
    for place in range(len(network.steps) + 1):
        front = _front(network.steps[:place], network.steps[place:], outputs)
        maps = sum(handed(network.shapes[name]) for name in front if name in network.shapes)
        works[place] = before + maps + at_once(left)
        if place < len(network.steps):
            step = network.steps[place]
            before += in_windows(step, shares[step.name])
            left -= work(step)
    works[None] = before + behind(network)
    if network.whole is None:  # what is not compiled as a whole may be behind its first steps
        del works[0]
    return min(works, key=works.__getitem__)


def _front(
    before: Iterable[AnyStep], behind: Iterable[AnyStep], outputs: Iterable[str]
) -> tuple[str, ...]:
    """Return the steps whose values cross a split."""
    read = {name for step in behind for name in step.inputs} | set(outputs)
    return tuple(name for name in (INPUT, *(step.name for step in before)) if name in read)
