"""Insights into a victim from an attack on it: CELL/insights.json, of a run and a few more scores.

The scores asked for it (`observations.SCORES` a picture) are kept in CELL/insights.jsonl
as they come: each is asked for once, however often the work is stopped, and the same bytes come
out.
"""

from collections.abc import Sequence
from pathlib import Path

from iqaudit._analysis.findings import breakdowns, sentences
from iqaudit._analysis.findings.changes import composition, location, never_changed
from iqaudit._analysis.findings.figures import Baseline, Insights, PictureInsight
from iqaudit._analysis.findings.observations import SCORES, Observation, observe, questions
from iqaudit._analysis.findings.pairs import (
    Pair,
    chance,
    is_random,
    pairs,
    random_cell,
    recorded,
    three,
)
from iqaudit._analysis.findings.searches import query_efficiency, replayed
from iqaudit._analysis.scorers import Progress, ScoreCache, Scorer, own_label, refuse_another
from iqaudit._core import goal
from iqaudit._core.distortions import TREATMENTS
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.threads import one_thread
from iqaudit._runs import schema
from iqaudit._runs.records import RunRecord
from iqaudit._runs.store import write_record
from iqaudit._search.trial import Unscored, on_unscored, refuse_nothing
from iqaudit.measures._bootstrap import Paired, interval, mean, paired
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import refuse_if_down
from iqaudit.victims._objects import rescaled

FORMAT = "iqaudit insights, version 1"

MOST = SCORES - 2
"""Scores asked a picture at the most: those of the clean and the attacked one are recorded."""


def most_asked(run: Path) -> int:
    """Return how many scores `insights` asks at the most for a run, those kept not counted."""
    path = run.resolve()
    record = schema.load(path)
    scores = MOST * len(pairs(path, record)) + 1  # the first clean one is asked again
    with ScoreCache(path / schema.INSIGHTS_ANSWERS) as cache:
        return max(0, scores - sum(cache.counts.values()))


def insights(run: Path, victim: Victim, progress: Progress | None = None) -> Insights:
    """Measure an attack's findings on its victim, and write them to insights.json.

    Parameters
    ----------
    run : path
        A run's directory; where it is an audit's cell, the audit's cell of random changes is the
        baseline.
    victim : Victim
        The run's.
    progress : callable, optional
        Called after every score asked.

    Raises
    ------
    InputError
        If there is no run with a finished picture, or its victim answers otherwise now.
    VictimError
        If the victim fails; the answers so far are kept.
    """
    path = run.resolve()
    record = schema.load(path)
    chosen = pairs(path, record)
    if not chosen:
        raise InputError(f"{run}: no picture's search came to its end, so there is nothing to see.")
    victim = rescaled(victim, record.victim.scale.scale())
    scorer = Scorer(own_label(path), victim)
    refuse_another(path, victim)
    cell = random_cell(path, record)
    rivals = {pair.name: pair for pair in pairs(cell, schema.load(cell))} if cell else {}
    baseline = [rivals[pair.name] for pair in chosen] if rivals else []
    # With one thread, as in an audit: a score's last bits hang on their number.
    with one_thread(), ScoreCache(path / schema.INSIGHTS_ANSWERS, progress) as cache:
        for each in filter(None, (path, cell)):
            cache.know(scorer.label, recorded(each, schema.load(each)))
        cache.check(scorer, chosen[0].clean())
        observations, unscored = _observations(chosen, baseline, record, scorer, cache)
    refuse_nothing(unscored, len(chosen))
    if unscored:
        named = {each.name for each in unscored}
        chosen = tuple(pair for pair in chosen if pair.name not in named)
        baseline = [pair for pair in baseline if pair.name not in named]
    rgo = breakdowns.group("all", observations).rgo
    frequencies, colours = composition(observations)
    whole = Insights(
        victim=scorer.label,
        attack=record.attack.name,
        levels=record.levels,
        queries=record.queries,
        finished=len(chosen),
        unfinished=sum(not each.end.finished for each in record.pictures),
        rgo=rgo,
        floor=_baseline(observations, rgo, record, cell, unscored),
        directions=breakdowns.by_direction(observations, goal.named(record.goal)),
        starts=breakdowns.by_clean_quality(observations),
        distortions=breakdowns.by_distortion(observations),
        contents=breakdowns.by_image_features(observations),
        where=location(observations, never_changed(chosen)),
        frequencies=frequencies,
        colours=colours,
        survival=breakdowns.persistence(observations),
        pace=query_efficiency(chosen, baseline, record, victim.card.scale),
        pictures=tuple(_picture(each) for each in observations),
        unscored=tuple(unscored),
    )
    write_record(path / schema.INSIGHTS, FORMAT, whole)
    return whole


def load(run: Path) -> Insights | None:
    """Return a run's insights.json; None where there is none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    return schema.read(run / schema.INSIGHTS, FORMAT, Insights)


def _observations(
    chosen: Sequence[Pair],
    baseline: Sequence[Pair],
    record: RunRecord,
    scorer: Scorer,
    cache: ScoreCache,
) -> tuple[list[Observation], list[Unscored]]:
    """Ask for the scores that are not known, picture by picture, and measure each.

    A picture one of whose versions the victim cannot score has no observation.
    """
    card = scorer.victim.card
    observations: list[Observation] = []
    unscored: list[Unscored] = []
    rivals: Sequence[Pair | None] = baseline or [None] * len(chosen)
    replays = replayed(chosen, record, card)
    for pair, rival, windows in zip(chosen, rivals, replays, strict=True):
        pictures = three(pair, record.levels, rival)
        try:
            qualities = cache.qualities(scorer, questions(pictures))
        except VictimError as error:
            refuse_if_down(scorer.victim, error)
            unscored.append(Unscored(pair.name, str(error)))
            continue
        # The random pictures that the baseline's search asked about, but for the clean one.
        natives = [] if rival is None else rival.answers()["score"].tolist()[1:]
        chances = [scorer.quality(native) for native in natives if card.scale.admits(native)]
        observations.append(observe(pair, pictures, qualities, card, windows, chances))
    return observations, unscored


def _baseline(
    observations: Sequence[Observation],
    rgo: Paired,
    record: RunRecord,
    cell: Path | None,
    unscored: Sequence[Unscored],
) -> Baseline:
    queries = None if cell is None else record.queries
    text = sentences.on_baseline(rgo, chance(record.levels), queries, len(observations))
    if is_random(record):
        text += " The attack is itself a search among random pictures."
    if unscored:
        text += f" {on_unscored(unscored, len(observations) + len(unscored))}"
    signed = interval(mean, [each.baseline.share for each in observations])
    attack = [abs(each.attack.share) for each in observations]
    raised, lowered = (
        paired(mean, [attack], [[getattr(each, way) for each in observations]])
        for way in ("raised", "lowered")
    )
    text += f" {sentences.on_chance(raised, lowered, len(observations))}"
    return Baseline(None if cell is None else cell.name, signed, text, raised, lowered)


def _picture(seen: Observation) -> PictureInsight:
    entry, spectrum = seen.pair.entry, seen.attack.spectrum
    return PictureInsight(
        name=seen.pair.name,
        direction=entry.direction,
        distortion=entry.distortion,
        opinion=entry.opinion,
        clean_quality=seen.before,
        attacked_quality=seen.attack.after,
        rgo=abs(seen.attack.share),
        floor_rgo=abs(seen.baseline.share),
        floor_ways=(seen.raised, seen.lowered),
        spatial_information=seen.spatial_information,
        colourfulness=seen.colourfulness,
        half=None if spectrum is None else spectrum.half,
        luminance=None if spectrum is None else float(spectrum.colours[0]),
        left={each.name: breakdowns.left(seen, index) for index, each in enumerate(TREATMENTS)},
    )
