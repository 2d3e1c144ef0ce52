"""How far `guided` comes with a victim that answers at random, by ways of asking it.

    python -m benchmarks.noise [--noise SHARE ...] [--seeds N ...] [--answers N] [--ways WAY ...]

EONSS on crops of scikit-image's photographs, lowered and raised; every answer has Gaussian noise of
a share of the scale's S, drawn anew. Ways: a picture is asked about again where it seems better
(`--repeats 1`); once, and a step must gain the noise; means of several answers. RGO is that of the
best picture's score without noise, averaged over searches and seeds. It also prints with which
answer each seed has come as far as the search of the exact victim after a hundred.
"""

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data

from benchmarks.speed import SUBJECTS
from iqaudit._core.goal import Goal, progress
from iqaudit._core.picture import Picture, Pixels
from iqaudit._core.scale import Scale
from iqaudit._core.threat import Linf
from iqaudit._search.stop import Stop
from iqaudit._search.trial import Trial
from iqaudit.attacks import Guided
from iqaudit.victims import Card

SIDE = 235
"""Of a crop: EONSS's patch."""

CORNERS = (
    ("astronaut", (40, 40)), ("chelsea", (40, 40)), ("coffee", (40, 40)), ("rocket", (40, 40)),
    ("retina", (300, 300)), ("retina", (600, 500)), ("immunohistochemistry", (40, 40)),
    ("hubble_deep_field", (40, 40)),
)  # fmt: skip
"""Photographs, and the corners of the crops whose clean scores the scale is fitted to."""

SEARCHED = ("astronaut", "chelsea", "immunohistochemistry", "hubble_deep_field")

WAYS = {"again": 1, "once": 1, "means of 2": 2, "means of 4": 4}
"""Ways of asking, and the answers that a score costs."""

POINTS = (100, 300, 1_000)

LEVEL = 100
"""Queries of the exact victim's search, whose result is to be reached."""


class Once(Guided):
    """Guided as it asks where an attack does not compare with the best: no answer twice."""

    compares: ClassVar[bool] = False


class Victim:
    """A scorer with a memory, whose answers are drawn anew from what they were without noise."""

    def __init__(self, victim: Any, noise: float, answers: int) -> None:
        self._victim, self._noise, self._answers = victim, noise, answers
        self._true: dict[bytes, float] = {}
        self._asked: Counter[bytes] = Counter()

    def exact(self, pixels: Pixels) -> float:
        """Return the score without noise."""
        key = _key(pixels)
        if key not in self._true:
            self._true[key] = float(self._victim.score(pixels[None])[0])
        return self._true[key]

    def answer(self, pixels: Pixels) -> float:
        """Return a score: the mean of so many answers."""
        key = _key(pixels)
        self._asked[key] += 1
        stream = np.random.default_rng([int.from_bytes(key, "big"), self._asked[key]])
        noise = self._noise / self._answers**0.5 * stream.standard_normal() if self._noise else 0
        return self.exact(pixels) + noise


def _key(pixels: Pixels) -> bytes:
    return hashlib.blake2b(pixels.tobytes(), digest_size=8).digest()


def curve(
    picture: Picture,
    goal: Goal,
    victim: Any,
    scale: Scale,
    way: str,
    noise: float,
    n: int,
    seed: int,
) -> NDArray[np.float64]:
    """Search, and return the RGO after every answer, shape (n,): below 0 where luck led astray."""
    answers = WAYS[way]
    noisy = Victim(victim, noise, answers)
    attack = Guided() if way == "again" else Once()
    card = Card("noisy", scale, cost=answers, noise=noise / answers**0.5)
    trial = Trial(picture, card, attack, Linf(), goal, n, seed, None, Stop(fresh=0))
    clean = scale.quality(noisy.exact(picture.pixels))
    reached, found = [0.0] * answers, 0
    while not trial.done:
        trial.tell(noisy.answer(trial.ask().painted()))
        rgo = reached[-1]
        if trial.ledger.found != found:
            found = trial.ledger.found
            now = scale.quality(noisy.exact(trial.ledger.best_picture))
            astray = (now < clean) is (goal is Goal.RAISE)
            rgo = -progress(clean, now) if astray else progress(clean, now)
        reached += [rgo] * answers
    return np.array(reached[answers : n + answers], dtype=np.float64)


def by(rgo: NDArray[np.float64], level: float) -> str:
    """Return by which answer a level is reached."""
    there = np.flatnonzero(rgo >= level)
    return str(there[0] + 1) if len(there) else f"not in {len(rgo)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--noise", type=float, nargs="+", default=[0.01, 0.05, 0.1, 0.2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--answers", type=int, default=1_000)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    victim = SUBJECTS["eonss"][0]()
    crops = {}
    for name, (row, column) in CORNERS:
        photograph = getattr(data, name)()
        crops[name, row] = np.ascontiguousarray(
            photograph[row : row + SIDE, column : column + SIDE, :3]
        )
    clean = [float(victim.score(each[None])[0]) for each in crops.values()]
    scale = Scale(float(np.mean(clean)), float(np.std(clean)), low=-np.inf, high=np.inf)
    searches = [
        (Picture(name, crops[name, 40]), goal)
        for name in SEARCHED
        for goal in (Goal.LOWER, Goal.RAISE)
    ]

    def mean(way: str, noise: float, seed: int) -> NDArray[np.float64]:
        curves = (curve(*each, victim, scale, way, noise, given.answers, seed)
                  for each in searches)  # fmt: skip
        means: NDArray[np.float64] = np.vstack(list(curves)).mean(axis=0)
        return means

    level = mean("again", 0, given.seeds[0])[min(LEVEL, given.answers) - 1]
    print(f"the exact victim after {LEVEL} queries, seed {given.seeds[0]}: {level:.3f}")
    for share in given.noise:
        for way in given.ways:
            of_seeds = [mean(way, share * scale.spread, seed) for seed in given.seeds]
            middle = np.mean(of_seeds, axis=0)
            figures = ", ".join(f"{middle[n - 1]:.3f} after {n:,}" for n in POINTS
                                if n <= given.answers)  # fmt: skip
            reached = ", ".join(by(each, level) for each in of_seeds)
            print(f"{share:.0%} of S, {way}: RGO {figures}; to {level:.3f}: {reached}", flush=True)


if __name__ == "__main__":
    main()
