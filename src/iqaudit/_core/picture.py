"""8-bit RGB pictures: read, write, name, hash.

Outside a victim a picture is a uint8 array, height x width x 3, RGB. No room guesses a range or
rounds a float, so the PNG that is saved is the picture that was attacked.
"""

import hashlib
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from iqaudit._core.errors import InputError, naming

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture's pixels: uint8, (height, width, 3), RGB."""

OPAQUE = 255

ORIENTATION = 0x0112
"""The EXIF tag; 1 is upright, 2 to 8 are mirrored or turned, others mean nothing."""

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""Pillow's names of the formats read: those whose depth can be told before it is cut to 8 bits."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm"})
"""Files that are taken for pictures where a folder is given."""


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


Source: TypeAlias = str | PathLike[str] | Pixels | Picture
"""The forms of a picture: a file's path, an array, or a `Picture`."""


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
    flat = levels.reshape(height, 3 * width).astype(np.int64)
    # Integers wrap around: sums are those modulo 2^64.
    return int(down[top : top + height] @ (flat @ across[3 * left : 3 * (left + width)]))


@lru_cache(maxsize=16)
def _key_weights(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    draw = np.random.Generator(np.random.Philox(key=(height, width)))
    ends = np.iinfo(np.int64)
    return (
        draw.integers(ends.min, ends.max, height, np.int64, endpoint=True) | 1,
        draw.integers(ends.min, ends.max, 3 * width, np.int64, endpoint=True) | 1,
    )


def read(path: str | PathLike[str], name: str | None = None) -> Picture:
    """Read a picture file (PNG, JPEG, BMP, WebP, TIFF, GIF or PPM) as 8-bit RGB.

    Grey, palette and opaque alpha pictures have one plain meaning in RGB: they are converted, and
    a note says so. Pixels are taken as stored: colour profiles are not applied.

    Parameters
    ----------
    path : path
        A file of one of these formats.
    name : str, optional
        The picture's name; the file's without its ending unless given.

    Raises
    ------
    InputError
        If the file is missing, no picture, damaged, animated, transparent, of more than 8 bits a
        channel, or in a colour space that is not RGB.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is no regular file" if path.exists() else "there is no such file"
        raise InputError(f"{path}: {what}.")
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd metadata; what it cannot read, it raises.
            warnings.simplefilter("ignore")
            # A stream: Pillow maps a file that it is given by name, and loses a TIFF's turn so.
            with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
                pixels, notes = _to_rgb(image, path)
    except InputError:
        raise
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        raise InputError(f"{path}: this is not a picture ({known} are read).") from None
    except Exception as error:  # noqa: BLE001 (a damaged file can raise anything in its decoder)
        raise InputError(f"{path}: the picture cannot be read ({error}).") from None
    return Picture(name or path.stem, pixels, notes, path.name)


def write(path: str | PathLike[str], pixels: Pixels) -> None:
    """Write a picture as PNG, without loss and without metadata.

    Parameters
    ----------
    path : path
        The PNG file; one that is there is replaced.
    pixels : ndarray of uint8, (height, width, 3)
        RGB.
    """
    with naming(path):
        Image.fromarray(pixels, "RGB").save(path, "PNG")


def collect(sources: Iterable[Source] | Source) -> list[Picture]:
    """Gather pictures from paths, folders, arrays and pictures, under names of their own.

    A folder stands for the pictures in it, by name. Two pictures of one name are told apart by a
    number behind it.

    Raises
    ------
    InputError
        If there is no picture, or one cannot be used.
    """
    if isinstance(sources, str | PathLike | np.ndarray | Picture):
        sources = [sources]
    if isinstance(sources, bytes) or not isinstance(sources, Iterable):
        sources = [sources]  # refused below, by its type's name
    pictures: list[Picture] = []
    for source in sources:
        if isinstance(source, Picture):
            pictures.append(source)
        elif isinstance(source, np.ndarray):
            pictures.append(Picture(f"picture-{len(pictures) + 1}", source))
        elif isinstance(source, str | PathLike):
            pictures += [read(path) for path in files_of(source)]
        else:
            raise InputError(
                "A picture is a path or a uint8 array (np.asarray of an RGB image), "
                f"not {type(source).__name__}."
            )
    if not pictures:
        raise InputError("There is no picture to work on.")
    names = names_apart(picture.name for picture in pictures)
    return [replace(picture, name=name) for picture, name in zip(pictures, names, strict=True)]


def files_of(source: str | PathLike[str]) -> list[Path]:
    """Return the file that a path names or, of a folder, the pictures in it, by name."""
    if not str(source):
        raise InputError("A picture's path is empty.")
    path = Path(source)
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
    )
    if not found:
        raise InputError(f"{path}: the folder holds no picture.")
    return found


def names_apart(names: Iterable[str]) -> list[str]:
    """Give each a name that is its own, case aside, and safe as a file's on any system."""
    taken: set[str] = set()
    apart = []
    for given in names:
        stem = re.sub(r"[^\w.()+@-]+", "_", given).strip("._")
        # File systems count bytes, 255 of them; the rest is left for a number and a suffix.
        stem = stem.encode()[:200].decode(errors="ignore") or "picture"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        apart.append(name)
    return apart


def _to_rgb(image: Image.Image, path: Path) -> tuple[Pixels, tuple[str, ...]]:
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        # Phones store a photograph and its preview as one multi-picture JPEG.
        if image.format != "MPO":
            raise InputError(f"{path}: an animated or many-page picture; give one picture a file.")
        notes.append("took the first picture of a multi-picture JPEG")
    if image.mode.startswith(("I", "F")) or _deep(image):
        raise InputError(
            f"{path}: more than 8 bits a channel; convert it to 8-bit RGB first, "
            "since how to do that is a choice."
        )
    turned = image.getexif().get(ORIENTATION, 1) in range(2, 9)
    image.load()  # a TIFF is turned here
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
    if turned:
        image = ImageOps.exif_transpose(image)
        notes.append("turned upright as its EXIF orientation says")
    return np.asarray(image.convert("RGB")), tuple(notes)


def _deep(image: Image.Image) -> bool:
    """Tell whether the file has more than 8 bits a channel, which Pillow would cut off silently."""
    arguments: list[Any] = []
    for tile in getattr(image, "tile", ()):
        arguments += tile[3] if isinstance(tile[3], tuple) else [tile[3]]
    return any(
        # 16 bits a channel, as "RGB;16B", but not a pixel, as BMP's "BGR;16"; PPM's largest value
        (isinstance(argument, str) and ";16" in argument and not argument.startswith("BGR"))
        or (image.format == "PPM" and isinstance(argument, int) and argument > OPAQUE)
        for argument in arguments
    )
