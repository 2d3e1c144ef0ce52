"""Incremental scoring of one module: its networks by picture size, and searches begun."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from iqaudit._core.process import compiler_version, give_freed_memory_back
from iqaudit._incremental.activations import Activations
from iqaudit._incremental.dense_pass import DensePass, as_number, own_precision
from iqaudit._incremental.network import Network, read
from iqaudit._incremental.recording import (
    NotExportableError,
    Recording,
    first_line,
    record,
    undisturbed,
)
from iqaudit._incremental.session import Session
from iqaudit._incremental.split import split
from iqaudit._incremental.trust import Trust
from iqaudit._incremental.work import dense

MOST_BYTES = 4 * 2**30
"""Pictures whose maps would take more are scored densely."""

WORTH_COMPILING = 5e8
"""Operations of a dense pass: compiling takes seconds, which a faster one is not worth. A search's
length has no say, or one that is prolonged would end otherwise than one as long from the start."""

SIZES = 2
"""Picture sizes whose networks are cached; reading one takes seconds."""


class Rescorer:
    """Incremental scoring of one module's pictures, of any sizes.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 3, height, width) in [0, 1] to n scores.
    unit : float
        A difference of scores that matters, in native units.
    on_fault : callable
        Called with the reason when incremental scoring is left.

    Attributes
    ----------
    dense : DensePass
        The module on whole pictures.
    trust : Trust
        In the incremental scores; of all searches together.
    """

    def __init__(self, module: nn.Module, unit: float, on_fault: Callable[[str], None]) -> None:
        self.dense = DensePass(module)
        self.trust = Trust(self.dense, unit, on_fault)
        self._networks: dict[tuple[int, int], tuple[str, Network | str]] = {}
        """By size: the key of the recording that each was read from, and the network."""

    def network(self, height: int, width: int) -> Network | str:
        """Return the network that the module is now for pictures of a size, or why there is none.

        The module is run and recorded anew whenever this is asked, which tells whatever has changed
        in it; its graph, which takes seconds, is read where the recording is another.
        """
        size = (height, width)
        known, network = self._networks.get(size, ("", ""))
        with undisturbed():
            try:
                recording = self._settled(self._pictures(height, width), known)
            except NotExportableError as error:
                return str(error)
            if recording.key == known:
                return network
            network = self._read(recording)
        if self._networks.pop(size, None):  # another module: nothing is known of its steps
            self.trust = self.trust.anew()
        if len(self._networks) >= SIZES:  # each holds the weights in its own layout
            del self._networks[next(iter(self._networks))]
        self._networks[size] = recording.key, network
        return network

    def describe(self, height: int, width: int) -> str:
        """Tell how much of the module's work on a picture of a size is incremental, and why so."""
        session = self._begin(height, width)
        if isinstance(session, str):
            return f"Every query is a dense pass: {session}."
        network = session.network
        rest = f"; dense from {', '.join(network.dense)} on" if network.dense else ""
        if network.whole is not None:
            rest += f"; whole passes are OpenVINO {compiler_version()}'s"
        if network.otherwise:
            rest += f"; not compiled, since OpenVINO {compiler_version()} computes it otherwise"
        if not network.steps:
            return f"Every query is a dense pass{rest}."
        return (
            f"{100 * network.share:.1f} % of a pass's arithmetic is done again only where a query "
            f"can change it{rest}."
        )

    def open(self, height: int, width: int) -> Session | None:
        """Begin a search on a picture of a size; None where it can only be scored densely."""
        session = self._begin(height, width)
        return None if isinstance(session, str) else session

    def _settled(self, pictures: Iterable[Tensor], known: str) -> Recording:
        """Return a recording of a key that is known, or that the next one has as well.

        The first run of a module may make constants that are there in the next.
        """
        before = known
        for picture in pictures:
            recording = record(self.dense.module, picture)
            if recording.key == before:
                return recording
            before = recording.key
        raise NotExportableError("its operators differ from one picture to the next")

    def _pictures(self, height: int, width: int) -> Iterator[Tensor]:
        """Yield a few pictures of a size that have little in common."""
        draw = torch.Generator().manual_seed(0)
        for darkness in (1, 2, 4, 1):
            light = torch.rand((1, height, width, 3), generator=draw) ** darkness
            yield self.dense.tensor((255 * light).round().byte().numpy()).contiguous()

    def _read(self, recording: Recording) -> Network | str:
        try:
            return self._compiled(_followed(recording), recording)
        except NotExportableError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 (a graph that is read wrongly stops no audit)
            return f"reading it failed, {type(error).__name__}: {first_line(error)}"

    def _compiled(self, network: Network, recording: Recording) -> Network:
        """Return a network as it is computed best, unless that is something else than it."""
        like = recording.picture
        compilable = like.device.type == "cpu" and like.dtype == torch.float32
        if not compilable or dense(network) < WORTH_COMPILING:
            return network
        best = split(network)
        if best.whole is None:
            return best
        pixels = (255 * like).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        give_freed_memory_back()
        score = as_number(best.whole.tried([pixels]))
        agree = self.trust.agree(score, as_number(recording.score))
        return best if agree else replace(network, otherwise=True)

    @own_precision()
    def _begin(self, height: int, width: int) -> Session | str:
        """Return a search on a picture of a size, or why there can be none."""
        if self.trust.fault:
            return self.trust.fault
        network = self.network(height, width)
        if isinstance(network, str):
            return f"there is no graph of it ({network})"
        if not network.steps and network.whole is None:
            return "none of its operators knows windows"
        try:
            activations = Activations(network)
        except Exception as error:  # noqa: BLE001 (a graph that is read wrongly stops no audit)
            return f"its windows cannot be followed, {type(error).__name__}: {error}"
        size = activations.numbers * self.dense.like.element_size()
        if size > MOST_BYTES:
            return f"a picture's maps would take {size / 1e9:.1f} GB"
        give_freed_memory_back()  # the recording's: no window fills what its maps took
        return Session(self.dense, self.trust, activations)


def _followed(recording: Recording) -> Network:
    """Return the network of a recording; without windows where following them fails."""
    try:
        return read(recording)
    except NotExportableError:
        raise
    except Exception:  # noqa: BLE001 (a rule that fails costs windows, and no compiled passes)
        return read(recording, windows=False)
