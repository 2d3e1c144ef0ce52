"""Rows over seeds: each picture's figures are averaged first; likeness at earlier budgets."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.support.auditing import iqaudit_
from tests.support.audits import OPINIONS, edit, rough, uneven, write_manifest, write_run

import iqaudit
from iqaudit import measures
from iqaudit.measures._bootstrap import Estimate, interval, mean

QUERIES, SEEDS = 110, (0, 1, 2)
FOLDERS = tuple(f"rough--bidirectional--seed-{seed}" for seed in SEEDS)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> iqaudit.Audit:
    path = tmp_path_factory.mktemp("runs") / "audit"
    path.mkdir()
    for seed, folder in zip(SEEDS, FOLDERS, strict=True):
        write_run(path / folder, rough(), uneven(), opinions=OPINIONS, queries=QUERIES, seed=seed)
    cells = [(folder, "rough", "bidirectional") for folder in FOLDERS]
    write_manifest(path, cells, data="six", pictures=[picture.name for picture in uneven()])
    return iqaudit.load(path)


def _per_seed(audit: iqaudit.Audit, name: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(
        [[getattr(each.figures, name) for each in cell.pictures] for cell in audit.cells]
    )


@pytest.mark.slow
def test_a_row_over_seeds_resamples_pictures_of_which_seeds_are_averaged(
    audit: iqaudit.Audit,
) -> None:
    assert len(audit.table().rows) == len(SEEDS)
    [row] = audit.table(over_seeds=True).rows
    assert (row.cell, row.seeds, row.pictures, row.rated) == ("rough--bidirectional", 3, 6, 5)
    for name in ("rgo", "ssim", "flip", "reachable_rgo"):
        expected = interval(mean, _per_seed(audit, name).mean(axis=0))
        assert row.values[name] == expected, name
    assert row.values["linf"] == Estimate(3)
    rated = [opinion for opinion in OPINIONS if opinion is not None]
    after = [measures.srocc(each[:5], rated) for each in _per_seed(audit, "attacked_quality")]
    assert row.values["srocc_after"].value == pytest.approx(np.mean(after))
    assert row.values["srocc_after"].low is not None
    for name, estimate in row.values.items():
        seeds = [each.values[name].value for each in audit.table().rows]
        if name != "linf" and None not in seeds:
            assert estimate.value == pytest.approx(np.mean(seeds)), name  # type: ignore[arg-type]


def test_a_single_seeds_row_is_its_cells(audit: iqaudit.Audit) -> None:
    alone = iqaudit.load(audit.path / FOLDERS[0])
    assert alone.table(over_seeds=True) == alone.table()


def test_pictures_that_a_seed_has_not_finished_are_left_out(tmp_path: Path) -> None:
    write_run(tmp_path / "a--seed-0", rough(), uneven(), queries=20, seed=0)
    write_run(tmp_path / "a--seed-1", rough(), uneven(4), queries=20, seed=1)
    write_manifest(tmp_path, [(f"a--seed-{seed}", "rough", "bidirectional") for seed in (0, 1)])
    edit(tmp_path / "a--seed-0", lambda record: record["pictures"][0].update(outcome="interrupted"))
    [row] = iqaudit.load(tmp_path).table(over_seeds=True).rows
    assert (row.pictures, row.unfinished) == (3, 3)


def test_the_command_prints_a_row_for_all_seeds(audit: iqaudit.Audit) -> None:
    printed = iqaudit_("tables", audit.path, "--over-seeds").stdout
    assert "6 pictures, 3 seeds averaged within each" in printed
    assert "seed-1" not in printed
    held = json.loads(iqaudit_("tables", audit.path, "--over-seeds", "--json").stdout)
    assert [(row["cell"], row["seeds"]) for row in held["rows"]] == [("rough--bidirectional", 3)]
    assert [row["queries"] for row in held["by_queries"]] == [100, QUERIES]


def test_likeness_is_known_at_checkpoints(audit: iqaudit.Audit) -> None:
    [cell, *_] = audit.cells
    early, _ = (row for row in audit.by_queries().rows if row.cell == cell.cell)
    record = json.loads((cell.path / "results.json").read_text())
    kept = [picture["checkpoints"] for picture in record["pictures"]]
    assert [[each["queries"] for each in picture] for picture in kept] == [[100]] * 6
    for name in ("ssim", "psnr", "flip"):
        values = [picture[0][name] for picture in kept]
        assert early.values[name].value == pytest.approx(_mean(values))


def _mean(values: Sequence[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def test_a_run_that_kept_no_likeness_has_none_at_earlier_budgets(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", rough(), uneven(), queries=QUERIES)
    edit(run, lambda record: [picture.pop("checkpoints") for picture in record["pictures"]])
    early, whole = iqaudit.load(run).by_queries().rows
    assert early.values["ssim"] == Estimate(None)
    assert early.values["rgo"].value is not None
    assert whole.values["ssim"].value is not None
