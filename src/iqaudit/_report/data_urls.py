"""Pictures inside the page: as the addresses of WebP files that carry themselves."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from iqaudit._core.picture import Pixels

SMALL, QUALITY = 176, 70
"""The longer side of a preview in pixels, and how well it is kept: it says where a part lies."""


def webp(picture: Image.Image, *, exact: bool = True) -> bytes:
    """Compress a picture: without loss, or as a preview."""
    buffer = BytesIO()
    how = {"lossless": True, "quality": 80} if exact else {"quality": QUALITY}
    picture.save(buffer, "WEBP", method=4, exact=exact, **how)
    return buffer.getvalue()


def url(compressed: bytes) -> str:
    """Return a compressed picture as its address."""
    return "data:image/webp;base64," + base64.b64encode(compressed).decode("ascii")


def preview(pixels: Pixels) -> bytes:
    """Return a picture made small."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
    return webp(picture, exact=False)


def three(clean: Pixels, attacked: Pixels) -> tuple[bytes, ...]:
    """Return a picture without loss, what is to be added to it, and what taken away.

    The page lays the second over the first as light and subtracts the third, which gives the
    attacked picture to the last bit, and takes half the room: a change is far smaller than a
    picture.
    """
    change = attacked.astype(np.int16) - clean
    up, down = (np.maximum(each, 0).astype(np.uint8) for each in (change, -change))
    return tuple(webp(Image.fromarray(each)) for each in (clean, up, down))
