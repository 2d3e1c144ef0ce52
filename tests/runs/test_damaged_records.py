"""A record with any value of another kind ends in a sentence, whatever reads it."""

import copy
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.records import text

import iqaudit
from iqaudit.testing import synthetic_picture

OTHERS: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**400, 1e308, float("nan"), float("inf"), 2**63, -1.5),
    *("x", "", "\x1b[31m\n", [], {}, [[[[]]]], [None], {"a": 1}),
)
VICTIM = "python:tests.support.audited:rough"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run."""
    root = tmp_path_factory.mktemp("damaged")
    iqaudit.write(root / "p.png", synthetic_picture(20, 24, 0))
    iqaudit.attack(root / "p.png", VICTIM, queries=4, out=root / "run")
    return root / "run"


def _read(run: Path) -> None:
    """Read a run in all ways that take no time; what is not right is an `InputError`."""
    ways = (
        lambda: iqaudit.load(run).verify(),
        lambda: iqaudit.load(run).status(),
        lambda: iqaudit.load(run).table(),
        lambda: iqaudit.load(run).export(),
        lambda: list(iqaudit.load(run).results()),
        lambda: iqaudit.victims.as_victim(f"replay:{run}"),
    )
    for way in ways:
        with suppress(iqaudit.InputError):
            way()


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        yield (*at, key)
        if isinstance(part, dict | list):
            yield from _places(part, (*at, key))


@pytest.mark.parametrize("file", ["results.json", "audit.json"])
def test_no_value_of_a_record_is_a_traceback(run: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(run, tmp_path / "run")
    whole = json.loads((run / file).read_text("utf-8"))
    draw = random.Random(0)  # noqa: S311 (no secret)
    for *parents, key in draw.sample(list(_places(whole)), 40):
        changed = copy.deepcopy(whole)
        part = changed
        for each in parents:
            part = part[each]
        part[key] = draw.choice(OTHERS)
        (tmp_path / "run" / file).write_text(text(changed), "utf-8")
        _read(tmp_path / "run")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x01\x00\x10\x00{'descr': [('a',",
        b"\x93NUMPY\x01\x00\xff\xff{" + b"(" * 70000,
    ],
    ids=["empty", "cut", "deep"],
)
def test_a_damaged_file_of_scores_is_refused(run: Path, tmp_path: Path, content: bytes) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "scores" / "p.npy").write_bytes(content)
    with pytest.raises(iqaudit.InputError, match=r"p\.npy: this cannot be read"):
        iqaudit.load(tmp_path / "run").results()[0]


def test_scores_of_no_answer_or_of_objects_are_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "scores" / "p.npy"
    for answers in (np.load(file)[:0], np.array([{}], object)):
        np.save(file, answers, allow_pickle=True)
        with pytest.raises(iqaudit.InputError, match=r"p\.npy: "):
            iqaudit.load(tmp_path / "run").table()


def test_a_direction_that_is_none_is_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "results.json"
    record = json.loads(file.read_text("utf-8"))
    record["pictures"][0]["direction"] = ""
    file.write_text(text(record), "utf-8")
    with pytest.raises(iqaudit.InputError, match=r"pictures\[0\].*not a valid Direction"):
        iqaudit.load(tmp_path / "run").results()
    [finding] = iqaudit.verify(tmp_path / "run", VICTIM)
    assert finding.name == "results.json"
    assert "pictures[0]" in finding.wrong[0]
