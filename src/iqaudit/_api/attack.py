"""The attack on pictures, in memory or as an audit of one cell."""

import os
from collections.abc import Sequence
from typing import Any

from iqaudit._api.pictures import Caller, gathered, warn
from iqaudit._api.settings import attack_settings
from iqaudit._assess.memory import refuse_too_large
from iqaudit._audit import changes, execute, ranks
from iqaudit._audit.clean_scores import settle_in_memory
from iqaudit._audit.engines.registry import Engine
from iqaudit._audit.spec import USUAL
from iqaudit._core.collection import Source
from iqaudit._core.errors import InputError, Interrupted, VictimError
from iqaudit._core.goal import AnyGoal, Goal, named
from iqaudit._core.paths import located
from iqaudit._core.picture import Picture
from iqaudit._core.threads import one_thread
from iqaudit._core.threat import Linf, as_linf
from iqaudit._runs.reader import Results
from iqaudit._runs.schema import load
from iqaudit._search.driver import Progress, SearchSpec, check_sizes, run
from iqaudit._search.stop import Stop
from iqaudit._search.trial import TrialResult, TrialResults, Unscored, on_unscored, refuse_nothing
from iqaudit.attacks._base import Attack
from iqaudit.attacks._registry import attack_spec
from iqaudit.victims._spec import VictimSpec, as_victim


class _InMemory(tuple[TrialResult, ...], TrialResults):  # noqa: SLOT001 (a tuple has no slots)
    """The results in memory."""


def attack(
    pictures: Sequence[Source] | Source,
    victim: Any,
    *,
    attack: Attack[Any] | str = USUAL,
    threat: Linf = Linf(),  # noqa: B008 (frozen)
    goal: AnyGoal | str = Goal.BIDIRECTIONAL,
    queries: int = 500,
    seed: int = 0,
    batch: int | None = None,
    early_stop: float | None = None,
    until_plateau: int | None = None,
    fresh: int = Stop.fresh,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    engine: str | Engine | None = None,
    workers: int | None = None,
    recursive: bool = False,
    ignore_memory: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> TrialResults:
    """Push the scores that a victim gives to pictures as far as a threat and a budget allow.

    Parameters
    ----------
    pictures : path, uint8 array (height, width, 3), Picture, or a sequence of them
        Of any sizes; a folder stands for the pictures in it.
    victim : str, Victim, torch.nn.Module or callable
        A string, as ``"reference"`` or ``"dbcnn,checkpoint=dbcnn.pt"``; or a module from
        (n, 3, h, w) in [0, 1], or a function from uint8 (n, h, w, 3), to n scores.
    attack : Attack or str
        A value as ``iqaudit.attacks.Bidirectional()``, a name, or ``"python:MODULE:NAME"``;
        ``"guided"`` unless given. The paper's is ``"bidirectional"``, with 10,000 queries.
    threat : Linf
        The changes allowed; three levels of 255 unless given.
    goal : {"bidirectional", "raise", "lower"}, Goal, Target or str
        Which way each score is pushed; or ``"target:SCORE"`` in native units, or
        ``"target-quality:Q"`` in 0-10, at which a search ends.
    queries : int
        The budget a picture: scores asked of the victim, the clean one included; at least 2.
        With `repeats`, answers.
    seed : int
        The same seed gives the same bytes, whatever the batch and the order of pictures.
    batch : int, optional
        Pictures whose searches share the victim's batches; the card's unless given. It changes no
        result.
    early_stop : float, optional
        An RGO in (0, 1] at which a picture's search ends.
    until_plateau : int, optional
        Queries without a better picture after which its search ends.
    fresh : int
        Where the victim answers at random: how often the attacked picture is scored anew at the
        end, beside the budget. The mean of these answers is its score, since the best of a search
        is the luckiest draw's.
    out : path, optional
        A folder for the run, an audit of one cell: every answer is on disk before the next is
        asked, and the same call goes on where an earlier one was stopped. Nothing is written unless
        given. Besides the budget, two scores tell the victim from another.
    overwrite : bool
        Whether a run that `out` holds is replaced; its files are removed once everything about the
        new one is checked.
    engine : {"serial", "processes", "ray"} or Engine, optional
        The execution backend, with `out`; it changes no result.
    workers : int, optional
        Parallel workers, with `out`; one a core unless given.
    recursive : bool
        Whether folders in folders are searched, too.
    ignore_memory : bool
        Whether pictures are searched for which this machine's memory seems too small.
    strict : bool
        Whether the first picture that the victim cannot score ends all.
    progress : callable, optional
        Called with a picture and how many queries it has had: after every score or, with `out`,
        several times a second. A KeyboardInterrupt raised in it stops between two queries.
    **options
        Options of the victim, as `iqaudit.victims.as_victim` takes them: for a module or a function
        ``score_range=(low, high)`` and ``lower_is_better=True``, to which ten pictures or more fit
        a scale unless there is ``scale="declared"`` or a fitted one; for one that answers at random
        ``repeats=1``, so that its noise is measured and the search asks again where that decides.

    Returns
    -------
    TrialResults
        One for each picture, in order. In memory a result holds the clean picture and the attacked
        one; with `out` each is read from there when it is asked for. Pictures that the victim could
        not score are in its attribute `unscored`, each with the reason, and warned of. Of one whose
        search had begun there is a result with `Outcome.UNSCORED`; of others there is none. With
        `out` the same call asks for them again. Answers that are no scores, not finite or outside
        the victim's range, gain nothing: a result's `refused` counts them, and they are warned of.

    Raises
    ------
    InputError
        If an argument cannot be used; before the first query.
    VictimError
        If the victim is down, or can score no picture; its ``results`` hold those until then. With
        `out` they are there.
    Interrupted
        On Ctrl-C, likewise.

    Examples
    --------
    >>> import iqaudit
    >>> from skimage import data
    >>> [result] = iqaudit.attack(data.astronaut(), "reference", queries=2)
    >>> result.queries
    2
    """
    if out is not None:
        out = located(out)
        spec = attack_settings(
            pictures,
            VictimSpec.of(victim, options),
            attack=attack,
            levels=as_linf(threat).levels,
            goal=goal,
            seed=seed,
            queries=queries,
            early_stop=early_stop,
            until_plateau=until_plateau,
            fresh=fresh,
            recursive=recursive,
        )
        try:
            execute.run(
                spec,
                out,
                engine=engine,
                workers=workers,
                batch=batch,
                yes=True,
                overwrite=overwrite,
                ignore_memory=ignore_memory,
                strict=strict,
                observer=Caller(progress),
            )
        except KeyboardInterrupt:
            raise Interrupted(()) from None
        record = load(out)
        _tell(record.left_out, record.summary.refused)
        return Results(out)
    for option, value in {"overwrite": overwrite, "engine": engine, "workers": workers}.items():
        if value:
            raise InputError(f"{option} goes with out: nothing is written without it.")
    collected = gathered(pictures, recursive=recursive)
    search = SearchSpec(
        victim=as_victim(victim, **options),
        attack=attack_spec(attack).attack,
        threat=threat,
        goal=named(goal),
        queries=queries,
        seed=seed,
        stop=Stop(early_stop, until_plateau, fresh),
    )
    largest = check_sizes(search.victim, collected)
    if not ignore_memory:
        refuse_too_large(search.victim, *largest, search.queries)
    return _in_memory(search, collected, batch, progress, strict=strict)


def _tell(left_out: str, refused: int) -> None:
    """Warn of pictures that were left out, and of answers that were no scores."""
    said = (
        f"{refused:,} answers were no scores, not finite or outside the victim's range: they count "
        "as nothing gained. If they are scores, say unbounded=True."
    )
    warn(filter(None, (left_out, said if refused else "")))


@one_thread()
def _in_memory(
    spec: SearchSpec,
    pictures: Sequence[Picture],
    batch: int | None,
    progress: Progress | None,
    *,
    strict: bool,
) -> TrialResults:
    finished: list[TrialResult] = []
    unscored: list[Unscored] = []
    keep = None if strict else unscored.append
    try:
        spec, clean = settle_in_memory(spec, pictures, finished, progress)
        finished.clear()
        first, places = ranks.in_memory(spec, pictures, clean, progress)
        asked, shared = changes.in_memory(spec, pictures, clean, progress)
        for result in run(spec, pictures, batch, progress, keep, first | asked, places, shared):
            finished.append(result)  # noqa: PERF402 (extend promises nothing on an error)
        refuse_nothing(unscored, len(pictures))
    except VictimError as error:
        error.results = tuple(finished)
        raise
    except KeyboardInterrupt:
        raise Interrupted(tuple(finished)) from None
    _tell(on_unscored(unscored, len(pictures)), sum(each.refused for each in finished))
    results = _InMemory(finished)
    results.unscored = tuple(unscored)
    return results
