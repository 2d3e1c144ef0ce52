"""The measures: against SciPy and scikit-image where those have them, else against the formula."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, stats
from skimage import metrics

from iqaudit import InputError, measures
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import Scale

QUALITIES = st.floats(0, 10)
PAIRS = st.lists(st.tuples(QUALITIES, QUALITIES), min_size=1, max_size=30)
PICTURE = hnp.arrays(np.uint8, (13, 12, 3))


@given(PAIRS)
def test_rgo_is_the_papers_formula_and_lies_in_0_to_1(pairs: list[tuple[float, float]]) -> None:
    clean, attacked = zip(*pairs, strict=True)
    terms = [abs(b - a) / max(10 - a, a) for a, b in pairs]
    assert measures.rgo(clean, attacked) == pytest.approx(sum(terms) / len(terms))
    assert 0 <= measures.rgo(clean, attacked) <= 1


def test_rgo_of_a_perfect_attack_is_one_and_of_none_is_zero() -> None:
    assert measures.rgo([2, 9], [10, 0]) == 1
    assert measures.rgo([2, 9], [2, 9]) == 0


def test_reachable_rgo_is_the_rgo_of_the_farther_end() -> None:
    clean = np.array([2.0, 5.0, 8.0])
    farther = np.where(9 - clean > clean - 1, 9, 1)
    assert measures.reachable_rgo(clean, (1, 9)) == pytest.approx(measures.rgo(clean, farther))
    assert measures.reachable_rgo(clean, (0, 10)) == 1
    up = measures.reachable_rgo(clean, (1, 9), [True, True, True])
    assert up == pytest.approx(measures.rgo(clean, [9, 9, 9]))


def test_shift_counts_in_spreads_and_has_no_end() -> None:
    assert measures.shift([1, 5], [3, 1], 2) == 1.5
    assert measures.shift([1, 5], [3, 1], 2, signed=True) == -0.5
    scale = Scale(0, 1)
    far, farther = ([scale.quality(end)] for end in (40, 50))
    assert measures.rgo([5], far) == measures.rgo([5], farther) == 1
    assert measures.shift([0], [50], 1) - measures.shift([0], [40], 1) == 10
    with pytest.raises(InputError, match="S is above 0"):
        measures.shift([1], [2], 0)


def test_mean_deviation() -> None:
    assert measures.mean_deviation([1, 5], [3, 4]) == 1.5


@given(hnp.arrays(np.float64, (2, 20), elements=st.integers(-50, 50)))
def test_correlations_and_rmse_are_scipys(scores: np.ndarray) -> None:
    a, b = scores
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert math.isnan(measures.srocc(a, b))
        return
    # Said in full: ranks correlated, covariance over deviations, pairs counted.
    assert measures.srocc(a, b) == pytest.approx(
        np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1], abs=1e-9
    )
    assert measures.plcc(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    signs = np.sign(np.subtract.outer(a, a)) * np.sign(np.subtract.outer(b, b))
    untied = [np.sign(np.subtract.outer(x, x)) ** 2 for x in (a, b)]
    expected = signs.sum() / math.sqrt(untied[0].sum() * untied[1].sum())
    assert measures.krocc(a, b) == pytest.approx(expected, abs=1e-9)
    assert measures.rmse(a, b) == pytest.approx(np.linalg.norm(a - b) / math.sqrt(20))


def test_robustness_says_its_base() -> None:
    natural = measures.robustness([2, 8], [3, 6], (0, 10), base=math.e)
    decimal = measures.robustness([2, 8], [3, 6], (0, 10), base=10)
    assert natural == pytest.approx((math.log(8 / 1) + math.log(8 / 2)) / 2)
    assert natural == pytest.approx(decimal * math.log(10))
    assert measures.robustness([2], [2], (0, 10), base=10) == math.inf
    with pytest.raises(InputError, match="base"):
        measures.robustness([2], [3], (0, 10), base=1)


def test_an_offset_keeps_robustness_finite() -> None:
    found = measures.robustness([0.2], [0.2], (0, 1), base=10, offset=1e-6)
    assert found == pytest.approx(math.log10(0.8 / 1e-6))


def test_change_rate_is_the_share_that_was_lost() -> None:
    assert measures.change_rate(0.8, 0.2) == pytest.approx(0.75)
    assert measures.change_rate(0.8, 0) == 1
    assert measures.change_rate(0.5, -0.1) == pytest.approx(1.2)
    assert measures.change_rate(0.5, 0.6) == pytest.approx(-0.2)
    assert math.isnan(measures.change_rate(0, 0.2))
    assert math.isnan(measures.change_rate(math.nan, 0.2))


def test_relative_gain_is_the_msu_benchmarks() -> None:
    # p = 0.1 and 0.5, p' = 0.3 and 0.4: (0.2 / 1.1 - 0.1 / 1.5) / 2
    found = measures.relative_gain([10, 50], [30, 40], (0, 100))
    assert found == pytest.approx((0.2 / 1.1 - 0.1 / 1.5) / 2)


def test_distribution_scores_are_signed_areas_between_distribution_functions() -> None:
    # On 0-1 two steps of 1/2 at 0 and 1 become steps at 0.5 and 1: they differ by 1/2 on (0, 0.5).
    up = [0, 10], [5, 10], (0, 10)
    assert measures.wasserstein_score(*up) == pytest.approx(0.5 * 0.5)
    assert measures.energy_score(*up) == pytest.approx(math.sqrt(2 * 0.5**2 * 0.5))
    down = [5, 10], [10, 0], (0, 10)
    assert measures.wasserstein_score(*down) == pytest.approx(-0.25)
    assert measures.energy_score(*down) == pytest.approx(-0.5)
    assert measures.wasserstein_score([1, 2], [2, 1], (0, 10)) == 0


def test_the_clean_range_is_of_the_clean_scores() -> None:
    assert measures.clean_range([3, -1, 2]) == (-1, 3)


def test_normalised_gain_is_signed() -> None:
    assert measures.normalised_gain([10, 20], [30, 30], (0, 100)) == pytest.approx(0.15)
    assert measures.normalised_gain([30], [10], (0, 100)) == pytest.approx(-0.2)


@given(PICTURE, PICTURE)
def test_picture_distances_are_those_of_their_libraries(one: Pixels, two: Pixels) -> None:
    difference = two.astype(float) - one
    assert measures.linf(one, two) == np.abs(difference).max()
    assert measures.l2(one, two) == pytest.approx(np.linalg.norm(difference))
    assert measures.changed(one, two) == np.any(difference, axis=2).mean()
    if measures.linf(one, two):
        expected = metrics.peak_signal_noise_ratio(one, two, data_range=255)
        assert measures.psnr(one, two) == pytest.approx(expected)


def test_linf_counts_darkening_as_much_as_brightening() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    assert measures.linf(grey, grey - 7) == measures.linf(grey, grey + 7) == 7


def test_ssim_is_that_of_wangs_paper_said_in_full() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
    two = np.clip(one + rng.integers(-9, 10, one.shape), 0, 255).astype(np.uint8)

    def smooth(values: np.ndarray) -> np.ndarray:
        smoothed: np.ndarray = gaussian_filter(values, 1.5, truncate=3.5)
        return smoothed

    channels = []
    for channel in range(3):
        x, y = one[..., channel].astype(float), two[..., channel].astype(float)
        mx, my = smooth(x), smooth(y)
        vx, vy, cov = smooth(x * x) - mx**2, smooth(y * y) - my**2, smooth(x * y) - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        ratio = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        channels.append(ratio[5:-5, 5:-5].mean())  # without the border that the window overhangs
    assert measures.ssim(one, two) == pytest.approx(np.mean(channels))


def test_flip_of_black_and_white_is_the_papers_formula_by_hand() -> None:
    # Their lightnesses differ by 100, nothing else; the Hunt-adjusted Lab of green is
    # (87.735, -75.613, 72.979), that of blue (32.297, 25.577, -34.835).
    largest = (87.735 - 32.297 + math.hypot(75.613 + 25.577, 72.979 + 34.835)) ** 0.7
    knee = 0.4 * largest
    expected = 0.95 + (100**0.7 - knee) / (largest - knee) * 0.05
    black = np.zeros((9, 12, 3), np.uint8)
    assert measures.flip(black, black + np.uint8(255)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@given(PICTURE, PICTURE)
def test_flip_lies_in_0_to_1_and_knows_no_order(one: Pixels, two: Pixels) -> None:
    errors = measures.flip_map(one, two)
    assert errors.shape == (13, 12)
    assert 0 <= errors.min() <= errors.max() <= 1
    assert measures.flip(one, two) == pytest.approx(errors.mean())
    assert np.array_equal(errors, measures.flip_map(two, one))
    assert measures.flip(one, one) == 0


def test_flip_falls_with_distance() -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(100, 150, (40, 40, 3), dtype=np.uint8)
    two = one + rng.integers(0, 4, one.shape, dtype=np.uint8)
    near, far = (measures.flip_map(one, two, density).mean() for density in (30, 120))
    assert far < near


@pytest.mark.parametrize("amplitude", [1, 3, 40, 255])
def test_flip_is_nvidias_own_in_every_pixel(amplitude: int) -> None:
    evaluator = pytest.importorskip("flip_evaluator")
    from skimage import data

    one = data.astronaut()[40:168, 150:310]
    signs = np.random.default_rng(0).choice([-1, 1], one.shape)
    two = np.clip(one + amplitude * signs, 0, 255).astype(np.uint8)
    theirs, _, _ = evaluator.evaluate(
        *((each / 255).astype(np.float32) for each in (one, two)), "LDR", applyMagma=False
    )
    assert measures.flip_map(one, two) == pytest.approx(theirs[..., 0], abs=3e-5)


def inverted_ring(pixels: Pixels, depth: int) -> Pixels:
    """Return a picture whose ring of pixels, one wide, at a depth from the edge is inverted."""
    other = pixels.copy()
    inside = slice(depth, -depth or None), slice(depth, -depth or None)
    other[inside] = 255 - other[inside]
    other[depth + 1 : -depth - 1, depth + 1 : -depth - 1] = pixels[
        depth + 1 : -depth - 1, depth + 1 : -depth - 1
    ]
    return other


def test_ssim_hardly_sees_the_outermost_pixels() -> None:
    # docs/explanation/measures.md has the two figures.
    noise = np.random.default_rng(0).normal(size=(96, 128, 3))
    field = ndimage.gaussian_filter(noise, (2, 2, 0))
    picture = np.rint((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)
    similarity = [measures.ssim(picture, inverted_ring(picture, depth)) for depth in (0, 10)]
    assert similarity == pytest.approx([0.9994, 0.898], abs=5e-4)


def test_a_picture_smaller_than_its_window_has_no_ssim() -> None:
    small = np.zeros((10, 40, 3), np.uint8)
    assert math.isnan(measures.ssim(small, small))
    assert measures.psnr(small, small) == math.inf


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: measures.rgo([1, 2], [1]), "match one to one"),
        (lambda: measures.rgo([], []), "filled array"),
        (lambda: measures.rgo([[1]], [[1]]), "one dimension"),
        (lambda: measures.srocc([1], [1]), "two pictures or more"),
        (
            lambda: measures.psnr(*np.zeros((2, 2, 2, 3))),
            "uint8 arrays, not float64",
        ),
        (lambda: measures.normalised_gain([1], [1], (3, 3)), "range"),
        (lambda: measures.relative_gain([1], [1], (0, math.inf)), "range"),
        (
            lambda: measures.flip_map(
                np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8), 0
            ),
            "Pixels per degree",
        ),
        (
            lambda: measures.linf(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)),
            "differ in size",
        ),
    ],
)
def test_unusable_arguments_are_refused(call: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call()  # type: ignore[operator]
