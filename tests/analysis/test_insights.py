"""What an attack shows about a victim: runs against victims of which the answer is known."""

import json
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.audits import (
    Asked,
    brightness,
    checks,
    function,
    middle,
    photographs,
    rough,
    uneven,
    write_manifest,
    write_run,
)
from tests.support.records import text

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._analysis.findings import breakdowns, insights
from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.findings.observations import SCORES, Effect, Observation
from iqaudit._analysis.findings.pairs import Pair, pairs, random_picture, recorded
from iqaudit._analysis.findings.searches import replay
from iqaudit._analysis.scorers import own
from iqaudit._analysis.tables import cells
from iqaudit._analysis.tables.tables import TableRow, table
from iqaudit._core.collection import collect
from iqaudit._core.errors import DamageWarning
from iqaudit._core.goal import Goal
from iqaudit._runs.records import AttackRecord, PictureRecord
from iqaudit._runs.schema import INSIGHTS, INSIGHTS_ANSWERS
from iqaudit._runs.schema import load as load_record
from iqaudit.measures._bootstrap import Estimate
from iqaudit.testing import Failing
from iqaudit.victims import Window

COUNT = 8


def run_of(path: Path, score: Any = brightness, **others: Any) -> tuple[Path, Asked]:
    victim = Asked(score)
    return write_run(path, victim, photographs(COUNT), **others), Asked(score)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_of(tmp_path / "run", opinions=range(COUNT))[0]


def left(found: Insights, treatment: str) -> Estimate:
    return next(each.left.attack for each in found.survival if each.treatment == treatment)


@pytest.mark.slow
def test_a_mean_level_survives_a_mirror_and_noise_whole(run: Path) -> None:
    found = insights.insights(run, Asked(brightness))
    assert astuple(left(found, "mirror")) == pytest.approx((1, 1, 1))
    # Noise moves the clean score a little along the logistic.
    assert astuple(left(found, "noise")) == pytest.approx((1, 1, 1), abs=0.02)
    record = load_record(run)
    assert found.rgo.attack.value == pytest.approx(record.summary.rgo)
    for picture, entry in zip(found.pictures, record.pictures, strict=True):
        assert picture.rgo == pytest.approx(entry.rgo)
        expected = pytest.approx(1) if entry.rgo else None
        assert picture.left["mirror"] == expected
    assert sum(picture.rgo > 0 for picture in found.pictures) > COUNT / 2


@pytest.mark.slow
def test_the_finest_detail_is_lost_when_resized_and_mean_level_is_not(tmp_path: Path) -> None:
    fine = insights.insights(*run_of(tmp_path / "fine", checks, attack="simba", queries=400))
    level = insights.insights(*run_of(tmp_path / "level"))
    assert abs(left(fine, "resize").value or 0) < 0.2
    assert (left(level, "resize").value or 0) > 0.9


@pytest.mark.slow
def test_the_floor_is_the_random_picture_scored_once(run: Path) -> None:
    found = insights.insights(run, victim := Asked(brightness))
    scale, signed = victim.card.scale, []
    for pair, entry in zip(pairs(run, load_record(run)), found.pictures, strict=True):
        clean = pair.clean()
        random = random_picture(clean, 3)
        before, after = (scale.quality(brightness(each[None])[0]) for each in (clean, random))
        move = (after - before) / max(10 - before, before)
        assert entry.floor_rgo == pytest.approx(abs(move))
        signed.append(move if entry.direction == "raise" else -move)
    assert found.floor.cell is None
    assert found.floor.signed.value == pytest.approx(np.mean(signed))
    for entry in found.pictures:
        assert sorted(entry.floor_ways) == [0, entry.floor_rgo]
    assert found.rgo.sign == 1
    assert "farther than chance" in found.floor.text


@pytest.mark.slow
def test_a_random_cell_is_the_floor_with_the_same_budget(tmp_path: Path) -> None:
    victim, pictures = function(brightness), photographs(COUNT)
    attacked = write_run(tmp_path / "a", victim, pictures)
    random = write_run(tmp_path / "b", victim, pictures, attack="random")
    write_run(tmp_path / "c", victim, pictures, attack="random", queries=20)
    write_run(tmp_path / "d", function(middle), pictures, attack="random")
    cells = [("a", "v", "bidirectional"), ("c", "v", "random"), ("d", "w", "random")]
    write_manifest(tmp_path, [*cells, ("b", "v", "random")])
    found = insights.insights(attacked, asked := Asked(brightness))
    assert found.floor.cell == "b"
    assert found.rgo.floor.value == pytest.approx(load_record(random).summary.rgo)
    known = {pair.attacked().tobytes() for pair in pairs(random, load_record(random))}
    assert known.isdisjoint(asked.asked)
    assert found.pace.reached[-1].share.floor.value == pytest.approx(1)
    for pair, entry in zip(pairs(random, load_record(random)), found.pictures, strict=True):
        scale = Asked(brightness).card.scale
        clean, *others = map(scale.quality, pair.answers()["score"].tolist())
        ways = (max(others) - clean, clean - min(others))
        expected = [max(0, way) / max(clean, 10 - clean) for way in ways]
        assert entry.floor_ways == pytest.approx(expected)
    # The best of the random pictures went the attack's way; all of them together went nowhere.
    assert abs(found.directions.drift.value or 0) < 0.05 < (found.rgo.floor.value or 0) * 5
    assert insights.insights(random, Asked(brightness)).floor.cell is None


def test_noise_that_beats_the_attack_is_told(tmp_path: Path) -> None:
    """Whichever way the attack pushes: random signs alone make any picture rougher."""
    victim = rough()
    run = write_run(tmp_path / "run", victim, uneven(), queries=12, goal="lower")

    def row() -> TableRow:
        return table(cells.load(run)).rows[0]

    before = row()
    assert before.values["chance_raise"].value is None
    assert "beaten" not in before.flags
    floor = insights.insights(run, victim).floor
    assert floor.raised is not None
    assert floor.lowered is not None
    assert floor.raised.sign < 0
    assert "The way up, they go beyond the attack" in floor.text
    after = row()
    assert after.values["chance_raise"] == floor.raised.floor
    assert after.values["chance_lower"] == floor.lowered.floor
    assert after.flags == ", ".join(filter(None, (before.flags, "beaten by chance")))
    assert "Random signs raise scores by an RGO of" in after.doubt
    assert after.ranked


@pytest.mark.slow
def test_what_the_edge_has_no_say_in_shows(tmp_path: Path) -> None:
    seen, victim = run_of(tmp_path / "middle", middle, queries=300)
    found = insights.insights(seen, victim)
    everywhere = insights.insights(*run_of(tmp_path / "all", queries=300))
    assert (found.where.accepted_bias.high or 9) < 0.8
    assert "helps the attack less" in found.where.text
    bias = everywhere.where.accepted_bias
    assert bias.low is not None
    assert bias.high is not None
    assert bias.low < 1.1
    assert bias.high > 0.9
    assert found.where.retraced == COUNT


def test_accepted_windows_are_those_of_the_trace(run: Path) -> None:
    record, card = load_record(run), Asked(brightness).card
    pair = pairs(run, record)[0]
    windows = replay(pair, record, card)
    assert windows is not None
    # Windows lie inside the picture, so that as much is covered wherever they lie.
    assert windows.accepted.sum() == pytest.approx(windows.expected.sum())
    assert windows.accepted.sum() > 0


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"attack": AttackRecord("Unknown", {})},
        {"attack": AttackRecord("Bidirectional", {"n_squares": 2, "another": 1})},
        {"attack": AttackRecord("PGD", {"step": 0.5, "momentum": 0.75, "white_box": True})},
    ],
)
def test_a_search_that_goes_another_way_is_not_retraced(run: Path, change: dict[str, Any]) -> None:
    record = replace(load_record(run), **change)
    assert replay(pairs(run, record)[0], record, Asked(brightness).card) is None


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["square", "guided", "parsimonious", "signhunter", "simba"])
def test_every_attack_that_changes_parts_is_retraced(tmp_path: Path, attack: str) -> None:
    path, victim = run_of(tmp_path / "run", attack=attack, queries=80)
    record = load_record(path)
    assert all(replay(pair, record, victim.card) for pair in pairs(path, record))


def test_long_runs_are_gone_over_in_part(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iqaudit._analysis.findings.searches.MOST", 250)
    assert insights.insights(run, Asked(brightness)).where.retraced == 2


def test_whole_pictures_say_nothing_of_a_place(tmp_path: Path) -> None:
    path, victim = run_of(tmp_path / "run", attack="random")
    found = insights.insights(path, victim)
    assert found.where.accepted is None
    assert "cannot be had" in found.where.text


@pytest.mark.slow
def test_unseen_and_never_changed_pixels_are_counted(tmp_path: Path) -> None:
    victim = Asked(brightness)
    victim.card = replace(
        victim.card, window=lambda height, width: Window(0, 0, height, width // 2)
    )
    path = write_run(tmp_path / "run", victim, photographs(COUNT))
    again = Asked(brightness)
    again.card = victim.card
    found = insights.insights(path, again).where
    assert (found.unseen, found.never) == (0.5, 0.5)
    assert "does not look at 50 %" in found.text
    assert np.array(found.strength)[:, 17:].max() == 0


def test_pictures_of_two_sizes_have_no_common_pixels(tmp_path: Path) -> None:
    pictures = [*photographs(2), *photographs(1, side=40)]
    path = write_run(tmp_path / "run", Asked(brightness), collect(pictures))
    assert insights.insights(path, Asked(brightness)).where.never is None


@pytest.mark.slow
def test_no_score_is_asked_twice_and_the_bytes_are_the_same(run: Path) -> None:
    class Stopped(BaseException):
        pass

    def stop(asked: int) -> None:
        if asked == 37:
            raise Stopped

    first, second = Asked(brightness), Asked(brightness)
    with pytest.raises(Stopped):
        insights.insights(run, first, stop)
    kept = run / INSIGHTS_ANSWERS
    assert len(kept.read_text().splitlines()) == 36  # and the check's
    kept.write_bytes(kept.read_bytes() + b'["torn", 12')
    assert insights.most_asked(run) == (SCORES - 2) * COUNT + 1 - 36
    insights.insights(run, second)
    broken = (run / INSIGHTS).read_bytes(), kept.read_bytes()
    kept.unlink()
    insights.insights(run, whole := Asked(brightness))
    assert ((run / INSIGHTS).read_bytes(), kept.read_bytes()) == broken
    check = whole.asked[0]
    assert first.asked + second.asked[1:] == whole.asked
    assert check == second.asked[0]
    assert len(set(whole.asked)) == len(whole.asked) <= 1 + (SCORES - 2) * COUNT


@pytest.mark.slow
def test_answers_of_a_failing_victim_are_kept(run: Path) -> None:
    failing = Failing(Asked(brightness), at=21, error=RuntimeError("gone"))
    with pytest.raises(VictimError, match="gone"):
        insights.insights(run, failing)
    assert len((run / INSIGHTS_ANSWERS).read_text().splitlines()) == 19
    insights.insights(run, again := Asked(brightness))
    (run / INSIGHTS_ANSWERS).unlink()
    insights.insights(run, whole := Asked(brightness))
    assert again.asked[1:] == whole.asked[20:]


@pytest.mark.slow
def test_another_victim_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is another"):
        insights.insights(run, Asked(middle))
    with pytest.raises(InputError, match="scale"):
        insights.insights(run, Asked(brightness, 0, 255))
    with pytest.raises(InputError, match="give it again"):
        own(run)
    with pytest.raises(InputError, match="no run"):
        insights.insights(tmp_path, Asked(brightness))
    (run / INSIGHTS_ANSWERS).write_text("hello\n")
    with pytest.warns(DamageWarning, match=r"insights\.jsonl: line 1 is damaged"):
        insights.insights(run, Asked(brightness))


def test_a_run_without_a_finished_picture_shows_nothing(run: Path) -> None:
    record = json.loads((run / "results.json").read_text())
    for entry in record["pictures"]:
        entry["outcome"] = "interrupted"
    (run / "results.json").write_text(text(record))
    with pytest.raises(InputError, match="nothing to see"):
        insights.insights(run, Asked(brightness))


@pytest.mark.slow
def test_the_file_is_the_figures(run: Path) -> None:
    found = insights.insights(run, Asked(brightness))
    assert insights.load(run) == found
    written = json.loads((run / INSIGHTS).read_text())
    keys = {"format": insights.FORMAT} | asdict(found)
    assert keys.pop("unscored") == ()  # a key that is written if there is any
    assert written.pop("checksum")
    assert written == json.loads(json.dumps(keys))
    assert insights.load(run.parent) is None
    (run / INSIGHTS).write_text("{}")
    with pytest.raises(InputError, match="not in the format"):
        insights.load(run)


@pytest.mark.slow
def test_a_run_that_takes_anothers_place_loses_its_insights(run: Path) -> None:
    insights.insights(run, Asked(brightness))
    iqaudit.attack(photographs(1), Asked(brightness), queries=2, out=run, overwrite=True)
    assert insights.load(run) is None
    assert not (run / INSIGHTS_ANSWERS).exists()


def test_of_a_victim_that_answers_at_random_the_best_score_is_asked_again(run: Path) -> None:
    record = load_record(run)
    noisy = replace(record, victim=replace(record.victim, noise=0.1))
    assert len(list(recorded(run, record))) == 2 * COUNT
    cleans = [entry.clean_score for entry in record.pictures]
    assert [native for _, native in recorded(run, noisy)] == cleans


@pytest.mark.slow
def test_the_pace_is_that_of_the_recorded_scores(run: Path) -> None:
    found = insights.insights(run, Asked(brightness)).pace
    scale, moves = Asked(brightness).card.scale, []
    for entry in load_record(run).pictures:
        scores = iqaudit._runs.schema.load_answers(run, entry.name)["score"]
        sign = 1 if entry.direction == "raise" else -1
        moves.append([sign * (scale.quality(x) - scale.quality(scores[0])) for x in scores])
    by_then = np.maximum.accumulate(moves, axis=1).sum(axis=0)
    for reached in found.reached:
        last = max(1, round(reached.queries * 120)) - 1
        assert reached.share.attack.value == pytest.approx(by_then[last] / by_then[-1])
    trace = [query for entry in load_record(run).pictures for query, _ in entry.trace[1:]]
    first = sum(query <= 12 for query in trace) / (COUNT * 11)
    assert found.parts[0].accepted.value == pytest.approx(first)


PICTURE = PictureRecord(
    name="p",
    height=1,
    width=1,
    direction="raise",
    outcome="budget_spent",
    clean_score=0,
    attacked_score=0,
    clean_quality=0,
    attacked_quality=0,
    rgo=0,
    reachable_rgo=0,
    linf=0,
    l2=0,
    changed=0,
    queries=1,
    best_query=1,
    clean_pixels_sha256="",
    attacked_file_sha256="",
    trace=(),
)


def _observation(
    share: float, floor: float, direction: str, before: float, **entry: Any
) -> Observation:
    def effect(moved: float) -> Effect:
        sign = 1 if direction == "raise" else -1
        room = max(10 - before, before)
        after, grid = before + sign * moved * room, np.ones((32, 32))
        return Effect(after, moved * room, moved, (), grid, None)

    pair = Pair(Path(), replace(PICTURE, direction=direction, **entry))
    return Observation(
        pair,
        before,
        effect(floor).after - before,
        (),
        before,
        -before,
        0.0,
        effect(share),
        effect(floor),
        None,
        0.0,
        0.0,
    )


def test_a_clear_difference_is_said_and_an_unclear_one_is_not() -> None:
    rng = np.random.default_rng(0)
    near = rng.uniform(0, 0.1, 12)
    easy = [_observation(0.5 + x, 0.0, "lower", 7 + x, distortion="blur") for x in near]
    hard = [_observation(0.1 + x, 0.0, "raise", 3 + x, distortion="noise") for x in near]
    found = breakdowns.by_direction([*easy, *hard], Goal.BIDIRECTIONAL)
    assert found.text.startswith("Pushing down was easier")
    assert "above 5 are pushed down" in found.text
    kinds = breakdowns.by_distortion([*easy, *hard])
    assert [each.label for each in kinds.groups] == ["blur", "noise"]
    assert kinds.text.startswith('"blur" was pushed farthest')
    starts = breakdowns.by_clean_quality([*easy, *hard])
    assert "farther the score was pushed" in starts.text
    assert [(each.label, each.pictures) for each in starts.groups] == [
        ("2 to 4", 12),
        ("6 to 8", 12),
    ]
    colourful = breakdowns.by_image_features([*easy, *hard])[1]
    assert "less far" in colourful.text
    assert [each.pictures for each in colourful.groups] == [8, 8, 8]
    same = [_observation(0.1 + x, 0.0, way, 5) for x in near for way in ("lower", "raise")]
    assert breakdowns.by_direction(same, Goal.RAISE).text.startswith("No clear difference")
    assert breakdowns.by_direction(easy[:3] + hard, Goal.RAISE).text.count("too few") == 1
    assert breakdowns.by_direction(easy, Goal.LOWER).text.startswith(
        "All 12 pictures were pushed down"
    )
    assert "no known type" in breakdowns.by_distortion(same).text


def test_what_random_changes_do_alone_is_said() -> None:
    rng = np.random.default_rng(0)
    observations = [_observation(0.3, 0.1 + x, "lower", 7) for x in rng.uniform(0, 0.05, 10)]
    found = breakdowns.by_direction(observations, Goal.BIDIRECTIONAL)
    assert (found.drift.high or 0) < 0
    assert "Random changes alone lower the score, by 0.8" in found.text


def test_one_picture_has_figures_and_no_claims(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", Asked(brightness), photographs(1))
    found = insights.insights(path, Asked(brightness))
    assert found.rgo.attack.low is None
    assert "too few" in found.floor.text
    assert found.starts.correlation.attack == Estimate(None)


def test_an_attack_that_found_nothing_has_nothing_to_show(tmp_path: Path) -> None:
    flat = Asked(lambda pictures: np.full(len(pictures), 128.0))
    path = write_run(tmp_path / "run", flat, photographs(COUNT))
    found = insights.insights(path, flat)
    assert found.where.text.startswith("No picture was changed.")
    assert found.frequencies.text == found.colours.text == "No picture was changed."
    assert "nothing can be left" in found.survival[0].text
    assert found.pace.text == "No score was moved."


@pytest.mark.slow
def test_a_changed_picture_is_refused(run: Path) -> None:
    insights.insights(run, Asked(brightness))
    name = load_record(run).pictures[1].name
    pixels = iqaudit.read(run / "attacked" / f"{name}.png").pixels.copy()
    pixels[0, 0] += 1
    iqaudit.write(run / "attacked" / f"{name}.png", pixels)
    with pytest.raises(InputError, match=rf"attacked/{name}\.png: this was changed or damaged"):
        insights.insights(run, Asked(brightness))
