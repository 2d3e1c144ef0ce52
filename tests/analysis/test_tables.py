"""The tables: every figure is that of the files, with an interval, or is said not to exist."""

import json
import math
import sys
from dataclasses import astuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.support.audits import (
    OPINIONS,
    PICTURES,
    QUERIES,
    Cell,
    bright,
    edit,
    rate,
    rough,
    uneven,
    write_audit,
    write_run,
)

import iqaudit
from iqaudit import InputError, measures
from iqaudit._analysis.findings.pairs import pairs
from iqaudit._analysis.tables import catalogue, samples, statistics, tables
from iqaudit._analysis.tables.cells import load, missing
from iqaudit._analysis.tables.tables import finite, record
from iqaudit._core.collection import collect
from iqaudit._core.picture import Pixels
from iqaudit._runs.records import PictureRecord
from iqaudit._runs.schema import load as load_record
from iqaudit.measures._bootstrap import Estimate, linear_correlation


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = {
        "rough--bidirectional": Cell(rough()),
        "smooth--bidirectional": Cell(rough(lower_is_better=True)),
        "bright--square": Cell(bright(), "square", 60),
    }
    return write_audit(tmp_path_factory.mktemp("audit") / "run", cells)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Cell(rough(), queries=20).write(tmp_path / "alone")


def entries(run: Path) -> tuple[PictureRecord, ...]:
    return load_record(run).pictures


def column(run: Path, name: str) -> list[float]:
    return [getattr(entry, name) for entry in entries(run)]


def values(run: Path) -> dict[str, float | None]:
    (row,) = tables.table(load(run)).rows
    return {name: estimate.value for name, estimate in row.values.items()}


@pytest.mark.slow
def test_an_audit_has_its_cells_in_order_with_what_the_manifest_says(audit: Path) -> None:
    cells = load(audit)
    assert [cell.cell for cell in cells] == [
        "rough--bidirectional", "smooth--bidirectional", "bright--square",
    ]  # fmt: skip
    assert [(cell.victim, cell.attack) for cell in cells][1:] == [
        ("smooth", "bidirectional"),
        ("bright", "square"),
    ]
    assert {cell.data for cell in cells} == {"six"}
    assert cells[2].scale == bright().card.scale
    assert [picture.opinion for picture in cells[0].pictures] == list(OPINIONS)
    assert [picture.distortion for picture in cells[0].pictures[:2]] == ["blur", "noise"]


def test_every_measure_is_that_of_the_recorded_figures(audit: Path) -> None:
    run = audit / "rough--bidirectional"
    row = tables.table(load(audit)).rows[0]
    found = {name: estimate.value for name, estimate in row.values.items()}
    s, s_attacked = (
        np.array(column(run, "clean_quality")),
        np.array(column(run, "attacked_quality")),
    )
    f, f_attacked = np.array(column(run, "clean_score")), np.array(column(run, "attacked_score"))
    raised = np.array([entry.direction == "raise" for entry in entries(run)])
    assert 0 < raised.sum() < PICTURES
    rated = np.array([opinion is not None for opinion in OPINIONS])
    opinions = np.array([opinion for opinion in OPINIONS if opinion is not None])
    expected = {
        "rgo": measures.rgo(s, s_attacked),
        "reachable_rgo": np.mean(column(run, "reachable_rgo")),
        "shift": np.mean(np.abs(f_attacked - f)) / 4,  # S, a fifth of 0 to 20
        "mean_deviation": measures.mean_deviation(s, s_attacked),
        "order_kept": measures.srocc(f, f_attacked),
        "met": None,  # there is no target
        "queries_to_target": None,
        "ssim": np.mean(column(run, "ssim")),
        "psnr": np.mean([value for value in column(run, "psnr") if value is not None]),
        "flip": np.mean(column(run, "flip")),
        "linf": 3,
        "r_natural": measures.robustness(s, s_attacked, (0, 10), base=math.e),
        "unmoved": (s == s_attacked).sum(),
        "r_decimal": _msu_robustness(f, f_attacked),
    }
    for name in ("srocc", "plcc", "krocc", "rmse"):
        measure = getattr(measures, name)
        before, after = measure(s[rated], opinions), measure(s_attacked[rated], opinions)
        expected |= {f"{name}_before": before, f"{name}_after": after}
        if name != "rmse":
            expected[f"{name}_change"] = measures.change_rate(before, after)
    clean = measures.clean_range(f)
    for way, chosen in (("raise", raised), ("lower", ~raised)):
        pair = f[chosen], f_attacked[chosen]
        expected |= {
            f"shift_{way}": np.mean(f_attacked[chosen] - f[chosen]) / 4,
            f"range_gain_{way}": measures.normalised_gain(*pair, (0, 20)),
            f"absolute_gain_{way}": measures.normalised_gain(*pair, clean),
            f"relative_gain_{way}": measures.relative_gain(*pair, clean),
            f"wasserstein_{way}": measures.wasserstein_score(*pair, clean),
            f"energy_{way}": measures.energy_score(*pair, clean),
        }
    assert found == pytest.approx(expected | {"chance_raise": None, "chance_lower": None})
    assert list(found) == [measure.name for measure in catalogue.MEASURES]
    assert (row.pictures, row.unfinished, row.rated) == (6, 0, 5)


def _msu_robustness(f: np.ndarray, f_attacked: np.ndarray) -> float:
    """Return R as the MSU benchmark's released program has it, said in full."""
    p, p_attacked = ((each - f.min()) / (f.max() - f.min()) for each in (f, f_attacked))
    return float(np.mean(np.log10(np.maximum(1 - p, p) / (np.abs(p - p_attacked) + 1e-6))))


def test_gains_are_positive_towards_quality_whatever_the_scale(audit: Path) -> None:
    one, other, *_ = tables.table(load(audit)).rows
    for row in (one, other):
        for name in ("range_gain", "absolute_gain", "relative_gain", "wasserstein", "energy"):
            assert (row.values[f"{name}_raise"].value or 0) > 0, (row.cell, name)
            assert (row.values[f"{name}_lower"].value or 0) < 0, (row.cell, name)


def test_figures_lie_in_their_intervals_and_come_out_the_same_again(audit: Path) -> None:
    table = tables.table(load(audit))
    assert table == tables.table(load(audit))
    for measure in table.measures:
        estimate = table.rows[0].values[measure.name]
        if measure.name.startswith("chance_"):  # of insights, which there are none
            assert estimate == Estimate(None)
        elif measure.name in ("linf", "unmoved"):  # no statistic of resamples
            assert estimate == Estimate({"linf": 3, "unmoved": 0}[measure.name])
        elif measure.name in ("met", "queries_to_target"):  # there is no target
            assert estimate == Estimate(None)
        else:
            assert estimate.value is not None
            assert estimate.low is not None, measure.name
            assert estimate.high is not None
            assert estimate.low <= estimate.value <= estimate.high, measure.name


def test_what_was_reached_earlier_is_the_best_of_the_first_answers(audit: Path) -> None:
    cells = load(audit)
    rows = [row for row in tables.by_queries(cells).rows if row.cell == cells[0].cell]
    assert [row.queries for row in rows] == [100, 300, QUERIES]
    run = audit / cells[0].cell
    terms = []
    for entry in entries(run):
        scores = np.load(run / "scores" / f"{entry.name}.npy")["score"][:100]
        best = scores.max() if entry.direction == "raise" else scores.min()
        quality = cells[0].scale.quality(float(best))
        terms.append(measures.rgo([entry.clean_quality], [quality]))
    assert rows[0].values["rgo"].value == pytest.approx(np.mean(terms))
    final = tables.table(cells).rows[0].values
    assert rows[-1].values == {name: final[name] for name in rows[-1].values}
    assert "linf" not in rows[-1].values
    assert [row.queries for row in tables.by_queries(cells[2:]).rows] == [60]


def test_a_run_by_itself_has_no_opinions(run: Path) -> None:
    found = values(run)
    assert found["rgo"] is not None
    assert {found[name] for name in found if name.startswith(("srocc", "rmse"))} == {None}


def test_a_search_that_ended_early_keeps_what_it_had(tmp_path: Path) -> None:
    cell = Cell(rough(), queries=200)
    grey = np.full((12, 12, 3), 128, np.uint8)
    [result] = iqaudit.attack(
        grey, cell.victim, queries=200, early_stop=0.01, out=tmp_path / "early"
    )
    (cell_data,) = load(tmp_path / "early")
    assert result.queries < 100
    rows = tables.by_queries([cell_data]).rows
    assert (
        rows[0].values["rgo"].value
        == rows[1].values["rgo"].value
        == load_record(tmp_path / "early").summary.rgo
    )


@pytest.mark.parametrize(
    ("opinions", "exists"),
    [
        ([5, 6, None, None, None, None], {"rmse_before"}),
        ([5, 5, 5, 5, 5, 5], {"rmse_before"}),
        ([5, 6, 7, None, None, None], {"rmse_before", "srocc_before", "krocc_after"}),
    ],
)
def test_correlations_need_three_pictures_that_differ(
    run: Path, opinions: list[float | None], exists: set[str]
) -> None:
    edit(run, lambda record: rate(record, opinions))
    found = values(run)
    for name in ("rmse_before", "srocc_before", "krocc_after"):
        assert (found[name] is not None) == (name in exists), name


def test_pictures_of_the_same_pixels_are_one_in_intervals(tmp_path: Path) -> None:
    """The mean is over all; the interval is that of the different ones."""
    pictures = uneven()
    twice = [
        iqaudit.Picture(f"{name}-{each.name}", each.pixels) for name in "ab" for each in pictures
    ]
    opinions = (7.5, 2.0, 5.5, 8.5, 1.0, 3.0)
    once = write_run(tmp_path / "once", rough(), pictures, queries=20, opinions=opinions)
    both = write_run(tmp_path / "both", rough(), twice, queries=20, opinions=opinions * 2)
    (one,), (two,) = (tables.table(load(run)).rows for run in (once, both))
    assert (one.pictures, two.pictures) == (6, 12)
    for name in ("rgo", "ssim", "srocc_after", "krocc_before", "wasserstein_raise"):
        left, right = (astuple(row.values[name]) for row in (one, two))
        assert right == pytest.approx(left), name
    same = ", ".join(f"a-{each.name} = b-{each.name}" for each in pictures[:3])
    note = f"The same pixels: {same} and 3 more. Intervals are over 6 different pictures, not 12."
    assert note in two.doubt
    assert "The same pixels" not in one.doubt
    assert (two.flags, two.ranked) == (one.flags, one.ranked)
    assert len(pairs(both, load_record(both))) == 6


def test_one_picture_has_figures_and_no_intervals(tmp_path: Path) -> None:
    grey: Pixels = np.full((12, 12, 3), 128, np.uint8)
    run = write_run(tmp_path / "one", rough(), collect([grey]), queries=20)
    edit(run, lambda record: rate(record, [4.0]))
    (row,) = tables.table(load(run)).rows
    assert row.values["rgo"].value is not None
    assert {estimate.low for estimate in row.values.values()} == {None}
    for name in ("srocc_before", "absolute_gain_raise", "r_decimal", "energy_lower"):
        assert row.values[name] == Estimate(None), name


def test_an_unmoved_score_makes_r_infinite_and_json_null(run: Path) -> None:
    (cell,) = load(run)
    still = samples.Snapshot.after(cell, 1)
    assert catalogue.find("r_natural").compute(still) == Estimate(math.inf)
    assert catalogue.find("unmoved").compute(still) == Estimate(len(cell.finished))
    whole = samples.Snapshot.after(cell, cell.queries)
    infinite = [
        math.isinf(samples.zhang([a], [b])) for a, b in zip(*whole.qualities[:, 0], strict=True)
    ]
    assert catalogue.find("unmoved").compute(whole) == Estimate(sum(infinite))
    assert catalogue.find("rgo").compute(still) == Estimate(0, 0, 0)
    decimal = catalogue.find("r_decimal").compute(still).value
    assert decimal is not None
    assert 5 < decimal <= 6  # log10 of 0.5 to 1 over the offset
    held = record(tables.by_queries([cell]))
    json.dumps(held, allow_nan=False)
    assert held["intervals"]["kind"] == "percentile bootstrap"


def test_rows_are_plain_dicts_and_arrays(audit: Path) -> None:
    table = tables.table(load(audit))
    rows = table.to_dict()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    arrays = table.to_arrays()
    assert {array.shape for array in arrays.values()} == {(len(rows),)}
    assert arrays["cell"].tolist() == [row["cell"] for row in rows]
    for measure in table.measures:
        ends = zip(*(arrays[measure.name + end] for end in ("", "_low", "_high")), strict=True)
        for row, estimate in zip(rows, ends, strict=True):
            found = [finite(float(end)) for end in estimate]
            assert found == list(row["values"][measure.name].values())


def test_without_rows_the_columns_are_empty() -> None:
    assert {array.shape for array in tables.table([]).to_arrays().values()} == {(0,)}


def test_a_data_frame_has_the_arrays(audit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tables.table(load(audit))
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=dict))
    assert table.to_pandas().keys() == table.to_arrays().keys()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pip install pandas"):
        table.to_pandas()


def test_unfinished_pictures_are_left_out_and_counted(run: Path) -> None:
    edit(run, lambda record: record["pictures"][0].update(outcome="interrupted"))
    (row,) = tables.table(load(run)).rows
    assert (row.pictures, row.unfinished) == (5, 1)
    assert row.values["rgo"].value == pytest.approx(np.mean(column(run, "rgo")[1:]))
    edit(run, lambda record: [e.update(outcome="interrupted") for e in record["pictures"]])
    (row,) = tables.table(load(run)).rows
    assert {estimate.value for estimate in row.values.values()} == {None}


def test_pictures_that_an_audit_still_owes_are_counted(tmp_path: Path) -> None:
    audit = write_audit(tmp_path / "run", {"a": Cell(rough(), queries=4), "b": Cell(rough())})
    edit(audit / "a", lambda record: record["pictures"].pop())
    (audit / "b" / "results.json").unlink()
    (row,) = tables.table(load(audit)).rows
    assert row.unfinished == 1
    assert missing(audit) == ("b",)
    (audit / "a" / "results.json").unlink()
    with pytest.raises(InputError, match=r"a/results\.json: gone"):
        load(audit)
    for cell in missing(audit):
        (audit / cell / "answers").mkdir()
    with pytest.raises(InputError, match="cells is finished yet"):
        load(audit)


def test_a_figure_that_an_older_version_did_not_measure_is_none(run: Path) -> None:
    edit(run, lambda record: [entry.pop("flip") for entry in record["pictures"]])
    assert values(run)["flip"] is None


def test_an_unbounded_victim_has_no_gain_of_its_range(audit: Path) -> None:
    row = tables.table(load(audit)).rows[2]
    assert row.values["range_gain_lower"] == Estimate(None)
    assert row.values["absolute_gain_lower"].value is not None


def test_resampled_statistics_are_the_measures_of_each_resample() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.integers(0, 7, (2, 4, 15)) / 4
    pairs = list(zip(a, b, strict=True))
    unit = (0.0, 1.0)
    for statistic, measure in (
        (linear_correlation, measures.plcc),
        (statistics.root_mean_square, measures.rmse),
        (statistics.distribution_shift, lambda x, y: measures.wasserstein_score(x, y, unit)),
        (statistics.energy_shift, lambda x, y: measures.energy_score(x, y, unit)),
    ):
        assert statistic(a, b) == pytest.approx([measure(x, y) for x, y in pairs])
    drawn = rng.integers(15, size=(4, 15))
    tau = statistics.pair_correlation(a[0], b[0])(drawn.astype(float))
    assert tau == pytest.approx([measures.krocc(a[0][each], b[0][each]) for each in drawn])
    lost = statistics.lost(*(linear_correlation(each, a[::-1]) for each in (a, b)))
    assert lost == pytest.approx(
        [
            measures.change_rate(measures.plcc(x, o), measures.plcc(y, o))
            for (x, y), o in zip(pairs, a[::-1], strict=True)
        ]
    )
    assert np.isnan(linear_correlation(a, np.full_like(a, 0.1))).all()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this is no run"):
        load(tmp_path)
