"""The scores that an earlier run recorded, asked offline."""

from os import PathLike

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.paths import located
from iqaudit._core.picture import picture_key
from iqaudit._runs.schema import load, load_answers
from iqaudit.victims._base import Card


class Replay:
    """A run's recorded answers as a victim: no network, no service, no cost.

    The same attack, seed and budget on the same pictures goes the same way; a picture that the run
    never asked about is an error.

    Parameters
    ----------
    run : path
        The run's directory.

    Raises
    ------
    InputError
        If there is no run.
    """

    def __init__(self, run: str | PathLike[str]) -> None:
        run = located(run)
        record = load(run)
        self._scores: dict[int, float] = {}
        for picture in record.pictures:
            answers = load_answers(run, picture.name, picture.scores_file_sha256)
            keys, scores = answers["picture"].tolist(), answers["score"].tolist()
            self._scores |= dict(zip(keys, scores, strict=True))
        victim = record.victim
        self.card = Card(
            f"replay:{victim.name}",
            victim.scale.scale(),
            device="none",
            note=victim.note,
            cost=victim.cost,
            noise=victim.noise,
        )

    def fingerprint(self) -> tuple[float, float]:
        """Return the mean and the standard deviation of the recorded scores: nothing is asked."""
        scores = np.array(list(self._scores.values()))
        scores = scores[self.card.scale.admits(scores)]
        return float(scores.mean()), float(scores.std())

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Look the pictures' scores up; see `Victim.score`."""
        keys = [picture_key(picture) for picture in pictures]
        if any(key not in self._scores for key in keys):
            raise LookupError("the recorded run never asked about this picture")
        return np.array([self._scores[key] for key in keys])
