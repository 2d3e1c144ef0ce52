"""What an attack shows about the victim: CELL/insights.json, from a run and a few more scores.

The scores asked for it (`observations.SCORES` a picture) are kept in CELL/insights.jsonl
as they come: each is asked for once, whatever stops the work, and the same bytes come out.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iqaudit._analysis.findings import breakdowns, composition, persistence, query_efficiency
from iqaudit._analysis.findings import location as places
from iqaudit._analysis.findings.baseline import is_random, random_cell
from iqaudit._analysis.findings.observations import SCORES, Look, look
from iqaudit._analysis.findings.pairs import Pair, pairs, recorded
from iqaudit._analysis.findings.search_replay import retraced
from iqaudit._analysis.formatting import few, figure, too_few
from iqaudit._analysis.run_victims import own, own_label, refuse_another
from iqaudit._analysis.score_cache import Answers, Progress, Scorer
from iqaudit._core.errors import InputError
from iqaudit._core.goal import Goal
from iqaudit._core.threads import one_thread
from iqaudit._core.treatments import TREATMENTS
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import INSIGHTS, read
from iqaudit._runs.schema import INSIGHTS_ANSWERS as ANSWERS
from iqaudit._runs.schema import load as load_run
from iqaudit._runs.store import write_record
from iqaudit.measures._bootstrap import Beside, Estimate, interval, mean
from iqaudit.victims._base import Victim

FORMAT = "iqaudit insights, version 1"


@dataclass(frozen=True)
class Floor:
    """What stands beside every figure.

    Attributes
    ----------
    cell : str or None
        The audit's cell of random changes with the same budget; None where the floor is one random
        picture of ±ε for each picture, scored once.
    signed : Estimate
        Its RGO where a move against the attack's direction counts below 0; everywhere else the
        floor's RGO counts its moves whichever way they went.
    """

    cell: str | None
    signed: Estimate
    text: str


@dataclass(frozen=True)
class PictureInsight:
    """A picture's own figures; `left` has a share a treatment, None where the score never moved."""

    name: str
    direction: str
    distortion: str | None
    opinion: float | None
    clean_quality: float
    attacked_quality: float
    rgo: float
    floor_rgo: float
    spatial_information: float
    colourfulness: float
    half: float | None
    luminance: float | None
    left: dict[str, float | None]


@dataclass(frozen=True)
class Insights:
    """What an attack shows about the victim, and each figure's sentence.

    Attributes
    ----------
    finished, unfinished : int
        Pictures that the figures are over, and those left out since their search was cut short.
    rgo : Beside
        The whole run's.
    """

    victim: str
    attack: str
    levels: int
    queries: int
    finished: int
    unfinished: int
    rgo: Beside
    floor: Floor
    directions: breakdowns.Directions
    starts: breakdowns.Trend
    distortions: breakdowns.Kinds
    contents: tuple[breakdowns.Trend, ...]
    where: places.Where
    frequencies: composition.Frequencies
    colours: composition.Colours
    survival: tuple[persistence.Survival, ...]
    pace: query_efficiency.Pace
    pictures: tuple[PictureInsight, ...]


MOST = SCORES - 2
"""Scores asked a picture at the most: those of the clean and the attacked one are recorded."""


def most_asked(run: str | os.PathLike[str]) -> int:
    """Return how many scores `insights` asks at the most for a run, those kept not counted."""
    path = Path(run).resolve()
    record = load_run(path)
    scores = MOST * len(pairs(path, record)) + 1  # the first clean one is asked again
    with Answers(path / ANSWERS) as answers:
        return max(0, scores - sum(answers.counts.values()))


def insights(
    run: str | os.PathLike[str], victim: Victim | None = None, progress: Progress | None = None
) -> Insights:
    """Find what a run's attack shows about its victim, and write it to insights.json.

    Parameters
    ----------
    run : path
        A run's directory; where it is an audit's cell, the audit's cell of random changes is the
        floor.
    victim : Victim, optional
        The run's victim; made again from what the directory says unless given.
    progress : callable, optional
        Called after every score asked.

    Raises
    ------
    InputError
        If there is no run with a finished picture, its victim cannot be made again, or answers
        otherwise now.
    VictimError
        If the victim fails; the answers so far are kept.
    """
    path = Path(run).resolve()
    record = load_run(path)
    chosen = pairs(path, record)
    if not chosen:
        raise InputError(f"{run}: no picture's search came to its end, so there is nothing to see.")
    scorer = own(path) if victim is None else Scorer(own_label(path), victim)
    refuse_another(path, scorer.victim)
    floor_cell = random_cell(path, record)
    floor = None if floor_cell is None else _matching(chosen, floor_cell)
    # With one thread, as in an audit: a score's last bits hang on their number.
    with one_thread(), Answers(path / ANSWERS, progress) as answers:
        answers.know(scorer.label, recorded(path, record))
        if floor_cell is not None:
            answers.know(scorer.label, recorded(floor_cell, load_run(floor_cell)))
        answers.check(scorer, chosen[0].clean())
        gone_over = retraced(chosen, record, scorer.victim.card)
        looks = [
            look(
                pair,
                None if floor is None else floor[index],
                record.levels,
                scorer,
                answers,
                windows,
            )
            for index, (pair, windows) in enumerate(zip(chosen, gone_over, strict=True))
        ]
    rgo = breakdowns.group("all", looks).rgo
    found = Insights(
        victim=scorer.label,
        attack=record.attack.name,
        levels=record.levels,
        queries=record.queries,
        finished=len(chosen),
        unfinished=len(record.pictures) - len(chosen),
        rgo=rgo,
        floor=_floor(looks, rgo, record, floor_cell),
        directions=breakdowns.directions(looks, Goal(record.goal)),
        starts=breakdowns.starts(looks),
        distortions=breakdowns.kinds(looks),
        contents=breakdowns.contents(looks),
        where=places.where(looks, places.never_changed(chosen)),
        frequencies=composition.frequencies(looks),
        colours=composition.colours(looks),
        survival=persistence.survivals(looks),
        pace=query_efficiency.pace(chosen, floor, record, scorer.victim.card.scale),
        pictures=tuple(_picture(each) for each in looks),
    )
    write_record(path / INSIGHTS, FORMAT, found)
    return found


def load(run: str | os.PathLike[str]) -> Insights | None:
    """Return a run's insights.json; None where there is none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    return read(Path(run) / INSIGHTS, FORMAT, Insights)


def _matching(chosen: Sequence[Pair], cell: Path) -> tuple[Pair, ...]:
    """Return a cell's pictures in the order of another's."""
    held = {pair.name: pair for pair in pairs(cell, load_run(cell))}
    return tuple(held[pair.name] for pair in chosen)


def _floor(looks: Sequence[Look], rgo: Beside, record: RunRecord, cell: Path | None) -> Floor:
    levels = record.levels
    if cell is None:
        what = f"one random picture of ±{levels} levels each, whichever way it moves the score,"
    else:
        what = f"the best of {record.queries:,} queries of random pictures of ±{levels} levels"
    if few(len(looks)):
        verdict = f"{too_few(len(looks))} to say more"
    else:
        verdict = {
            1: "the attack moves scores farther than chance does",
            0: "no clear difference",
            -1: "the attack moves scores less far than chance does",
        }[rgo.sign]
    text = (
        f"The attack's RGO is {figure(rgo.attack, '.3f')}; that of {what} is "
        f"{figure(rgo.floor, '.3f')}: {verdict}."
    )
    if is_random(record):
        text += " The attack is itself a search among random pictures."
    return Floor(
        None if cell is None else cell.name,
        interval(mean, [each.floor.share for each in looks]),
        text,
    )


def _picture(seen: Look) -> PictureInsight:
    entry, spectrum, colours = seen.pair.entry, seen.attack.spectrum, seen.attack.colours
    return PictureInsight(
        name=seen.pair.name,
        direction=seen.direction.value,
        distortion=entry.distortion,
        opinion=entry.opinion,
        clean_quality=seen.before,
        attacked_quality=seen.attack.after,
        rgo=abs(seen.attack.share),
        floor_rgo=abs(seen.floor.share),
        spatial_information=seen.spatial_information,
        colourfulness=seen.colourfulness,
        half=None if spectrum is None else spectrum.half,
        luminance=None if colours is None else float(colours[0]),
        left={each.name: persistence.left(seen, index) for index, each in enumerate(TREATMENTS)},
    )
