"""Attacks' trajectories stay what they were; tools/regenerate_golden.py changes them on purpose."""

import pytest
from tests.support import golden

from iqaudit.attacks import ATTACKS


@pytest.mark.parametrize("name", ATTACKS)
def test_the_trajectory_is_the_kept_one(name: str) -> None:
    assert golden.load(name) == golden.trajectory(name)


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in golden.FOLDER.glob("*.json")} == set(ATTACKS)
