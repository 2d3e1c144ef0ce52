"""Calibration: constants that were put in come out, and files that hold them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness
from torch import Tensor, nn

import iqaudit
from iqaudit import InputError, Scale
from iqaudit._assess import calibration
from iqaudit.testing import Noisy, Recording
from iqaudit.victims import Card, Function, Repeated, as_victim
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._scale_file import load_scale, refuse_another, save_scale


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_constants_that_made_the_opinions_are_found(*, lower_is_better: bool) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(40, 12, 200)
    made = Scale(37, 9, lower_is_better=lower_is_better)
    opinions = [made.quality(score) for score in scores]
    fitted = calibration.fit(scores, lower_is_better=lower_is_better, opinions=opinions)
    assert fitted.center == pytest.approx(37, rel=1e-4)
    assert fitted.spread == pytest.approx(9, rel=1e-4)
    assert fitted.lower_is_better is lower_is_better


def test_without_opinions_the_scores_own_spread_is_taken() -> None:
    scores = np.random.default_rng(0).normal(0.5, 0.1, 300)
    fitted = calibration.fit(scores)
    assert fitted.center == pytest.approx(scores.mean())
    assert fitted.spread == pytest.approx(scores.std())
    assert (fitted.low, fitted.high) == tuple(np.percentile(scores, (1, 99)))


def test_a_scale_goes_through_its_file(tmp_path: Path, make_picture: MakePicture) -> None:
    scale = calibration.fit(np.random.default_rng(0).normal(0.5, 0.1, 300), lower_is_better=True)
    pictures = [iqaudit.Picture("a", make_picture(8, 8)), iqaudit.Picture("b", make_picture(9, 8))]
    net = Function(roughness, scale, name='onnx:"net"')
    save_scale(tmp_path / "scale.toml", scale, net, pictures)
    save_scale(tmp_path / "turned.toml", scale, net, pictures[::-1])
    loaded = load_scale(tmp_path / "scale.toml")
    assert (loaded.center, loaded.spread, loaded.low, loaded.high, loaded.lower_is_better) == (
        scale.center,
        scale.spread,
        scale.low,
        scale.high,
        True,
    )
    assert loaded.source == f'{scale.source} (onnx:"net")'
    assert (tmp_path / "scale.toml").read_text() == (tmp_path / "turned.toml").read_text()
    assert "pictures = 2" in (tmp_path / "scale.toml").read_text()


def _written(path: Path, victim: Function, make_picture: MakePicture) -> Path:
    pictures = [iqaudit.Picture("a", make_picture(8, 8))]
    save_scale(path, victim.card.scale, victim, pictures)
    return path


def test_a_scale_is_refused_to_a_victim_that_scores_otherwise(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    file = _written(tmp_path / "scale.toml", rough, make_picture)
    line = f"fingerprint = {list(fingerprint(rough))}\n"
    assert line in file.read_text()
    refuse_another(file, rough)
    spread = rough.card.scale.spread
    near = Function(lambda x: roughness(x) + 0.009 * spread, rough.card.scale)
    refuse_another(file, near)
    other = Function(lambda x: roughness(x) + 0.011 * spread, rough.card.scale, name="other")
    with pytest.raises(InputError, match=r'fitted to "rough" when .*; "other" scores them'):
        refuse_another(file, other)
    file.write_text(file.read_text().replace(line, ""))
    refuse_another(file, other)  # as the sentence says
    for wrong in ("3", "[1]", '["a", 2]'):
        file.write_text(f"fingerprint = {wrong}\n")
        with pytest.raises(InputError, match="no scale file"):
            refuse_another(file, rough)


def test_noise_makes_no_other_victim(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    file = _written(tmp_path / "scale.toml", rough, make_picture)
    noisy = Noisy(rough, 0.2)
    for _ in range(10):
        refuse_another(file, Repeated(noisy, 4))
    another = Noisy(lambda pictures: roughness(pictures) + 3, 0.2, scale=rough.card.scale)
    with pytest.raises(InputError, match="it is another"):
        refuse_another(file, Repeated(another, 4))


def test_a_service_is_not_asked_for_its_fingerprint_unasked(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    file = _written(tmp_path / "scale.toml", rough, make_picture)

    service = Recording(rough)
    service.card = replace(service.card, device=ELSEWHERE)
    refuse_another(file, service)
    assert not service.batches


@pytest.mark.parametrize("text", ["", "center = 1", "no toml", "center = 'x'"])
def test_what_is_no_scale_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "scale.toml").write_text(text)
    with pytest.raises(InputError, match="no scale file"):
        load_scale(tmp_path / "scale.toml")
    with pytest.raises(InputError, match="there is no such"):
        load_scale(tmp_path / "other.toml")


def test_scores_that_nothing_can_be_fitted_to_are_refused() -> None:
    with pytest.raises(InputError, match="at least 10 pictures, not 3"):
        calibration.fit([1, 2, 3])
    with pytest.raises(InputError, match="every picture 4"):
        calibration.fit([4] * 20)
    falling = np.linspace(0, 1, 20)
    with pytest.raises(InputError, match="lower_is_better=True"):
        calibration.fit(falling, opinions=10 * (1 - falling))


def test_the_references_scale_is_what_its_training_fitted(
    reference: iqaudit.victims.Reference,
) -> None:
    # The same function fits both; here on made scores, with the card's constants.
    made = reference.card.scale
    scores = np.linspace(10, 90, 50)
    center, spread = calibration.fit_to_opinions(scores, [made.quality(s) for s in scores])
    assert (center, spread) == pytest.approx((made.center, made.spread), rel=1e-6)


def test_a_scale_takes_every_picture_that_it_was_fitted_on() -> None:
    """A range that leaves out a hundredth at each end is none to refuse a score by."""
    scores = np.random.default_rng(0).lognormal(0, 1, 500)
    fitted = calibration.fit(scores)
    assert all(fitted.fits(score) for score in scores)
    assert not fitted.fits(scores.mean() + 16 * scores.std())


def test_opinions_that_do_not_differ_are_rising_with_nothing() -> None:
    with pytest.raises(InputError, match="do not rise"):
        calibration.fit(np.linspace(0, 1, 20), opinions=[5] * 20)


class Brought:
    """A victim that brings a scale of its own."""

    card = Card("brought", Scale.from_range(0, 300))

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return roughness(pictures)


class Rough(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.diff(dim=3).abs().mean((1, 2, 3))


@pytest.mark.parametrize("victim", [roughness, Rough(), Brought()])
def test_objects_are_calibrated_without_a_range_and_attacked_with_the_scale(
    victim: Any, tmp_path: Path, make_picture: MakePicture
) -> None:
    pictures = [make_picture(16, 16 + each, each) for each in range(10)]
    file = tmp_path / "scale.toml"
    scale = iqaudit.calibrate(victim, pictures, out=file)
    text = file.read_text()
    assert f'named_by = "an object of Python, {as_victim(victim, scale=file).card.name}"' in text
    assert 'opinions = "none"' in text
    assert f'made_by = "iqaudit {iqaudit.__version__}"' in text
    [result] = iqaudit.attack(pictures[0], victim, scale=file, queries=3)
    assert as_victim(victim, scale=file).card.scale.center == scale.center
    assert result.clean_quality == pytest.approx(scale.quality(result.clean_score))

    def other(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return 3 + roughness(batch)

    with pytest.raises(InputError, match="this scale was fitted to"):
        iqaudit.attack(pictures[0], other, scale=file, queries=3)


def test_a_scales_file_says_how_it_was_made(tmp_path: Path, make_picture: MakePicture) -> None:
    lines = ["image,mos"]
    (tmp_path / "many").mkdir()
    for each in range(10):
        picture = make_picture(16, 16 + each, each)
        iqaudit.write(tmp_path / "many" / f"p{each}.png", picture)
        lines.append(f"p{each}.png,{float(roughness(picture[None])[0])}")
    (tmp_path / "mos.csv").write_text("\n".join(lines))
    how: dict[str, Any] = {"opinions": tmp_path / "mos.csv", "opinion_range": (0, 255)}
    spec = "python:tests.support.scorers:roughness,input=0:255,name=Ours"
    iqaudit.calibrate(spec, tmp_path / "many", out=tmp_path / "rough.toml", **how)
    text = (tmp_path / "rough.toml").read_text()
    assert 'named_by = "python:tests.support.scorers:roughness,' in text
    assert "input=0:255" in text
    assert f'opinions = "{tmp_path / "mos.csv"}, 0 to 255"' in text
