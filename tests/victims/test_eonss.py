"""A second real victim, named by a string."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

import iqaudit
from iqaudit._core import distortions
from iqaudit.victims import as_victim


@pytest.mark.usefixtures("shared")
def test_eonss_is_a_victim_through_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    victim = as_victim("python:tests.support.eonss:eonss")
    clean = data.astronaut()[:300, :400]
    pictures = [
        clean,
        distortions.blur(clean, 3),
        distortions.noise(clean, 30),
        distortions.jpeg(clean, 8),
    ]
    scores = [float(np.asarray(victim.score(picture[None]))[0]) for picture in pictures]
    assert scores[0] == max(scores)
    assert scores[0] == pytest.approx(23.7, abs=1.5)
    [result] = iqaudit.attack(clean, victim, queries=8)
    assert result.queries == 8
