"""The analyses that follow an audit: its transfer, then its cells' insights."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeAlias

from iqaudit._analysis import transfer as transfers
from iqaudit._analysis.defences import table
from iqaudit._analysis.defences.records import DefenceTable
from iqaudit._analysis.findings import insights as findings
from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.scorers import Progress, Scorer, as_attacked, own_label, owns
from iqaudit._core.errors import InputError, many
from iqaudit._core.threads import one_thread
from iqaudit._core.wording import worded
from iqaudit._runs.schema import INSIGHTS, TRANSFER, load, runs
from iqaudit._runs.store import exclusive, writing
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._defended import passes
from iqaudit.victims._spec import VictimSpec

Share: TypeAlias = tuple[Scorer, int]
"""A victim, and how many scores it will be asked for."""

Watch: TypeAlias = Callable[[Sequence[Share], str], AbstractContextManager[Progress | None]]
"""Called before a file is made, with the shares, and "at most " where they are bounds; it may
refuse. Its context gives the progress."""


def share_text(scorer: Scorer, most: int, bound: str) -> str:
    """Return the number of scores that a victim will be asked for."""
    card, pictures = scorer.victim.card, passes(scorer.victim)
    each = f", {card.cost} queries each" if card.cost > 1 else ""
    several = f", {pictures} pictures a query" if pictures > 1 else ""
    return f"{scorer.label}: {bound}{many(most, 'score')} to ask{each}{several}"


def unwatched(_shares: Sequence[Share], _bound: str) -> AbstractContextManager[None]:
    """Show nothing, and refuse nothing."""
    return nullcontext()


def write_transfer(
    directory: Path, scorers: Sequence[Scorer], watch: Watch = unwatched, *, yes: bool = False
) -> transfers.Transfer:
    """Write transfer.json; see `transfer`."""
    with writing(directory), exclusive(directory):
        scorers = [as_attacked(runs(directory), each) for each in scorers]
        counts = transfers.to_ask(directory, scorers)
        shares = [(each, counts[each.label]) for each in scorers]
        _refuse_payment(shares, "", yes=yes)
        with watch(shares, "") as progress:
            return transfers.transfer(directory, scorers, progress)


def write_defences(
    directory: Path, scorers: Sequence[Scorer], watch: Watch = unwatched, *, yes: bool = False
) -> DefenceTable:
    """Write defences.json; see `compare_defences`."""
    with writing(directory), exclusive(directory):
        rows = table.compared(directory, scorers)
        shares = table.to_ask(directory, rows)
        _refuse_payment(shares, "", yes=yes)
        with watch(shares, "") as progress:
            made = table.compare(directory, rows, progress)
    return table.timed(made, rows)


def write_insights(
    cell: Path, scorer: Scorer, watch: Watch = unwatched, *, yes: bool = False
) -> Insights:
    """Write a run's insights.json; see `insights`."""
    with writing(cell), exclusive(cell):
        shares = [(scorer, findings.most_asked(cell))]
        _refuse_payment(shares, "at most ", yes=yes)
        with watch(shares, "at most ") as progress:
            return findings.insights(cell, scorer.victim, progress)


def _refuse_payment(shares: Sequence[Share], bound: str, *, yes: bool) -> None:
    for scorer, most in shares:
        if scorer.victim.card.device == ELSEWHERE and not yes:
            line = share_text(scorer, most, bound)
            raise InputError(
                f"{line}. They may cost money: say {worded('yes=True')} to have them asked."
            )


@one_thread()
def analyse(
    directory: str | os.PathLike[str],
    watch: Watch = unwatched,
    named: Iterable[VictimSpec] = (),
    *,
    trust: bool = False,
) -> tuple[str, ...]:
    """Write an audit's transfer.json and its cells' insights.json, where not there or damaged.

    Parameters
    ----------
    directory : path
        An audit's directory, or a single run's.
    watch : callable
        See `Watch`.
    named : iterable of VictimSpec
        Victims that the caller named; see `iqaudit._analysis.scorers.own`.
    trust : bool
        Whether the directory is the user's own; likewise.

    Returns
    -------
    tuple of str
        The cells whose victims may cost money. Where there is one, nothing is asked at all.

    Raises
    ------
    InputError
        If there is no run with a finished picture, or a victim cannot be made again.
    VictimError
        If a victim fails; the answers so far are kept.
    """
    path = Path(directory)
    cells = [each.resolve() for each in runs(path)]
    elsewhere = [cell.name for cell in cells if load(cell).victim.device == ELSEWHERE]
    if elsewhere:
        return tuple(elsewhere)
    scorers = owns(cells, trust=trust, named=named)
    withdraw_damaged(path)
    if not (path / TRANSFER).exists():
        write_transfer(path, scorers, watch)
    by_label = {scorer.label: scorer for scorer in scorers}
    for cell in cells:
        if not (cell / INSIGHTS).exists():
            write_insights(cell, by_label[own_label(cell)], watch)
    return ()


def withdraw_damaged(directory: Path) -> None:
    """Remove an audit's transfer.json and its cells' insights.json where they cannot be read.

    Tables and the page would refuse them; `analyse` makes them again.
    """
    _withdraw_damaged(directory, TRANSFER, transfers.load)
    for cell in runs(directory):
        _withdraw_damaged(cell, INSIGHTS, findings.load)


def _withdraw_damaged(folder: Path, name: str, load: Callable[[Path], object]) -> None:
    try:
        load(folder)
    except InputError:
        with writing(folder):
            (folder / name).unlink()
