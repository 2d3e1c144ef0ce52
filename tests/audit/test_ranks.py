"""The goal rank: places that break an order, chosen once, whatever stops an audit in between."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.support import audited
from tests.support.auditing import FINGERPRINT, ROUGH, contents, goes_on, iqaudit_, mends, serial
from tests.support.records import text

import iqaudit
from iqaudit import Goal, InputError, UnscorableError, measures
from iqaudit._audit import execute
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.picture import picture_key
from iqaudit._search.order import places, probes
from iqaudit._search.stop import Stop
from iqaudit.attacks import ATTACKS, named
from iqaudit.victims._spec import VictimSpec

PICTURES, QUERIES = 4, 45


def alike(count: int = PICTURES) -> list[iqaudit.Picture]:
    """Return pictures whose scores lie near to each other."""
    rng = np.random.default_rng(7)
    noise = rng.normal(0, 1, (count, 20, 24, 3))
    return [
        iqaudit.Picture(f"p{at}", np.rint(128 + (9 + 0.02 * at) * each).astype(np.uint8))
        for at, each in enumerate(noise)
    ]


@pytest.fixture
def spec(tmp_path: Path) -> AuditSpec:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for each in alike():
        iqaudit.write(folder / f"{each.name}.png", each.pixels)
    data = Data(pictures=(str(folder),))
    return AuditSpec((VictimSpec(ROUGH),), data, goals=(Goal.RANK,), queries=QUERIES, flat=True)


def run_of(goal: str) -> tuple[float, int]:
    results = iqaudit.attack(alike(10), audited.rough, goal=goal, queries=90)
    clean, attacked = (
        [getattr(each, f"{which}_score") for each in results] for which in ("clean", "adversarial")
    )
    return measures.srocc(clean, attacked), sum(each.queries for each in results)


@pytest.mark.slow
def test_it_breaks_the_order_more_than_pushing_does_for_no_more_queries() -> None:
    pushed, asked = run_of("bidirectional")
    placed, fewer = run_of("rank")
    assert placed < min(pushed, -0.5)
    assert fewer <= asked == 10 * 90


@pytest.mark.parametrize("lost", ["clean/p2.png", "attacked/p2.png", "results.json"])
def test_what_is_lost_of_a_finished_one_is_made_again_of_its_scores(
    lost: str, tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mends(spec, tmp_path / "run", lost, monkeypatch) == FINGERPRINT


@pytest.mark.parametrize("after", [3, 30, 62, 70])
def test_it_goes_on_where_it_was_stopped(
    after: int, tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped within the clean scores, the probes, and the searches; nothing is asked twice."""
    goes_on(spec, tmp_path, after, monkeypatch)


def test_a_random_victim_is_asked_the_same_probes_before_its_places_and_with_them() -> None:
    """What seems better hangs on the place, so nothing is asked about again before it is known."""
    rng = np.random.default_rng(0)

    def noisy(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(audited.rough.score(pictures), np.float64) + rng.normal(
            0, 0.1, len(pictures)
        )

    results = iqaudit.attack(
        alike(), noisy, score_range=(0, 20), repeats=1, goal="rank", queries=QUERIES * 2, fresh=1
    )
    again = 0
    for each in results:
        assert each.place is not None
        assert len(set(each.asked[: each.place.after])) == each.place.after
        again += len(each.asked) - len(set(each.asked))
    assert again, "nothing was asked about again behind the probes"


@pytest.mark.slow
def test_workers_and_batches_come_to_the_same_bytes(tmp_path: Path, spec: AuditSpec) -> None:
    serial(spec, tmp_path / "serial")
    execute.run(spec, tmp_path / "processes", engine="processes", workers=2)
    serial(spec, tmp_path / "batch", batch=4)
    assert contents(tmp_path / "processes") == contents(tmp_path / "serial")
    assert contents(tmp_path / "batch") == contents(tmp_path / "serial")


def test_the_record_has_each_place_and_the_search_is_made_again_from_it(
    tmp_path: Path, spec: AuditSpec
) -> None:
    serial(spec, tmp_path / "run")
    file = tmp_path / "run" / "results.json"
    record = json.loads(file.read_text("utf-8"))
    rows = record["pictures"]
    assert all(row["queries"] <= row["place"][3] for row in rows)
    assert sum(row["place"][3] for row in rows) <= PICTURES * QUERIES
    clean, targets = ([row[key] for row in rows] for key in ("clean_score", "place"))
    assert measures.srocc(clean, [each[0] for each in targets]) == pytest.approx(-1)
    done = iqaudit.Audit(tmp_path / "run")
    assert not [each.wrong for each in done.verify() if each.wrong]
    assert "order_kept" in [each.name for each in done.table().chosen()]
    [row] = done.table().rows
    assert row.values["order_kept"].value == pytest.approx(
        measures.srocc(clean, [each["attacked_score"] for each in rows])
    )
    folder, options = spec.data.pictures[0], ("--goal", "rank", "--queries", QUERIES)
    said = iqaudit_("attack", folder, "--victim", ROUGH, *options, "--out", tmp_path / "run")
    kept = f"{row.values['order_kept'].value:.3f}"
    assert f"the order kept, SROCC of scores before and after, is {kept};" in " ".join(
        said.output.split()
    )
    rows[0]["place"][0] += 1.0
    file.write_text(text(record))
    wrong = [each.wrong for each in iqaudit.verify(tmp_path / "run", audited.rough)]
    assert "p0's place is" in str(wrong)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(st.floats(-50, 50), min_size=5, max_size=5), min_size=3, max_size=12).filter(
        lambda rows: np.ptp([row[0] for row in rows]) > 1e-3
    ),
    st.integers(15, 400),
    st.integers(1, 3),
)
def test_places_turn_the_order_within_the_budget(
    probed: list[list[float]], scores: int, cost: int
) -> None:
    found = places(probed, scores * cost, cost)
    clean = np.array([row[0] for row in probed])
    targets = np.array([each.score for each in found])
    order = np.argsort(clean, kind="stable")
    assert (np.diff(targets[order]) < 0).all()
    nearest = -np.diff(targets[order]).max()
    assert all(2 * each.tolerance <= nearest * (1 + 1e-6) for each in found)
    assert all(5 * cost <= each.queries and each.queries % cost == 0 for each in found)
    assert sum(each.queries for each in found) <= len(probed) * scores * cost


def test_places_lie_where_pictures_come() -> None:
    """Of pictures that only go down, the lowest stays, and the others pass it."""
    clean = np.array([1.0, 2.0, 3.0, 4.0])
    probed = [[each, each - 2.5, each] for each in clean]  # a search goes 5 down
    targets = np.array([each.score for each in places(probed, 100, 1)])
    assert (np.diff(np.clip(targets, clean - 5, clean)) < 0).all()
    unprobed = [[each, each, each] for each in clean]
    targets = np.array([each.score for each in places(unprobed, 100, 1)])
    assert (np.diff(targets) < 0).all()


def test_questions_that_hang_on_answers_are_no_probes() -> None:
    blind = {
        "guided",
        "guided-quiet",
        "guided-invisible",
        "random",
        "retouch",
        "nes",
        "parsimonious",
    }
    assert min(probes(named(name), 300) for name in blind) >= 10
    for name in ATTACKS.keys() - blind:
        attack = named(name)
        with pytest.raises(InputError, match=rf"{type(attack).__name__} has [0-3] in 300"):
            probes(attack, 300)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"attack": "bidirectional"}, "Take guided"),
        ({"queries": 9}, "or more queries"),
        ({"early_stop": 0.5}, "ends searches itself"),
        ({"until_plateau": 5}, "ends searches itself"),
        ({"pictures": alike(2)}, "at least 3 pictures, not 2"),
        ({"pictures": alike(1) * 4}, "there is no order"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_what_cannot_be_ranked_is_refused(
    asked: dict[str, Any], sentence: str, tmp_path: Path, *, folder: bool
) -> None:
    usual = {"pictures": alike(4), "attack": "guided", "queries": QUERIES}
    pictures, *_ = ({**usual, **asked}.pop("pictures"),)
    others = {key: value for key, value in {**usual, **asked}.items() if key != "pictures"}
    if folder:
        others["out"] = tmp_path / "run"
        pictures = [replace(each, name=f"p{at}") for at, each in enumerate(pictures)]
    with pytest.raises(InputError, match=sentence):
        iqaudit.attack(pictures, audited.rough, goal="rank", **others)


def test_an_order_needs_every_picture(
    tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once the picture can be scored, the audit goes on, to the same places."""
    serial(spec, tmp_path / "whole")
    spoilt = tmp_path / "spoilt"
    spoilt.write_text(f"{picture_key(alike()[2].pixels)} raises\n")
    monkeypatch.setenv(audited.UNSCORED, str(spoilt))
    with pytest.raises(UnscorableError, match=r"p2: .* needs every picture's score"):
        serial(spec, tmp_path / "run")
    monkeypatch.delenv(audited.UNSCORED)
    serial(spec, tmp_path / "run")
    assert [
        row["place"] for row in json.loads((tmp_path / "run/results.json").read_text())["pictures"]
    ] == [
        row["place"]
        for row in json.loads((tmp_path / "whole/results.json").read_text())["pictures"]
    ]


def test_an_order_of_more_pictures_is_another_audit(tmp_path: Path, spec: AuditSpec) -> None:
    serial(spec, tmp_path / "run")
    [folder] = spec.data.pictures
    iqaudit.write(Path(str(folder)) / "q.png", alike(5)[4].pixels)
    with pytest.raises(InputError, match="begun otherwise"):
        serial(spec, tmp_path / "run")


def test_budgets_are_searched_each_for_itself(spec: AuditSpec) -> None:
    cells = replace(spec, queries=(60, 90), stop=Stop(), flat=False).cells()
    assert [(cell.queries, cell.shorter) for cell in cells] == [(60, ()), (90, ())]
