"""Picture files without their metadata, where pixels are whole and metadata are not.

A decoder parses all of a file and gives up at the first part that it cannot read, though it be a
comment. So the same file is made anew of the parts that pixels depend on: first with the EXIF data,
which tell how a photograph is turned, then without.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

PNG = b"\x89PNG\r\n\x1a\n"
PNG_PARTS = {b"tRNS": 1, b"acTL": 8, b"fcTL": 26, b"fdAT": 4}
"""Chunks that are not critical by their names, but without which a picture would be another; each
with its least length."""

JPEG = b"\xff\xd8"
JPEG_PARTS = {0xE0: 14, 0xEE: 12}
"""Segments that tell the colours, JFIF's and Adobe's; each with its least length."""
JPEG_END = b"\xff\xd9"

MARK, SCAN, COMMENT = 0xFF, 0xDA, 0xFE
APPLICATION = range(0xE0, 0xF0)

FILLERS = (b"\0", b"\x55")
"""Bytes that a decoder takes for different pixels."""

EXIF = b"Exif\0\0"

WEBP_METADATA = frozenset({b"ICCP", b"EXIF", b"XMP "})

TIFF_PARTS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323}
    | {324, 325, 332, 336, 338, 339, 347, 512, 513, 514, 515, 519, 520, 521, 529, 530, 531, 532}
)
"""Tags that pixels depend on (TIFF 6.0, and the technical notes 1 and 2)."""
TIFF_ORIENTATION = 274


def repaired(content: bytes) -> Iterator[bytes]:
    """Yield a picture file with less and less metadata; nothing of one that has no known parts.

    Parameters
    ----------
    content : bytes
        The file.
    """
    for start, without in _WITHOUT.items():
        if content.startswith(start):
            for exif in (True, False):
                try:
                    yield without(content, exif)
                except (struct.error, ValueError, IndexError):  # the parts themselves are damaged
                    return


def ended(content: bytes) -> list[bytes]:
    """Return a JPEG without an end marker with one, behind two fillers; nothing of other files.

    Where pixels are missing, the decoder makes them of the filler, and the two differ.
    """
    if not content.startswith(JPEG) or JPEG_END in content[-len(content) // 2 :]:
        return []
    return [content + 64 * filler + JPEG_END for filler in FILLERS]


def depth(content: bytes) -> int:
    """Return the bits a channel that the header of a JPEG 2000 or AVIF file tells; 8 of others.

    Pillow cuts both to 8 without a word.
    """
    # ISO/IEC 15444-1, A.5.1: the markers SOC and SIZ, 36 bytes, and three for each component
    start = content.find(b"\xff\x4f\xff\x51")
    if start == 0 or (start > 0 and content[4:8] == b"jP  "):
        components = int.from_bytes(content[start + 40 : start + 42])
        depths = content[start + 42 : start + 42 + 3 * components : 3]
        return max(((depth & 0x7F) + 1 for depth in depths), default=8)
    # AV1 in ISO BMFF, 2.3.3: the flag high_bitdepth of the configuration
    configuration = content.find(b"av1C", 0, 4096)
    if content[4:8] == b"ftyp" and configuration >= 0:
        return 10 if content[configuration + 6] & 0x40 else 8
    return 8


def _png(content: bytes, exif: bool) -> bytes:  # noqa: FBT001 (one of a table's functions)
    parts, place = [PNG], len(PNG)
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        critical = not kind[0] & 0x20
        whole = end <= len(content) and (
            zlib.crc32(content[place + 4 : end - 4]) == int.from_bytes(content[end - 4 : end])
        )
        if critical and not whole and end <= len(content):
            raise ValueError  # the pixels are damaged
        known = length >= PNG_PARTS.get(kind, length + 1) or (exif and kind == b"eXIf")
        if critical or (whole and known):
            parts.append(content[place:end])
        place = end
        if kind == b"IEND":
            break
    return b"".join(parts)


def _jpeg(content: bytes, exif: bool) -> bytes:  # noqa: FBT001
    parts, place = [JPEG], len(JPEG)
    while content[place + 1] != SCAN:  # which goes on to the end
        mark, kind, length = struct.unpack_from(">BBH", content, place)
        if mark != MARK:
            raise ValueError
        end = place + 2 + length
        told = content[place + 4 : end]
        known = len(told) >= JPEG_PARTS.get(kind, len(told) + 1) or (exif and told[:6] == EXIF)
        if known or not (kind in APPLICATION or kind == COMMENT):
            parts.append(content[place:end])
        place = end
    return b"".join([*parts, content[place:]])


def _webp(content: bytes, exif: bool) -> bytes:  # noqa: FBT001
    parts, place = [], 12
    while place + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, place)
        end = place + 8 + length + length % 2
        if kind not in WEBP_METADATA or (exif and kind == b"EXIF"):
            parts.append(content[place:end])
        place = end
    body = b"".join([b"WEBP", *parts])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _tiff(content: bytes, exif: bool) -> bytes:  # noqa: FBT001
    """Return the file with a first directory of the known tags alone, which lies at its end."""
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, start)
    kept = []
    for index in range(count):
        entry = content[start + 2 + 12 * index : start + 14 + 12 * index]
        (tag,) = struct.unpack_from(f"{order}H", entry)
        if tag in TIFF_PARTS or (exif and tag == TIFF_ORIENTATION):
            kept.append(entry)
    after = start + 2 + 12 * count
    following = content[after : after + 4]
    body = content + b"\0" * (len(content) % 2)
    head = content[:4] + struct.pack(f"{order}I", len(body))
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + following
    return head + body[8:] + directory


_WITHOUT: dict[bytes, Callable[[bytes, bool], bytes]] = {
    PNG: _png,
    JPEG: _jpeg,
    b"RIFF": _webp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
}
