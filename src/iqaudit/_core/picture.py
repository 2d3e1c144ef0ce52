"""8-bit RGB pictures: read, write, name, hash.

Outside a victim a picture is a uint8 array, height x width x 3, RGB. No room guesses a range or
rounds a float, so the PNG that is saved is the picture that was attacked.
"""

import hashlib
import io
import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from iqaudit._core import metadata
from iqaudit._core.errors import InputError, naming, printable
from iqaudit._core.paths import located

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture's pixels: uint8, (height, width, 3), RGB."""

Decoded: TypeAlias = tuple[Pixels, tuple[str, ...]]
"""A file's pixels, and what was converted."""

OPAQUE, BITS = 255, 8

FEW = 10_000
"""Numbers: NumPy's product of more is slower than its einsum, of fewer faster."""

ORIENTATION = 0x0112
"""The EXIF tag; 1 is upright, 2 to 8 are mirrored or turned, others mean nothing."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture of an EXIF orientation upright."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A named picture.

    Parameters
    ----------
    name : str
        What tables and files call it.
    pixels : ndarray of uint8, (height, width, 3)
        RGB; made read-only.
    notes : tuple of str
        What was converted on reading, a sentence each.
    file : str
        The name of the file that it was read from; empty where it was none.
    """

    name: str
    pixels: Pixels
    notes: tuple[str, ...] = ()
    file: str = ""

    def __post_init__(self) -> None:
        pixels = np.array(self.pixels, order="C")  # a copy of our own: the caller's stays as it is
        if pixels.dtype != np.uint8 or pixels.shape[2:] != (3,) or not pixels.size:
            raise InputError(
                f"{self.name}: a picture is a uint8 array of shape (height, width, 3), "
                f"not {pixels.dtype} of shape {pixels.shape}; no range is guessed."
            )
        pixels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])

    @cached_property
    def sha256(self) -> str:
        """The pixels' hash, the same for every file format that holds them."""
        return pixels_sha256(self.pixels)


def pixels_sha256(pixels: Pixels) -> str:
    """Hash a picture's size and pixels; the file format does not matter."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def picture_key(pixels: Pixels) -> int:
    """Return a picture's 64-bit key: linear in its pixels, so that a changed window is cheap.

    The sum over rows, columns and channels of fixed random weights times the levels, modulo 2^64.
    Two pictures share a key by a chance of about 2^-64; two that do can be made on purpose.
    """
    height, width = pixels.shape[:2]
    return window_key(pixels, 0, 0, (height, width)) % 2**64


def window_key(levels: NDArray[Any], top: int, left: int, size: tuple[int, int]) -> int:
    """Return what a window (or a difference of two) adds to the key of a picture of a size."""
    down, across = _key_weights(*size)
    height, width = levels.shape[:2]
    flat, weights = levels.reshape(height, 3 * width), across[3 * left : 3 * (left + width)]
    # Integers wrap around: sums are those modulo 2^64.
    if flat.size > FEW:
        rows = np.einsum("ij,j->i", flat, weights, dtype=np.int64)
    else:
        rows = flat.astype(np.int64) @ weights
    return int(down[top : top + height] @ rows)


@lru_cache(maxsize=16)
def _key_weights(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    draw = np.random.Generator(np.random.Philox(key=(height, width)))
    ends = np.iinfo(np.int64)
    return (
        draw.integers(ends.min, ends.max, height, np.int64, endpoint=True) | 1,
        draw.integers(ends.min, ends.max, 3 * width, np.int64, endpoint=True) | 1,
    )


def read(path: str | PathLike[str], name: str | None = None) -> Picture:
    """Read a picture file (PNG, JPEG, TIFF, WebP, or another that Pillow reads) as 8-bit RGB.

    Grey, palette and opaque alpha pictures have one plain meaning in RGB: they are converted, and
    a note says so. Pixels are taken as stored: colour profiles are not applied. Metadata that are
    damaged are passed over; an EXIF orientation is applied where it can be read.

    Parameters
    ----------
    path : path
        A file of a format that Pillow's registry calls an image.
    name : str, optional
        The picture's name; the file's without its ending unless given.

    Raises
    ------
    InputError
        If the file is missing, no picture, damaged, animated, transparent, of more than 8 bits a
        channel, or in a colour space that is not RGB.
    """
    shown, path = printable(path), path if isinstance(path, Path) else located(path)
    try:
        if not path.is_file():
            what = "this is no regular file" if path.exists() else "there is no such file"
            raise InputError(f"{shown}: {what}.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{shown}: this cannot be read ({error.strerror or error}).") from None
    with _silence():
        pixels, notes = _decoded(content, shown)
    return Picture(name or path.stem, pixels, notes, printable(path.name))


@contextmanager
def _silence() -> Iterator[None]:
    """Keep to itself what Pillow says of large pictures and odd metadata: its faults are raised."""
    logger, handler = logging.getLogger("PIL"), logging.NullHandler()
    logger.addHandler(handler)  # without one, Python prints what is logged
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(handler)


def _decoded(content: bytes, path: str) -> Decoded:
    """Decode a file; where that fails by its metadata or its end alone, without them."""
    try:
        return _opened(content, path)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 (a damaged file can raise anything in its decoder)
        for other in metadata.repaired(content):
            with suppress(Exception):
                return _opened(other, path)
        with suppress(Exception):
            one, two = (_opened(other, path) for other in metadata.ended(content))
            if np.array_equal(one[0], two[0]):
                return one
        if isinstance(error, UnidentifiedImageError):
            known = ", ".join(sorted(formats()))
            raise InputError(f"{path}: this is not a picture ({known} are read).") from None
        raise InputError(f"{path}: the picture cannot be read ({error}).") from None


def _opened(content: bytes, path: str) -> Decoded:
    # A stream: Pillow maps a file that it is given by name, and loses a TIFF's turn so.
    with Image.open(io.BytesIO(content), formats=formats()) as image:
        return _to_rgb(image, path, metadata.depth(content))


@cache
def formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats read: those of pictures, by its own registry."""
    Image.init()
    opened = (name for name in Image.ID if name in Image.OPEN)
    return tuple(name for name in opened if Image.MIME.get(name, "").startswith("image/"))


def write(path: str | PathLike[str], pixels: Pixels) -> None:
    """Write a picture as PNG, without loss and without metadata.

    Parameters
    ----------
    path : path
        The PNG file; one that is there is replaced.
    pixels : ndarray of uint8, (height, width, 3)
        RGB.

    Raises
    ------
    InputError
        If the path or the pixels are none.
    """
    pixels = Picture(printable(path), pixels).pixels
    with naming(path):
        Image.fromarray(pixels, "RGB").save(located(path), "PNG")


def names_apart(names: Iterable[str]) -> list[str]:
    """Give each a name that is its own on any disk, and safe as a file's on any system."""
    taken: set[str] = set()
    apart = []
    for given in names:
        stem = re.sub(r"[^\w.()+@-]+", "_", given).strip("._")
        # File systems count bytes, 255 of them; the rest is left for a number and a suffix.
        stem = stem.encode()[:200].decode(errors="ignore") or "picture"
        name, number = stem, 1
        while unicodedata.normalize("NFC", name).casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(unicodedata.normalize("NFC", name).casefold())
        apart.append(name)
    return apart


def same_pixels(names: Iterable[str], hashes: Iterable[str]) -> list[str]:
    """Return a text a group of pictures whose pixels have the same hash: their names."""
    groups: dict[str, list[str]] = {}
    for name, each in zip(names, hashes, strict=True):
        groups.setdefault(each, []).append(name)
    return [" = ".join(group) for group in groups.values() if len(group) > 1]


def _to_rgb(image: Image.Image, path: str, bits: int) -> Decoded:
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        # Phones store a photograph and its preview as one multi-picture JPEG.
        if image.format != "MPO":
            raise InputError(f"{path}: an animated or many-page picture; give one picture a file.")
        notes.append("took the first picture of a multi-picture JPEG")
    if bits > BITS or image.mode.startswith(("I", "F")) or _deep(image):
        raise InputError(
            f"{path}: more than 8 bits a channel; convert it to 8-bit RGB first, "
            "since how to do that is a choice."
        )
    # Pillow turns a TIFF on loading, and loads a PNG for its EXIF: a fault must not end there.
    turned = _orientation(image) if image.format == "TIFF" else None
    image.load()
    left = _orientation(image)
    if image.has_transparency_data:
        # A palette's transparent colours and PNG's transparent grey become an alpha channel here.
        image = image.convert("RGBA")
        if np.asarray(image.getchannel("A")).min() < OPAQUE:
            raise InputError(
                f"{path}: partly transparent; put it on the background that viewers see first."
            )
        notes.append("dropped an alpha channel that was opaque throughout")
    elif image.mode in ("1", "L", "P"):
        kind = "a palette" if image.mode == "P" else "grey"
        notes.append(f"converted from {kind} to RGB")
    elif image.mode != "RGB":
        raise InputError(f"{path}: a {image.mode} picture; convert it to 8-bit RGB first.")
    if left:
        image = image.transpose(TURNS[left])
    if turned or left:
        notes.append("turned upright as its EXIF orientation says")
    return np.asarray(image.convert("RGB")), tuple(notes)


def _orientation(image: Image.Image) -> int | None:
    """Return a picture's EXIF orientation, if that turns it and can be read."""
    try:
        orientation = int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 (EXIF can be anything)
        return None
    return orientation if orientation in TURNS else None


def _deep(image: Image.Image) -> bool:
    """Tell whether the file has more than 8 bits a channel, which Pillow would cut off silently."""
    arguments: list[Any] = []
    for tile in getattr(image, "tile", ()):
        if tile[0] == "SGI16":
            return True
        arguments += tile[3] if isinstance(tile[3], tuple) else [tile[3]]
    return any(
        # 16 bits a channel, as "RGB;16B", but not a pixel, as BMP's "BGR;16"; PPM's largest value
        (isinstance(argument, str) and ";16" in argument and not argument.startswith("BGR"))
        or (image.format == "PPM" and isinstance(argument, int) and argument > OPAQUE)
        for argument in arguments
    )
