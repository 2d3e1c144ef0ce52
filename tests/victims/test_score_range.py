"""A score range is any sequence of two numbers, and nothing else."""

import json
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import iqaudit
from iqaudit import InputError, Scale, measures
from iqaudit._core.wording import for_commands
from iqaudit.victims import as_victim

PICTURE = np.full((16, 16, 3), 100, np.uint8)

RANGES: list[Any] = [
    (0, 255),
    [0, 255],
    range(0, 256, 255),
    deque([0.0, 255.0]),
    np.array([0, 255]),
    np.array([0, 255], np.float32),
    [np.float32(0), np.int64(255)],
    torch.tensor([0, 255]),
    torch.tensor([0.0, 255.0], requires_grad=True),
    (torch.tensor(0.0), torch.tensor(255)),
]
NO_RANGES: list[Any] = [
    "0:255",
    "ab",
    b"ab",
    ("0", "255"),
    5,
    (0,),
    (0, 1, 2),
    (None, 1),
    (False, True),
    (1 + 2j, 3),
    {0, 255},
    {0: 1, 255: 2},
    iter((0, 255)),
    np.array(3),
    np.array([]),
    np.array([[0, 255]]),
    torch.zeros(3),
]


def _mean(pictures: np.ndarray) -> np.ndarray:
    mean: np.ndarray = pictures.mean(axis=(1, 2, 3))
    return mean


@pytest.mark.parametrize("ends", RANGES)
def test_any_sequence_of_two_numbers_is_a_range(ends: Any, tmp_path: Path) -> None:
    scale = Scale.from_range(0, 255)
    assert Scale.declared("It", score_range=ends) == scale
    assert as_victim(_mean, score_range=ends).card.scale == scale
    [result] = iqaudit.attack(PICTURE, _mean, score_range=ends, queries=2, out=tmp_path / "run")
    assert result.clean_score == 100
    clean, attacked = np.array([10.0, 20.0]), np.array([20.0, 30.0])
    assert measures.relative_gain(clean, attacked, ends) == measures.relative_gain(
        clean, attacked, (0, 255)
    )


@pytest.mark.parametrize("ends", [each for each in RANGES if isinstance(each, list | np.ndarray)])
def test_a_list_and_an_array_are_recorded_as_a_tuple_is(
    ends: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scorers.py").write_text("def mean(p):\n    return p.mean(axis=(1, 2, 3))\n")
    monkeypatch.syspath_prepend(tmp_path)
    written = []
    for name, each in (("one", (0, 255)), ("other", ends)):
        out = tmp_path / name
        iqaudit.attack(PICTURE, "python:scorers:mean", score_range=each, queries=2, out=out)
        written.append(json.loads((out / "audit.json").read_text()))
        del written[-1]["checksum"]  # 0 and 0.0 are other characters
    assert written[0] == written[1]


@pytest.mark.parametrize("ends", NO_RANGES)
def test_anything_else_is_refused_in_a_sentence(ends: Any) -> None:
    with pytest.raises(InputError, match="score_range is two numbers"):
        iqaudit.attack(PICTURE, _mean, score_range=ends, queries=2)
    with pytest.raises(InputError, match="score_range is two numbers"):
        as_victim("onnx:net.onnx", score_range=ends)
    with pytest.raises(InputError, match="two finite numbers"):
        measures.relative_gain(np.ones(2), np.ones(2), ends)


def test_ends_in_the_wrong_order_are_said() -> None:
    for ends in (np.array([255, 0]), [1, 1], (0, float("inf")), torch.tensor([0, float("nan")])):
        with pytest.raises(InputError, match="low then high"):
            as_victim(_mean, score_range=ends)


def test_a_string_is_told_the_name_that_it_has() -> None:
    for text in ("0", "0:x", "0:1:2"):
        with pytest.raises(InputError, match=rf"option .range. of .* not '{text}'"):
            as_victim(f"reference,range={text}")
    with pytest.raises(InputError, match=r'"lower-is-better" of .* is said'):
        as_victim("reference,lower-is-better=3")
    with for_commands(), pytest.raises(InputError, match="takes no range"):
        as_victim("replay:run,range=0:1")
