"""8-bit RGB pictures: read, write, name, hash.

Outside a victim a picture is a uint8 array, height x width x 3, RGB. No room guesses a range or
rounds a float, so the PNG that is saved is the picture that was attacked.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from iqaudit.errors import InputError

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture's pixels: uint8, (height, width, 3), RGB."""

OPAQUE = 255

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
    """

    name: str
    pixels: Pixels
    notes: tuple[str, ...] = ()

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
"""What is taken for a picture: a file's path, an array, or a `Picture`."""


def pixels_sha256(pixels: Pixels) -> str:
    """Hash a picture's size and pixels; the file format does not matter."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def read(path: str | PathLike[str], name: str | None = None) -> Picture:
    """Read a picture file as 8-bit RGB.

    Grey, palette and opaque alpha pictures have one plain meaning in RGB: they are converted, and
    a note says so. Pixels are taken as stored: colour profiles are not applied.

    Raises
    ------
    InputError
        If the file is missing, no picture, damaged, animated, transparent, of more than 8 bits a
        channel, or in a colour space that is not RGB.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    try:
        with Image.open(path) as image:
            pixels, notes = _to_rgb(image, path)
    except UnidentifiedImageError:
        raise InputError(f"{path}: this is not a picture that Pillow can read.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: the picture cannot be read ({error}).") from None
    return Picture(name or path.stem, pixels, notes)


def write(path: str | PathLike[str], pixels: Pixels) -> None:
    """Write a picture as PNG, without loss and without metadata."""
    Image.fromarray(pixels, "RGB").save(path, "PNG")


def collect(sources: Iterable[Source] | Source) -> list[Picture]:
    """Gather pictures from paths, folders, arrays and `Picture`s, under names of their own.

    A folder stands for the pictures in it, by name. Two pictures of one name are told apart by a
    number behind it.

    Raises
    ------
    InputError
        If there is no picture, or one cannot be used.
    """
    if isinstance(sources, str | PathLike | np.ndarray | Picture):
        sources = [sources]
    pictures: list[Picture] = []
    for source in sources:
        if isinstance(source, Picture):
            pictures.append(source)
        elif isinstance(source, np.ndarray):
            pictures.append(Picture(f"picture-{len(pictures) + 1}", source))
        elif isinstance(source, str | PathLike):
            pictures += [read(path) for path in _files(source)]
        else:
            raise InputError(
                f"A picture is a path or a uint8 array, not {type(source).__name__} {source!r}."
            )
    if not pictures:
        raise InputError("There is no picture to work on.")
    return _apart(pictures)


def _files(source: str | PathLike[str]) -> list[Path]:
    if not str(source):
        raise InputError("A picture's path is empty.")
    path = Path(source)
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"{path}: the folder holds no picture.")
    return found


def _apart(pictures: list[Picture]) -> list[Picture]:
    """Give every picture a name that is its own, case aside, and safe as a file's on any system."""
    taken: set[str] = set()
    apart = []
    for picture in pictures:
        stem = re.sub(r"[^\w.()+@-]+", "_", picture.name)[:100].strip("._") or "picture"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        apart.append(Picture(name, picture.pixels, picture.notes))
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
    image.load()
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
    turned: Any = ImageOps.exif_transpose(image)
    if turned.size != image.size or image.getexif().get(0x0112, 1) != 1:
        notes.append("turned upright as its EXIF orientation says")
    return np.asarray(turned.convert("RGB")), tuple(notes)


def _deep(image: Image.Image) -> bool:
    """Tell whether the file has more than 8 bits a channel, which Pillow would cut off silently."""
    return any(
        ";16" in str(tile[3]) or ";10" in str(tile[3]) or ";12" in str(tile[3])
        for tile in getattr(image, "tile", ())
    )
