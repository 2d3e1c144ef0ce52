"""Training: a whole network's weights, fitted to opinion scores of clean and attacked pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from iqaudit._analysis.analyse import Watch
from iqaudit._core.picture import Pixels
from iqaudit._harden.records import AskedRecord
from iqaudit.measures._arrays import Floats


def train(
    module: nn.Module,
    pictures: Sequence[Pixels],
    labels: Floats,
    settings: AskedRecord,
    folder: Path,
    watch: Watch,
) -> Mapping[str, Tensor]:
    """Return a network's trained weights.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 3, height, width) in [0, 1] to n scores: a copy, to be trained in place.
    pictures : sequence of ndarray of uint8, (height, width, 3)
        Each is read when it is asked for.
    labels : ndarray of float64, (n,)
        Their opinion scores on 0-10.
    settings : AskedRecord
    folder : Path
        Where the state of each epoch is kept; an earlier start's is gone on with.
    watch : callable
        As `iqaudit.transfer` takes it.
    """
    raise NotImplementedError
