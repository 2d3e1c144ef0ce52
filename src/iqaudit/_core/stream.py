"""Randomness from a counter: a step's draws depend on the seed, the picture and the step alone.

Never on the batch, the order of the pictures, the workers, or where a run was interrupted. That
makes resuming and distribution the same thing as running.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stream:
    """The random numbers of one trial.

    Parameters
    ----------
    seed : int
        The user's.
    picture : str
        The picture's hash: a picture has the same trajectory alone and among others.
    """

    seed: int
    picture: str

    @cached_property
    def _key(self) -> NDArray[np.uint64]:
        digest = hashlib.sha256(f"{self.seed}:{self.picture}".encode()).digest()
        return np.frombuffer(digest, dtype="<u8", count=2)

    def at(self, step: int) -> np.random.Generator:
        """Return a fresh generator for a step.

        The step is the highest word of Philox's 256-bit counter; the lower ones count the draws
        within the step, so no two steps overlap.
        """
        return np.random.Generator(np.random.Philox(key=self._key, counter=(0, 0, 0, step)))
