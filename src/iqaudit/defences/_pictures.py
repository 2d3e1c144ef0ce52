"""Defences on the picture: treated before it is scored, and rounded to 8 bits, as it can be saved.

Squeezing bits and the median filter: Xu et al., NDSS 2018. Compression: Dziugaite et al., 2016.
Total variation: Guo et al., ICLR 2018.
"""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image

from iqaudit._core import distortions
from iqaudit._core.errors import refuse_unless, whole_number
from iqaudit._core.picture import Pixels
from iqaudit.defences._base import Draw, Scores, Slopes, Standard

SORTED = 3
"""The side of a median filter's square whose pixels are sorted by comparing arrays."""

DEEPEST = 7
"""Bits of a channel, of the eight that there are, where some are taken away."""

MOST = 10_000
"""Pictures of a question."""


def quality(value: object) -> int:
    """Return a compressor's quality, 1 to 95, or raise an `InputError`."""
    number = whole_number("A quality", value)
    refuse_unless(1 <= number <= 95, "A quality is from 1 to 95", number)  # noqa: PLR2004
    return number


def odd(value: object) -> int:
    """Return a filter's side in pixels, odd and at least 3, or raise an `InputError`."""
    number = whole_number("A filter's side", value)
    fits = 3 <= number <= 99 and number % 2 == 1  # noqa: PLR2004
    refuse_unless(fits, "A filter's side is odd, from 3 to 99", number)
    return number


def share(value: float) -> float:
    """Return a share of a picture's side, or raise an `InputError`."""
    refuse_unless(0 < value < 1, "A share of a side lies between 0 and 1", value)
    return float(value)


def deviation(value: float) -> float:
    """Return a standard deviation in levels, or raise an `InputError`."""
    refuse_unless(0 < value < np.inf, "A standard deviation is a number above 0", value)
    return float(value)


@dataclass(frozen=True)
class Jpeg(Standard):
    """JPEG compression.

    Parameters
    ----------
    quality : int
        Of Pillow's encoder, 1 to 95, with its usual 4:2:0.
    """

    quality: int = 75

    def __post_init__(self) -> None:
        quality(self.quality)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the picture, compressed and decompressed; see `Defence`."""
        return distortions.jpeg(picture, self.quality)[None]


@dataclass(frozen=True)
class Webp(Standard):
    """WebP compression, lossy.

    Parameters
    ----------
    quality : int
        Of Pillow's encoder, 1 to 95.
    """

    quality: int = 75

    def __post_init__(self) -> None:
        quality(self.quality)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the picture, compressed and decompressed; see `Defence`."""
        buffer = BytesIO()
        Image.fromarray(picture).save(buffer, "WEBP", quality=self.quality)
        return np.asarray(Image.open(buffer).convert("RGB"))[None]


@dataclass(frozen=True)
class Blur(Standard):
    """A Gaussian blur.

    Its standard deviation is .3 (side - 1) / 2 + .5 pixels; pixels beyond the border are those at
    it. Its derivative is exact but for the rounding.

    Parameters
    ----------
    side : int
        Of its kernel, odd, at least 3.
    """

    side: int = 3
    estimated = False

    def __post_init__(self) -> None:
        odd(self.side)

    @property
    def reach(self) -> int:  # type: ignore[override]
        """How many pixels away those lie that a pixel depends on."""
        return self.side // 2

    @cached_property
    def _kernel(self) -> NDArray[np.float64]:
        offsets = np.arange(-self.reach, self.reach + 1)
        weights = np.exp(-(offsets**2) / (2 * (0.3 * self.reach + 0.5) ** 2))
        kernel: NDArray[np.float64] = weights / weights.sum()
        return kernel

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the blurred picture; see `Defence`."""
        blurred = picture.astype(np.float64)
        for axis in (0, 1):
            blurred = scipy.ndimage.correlate1d(blurred, self._kernel, axis, mode="nearest")
        return distortions.rounded(blurred)[None]

    def pull_back(self, picture: Pixels, draw: Draw | None, slopes: Slopes) -> Slopes:  # noqa: ARG002
        """Return the gradient by the picture; see `Standard.pull_back`."""
        slope = slopes[0].astype(np.float64)
        for axis in (1, 0):
            slope = np.moveaxis(self._spread(np.moveaxis(slope, axis, 0)), 0, axis)
        back: Slopes = slope.astype(np.float32)
        return back

    def _spread(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the transpose of a blur along the first axis: the border gets what lies beyond."""
        reach, length = self.reach, len(slope)
        padded = np.pad(slope, [(2 * reach, 2 * reach), *[(0, 0)] * (slope.ndim - 1)])
        spread = scipy.ndimage.correlate1d(padded, self._kernel, 0, mode="constant")
        spread = spread[reach : length + 3 * reach]
        inner: NDArray[np.float64] = spread[reach : length + reach].copy()
        inner[0] += spread[:reach].sum(axis=0)
        inner[-1] += spread[length + reach :].sum(axis=0)
        return inner


@dataclass(frozen=True)
class Median(Standard):
    """A median filter of each channel.

    Pixels beyond the border are those at it.

    Parameters
    ----------
    side : int
        Of its square, odd, at least 3.
    """

    side: int = 3

    def __post_init__(self) -> None:
        odd(self.side)

    @property
    def reach(self) -> int:  # type: ignore[override]
        """How many pixels away those lie that a pixel depends on."""
        return self.side // 2

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the filtered picture; see `Defence`."""
        if self.side == SORTED:
            return _median_of_nine(picture)[None]
        size = (self.side, self.side, 1)
        filtered: Pixels = scipy.ndimage.median_filter(picture, size, mode="nearest")
        return filtered[None]


@dataclass(frozen=True)
class Bits(Standard):
    """A squeeze of each channel to fewer bits.

    The nearest of 2^bits levels, evenly from 0 to 255.

    Parameters
    ----------
    bits : int
        1 to 7.
    """

    bits: int = 4
    reach = 0

    def __post_init__(self) -> None:
        number = whole_number("A number of bits", self.bits)
        refuse_unless(1 <= number <= DEEPEST, "A number of bits is from 1 to 7", number)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the picture with fewer levels; see `Defence`."""
        return self._table[picture][None]

    @cached_property
    def _table(self) -> Pixels:
        most = 2**self.bits - 1
        return distortions.rounded(np.rint(np.arange(256) * (most / 255)) * (255 / most))


@dataclass(frozen=True)
class Resize(Standard):
    """A resize to a share of each side and back, both by Pillow's bicubic filter.

    Parameters
    ----------
    share : float
        Between 0 and 1.
    """

    share: float = 0.5

    def __post_init__(self) -> None:
        share(self.share)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the picture, of its size again; see `Defence`."""
        return distortions.resize_and_back(picture, self.share)[None]


@dataclass(frozen=True)
class Denoise(Standard):
    """Denoising by total variation, scikit-image's (Chambolle, 2004).

    Parameters
    ----------
    weight : float
        Above 0: the more, the smoother; of pictures in [0, 1].
    """

    weight: float = 0.05

    def __post_init__(self) -> None:
        refuse_unless(0 < self.weight < np.inf, "A weight is a number above 0", self.weight)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the smoother picture; see `Defence`."""
        from skimage.restoration import denoise_tv_chambolle  # which takes a second to import

        smooth = denoise_tv_chambolle(picture / 255, weight=self.weight, channel_axis=2)
        return distortions.rounded(smooth * 255)[None]


@dataclass(frozen=True)
class MirrorMean(Standard):
    """The mean of the scores of a picture and of its mirror image.

    Its derivative is exact.
    """

    estimated = False

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the picture and its mirror image; see `Defence`."""
        return np.stack([picture, distortions.mirror(picture)])

    def answer(self, scores: Scores) -> float:
        """Return the mean; see `Defence`."""
        return float(scores.mean())

    def pull_back(self, picture: Pixels, draw: Draw | None, slopes: Slopes) -> Slopes:  # noqa: ARG002
        """Return the gradient by the picture; see `Standard.pull_back`."""
        slope: Slopes = slopes[0] + slopes[1, :, ::-1]
        return slope


@dataclass(frozen=True)
class Noise(Standard):
    """White Gaussian noise on every pixel, drawn anew for each question.

    Parameters
    ----------
    sigma : float
        Its standard deviation in levels, above 0.
    """

    sigma: float = 2.0
    estimated = False
    draws = True

    def __post_init__(self) -> None:
        deviation(self.sigma)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:
        """Return the noisy picture; see `Defence`."""
        return noisy(picture, self.sigma, draw)[None]


@dataclass(frozen=True)
class Crop(Standard):
    """A part of the picture, drawn anew for each question.

    Its derivative is exact.

    Parameters
    ----------
    share : float
        Of each side, between 0 and 1.
    """

    share: float = 0.9
    estimated = False
    draws = True

    def __post_init__(self) -> None:
        share(self.share)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:
        """Return the part; see `Defence`."""
        return picture[self._part(picture, draw)][None]

    def pull_back(self, picture: Pixels, draw: Draw | None, slopes: Slopes) -> Slopes:
        """Return the gradient by the picture; see `Standard.pull_back`."""
        slope = np.zeros(picture.shape, np.float32)
        slope[self._part(picture, draw)] = slopes[0]
        return slope

    def _part(self, picture: Pixels, draw: Draw | None) -> tuple[slice, slice]:
        assert draw is not None  # noqa: S101 (it draws)
        sides = picture.shape[:2]
        most = [max(1, round(self.share * side)) for side in sides]
        starts = [
            int(draw.integers(side - part + 1)) for side, part in zip(sides, most, strict=True)
        ]
        rows, columns = (slice(at, at + part) for at, part in zip(starts, most, strict=True))
        return rows, columns


@dataclass(frozen=True)
class Smooth(Standard):
    """Median smoothing: the median of scores of noisy copies (Chiang et al., NeurIPS 2020).

    Parameters
    ----------
    copies : int
        At least 1, at most 10,000.
    sigma : float
        The noise's standard deviation in levels, above 0.
    """

    copies: int
    sigma: float
    estimated = False
    draws = True

    def __post_init__(self) -> None:
        copies = whole_number("copies", self.copies, 1)
        refuse_unless(copies <= MOST, f"A question has at most {MOST:,} pictures", copies)
        deviation(self.sigma)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:
        """Return the noisy copies; see `Defence`."""
        return np.stack([noisy(picture, self.sigma, draw) for _ in range(self.copies)])

    def answer(self, scores: Scores) -> float:
        """Return the median; see `Defence`."""
        return float(np.median(scores))

    def shares(self, scores: Scores) -> Scores:
        """Return the derivative of the median; see `Standard.shares`."""
        return median_shares(scores)


@dataclass(frozen=True)
class MedianCrops(Standard):
    """The median of the scores of a grid of tiles, which do not overlap.

    Where a change is confined to a window, it reaches the few tiles that the window touches, and
    the median stays between two order statistics of the others. Its derivative is exact.

    Parameters
    ----------
    tiles : int
        Along each side, 2 to 100; a rest of the side is cut off.
    """

    tiles: int = 3
    estimated = False

    def __post_init__(self) -> None:
        tiles = whole_number("tiles", self.tiles, 2)
        refuse_unless(tiles**2 <= MOST, f"A question has at most {MOST:,} pictures", tiles**2)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the tiles, row by row; see `Defence`."""
        height, width = (side // self.tiles for side in picture.shape[:2])
        part = picture[: self.tiles * height, : self.tiles * width]
        grid = part.reshape(self.tiles, height, self.tiles, width, 3)
        return np.ascontiguousarray(grid.swapaxes(1, 2)).reshape(self.tiles**2, height, width, 3)

    def answer(self, scores: Scores) -> float:
        """Return the median; see `Defence`."""
        return float(np.median(scores))

    def pull_back(self, picture: Pixels, draw: Draw | None, slopes: Slopes) -> Slopes:  # noqa: ARG002
        """Return the gradient by the picture; see `Standard.pull_back`."""
        slope = np.zeros(picture.shape, np.float32)
        _, height, width, _ = slopes.shape
        grid = slopes.reshape(self.tiles, self.tiles, height, width, 3).swapaxes(1, 2)
        rows, columns = self.tiles * height, self.tiles * width
        slope[:rows, :columns] = grid.reshape(rows, columns, 3)
        return slope

    def shares(self, scores: Scores) -> Scores:
        """Return the derivative of the median; see `Standard.shares`."""
        return median_shares(scores)


def _median_of_nine(picture: Pixels) -> Pixels:
    """Return the medians of squares of nine pixels, forty times as fast as SciPy.

    Each column of three is sorted; the median is then that of the largest of the lowest, the median
    of the middle ones, and the smallest of the highest.
    """
    padded = np.pad(picture, [(1, 1), (1, 1), (0, 0)], mode="edge")
    first, second, third = padded[:-2], padded[1:-1], padded[2:]
    low, high = np.minimum(first, second), np.maximum(first, second)
    sides = (
        np.minimum(low, third),
        np.maximum(low, np.minimum(high, third)),
        np.maximum(high, third),
    )
    width = picture.shape[1]
    lows, middles, highs = ([each[:, at : at + width] for at in range(3)] for each in sides)
    lowest = np.maximum(np.maximum(lows[0], lows[1]), lows[2])
    highest = np.minimum(np.minimum(highs[0], highs[1]), highs[2])
    return _median_of_three(lowest, _median_of_three(*middles), highest)


def _median_of_three(first: Pixels, second: Pixels, third: Pixels) -> Pixels:
    low, high = np.minimum(first, second), np.maximum(first, second)
    middle: Pixels = np.maximum(low, np.minimum(high, third))
    return middle


def noisy(picture: Pixels, sigma: float, draw: Draw | None) -> Pixels:
    """Return a picture with white Gaussian noise of a standard deviation in levels."""
    assert draw is not None  # noqa: S101 (whoever asks draws)
    noise = draw.standard_normal(picture.shape, np.float32)
    return distortions.rounded(picture + np.float32(sigma) * noise)


def median_shares(scores: Scores) -> Scores:
    """Return the derivative of a median by each score: that of the middle one, or of two."""
    order = np.argsort(scores, kind="stable")
    middle = order[(len(scores) - 1) // 2 : len(scores) // 2 + 1]
    shares = np.zeros(len(scores))
    shares[middle] = 1 / len(middle)
    return shares
