"""Runs of thousands of pictures: made-up records, whose files are those of a few."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy
from tests.support.auditing import ROUGH
from tests.support.processes import LIMIT

import iqaudit
from iqaudit._analysis.tables.statistics import pair_correlation
from iqaudit._report.gallery import gallery
from iqaudit._report.page import page
from iqaudit._runs.figures import summarise
from iqaudit._runs.schema import FORMAT, file_names, load
from iqaudit._runs.store import write_record
from iqaudit.measures._bootstrap import interval
from iqaudit.testing import synthetic_picture

Many = Callable[[int], Path]


@pytest.fixture
def many(tmp_path: Path) -> Many:
    """Return a maker of a run of so many pictures, whose visibility falls."""
    few = tmp_path / "few"
    pictures = [synthetic_picture(40, 48, seed) for seed in range(4)]
    iqaudit.attack(pictures, ROUGH, attack="square", queries=200, out=few)
    whole = load(few)

    def make(count: int) -> Path:
        out, entries = tmp_path / str(count), []
        for folder in file_names(""):
            (out / folder).mkdir(parents=True)
        for number in range(count):
            entry = whole.pictures[number % 4]
            name = f"p{number:05}"
            for old, new in zip(*(file_names(each).values() for each in (entry.name, name))):  # noqa: B905
                (out / new).hardlink_to(few / old)
            entries.append(replace(entry, name=name, flip=1 / (1 + number)))
        pictures = tuple(entries)
        record = replace(whole, pictures=pictures, summary=summarise(pictures))
        write_record(out / "results.json", FORMAT, record)
        return out

    return make


@pytest.mark.slow
def test_a_gallery_without_room_for_all_has_the_most_visible_changes_and_says_so(
    many: Many,
) -> None:
    run = many(60)
    cells = page(run)["cells"]
    part = gallery(run, cells, budget=200_000)
    shown = [shot.name for shot in part.shots]
    assert 10 < len(shown) < 50
    assert shown == [f"p{number:05}" for number in range(len(shown))]
    assert part.left_out == 60 - len(shown)
    assert gallery(run, cells).left_out == 0


@pytest.mark.slow
def test_a_page_of_3000_pictures_stays_below_15_mb(many: Many) -> None:
    text = iqaudit.load(many(3_000)).report().read_text("utf-8")
    assert 5_000_000 < len(text.encode()) < 15_000_000
    shown = text.count('<li class="shot"')
    words = " ".join(text.split())
    assert f"The page has room for {shown:,} of 3,000 pictures, those whose change" in words
    assert "<code>iqaudit export --csv FILE</code> writes them." in words


@pytest.mark.slow
def test_a_page_that_has_room_says_nothing_of_it(many: Many) -> None:
    text = iqaudit.load(many(8)).report().read_text("utf-8")
    assert "has room for" not in text
    assert "iqaudit export" not in text


@pytest.mark.slow
def test_ten_times_the_pictures_take_little_more_memory(many: Many) -> None:
    """Megabytes: at the most 50 kilobytes a picture, most of it its record with its steps."""
    code = (
        "import resource, sys, iqaudit; "
        "iqaudit.load(sys.argv[1]).report(); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    peaks = []
    for count in (150, 1_500):
        line = [sys.executable, "-c", code, str(many(count))]
        done = subprocess.run(line, check=True, capture_output=True, text=True, timeout=LIMIT)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 1_350 * 0.05


def test_kendalls_tau_of_thousands_takes_no_table_of_all_pairs() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 3_000)).round(1)
    positions = np.arange(3_000)
    tracemalloc.start()
    try:
        found = interval(pair_correlation(a, b), positions, resamples=40)
        assert tracemalloc.get_traced_memory()[1] < 40e6  # all pairs are 72 MB, in float64
    finally:
        tracemalloc.stop()
    assert found.value == pytest.approx(scipy.stats.kendalltau(a, b).statistic, rel=1e-12)
