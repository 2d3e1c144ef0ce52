"""Analyses of runs: their transfer and insights, which ask for more scores; leaderboards."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iqaudit._analysis.analyse import Watch, unwatched, write_insights, write_transfer
from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.scorers import Scorer, asked, named, own, owns
from iqaudit._analysis.tables import leaderboard
from iqaudit._analysis.tables.catalogue import MEASURES, Measure, find
from iqaudit._analysis.tables.leaderboard import Leaderboard
from iqaudit._analysis.transfer import Transfer
from iqaudit._core.paths import located
from iqaudit._core.settings import several
from iqaudit._core.threads import one_thread
from iqaudit._runs.retrace import attack_of
from iqaudit._runs.schema import load, runs
from iqaudit.victims._spec import VictimSpec


@one_thread()
def transfer(
    path: str | os.PathLike[str],
    victims: Sequence[str] = (),
    *,
    yes: bool = False,
    trust: bool = False,
    watch: Watch = unwatched,
) -> Transfer:
    """Score the pictures made against each victim with all victims, and write transfer.json.

    The same call again goes on where it was stopped; no score is asked twice.

    Parameters
    ----------
    path : path
        An audit's directory, or a run's.
    victims : sequence of str
        Strings, as ``"dbcnn,checkpoint=dbcnn.pt"``; the cells' own victims unless given.
    yes : bool
        That victims whose scores may be paid for are to be asked.
    trust : bool
        Whether the directory is your own; see `iqaudit.verify`.
    watch : callable
        Called before scores are asked, with each victim and its number of scores; its context
        gives a callable that is told how many were.

    Returns
    -------
    Transfer
        Also `Audit.transfer` from then on.

    Raises
    ------
    InputError
        If there is no finished picture, or a victim cannot be made or may not be asked.
    VictimError
        If a victim fails; its answers are kept.
    """
    path = located(path)
    cells = [cell.resolve() for cell in runs(path)]
    scorers = [named(each, may_ask=yes) for each in several(victims)] or owns(
        cells, may_ask=yes, trust=trust
    )
    return write_transfer(path, scorers, watch, yes=yes)


@one_thread()
def insights(
    path: str | os.PathLike[str],
    victim: Any = None,
    *,
    yes: bool = False,
    trust: bool = False,
    watch: Watch = unwatched,
    **options: Any,
) -> dict[Path, Insights]:
    """Measure the findings of an attack on its victim, and write each cell's insights.json.

    The same call again goes on where it was stopped; no score is asked twice.

    Parameters
    ----------
    path : path
        A run's directory, or an audit's for each of its cells.
    victim : str, Victim, torch.nn.Module or callable, optional
        The victim, as `iqaudit.attack` takes it; made again from the record unless given.
    yes : bool
        That a victim whose scores may be paid for is to be asked.
    trust : bool
        Whether the directory is your own; see `iqaudit.verify`.
    watch : callable
        As `iqaudit.transfer` takes it.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Returns
    -------
    dict of Path to Insights
        By the cells' directories.

    Raises
    ------
    InputError
        If there is no finished picture, or the victim cannot be made, may not be asked, or is
        another.
    VictimError
        If the victim fails; its answers are kept.
    """
    cells = runs(located(path))
    given = None
    if victim is not None:
        scores = asked(VictimSpec.of(victim, options), may_ask=yes)
        given = Scorer(scores.card.name, scores)
    written = {}
    for cell in cells:
        scorer = given or own(cell.resolve(), may_ask=yes, trust=trust)
        attack_of(cell, load(cell), trust=trust)  # from then on it is trusted
        written[cell] = write_insights(cell, scorer, watch, yes=yes)
    return written


def compare(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    by: str = leaderboard.DEFAULT,
    measures: Sequence[Measure | str] = MEASURES,
    *,
    html: str | os.PathLike[str] | None = None,
) -> tuple[Leaderboard, ...]:
    """Return leaderboards of victims: by the worst of their attacks, then for each attack.

    Parameters
    ----------
    paths : path or sequence of path
        Audits or runs.
    by : str
        The measure that victims are sorted by.
    measures : sequence of Measure or str
        The rows' columns; the sort key is added where it is not among them.
    html : path, optional
        A page of the leaderboards to write.

    Raises
    ------
    InputError
        If a path is no run, there is no such measure, or another file than such a page is there.
    """
    folders = [located(each) for each in several(paths)]
    chosen = [find(each) if isinstance(each, str) else each for each in several(measures)]
    boards = leaderboard.compare(folders, by, chosen)
    if html is not None:
        from iqaudit._report import write_comparison  # takes a second to load

        write_comparison(folders, located(html), by)
    return boards
