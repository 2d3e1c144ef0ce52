"""The training of a victim: its pictures and scale, how long it takes, and what is told of it."""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from iqaudit._analysis.analyse import Watch
from iqaudit._assess.cost import duration
from iqaudit._core.collection import Pictures
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Pixels
from iqaudit._core.wording import worded
from iqaudit._harden import scales
from iqaudit._harden.base import Base
from iqaudit._harden.records import BEFORE, TRAINING, AskedRecord, EpochRecord
from iqaudit._harden.sets import Part, stopped_by
from iqaudit._harden.training import Rated, Training, refuse_unless_trainable, train
from iqaudit._harden.weights import content
from iqaudit.victims._scale_file import load_scale

PASSES = 14
"""Dense passes that take as long as an epoch does for a picture: 4, and gradients through each."""

Tell: TypeAlias = Callable[[str], None]
"""Called with a sentence on what it takes, or how far it is."""


def refuse(base: Base, part: Part) -> None:
    """Refuse what cannot be trained with.

    Raises
    ------
    InputError
        If nobody rated the pictures, or the victim's network cannot be trained.
    """
    if part.opinions is None:
        rated = worded('data="csv:FILE"', "--data csv:FILE")
        raise InputError(
            f"Training needs pictures that people rated ({rated}); slopes and attacked do without."
        )
    if base.weights is not base.module:
        raise InputError(
            f'The victim "{base.label}" has weights or preprocessing beyond what its checkpoint '
            "holds: it cannot be trained."
        )
    pixels = cut(base, part.pictures[0].pixels)
    refuse_unless_trainable(base.module, np.stack([pixels, pixels]))


def cut(base: Base, pixels: Pixels) -> Pixels:
    """Return a part of a picture as large as those that are trained with."""
    side = _side(base)
    return pixels[:side, :side]


def _side(base: Base) -> int:
    return max(Training.side, base.victim.card.smallest_side)


def harden(
    base: Base, part: Part, asked: AskedRecord, root: Path, watch: Watch, tell: Tell
) -> tuple[bytes, tuple[EpochRecord, ...]]:
    """Return the weights of the network, trained, as a file's content, and its epochs.

    Writes the scale before.

    Raises
    ------
    InputError
        If its scores are no numbers any more.
    VictimError
        If the victim fails.
    """
    scales.ask(root / BEFORE, base.victim, part, watch)
    folder = root / TRAINING
    folder.mkdir(exist_ok=True)
    how = Training(
        epochs=asked.epochs,
        levels=asked.levels,
        loss=asked.loss,
        seed=asked.seed,
        side=_side(base),
    )
    ends = [time.monotonic()]

    def told(number: int, epoch: EpochRecord) -> None:
        ends.append(time.monotonic())
        left = (ends[-1] - ends[-2]) * (how.epochs - number)
        tell(
            f"epoch {number} of {how.epochs}: error {epoch.error:.2f}, movement "
            f"{epoch.movement:.2f}, SROCC held out {epoch.srocc:.3f}; at most {duration(left)} left"
        )

    fitted, held = (
        Rated(_Pixels(each.pictures), np.asarray(each.opinions, np.float64))
        for each in stopped_by(part, asked.seed)
    )
    scale = load_scale(root / BEFORE)
    weights, epochs = train(base.module, scale, fitted, held, how, folder, told)
    return content(weights), epochs


def forget(root: Path) -> None:
    """Remove the state, once the weights are there."""
    shutil.rmtree(root / TRAINING, ignore_errors=True)


class _Pixels(Sequence[Pixels]):
    """The pixels of pictures, each read when it is asked for."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: Any) -> Any:
        return self._pictures[index].pixels
