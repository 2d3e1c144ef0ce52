"""Results of a run, read back from its directory as the search returned them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from iqaudit._core.goal import Direction
from iqaudit._core.picture import read
from iqaudit._runs.schema import file_names, load, load_answers
from iqaudit._search.trial import Step, TrialResult


def results(path: str | os.PathLike[str]) -> Iterator[TrialResult]:
    """Yield the result of each picture of a run, in order.

    Parameters
    ----------
    path : path
        The run's directory.

    Raises
    ------
    InputError
        If there is no run, or a file of it cannot be read.
    """
    record = load(path)
    for entry in record.pictures:
        files = file_names(entry.name)
        answers = load_answers(path, entry.name)
        picture = read(Path(path) / files["clean"], entry.name)
        yield TrialResult(
            picture=replace(picture, file=entry.file or "", notes=tuple(entry.notes)),
            adversarial=read(Path(path) / files["attacked"]).pixels,
            clean_score=entry.clean_score,
            adversarial_score=entry.attacked_score,
            clean_quality=entry.clean_quality,
            adversarial_quality=entry.attacked_quality,
            direction=Direction(entry.direction),
            scores=answers["score"].copy(),
            asked=tuple(answers["picture"].tolist()),
            trace=tuple(Step(*step) for step in entry.trace),
            best_query=entry.best_query,
            outcome=entry.end,
            cost=record.victim.cost,
        )
