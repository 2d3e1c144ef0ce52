"""What a change is made of and where it lies: pictures and perturbations with known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pictures import MakePicture
from tests.support.searching import grey

from iqaudit._analysis.findings import pixels as measured
from iqaudit._analysis.findings.pairs import random_picture
from iqaudit._core.distortions import TREATMENTS, mirror
from iqaudit._core.patches import Perturbation
from iqaudit._core.picture import pixels_sha256
from iqaudit.victims import Window

SIDES = st.integers(1, 70)


def perturbed(height: int, width: int, seed: int = 0) -> Perturbation:
    signs = np.random.default_rng(seed).integers(2, size=(height, width, 3))
    return (3 * (2 * signs - 1)).astype(np.int16)


def test_spatial_information_is_the_deviation_of_sobels_length(make_picture: MakePicture) -> None:
    pixels = make_picture(7, 9)
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    lengths = [
        np.hypot(*((luma[y : y + 3, x : x + 3] * each).sum() for each in (kernel, kernel.T)))
        for y in range(5)
        for x in range(7)
    ]
    assert measured.spatial_information(pixels) == pytest.approx(np.std(lengths))
    assert measured.spatial_information(grey(8, 8)) == pytest.approx(0)
    assert measured.spatial_information(grey(2, 8)) == 0


def test_colourfulness_of_plain_colours() -> None:
    assert measured.colourfulness(grey(4, 4)) == 0
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert measured.colourfulness(red) == pytest.approx(0.3 * np.hypot(255, 127.5))
    red[:2] = 0  # half black: rg and yb have deviations of half their values
    expected = np.hypot(127.5, 63.75) + 0.3 * np.hypot(127.5, 63.75)
    assert measured.colourfulness(red) == pytest.approx(expected)


@pytest.mark.parametrize(("period", "band"), [(2, 5), (4, 4), (8, 3), (16, 2), (32, 1), (64, 0)])
def test_a_wave_lies_in_its_band_and_runs_its_way(period: int, band: int) -> None:
    wave = np.rint(100 * np.cos(2 * np.pi * np.arange(128) / period)).astype(np.int16)
    upright = np.broadcast_to(wave[None, :, None], (64, 128, 3))
    found = measured.spectrum(upright)
    assert found is not None
    assert found.bands[band] == pytest.approx(1, abs=1e-3)
    assert found.half == pytest.approx(1 / period)
    assert [found.vertical, found.horizontal] == pytest.approx([1, 0])
    turned = measured.spectrum(upright.swapaxes(0, 1))
    assert turned is not None
    assert [turned.vertical, turned.horizontal] == pytest.approx([0, 1])


def test_independent_pixels_have_a_flat_spectrum() -> None:
    found = measured.spectrum(perturbed(256, 256))
    assert found is not None
    assert found.rings[8:80] == pytest.approx(np.full(72, 9), rel=0.15)  # beyond, few frequencies
    radii = np.array([0, *(high for _, high in measured.BANDS[:-1])])
    areas = np.diff(np.pi * radii**2)
    assert found.bands[:-1] == pytest.approx(areas, abs=0.01)
    assert found.bands.sum() == pytest.approx(1)
    assert found.half == pytest.approx(np.sqrt(0.5 / np.pi), abs=0.01)
    fifth = np.tan(np.radians(measured.NEAR)) / 2
    assert (found.vertical, found.horizontal) == pytest.approx((fifth, fifth), abs=0.01)


def test_a_constant_change_is_all_mean() -> None:
    found = measured.spectrum(np.full((20, 30, 3), 3, np.int16))
    assert found is not None
    assert (found.bands[0], found.half) == (pytest.approx(1), 0)
    assert measured.spectrum(np.zeros((4, 4, 3), np.int16)) is None


@given(SIDES, SIDES)
def test_the_power_of_a_spectrum_is_the_changes(height: int, width: int) -> None:
    found = measured.spectrum(perturbed(height, width))
    assert found is not None
    assert found.bands.sum() == pytest.approx(1)
    assert found.vertical + found.horizontal <= 1 + 1e-9


@pytest.mark.parametrize(
    ("change", "shares"),
    [
        ((1, 1, 1), (1, 0, 0)),
        ((3, -3, 0), (0, 1, 0)),
        ((1, 1, -2), (0, 0, 1)),
        ((2, 0, 0), (1 / 3, 1 / 2, 1 / 6)),
    ],
)
def test_colours_along_the_axes(
    change: tuple[int, int, int], shares: tuple[float, float, float]
) -> None:
    found = measured.spectrum(np.broadcast_to(np.array(change, np.int16), (5, 6, 3)))
    assert found is not None
    assert found.colours == pytest.approx(np.array(shares))


def test_independent_channels_lie_along_each_axis_by_a_third() -> None:
    found = measured.spectrum(perturbed(200, 200))
    assert found is not None
    assert found.colours == pytest.approx(np.full(3, 1 / 3), abs=0.01)


@given(SIDES, SIDES)
def test_a_map_of_any_size_keeps_the_mean(height: int, width: int) -> None:
    change = perturbed(height, width)
    change[: height // 2] = 0
    assert measured.strength(change).mean() == pytest.approx(np.abs(change).mean())
    assert measured.strength(perturbed(height, width)) == pytest.approx(np.full((32, 32), 3))


@given(SIDES, SIDES, st.data())
def test_a_window_covers_what_its_pixels_do(height: int, width: int, data: st.DataObject) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    tall, wide = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    change = np.zeros((height, width, 3), np.int16)
    change[top : top + tall, left : left + wide] = 1
    covers = measured.covered(Window(top, left, tall, wide), height, width)
    assert covers == pytest.approx(measured.strength(change), abs=1e-9)


def test_the_edge_is_an_eighth_from_each_side() -> None:
    change = np.zeros((64, 96, 3), np.int16)
    change[:8] = 2
    change[-8:] = 2
    change[:, :12] = 2
    change[:, -12:] = 2
    assert measured.edge_and_middle(measured.strength(change)) == (2, 0)


@pytest.mark.parametrize("treatment", TREATMENTS, ids=lambda each: each.name)
def test_treatments_keep_the_size_and_repeat(treatment: object, make_picture: MakePicture) -> None:
    apply = treatment.apply  # type: ignore[attr-defined]
    for height, width in ((30, 41), (1, 1), (5, 2)):
        pixels = make_picture(height, width)
        before = pixels.copy()
        treated = apply(pixels, "a")
        assert (treated.shape, treated.dtype) == (pixels.shape, np.uint8)
        assert np.array_equal(treated, apply(pixels, "a"))
        assert np.array_equal(pixels, before)


def test_noise_is_one_level_and_the_same_for_clean_and_attacked() -> None:
    noise = next(each.apply for each in TREATMENTS if each.name == "noise")
    one, two = (
        noise(pixels, "a").astype(int) - pixels for pixels in (grey(90, 90), grey(90, 90) + 3)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, noise(grey(90, 90), "b").astype(int) - 128)
    counts = np.unique(one, return_counts=True)
    assert counts[0].tolist() == [-1, 0, 1]
    assert counts[1] / one.size == pytest.approx(np.full(3, 1 / 3), abs=0.02)


def test_a_mirror_twice_is_the_picture(make_picture: MakePicture) -> None:
    pixels = make_picture(9, 14)
    assert np.array_equal(mirror(mirror(pixels)), pixels)
    assert np.array_equal(mirror(pixels)[:, 0], pixels[:, -1])


def test_a_random_picture_is_within_the_threat_and_the_same_again(
    make_picture: MakePicture,
) -> None:
    pixels = make_picture(40, 50)
    random = random_picture(pixels, 3)
    change = np.abs(random.astype(int) - pixels)
    assert change.max() == 3
    inside = (pixels > 2) & (pixels < 253)
    assert (change[inside] == 3).all()
    assert np.array_equal(random, random_picture(pixels, 3))
    assert pixels_sha256(random) != pixels_sha256(random_picture(pixels, 2))
