"""Training: a whole network's weights, fitted to opinion scores and steadied within a threat.

Each step takes parts of a few pictures. It lowers the squared error of their quality, and the
square of how far that moves along a few signed gradient steps within the threat, from a point that
is drawn there (Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR
2018; the second term as in Zhang et al., "Theoretically Principled Trade-off between Robustness and
Accuracy", ICML 2019). The second's weight grows from epoch to epoch: a network that is steadied at
once forgets what it knows. One gradient step would be a third of the work, and does not do: trained
against single steps, `reference` was moved three times as far by two, and six times by ten.
"""

import copy
import io
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from iqaudit._core.distortions import DEGRADATIONS
from iqaudit._core.errors import InputError, foreign
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import QUALITY_MAX, Scale
from iqaudit._core.threads import cores, one_thread
from iqaudit._harden.records import EPOCHS, EpochRecord
from iqaudit._incremental.dense_pass import DensePass
from iqaudit._runs.store import write_whole
from iqaudit.measures._agreement import srocc
from iqaudit.measures._arrays import Floats

SHARD = 4
"""Pictures of a step that a thread takes: the order of sums hangs on no number of cores."""

COPIES = tuple(DEGRADATIONS.values())
"""A network that small changes do not move may become blind to what spoils a picture: without
copies, `robust` rated four noisy ones of five above the original."""

MARGINS = (0.5, 1.0, 1.5)
"""How far below its original, on 0-10, a copy of each strength is asked to lie."""

WARM = 20
"""Steps until the learning rate is whole."""

KEPT = 0.99
"""Of the mean of the latest weights at each step, which is what the training results in."""

LONGEST = 5.0
"""Length to which a step's gradient is cut."""

PATIENCE = 3
"""Epochs beyond the loss that is allowed, after which a training ends."""

HALF = 0.5
"""Of the pictures are mirrored, and are pushed away from their label: others toward an end."""

STATE = "state.pt"

Draw: TypeAlias = np.random.Generator


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
        How often each picture is seen, at the most.
    steadiness : pair of float
        Weight of the square of the movement beside that of the error, at the beginning and the end.
    rate : float
        Adam's learning rate, which falls to nothing by half a cosine.
    side : int
        Pixels of a part's side; the picture's where that is shorter.
    ranking : float
        Weight, beside that of the error, of the square of what degraded copies of pictures lack to
        lie below their originals.
    batch : int
        Pictures a step; all where there are fewer.
    levels : int
        The largest change of a channel.
    steps : tuple of float
        The signed gradient steps along which the movement is sought, in threats.
    loss : float
        Of SROCC, of the pictures held out, that may be paid.
    seed : int
        Of all draws.
    """

    epochs: int = EPOCHS
    steadiness: tuple[float, float] = (0.02, 0.6)
    rate: float = 1.5e-4
    side: int = 320
    ranking: float = 0.3
    batch: int = 16
    levels: int = 3
    steps: tuple[float, ...] = (1.0, 1.0, 0.5)
    loss: float = 0.01
    seed: int = 0


class Rated(NamedTuple):
    """Pictures, each read when it is asked for, and their opinion scores on 0-10, (n,)."""

    pictures: Sequence[Pixels]
    opinions: Floats


def train(
    module: nn.Module,
    scale: Scale,
    fitted: Rated,
    held: Rated,
    how: Training,
    folder: Path,
    told: Callable[[int, EpochRecord], None],
) -> tuple[Mapping[str, Tensor], tuple[EpochRecord, ...]]:
    """Return a network's trained weights, the steadiest whose SROCC held out is near the best.

    And the record of its epochs.

    The same weights on any number of cores. What was trained until it was stopped is gone on with.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 3, height, width) in [0, 1] to n scores; it is left as it is. Statistics of batches
        are not trained.
    scale : Scale
        Its scale: errors are those of quality.
    fitted, held : Rated
        Those to train with, and others to stop by.
    how : Training
    folder : Path
        Where the state is kept.
    told : callable
        Called after each epoch with its number.

    Raises
    ------
    InputError
        If its scores do not depend on its weights differentiably, or are no numbers any more.
    """
    with one_thread(), ThreadPoolExecutor(cores()) as pool:
        trainer = Trainer(module, scale, fitted, how, pool)
        trainer.resume(folder / STATE)
        while not trainer.is_over():
            trainer.epoch(held)
            write_whole(folder / STATE, trainer.state())
            told(len(trainer.epochs), trainer.epochs[-1])
        return trainer.chosen, tuple(trainer.epochs)


@one_thread()
def refuse_unless_trainable(module: nn.Module, pixels: Pixels) -> None:
    """Refuse a network that cannot be trained, as pictures (n, height, width, 3) show.

    Raises
    ------
    InputError
        If it has no weights, or gives no score a picture that depends on them differentiably.
    """
    try:
        dense, weights = _copied(module)
        _gradients(_scores(dense, dense.tensor(pixels)).sum(), weights)
    except InputError:
        raise
    except Exception as error:  # a foreign module's code may raise anything
        raise InputError(f"The network cannot be trained: {foreign(error)}.") from error


class Trainer:
    """A network under training: a copy, the mean of its latest weights, and what is best so far."""

    def __init__(
        self,
        module: nn.Module,
        scale: Scale,
        fitted: Rated,
        how: Training,
        pool: ThreadPoolExecutor,
    ) -> None:
        (now, self._weights), (self._mean, self._means) = _copied(module), _copied(module)
        self._module = now.module
        self._quality = partial(_quality, scale=scale)
        self._fitted, self._how, self._pool = fitted, how, pool
        self._adam = torch.optim.Adam(self._weights, lr=how.rate)
        self._step = 0
        self.epochs: list[EpochRecord] = []
        self.chosen: Mapping[str, Tensor] = module.state_dict()

    def is_over(self) -> bool:
        """Tell whether the last epoch is behind, or no later one is likely to be taken."""
        latest = self.epochs[-PATIENCE:]
        gone = len(self.epochs) > PATIENCE and not any(map(self._is_near, latest))
        return gone or len(self.epochs) >= self._how.epochs

    def _is_near(self, epoch: EpochRecord) -> bool:
        return epoch.srocc >= max(each.srocc for each in self.epochs) - self._how.loss

    def epoch(self, held: Rated) -> None:
        """Train with every picture once; take the mean of the weights where it is near the best.

        Of pictures that fill no step the rest is left out, another each time.
        """
        how, count = self._how, len(self._fitted.pictures)
        size = min(how.batch, count)
        order = np.random.default_rng((how.seed, len(self.epochs))).permutation(count)
        steps = [order[at : at + size] for at in range(0, count - size + 1, size)]
        sums = np.sum([self._stepped(batch, len(steps)) for batch in steps], axis=0)
        error, movement = np.sqrt(sums / (len(steps) * size)).tolist()
        record = EpochRecord(error=error, movement=movement, srocc=self._agreement(held))
        self.epochs.append(record)
        if self._is_near(record):
            state = self._mean.module.state_dict()
            self.chosen = {key: each.clone() for key, each in state.items()}

    def _agreement(self, held: Rated) -> float:
        """Return the SROCC with people of the mean of the latest weights; -1 where it has none."""
        scores = [self._mean.score(pixels) for pixels in held.pictures]
        quality = self._quality(torch.tensor(scores, dtype=torch.float64)).numpy()
        return float(np.nan_to_num(srocc(quality, held.opinions), nan=-1.0))

    def _stepped(self, batch: NDArray[np.intp], steps: int) -> NDArray[np.float64]:
        """Take a step; return the sums of the squares of errors and of movements."""
        how, done = self._how, self._step / (steps * self._how.epochs)
        first, last = how.steadiness
        weight = first * (last / first) ** done
        shards = [batch[at : at + SHARD] for at in range(0, len(batch), SHARD)]
        results = list(self._pool.map(partial(self._slopes, weight=weight), shards))
        rate = min(1.0, (self._step + 1) / WARM) * (1 + math.cos(math.pi * done)) / 2
        for group in self._adam.param_groups:
            group["lr"] = how.rate * rate
        for each, *parts in zip(self._weights, *(slopes for slopes, _ in results), strict=True):
            each.grad = sum(parts[1:], parts[0]) / len(batch)
        nn.utils.clip_grad_norm_(self._weights, LONGEST)
        self._adam.step()
        self._step += 1
        kept = min(KEPT, self._step / (self._step + 9))
        with torch.no_grad():
            for mean, each in zip(self._means, self._weights, strict=True):
                mean.lerp_(each, 1 - kept)
        return np.asarray(np.sum([sums for _, sums in results], axis=0))

    def _slopes(
        self, shard: NDArray[np.intp], weight: float
    ) -> tuple[list[Tensor], NDArray[np.float64]]:
        """Return the sums over some pictures: of their slopes by the weights, and of both terms."""
        torch.set_num_threads(1)  # of this thread's own
        copied = _copied(self._module)  # what a network notes down in a pass is this thread's own
        draws = [np.random.default_rng((self._how.seed, len(self.epochs), each)) for each in shard]
        parts = [
            _part(self._fitted.pictures[each], self._how.side, draw)
            for each, draw in zip(shard, draws, strict=True)
        ]
        each_alone = len({each.shape for each in parts}) > 1
        alike = [[at] for at in range(len(parts))] if each_alone else [[*range(len(parts))]]
        found = [
            self._together(
                *copied,
                np.stack([parts[at] for at in places]),
                self._fitted.opinions[shard[places]],
                [draws[at] for at in places],
                weight,
            )
            for places in alike
        ]
        slopes = [sum(each[1:], each[0]) for each in zip(*(some for some, _ in found), strict=True)]
        return slopes, np.asarray(np.sum([terms for _, terms in found], axis=0))

    def _together(
        self,
        dense: DensePass,
        weights: Sequence[Tensor],
        pixels: Pixels,
        opinions: Floats,
        draws: Sequence[Draw],
        weight: float,
    ) -> tuple[list[Tensor], NDArray[np.float64]]:
        """Do it for pictures of one size, (n, height, width, 3)."""
        x, levels = dense.tensor(pixels), self._how.levels / 255
        label = torch.as_tensor(opinions, dtype=x.dtype, device=x.device)
        begun = np.stack([draw.uniform(-levels, levels, x.shape[1:]) for draw in draws])
        change = torch.as_tensor(begun.astype(np.float32)).to(x)
        away = torch.tensor([draw.random() < HALF for draw in draws], device=x.device)
        near = (x + change).clamp(0, 1).requires_grad_()
        quality = self._quality(_scores(dense, near))
        error = (quality - label).square().sum()
        slope, *first = _gradients(error, [near, *weights])
        with torch.no_grad():
            side = torch.sign(quality - label)
            way = torch.where(away, side, torch.sign(QUALITY_MAX / 2 - quality))[
                :, None, None, None
            ]
            slope = side[:, None, None, None] * slope
        for number, size in enumerate(self._how.steps):
            if number:
                near = (x + change).clamp(0, 1).requires_grad_()
                [slope] = _gradients(self._quality(_scores(dense, near)).sum(), [near])
            change = (change + size * levels * torch.sign(way * slope)).clamp(-levels, levels)
        there = self._quality(_scores(dense, (x + change).clamp(0, 1)))
        movement = (there - quality.detach()).square().sum()
        second = _gradients(weight * movement, weights)
        slopes = [a + b for a, b in zip(first, second, strict=True)]
        if self._how.ranking:
            missed = self._how.ranking * self._missed(dense, pixels, quality.detach(), draws)
            third = _gradients(missed, weights)
            slopes = [a + b for a, b in zip(slopes, third, strict=True)]
        return slopes, np.array([error.item(), movement.item()])

    def _missed(
        self, dense: DensePass, pixels: Pixels, quality: Tensor, draws: Sequence[Draw]
    ) -> Tensor:
        """Return the sum of the squares of what copies lack to lie far enough below."""
        made = [_degraded(each, draw) for each, draw in zip(pixels, draws, strict=True)]
        copies, margins = zip(*made, strict=True)
        below = self._quality(_scores(dense, dense.tensor(np.stack(copies))))
        return (torch.tensor(margins).to(below) - (quality - below)).clamp(min=0).square().sum()

    def state(self) -> bytes:
        """Return all that the training goes on from."""
        held = {
            "module": self._module.state_dict(),
            "mean": self._mean.module.state_dict(),
            "adam": self._adam.state_dict(),
            "step": self._step,
            "epochs": [vars(each) for each in self.epochs],
            "chosen": dict(self.chosen),
        }
        file = io.BytesIO()
        torch.save(held, file)
        return file.getvalue()

    def resume(self, file: Path) -> None:
        """Go on from a file that holds a state, where there is one."""
        with suppress(FileNotFoundError):
            held = torch.load(file, weights_only=True)
            self._module.load_state_dict(held["module"])
            self._mean.module.load_state_dict(held["mean"])
            self._adam.load_state_dict(held["adam"])
            self._step, self.chosen = held["step"], held["chosen"]
            self.epochs = [EpochRecord(**each) for each in held["epochs"]]


def _copied(module: nn.Module) -> tuple[DensePass, list[Tensor]]:
    """Return the passes of a copy, and what of it can be trained."""
    with torch.no_grad():  # else a script's copied weights are results, not leaves
        copied = copy.deepcopy(module)
    weights = [each for each in copied.parameters() if each.is_floating_point()]
    if not weights:
        raise InputError("The network has no weights that can be trained.")
    return DensePass(copied), [each.requires_grad_() for each in weights]


def _scores(dense: DensePass, pictures: Tensor) -> Tensor:
    """Return the scores of pictures, (n,)."""
    scores: Tensor = dense(pictures).reshape(-1)
    if len(scores) != len(pictures):
        raise InputError(
            f"The network gives {len(pictures)} pictures {len(scores)} scores: it cannot be "
            "trained."
        )
    if not scores.requires_grad:
        raise InputError("The network's scores have no gradient: it cannot be trained.")
    if not scores.isfinite().all():
        raise InputError("The network's scores in training are no numbers: it cannot be trained.")
    return scores


def _gradients(of: Tensor, by: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradients of a sum; zero of what it does not depend on."""
    return list(torch.autograd.grad(of, by, allow_unused=True, materialize_grads=True))


def _quality(scores: Tensor, scale: Scale) -> Tensor:
    """Return native scores on 0-10, higher is better."""
    sign = -1 if scale.lower_is_better else 1
    return QUALITY_MAX * torch.sigmoid(sign * (scores - scale.center) / scale.spread)


def _degraded(pixels: Pixels, draw: Draw) -> tuple[Pixels, float]:
    """Return a copy of a picture, degraded in a way that is drawn, and its margin."""
    make, level = COPIES[draw.integers(len(COPIES))], int(draw.integers(len(MARGINS)))
    copied = make(np.ascontiguousarray(pixels), level, int(draw.integers(2**32)))
    return copied, MARGINS[level]


def _part(pixels: Pixels, side: int, draw: Draw) -> Pixels:
    """Return a part of a picture that is drawn, mirrored one time in two."""
    height, width = (min(side, each) for each in pixels.shape[:2])
    row = draw.integers(pixels.shape[0] - height + 1)
    column = draw.integers(pixels.shape[1] - width + 1)
    part = pixels[row : row + height, column : column + width]
    return part[:, ::-1] if draw.random() < HALF else part
