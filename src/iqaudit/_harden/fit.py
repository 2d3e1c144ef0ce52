"""The closed form: a head that fits clean scores and moves little along rows of features.

With F the features, t the targets, D the rows and w0 the old head, in units of each feature's
deviation, it is the w that minimises

    mean((F w + b - t)^2) / var(t) + ridge * |w - w0|^2 / var(t) + penalty * mean((D w)^2) / r

where r is mean((D w0)^2): a penalty of 1 weighs the old head's own movement as much as a fit that
explains nothing. Both weights are chosen by what pictures that are held out say.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy

from iqaudit._core.errors import InputError
from iqaudit._core.stream import Stream
from iqaudit._harden.head import Head
from iqaudit._harden.records import FitRecord
from iqaudit.measures._agreement import srocc
from iqaudit.measures._arrays import Floats

FOLDS = 5
"""Parts of the pictures, of which each is held out once."""

RIDGES = tuple(10.0**power for power in range(-3, 4))
PENALTIES = (0.0, *(10.0 ** (power / 2) for power in range(-6, 7)))


class Problem(NamedTuple):
    """What a head is fitted to.

    Attributes
    ----------
    features : ndarray of float64, (n, f)
        Of clean pictures.
    targets : ndarray of float64, (n,)
        On the scale of the old head's outputs.
    rows : ndarray of float64, (m, f)
        Differences of features, along which the output is not to move.
    owners : ndarray of int, (m,)
        The picture of each row.
    centred : bool
        Whether there is a bias.
    """

    features: Floats
    targets: Floats
    rows: Floats
    owners: np.ndarray
    centred: bool


class Fitted(NamedTuple):
    """A head: its weights, (f,), and its bias."""

    weight: Floats
    bias: float


def targets(outputs: Floats, opinions: Floats, *, falling: bool) -> Floats:
    """Return opinions on the scale of a head's outputs: the same ranks, the outputs' own values.

    Of all monotone maps it keeps the outputs' distribution, and so whatever follows the head in its
    range. Equal opinions get equal targets.

    Parameters
    ----------
    outputs : ndarray of float64, (n,)
        The head's, of the same pictures.
    opinions : ndarray of float64, (n,)
    falling : bool
        Whether a higher output means a worse picture.
    """
    ranks = scipy.stats.rankdata(-opinions if falling else opinions) - 1
    return np.asarray(np.interp(ranks, np.arange(len(outputs)), np.sort(outputs)))


def fit(problem: Problem, old: Head, loss: float, seed: int) -> tuple[Fitted, FitRecord]:
    """Return the head that moves least of those whose SROCC is within a loss of the best.

    Both are of pictures held out in turn. The old head pulled to by a large ridge is among them, so
    a fit that helps nothing is not taken.

    Parameters
    ----------
    problem : Problem
    old : Head
    loss : float
        Of SROCC with the targets.
    seed : int
        Of the folds.

    Raises
    ------
    InputError
        If all features, or all targets, are alike.
    """
    reduced, pictures = _Reduced(problem, old), len(problem.targets)
    tried = len(PENALTIES), len(RIDGES)
    outputs, moves = np.empty((*tried, pictures)), np.empty((*tried, len(problem.rows)))
    for out in _folds(pictures, seed):
        mine = out[problem.owners]
        for at, penalty in enumerate(PENALTIES):
            for place, each in enumerate(reduced.solved(~out, penalty)):
                outputs[at, place, out] = problem.features[out] @ each.weight + each.bias
                moves[at, place, mine] = problem.rows[mine] @ each.weight
    agreement, movement = np.full(tried, -1.0), np.full(tried, np.inf)
    for pair in np.ndindex(*tried):
        agreement[pair] = np.nan_to_num(srocc(outputs[pair], problem.targets), nan=-1.0)
        movement[pair] = _share(moves[pair], outputs[pair])
    firm = np.where(agreement >= agreement.max() - loss, movement, np.inf)
    penalty, ridge = np.unravel_index(firm.argmin(), tried)
    every = np.ones(pictures, bool)
    fitted = _restored(problem, [*reduced.solved(every, PENALTIES[penalty])][ridge])
    record = FitRecord(
        rows=len(problem.rows),
        ridge=RIDGES[ridge],
        penalty=PENALTIES[penalty],
        srocc_before=float(srocc(old.outputs(problem.features), problem.targets)),
        srocc=float(agreement[penalty, ridge]),
        srocc_best=float(agreement.max()),
        moved_before=_share(problem.rows @ old.weight, problem.features @ old.weight),
        moved=float(movement[penalty, ridge]),
        cosine=_cosine(fitted.weight, old.weight),
    )
    return fitted, record


class _Reduced:
    """A problem in the span of its features and rows, which the ridge never leaves."""

    def __init__(self, problem: Problem, old: Head) -> None:
        self._problem = problem
        self._units = problem.features.std(axis=0)
        self._units[self._units == 0] = 1.0
        variance = float(problem.targets.var())
        if not (variance and np.ptp(problem.features, axis=0).any()):
            raise InputError("All pictures are alike to the network: no head can be fitted.")
        self._old = old.weight * self._units
        features, rows = problem.features / self._units, problem.rows / self._units
        self._basis: Floats | None = None
        stacked = np.concatenate([features, rows])
        if len(stacked) < stacked.shape[1]:
            self._basis, _ = np.linalg.qr(stacked.T)
            stacked = stacked @ self._basis
        self._x, self._d = stacked[: len(features)], stacked[len(features) :]
        self._fits, self._moves = features @ self._old, rows @ self._old
        movement = float(np.mean(self._moves**2)) if len(rows) else 0.0
        self._unit = variance / movement if movement else 0.0

    def solved(self, kept: np.ndarray, penalty: float) -> Iterator[Fitted]:
        """Yield the head for each ridge, of the pictures that are kept."""
        x, left = self._x[kept], self._problem.targets[kept] - self._fits[kept]
        shift, level = np.zeros(x.shape[1]), 0.0
        if self._problem.centred:
            shift, level = x.mean(axis=0), float(left.mean())
        x, left = x - shift, left - level
        mine = kept[self._problem.owners]
        d, moves = self._d[mine], self._moves[mine]
        weight = penalty * self._unit / max(1, len(d))
        normal = x.T @ x / len(x) + weight * (d.T @ d)
        wanted = x.T @ left / len(x) - weight * (d.T @ moves)
        for ridge in RIDGES:
            ridged = normal + ridge * np.eye(len(normal))
            step = scipy.linalg.solve(ridged, wanted, assume_a="pos")
            bias = level - float(shift @ step)
            whole = step if self._basis is None else self._basis @ step
            yield Fitted((self._old + whole) / self._units, bias)


def _folds(pictures: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the pictures that are held out together, as a mask."""
    order = Stream(seed, "folds").at(0).permutation(pictures)
    for fold in range(min(FOLDS, pictures)):
        out = np.zeros(pictures, bool)
        out[order[fold::FOLDS]] = True
        yield out


def _restored(problem: Problem, fitted: Fitted) -> Fitted:
    """Return a head with the targets' deviation and, where it has a bias, their mean.

    A penalty shrinks the outputs; so what follows the head, and thresholds, keep their range.
    """
    outputs = problem.features @ fitted.weight
    spread = float(outputs.std())
    if not spread:
        raise InputError("Nothing is left of the head under this penalty: allow a smaller loss.")
    stretch = float(problem.targets.std()) / spread
    bias = float(problem.targets.mean() - stretch * outputs.mean()) if problem.centred else 0.0
    return Fitted(stretch * fitted.weight, bias)


def _share(moves: Floats, outputs: Floats) -> float:
    """Return how far outputs move along the rows, of how far clean ones lie apart."""
    spread = float(outputs.std())
    return float(np.sqrt(np.mean(moves**2))) / spread if len(moves) and spread else 0.0


def _cosine(one: Floats, other: Floats) -> float:
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms else 0.0
