"""The scores that an earlier run recorded, asked offline."""

from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Patched
from iqaudit._core.paths import located
from iqaudit._core.picture import picture_key
from iqaudit._runs.schema import load, load_answers
from iqaudit.victims._base import Card


class Replay:
    """A run's recorded answers as a victim: no network, no service, no cost.

    The same attack, seed and budget on the same pictures goes the same way: in a search, a picture
    that was asked about several times gets its answers in their order, and the last one after
    that. A picture that the run never asked about is an error.

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
        self._answers: dict[int, list[float]] = {}
        for picture in record.pictures:
            answers = load_answers(run, picture.name, picture.scores_file_sha256)
            own: dict[int, list[float]] = {}
            for key, score in zip(
                answers["picture"].tolist(), answers["score"].tolist(), strict=True
            ):
                own.setdefault(key, []).append(score)
            self._answers |= own
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
        scores = np.array([answers[-1] for answers in self._answers.values()])
        scores = scores[self.card.scale.admits(scores)]
        return float(scores.mean()), float(scores.std())

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Look the pictures' scores up; see `Victim.score`."""
        return np.array([_known(self._answers, picture_key(picture))[-1] for picture in pictures])

    def open_session(self, *_: object) -> "Search":
        """Begin a search; see `iqaudit.victims._base.open_session`."""
        return Search(self._answers)


class Search:
    """A search that is replayed: a picture that is asked about again gets its next answer.

    Parameters
    ----------
    answers : mapping of int to sequence of float
        The recorded answers by their pictures' keys, in order.
    """

    def __init__(self, answers: Mapping[int, Sequence[float]]) -> None:
        self._answers, self._asked = answers, Counter[int]()

    @staticmethod
    def scores(requests: "Sequence[tuple[Search, Patched]]") -> NDArray[np.float64]:
        """Look changes up; see `Session.scores`."""
        return np.array([session.next(change) for session, change in requests])

    def recall(self, change: Patched) -> None:
        """Pass over an answer that an earlier search had; see `Session.recall`."""
        self.next(change)

    def close(self) -> None:
        """End the search."""

    def next(self, change: Patched) -> float:
        """Return the next answer on a change."""
        key = picture_key(change.painted())
        answers = _known(self._answers, key)
        place, self._asked[key] = self._asked[key], self._asked[key] + 1
        return answers[min(place, len(answers) - 1)]


def _known(answers: Mapping[int, Sequence[float]], key: int) -> Sequence[float]:
    if key not in answers:
        raise LookupError("the recorded run never asked about this picture")
    return answers[key]
