"""The tables of docs/guides/pictures.md; tools/measure_pictures.sh runs it."""

# mypy: ignore-errors

import io
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import av
import cv2
import imagecodecs
import imageio.v3 as imageio
import jpeglib
import numpy as np
import pillow_heif
import pyvips
import scipy.ndimage
import simplejpeg
from PIL import Image
from skimage import color, data, transform

Way: TypeAlias = Callable[[np.ndarray], np.ndarray]

LEVELS = 3


def pillow(form: str, **options: Any) -> Way:
    """Return the way through a file of Pillow's."""

    def through(pixels: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, form, **options)
        return np.asarray(Image.open(file).convert("RGB"))

    return through


def opencv(ending: str, *options: int) -> Way:
    """Return the way through a file of OpenCV's."""

    def through(pixels: np.ndarray) -> np.ndarray:
        file = cv2.imencode(ending, pixels[..., ::-1], list(options))[1]
        return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]

    return through


def codecs(name: str, **options: Any) -> Way:
    """Return the way through a file of imagecodecs'."""
    encode, decode = (getattr(imagecodecs, f"{name}_{way}") for way in ("encode", "decode"))
    return lambda pixels: decode(encode(pixels, **options))


FORMATS: dict[str, Way] = {
    'Pillow `save("x.png")`, `.bmp`, `.tif`, `.ppm`, `.tga`': pillow("PNG"),
    'Pillow `save("x.jpg", quality=95)`': pillow("JPEG", quality=95),
    'Pillow `save("x.jpg", quality=100)`': pillow("JPEG", quality=100),
    "Pillow JPEG `quality=100, subsampling=0`": pillow("JPEG", quality=100, subsampling=0),
    "Pillow JPEG `quality=100, keep_rgb=True`": pillow("JPEG", quality=100, keep_rgb=True),
    'Pillow `save("x.gif")`': pillow("GIF"),
    'Pillow `save("x.jp2")`': pillow("JPEG2000"),
    "Pillow WebP `quality=100`": pillow("WEBP", quality=100),
    "Pillow WebP `lossless=True`": pillow("WEBP", lossless=True),
    "Pillow AVIF `quality=100`": pillow("AVIF", quality=100),
    'Pillow AVIF `quality=100, subsampling="4:4:4"`': pillow(
        "AVIF", quality=100, subsampling="4:4:4"
    ),
    "pillow-heif HEIF `quality=100`": pillow("HEIF", quality=100),
    "pillow-heif HEIF `quality=-1` (lossless)": pillow("HEIF", quality=-1),
    "pillow-heif HEIF `quality=-1, chroma=444`": pillow("HEIF", quality=-1, chroma=444),
    "pillow-heif HEIF the same, `matrix_coefficients=0`": pillow(
        "HEIF", quality=-1, chroma=444, matrix_coefficients=0
    ),
    'OpenCV `imwrite("x.jp2")`': opencv(".jp2"),
    "OpenCV JPEG 2000, `IMWRITE_JPEG2000_COMPRESSION_X1000` 1000": opencv(
        ".jp2", cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000
    ),
    'OpenCV `imwrite("x.webp")`': opencv(".webp"),
    "OpenCV WebP, `IMWRITE_WEBP_QUALITY` 100": opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 100),
    "OpenCV WebP, `IMWRITE_WEBP_QUALITY` 101": opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    'OpenCV `imwrite("x.avif")`': opencv(".avif"),
    "OpenCV AVIF, `IMWRITE_AVIF_QUALITY` 100": opencv(".avif", cv2.IMWRITE_AVIF_QUALITY, 100),
    "imagecodecs `avif_encode(level=100)`": codecs("avif", level=100),
    "imagecodecs `webp_encode(level=100)`": codecs("webp", level=100),
    "imagecodecs `jpegxl_encode()`": codecs("jpegxl"),
    "imagecodecs `jpegxl_encode(level=100)`": codecs("jpegxl", level=100),
    "imagecodecs `jpegxl_encode(distance=0)`": codecs("jpegxl", distance=0),
    "imagecodecs `jpeg2k_encode()`": codecs("jpeg2k"),
    "imagecodecs `jpeg2k_encode(level=100)`": codecs("jpeg2k", level=100),
}


def convert(mode: str) -> Way:
    """Return Pillow's way to a colour space and back."""
    return lambda pixels: np.asarray(Image.fromarray(pixels).convert(mode).convert("RGB"))


def cvt(there: str) -> Way:
    """Return OpenCV's way to a colour space and back."""
    ways = (getattr(cv2, f"COLOR_RGB2{there}"), getattr(cv2, f"COLOR_{there}2RGB"))
    return lambda pixels: cv2.cvtColor(cv2.cvtColor(pixels, ways[0]), ways[1])


def skimage(there: str) -> Way:
    """Return scikit-image's way to a colour space and back."""
    ways = getattr(color, f"rgb2{there}"), getattr(color, f"{there}2rgb")
    return lambda pixels: np.rint(255 * np.clip(ways[1](ways[0](pixels)), 0, 1)).astype(np.uint8)


COLOURS: dict[str, Way] = {
    'Pillow `convert("YCbCr")`': convert("YCbCr"),
    'Pillow `convert("HSV")`': convert("HSV"),
    'Pillow `convert("CMYK")`': convert("CMYK"),
    **{f"OpenCV `COLOR_RGB2{name}`": cvt(name) for name in ("YCrCb", "HSV", "HLS", "Lab", "Luv")},
    "OpenCV `COLOR_RGB2XYZ`": cvt("XYZ"),
    **{f"scikit-image `rgb2{name}` (floats)": skimage(name) for name in ("ycbcr", "hsv", "lab")},
}


def resized(filtered: Any, **options: Any) -> Way:
    """Return Pillow's way to the small size."""
    return lambda pixels: np.asarray(Image.fromarray(pixels).resize(SMALL, filtered, **options))


def cv_resized(how: int) -> Way:
    """Return OpenCV's way to the small size."""
    return lambda pixels: cv2.resize(pixels, SMALL, interpolation=how)


def sk_resized(**options: Any) -> Way:
    """Return scikit-image's way to the small size."""
    return partial(transform.resize, output_shape=SMALL[::-1], preserve_range=True, **options)


SMALL = (224, 168)
SIZES: dict[str, Way] = {
    "Pillow `BICUBIC`": resized(Image.Resampling.BICUBIC),
    "Pillow `BILINEAR`": resized(Image.Resampling.BILINEAR),
    "Pillow `LANCZOS`": resized(Image.Resampling.LANCZOS),
    "OpenCV `INTER_AREA`": cv_resized(cv2.INTER_AREA),
    "OpenCV `INTER_LINEAR` (its default)": cv_resized(cv2.INTER_LINEAR),
    "OpenCV `INTER_CUBIC`": cv_resized(cv2.INTER_CUBIC),
    "scikit-image `resize` (its default)": sk_resized(),
    "scikit-image `resize(order=3, anti_aliasing=True)`": sk_resized(order=3, anti_aliasing=True),
    "SciPy `zoom`": lambda pixels: scipy.ndimage.zoom(pixels, (168 / 384, 224 / 512, 1)),
    "libvips `resize` (its default)": lambda pixels: (
        pyvips.Image.new_from_array(pixels).resize(224 / 512).numpy()
    ),
}


def decoders(file: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each decoder's pixels of a JPEG."""
    yield "OpenCV", cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    yield "imageio, scikit-image", imageio.imread(file, extension=".jpg")
    yield "libvips", pyvips.Image.new_from_buffer(file, "").numpy()
    yield "imagecodecs", imagecodecs.jpeg8_decode(file)
    yield "simplejpeg", simplejpeg.decode_jpeg(file)
    fast = {"fastdct": True, "fastupsample": True}
    yield "simplejpeg `fastdct=True, fastupsample=True`", simplejpeg.decode_jpeg(file, **fast)
    with av.open(io.BytesIO(file)) as stream:
        frame = next(stream.decode(video=0))
        yield 'PyAV (FFmpeg), so imageio\'s `plugin="pyav"`', frame.to_ndarray(format="rgb24")
    Path("x.jpg").write_bytes(file)
    for name in ("6b", "9e"):
        with jpeglib.version(name):
            yield f"jpeglib, libjpeg {name}", jpeglib.read_spatial("x.jpg").spatial


GREYS: dict[str, Way] = {
    'Pillow `convert("L")`': lambda rgb: np.asarray(Image.fromarray(rgb).convert("L")),
    "OpenCV `cvtColor(COLOR_RGB2GRAY)`": lambda rgb: cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY),
    'OpenCV `imread("x.png", IMREAD_GRAYSCALE)`': lambda rgb: cv2.imdecode(
        cv2.imencode(".png", rgb[..., ::-1])[1], cv2.IMREAD_GRAYSCALE
    ),
    "scikit-image `rgb2gray`, times 255": lambda rgb: 255 * color.rgb2gray(rgb),
    "scikit-image `rgb2ycbcr`, Y": lambda rgb: color.rgb2ycbcr(rgb)[..., 0],
    'libvips `colourspace("b-w")`': lambda rgb: (
        pyvips.Image.new_from_array(rgb).colourspace("b-w").numpy().squeeze()
    ),
}


def gap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return absolute differences."""
    return np.abs(one.astype(float) - other.astype(float))


def through(title: str, paths: dict[str, Way], clean: np.ndarray, attacked: np.ndarray) -> None:
    """Print what ways make of a change."""
    change = attacked.astype(float) - clean
    print(f"\n| {title} | off by at most | on average | left of the change |\n|---|---|---|---|")
    for name, path in paths.items():
        before, after = path(clean), path(attacked)
        off = gap(after, attacked)
        left = (change * (after.astype(float) - before)).sum() / (change**2).sum()
        print(f"| {name} | {off.max():.0f} | {off.mean():.2f} | {100 * left:.0f} % |")


def main() -> None:
    """Print the tables."""
    pillow_heif.register_heif_opener()
    clean = data.astronaut()[:384]
    signs = np.random.default_rng(0).choice([-LEVELS, LEVELS], clean.shape)
    attacked = np.clip(clean + signs, 0, 255).astype(np.uint8)
    packages = ("pillow", "opencv-python-headless", "scikit-image", "scipy", "imageio", "av")
    others = ("imagecodecs", "pillow-heif", "simplejpeg", "jpeglib", "pyvips-binary")
    print(", ".join(f"{name} {version(name)}" for name in (*packages, *others)))
    through("a file", FORMATS, clean, attacked)
    through("there and back", COLOURS, clean, attacked)
    print("\n| decoder | 4:2:0 off at most | on average | 4:4:4 off at most |\n|---|---|---|---|")
    rows: dict[str, list[np.ndarray]] = {}
    for sampling in ("4:2:0", "4:4:4"):
        file = io.BytesIO()
        Image.fromarray(attacked).save(file, "JPEG", quality=95, subsampling=sampling)
        pixels = np.asarray(Image.open(file).convert("RGB"))
        for name, found in decoders(file.getvalue()):
            rows.setdefault(name, []).append(gap(found, pixels))
    for name, (half, full) in rows.items():
        print(f"| {name} | {half.max():.0f} | {half.mean():.2f} | {full.max():.0f} |")
    heads = "off Pillow's bicubic at most | on average | size of the change"
    print(f"\n| resized to 224 x 168 by | {heads} |")
    print("|---|---|---|---|")
    first = SIZES["Pillow `BICUBIC`"](attacked)
    for name, path in SIZES.items():
        small, off = gap(path(attacked), path(clean)), gap(path(attacked), first)
        print(f"| {name} | {off.max():.0f} | {off.mean():.2f} | {small.mean():.2f} |")
    print("\n| grey | off .299 R + .587 G + .114 B at most | on average |\n|---|---|---|")
    wanted = attacked @ np.array([0.299, 0.587, 0.114])
    for name, path in GREYS.items():
        off = path(attacked).astype(float) - wanted
        print(f"| {name} | {np.abs(off).max():.1f} | {off.mean():+.2f} |")


if __name__ == "__main__":
    main()
