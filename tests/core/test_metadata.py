"""Files whose pixels are whole are read, whatever is wrong with their metadata; no others are."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from iqaudit import InputError, read
from iqaudit._core.metadata import depth
from iqaudit._core.picture import Pixels

LEVELS = np.random.default_rng(0).integers(60, 200, (40, 56, 3), dtype=np.uint8)


def encoded(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(LEVELS).save(file, kind, **options)
    return file.getvalue()


JPEG, PNG, WEBP = encoded("JPEG", quality=92), encoded("PNG"), encoded("WEBP", lossless=True)
PROGRESSIVE = encoded("JPEG", progressive=True)
TIFF, LZW = encoded("TIFF"), encoded("TIFF", compression="tiff_lzw")

Entry = tuple[int, int, int, bytes]
SIDEWAYS: Entry = (0x112, 3, 1, struct.pack("<HH", 6, 0))
TEXT: Entry = (0x11A, 2, 4, b"72 \0")
"""A resolution that is a text."""
BEYOND: Entry = (0x10F, 2, 100, struct.pack("<L", 6_000_000))
"""A maker's name that lies behind the file's end."""


def segment(marker: int, body: bytes) -> bytes:
    """Return a JPEG with a segment at its beginning."""
    return JPEG[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + JPEG[2:]


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(*chunks: bytes) -> bytes:
    """Return a PNG with chunks behind its header."""
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def last(*chunks: bytes) -> bytes:
    """Return a PNG with chunks behind its pixels."""
    return PNG[:-12] + b"".join(chunks) + PNG[-12:]


def exif(*entries: Entry, behind: bytes = b"", head: bytes = b"Exif\0\0") -> bytes:
    body = b"".join(struct.pack("<HHL", *entry[:3]) + entry[3] for entry in entries)
    return head + b"II*\0" + struct.pack("<LH", 8, len(entries)) + body + bytes(4) + behind


def tiff(whole: bytes, *entries: Entry) -> bytes:
    """Return a TIFF with further tags."""
    (start,) = struct.unpack("<L", whole[4:8])
    (count,) = struct.unpack("<H", whole[start : start + 2])
    there = [whole[start + 2 + 12 * at : start + 14 + 12 * at] for at in range(count)]
    there += [struct.pack("<HHL", *entry[:3]) + entry[3] for entry in entries]
    there.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    body = whole + bytes(len(whole) % 2)
    head = body[:4] + struct.pack("<L", len(body)) + body[8:]
    return head + struct.pack("<H", len(there)) + b"".join(there) + bytes(4)


def webp(kind: bytes, body: bytes) -> bytes:
    """Return a WebP with a chunk of metadata."""
    flags = {b"EXIF": 8, b"XMP ": 4, b"ICCP": 32}[kind]
    size = (55).to_bytes(3, "little") + (39).to_bytes(3, "little")
    told = kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    parts = (told, WEBP[12:]) if kind == b"ICCP" else (WEBP[12:], told)
    head = b"WEBPVP8X" + struct.pack("<II", 10, flags) + size
    payload = head + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(payload)) + payload


RATIONAL = struct.pack("<L", 38)
UPRIGHT = {
    "exif-empty.jpg": segment(0xE1, b"Exif\0\0"),
    "exif-garbage.jpg": segment(0xE1, b"Exif\0\0" + bytes(range(200))),
    "exif-cut.jpg": segment(0xE1, b"Exif\0\0II*"),
    "icc-garbage.jpg": segment(0xE2, b"ICC_PROFILE\0\x01\x01garbage"),
    "icc-numbers.jpg": segment(0xE2, b"ICC_PROFILE\0\x05\x02garbage"),
    "icc-short.jpg": segment(0xE2, b"ICC_PROFILE\0"),
    "mpf-garbage.jpg": segment(0xE2, b"MPF\0garbage"),
    "photoshop-short.jpg": segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed"),
    "jfif-short.jpg": segment(0xE0, b"JFIF\0\1"),
    "adobe-short.jpg": segment(0xEE, b"Adobe"),
    "xmp.jpg": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta <<<"),
    "behind.jpg": JPEG + b"\0garbage",
    "no-end.jpg": JPEG[:-2],
    "eXIf.png": png(chunk(b"eXIf", b"\0\x08\0\2\1\x12\0\3")),
    "text-checksum.png": png(chunk(b"tEXt", b"a\0b", 5)),
    "private-checksum.png": png(chunk(b"prVt", b"x", 9)),
    "text-method.png": png(chunk(b"zTXt", b"a\0\7garbage")),
    "text-bomb.png": png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(5_000_000)))),
    "icc-bomb.png": png(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(5_000_000)))),
    "icc-empty.png": png(chunk(b"iCCP", b"")),
    "icc-garbage.png": png(chunk(b"iCCP", b"a\0\0garbage")),
    "gamma-short.png": png(chunk(b"gAMA", b"")),
    "colours-short.png": png(chunk(b"cHRM", b"ab")),
    "resolution-short.png": png(chunk(b"pHYs", b"ab")),
    "animation-short.png": png(chunk(b"acTL", b"x")),
    "behind-pixels.png": last(chunk(b"tEXt", b"a\0b", 5)),
    "no-end.png": PNG[:-12],
    "end-cut.png": PNG[:-5],
    "cut-behind-pixels.png": PNG[:-12] + b"\0\0\0\x20tEXtab",
    "behind.png": PNG + b"garbage",
    "exif-garbage.webp": webp(b"EXIF", b"garbage"),
    "xmp.webp": webp(b"XMP ", b"<<<"),
    "icc.webp": webp(b"ICCP", b"abc"),
    "text.tif": tiff(TIFF, TEXT),
    "icc.tif": tiff(TIFF, (34675, 7, 4, b"abcd")),
    "beyond.tif": tiff(TIFF, BEYOND),
    "beyond-lzw.tif": tiff(LZW, BEYOND),
}
TURNED = {
    "text.jpg": segment(0xE1, exif(SIDEWAYS, TEXT)),
    "negative.jpg": segment(
        0xE1, exif(SIDEWAYS, (0x11A, 10, 1, RATIONAL), behind=struct.pack("<2l", -5, 0))
    ),
    "by-zero.jpg": segment(
        0xE1, exif(SIDEWAYS, (0x11A, 5, 1, RATIONAL), behind=struct.pack("<2L", 5, 0))
    ),
    "type.jpg": segment(0xE1, exif(SIDEWAYS, (0x11A, 99, 1, RATIONAL))),
    "count.jpg": segment(0xE1, exif(SIDEWAYS, (0x11A, 5, 0xFFFFFFFF, RATIONAL))),
    "beyond.jpg": segment(0xE1, exif(SIDEWAYS, BEYOND)),
    "long.jpg": segment(0xE1, exif((0x112, 4, 1, struct.pack("<L", 6)))),
    "pointer.jpg": segment(0xE1, exif(SIDEWAYS, (0x8769, 2, 4, b"abc\0"))),
    "turned.png": png(chunk(b"eXIf", exif(SIDEWAYS, TEXT, head=b""))),
    "text-checksum-too.png": png(
        chunk(b"tEXt", b"a\0b", 5), chunk(b"eXIf", exif(SIDEWAYS, head=b""))
    ),
    "behind-pixels-turned.png": last(chunk(b"eXIf", exif(SIDEWAYS, head=b""))),
    "turned.webp": webp(b"EXIF", exif(SIDEWAYS, TEXT, head=b"")),
    "turned.tif": tiff(TIFF, SIDEWAYS, TEXT),
    "beyond-turned.tif": tiff(TIFF, SIDEWAYS, BEYOND),
    "beyond-turned-lzw.tif": tiff(LZW, SIDEWAYS, BEYOND),
}
CUT = {
    "cut.jpg": JPEG[:-400],
    "cut-little.jpg": JPEG[:-4],
    "cut-progressive.jpg": PROGRESSIVE[:-300],
    "cut.png": PNG[: len(PNG) // 2],
    "changed.png": PNG[:100] + bytes([PNG[100] ^ 255]) + PNG[101:],
    "cut-text.png": png(chunk(b"tEXt", b"a\0b", 5))[: len(PNG) // 2],
    "cut.webp": WEBP[:-50],
    "cut.tif": TIFF[:1000],
    "cut.gif": encoded("GIF")[:-300],
    "cut.bmp": encoded("BMP")[:-30],
    "cut.ppm": encoded("PPM")[:-30],
    "cut.jp2": encoded("JPEG2000")[:-200],
}


def pixels(name: str) -> Pixels:
    whole = {"jpg": JPEG, "png": PNG, "webp": WEBP, "tif": TIFF}[name.rpartition(".")[2]]
    with Image.open(io.BytesIO(whole)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", UPRIGHT)
def test_whole_pixels_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(UPRIGHT[name])
    picture = read(tmp_path / name)
    assert np.array_equal(picture.pixels, pixels(name))
    assert picture.notes == ()


@pytest.mark.parametrize("name", TURNED)
def test_an_orientation_that_can_be_read_is_applied(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(TURNED[name])
    picture = read(tmp_path / name)
    assert np.array_equal(picture.pixels, np.rot90(pixels(name), -1))
    assert picture.notes == ("turned upright as its EXIF orientation says",)


@pytest.mark.parametrize("name", CUT)
def test_pixels_that_are_not_whole_are_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(CUT[name])
    with pytest.raises(InputError, match=rf"{name}: (the picture cannot be read|this is not a)"):
        read(tmp_path / name)


def test_an_end_that_is_missing_alone_is_no_loss(tmp_path: Path) -> None:
    (tmp_path / "whole.jpg").write_bytes(PROGRESSIVE)
    (tmp_path / "no-end.jpg").write_bytes(PROGRESSIVE[:-2])
    whole, ended = read(tmp_path / "whole.jpg"), read(tmp_path / "no-end.jpg")
    assert np.array_equal(whole.pixels, ended.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_that_of_pillow(orientation: int, tmp_path: Path) -> None:
    from PIL import ImageOps

    tag = (0x112, 3, 1, struct.pack("<HH", orientation, 0))
    (tmp_path / "x.png").write_bytes(png(chunk(b"eXIf", exif(tag, head=b""))))
    with Image.open(tmp_path / "x.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read(tmp_path / "x.png").pixels, expected)


@pytest.mark.parametrize("name", ["x.jp2", "x.j2k", "x.sgi"])
def test_more_than_8_bits_are_never_cut_in_silence(name: str, tmp_path: Path) -> None:
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999)
    if name == "x.sgi":
        deep.convert("L").save(tmp_path / name, bpc=2)
    else:
        deep.save(tmp_path / name)
    with pytest.raises(InputError, match="more than 8 bits a channel"):
        read(tmp_path / name)


def test_the_depth_of_formats_that_pillow_cuts_is_read_from_their_headers() -> None:
    codestream = encoded("JPEG2000", no_jp2=True)
    assert depth(codestream) == depth(encoded("JPEG2000")) == depth(PNG) == 8
    start = codestream.index(b"\xff\x51") + 40 + 3  # the second of the three components
    assert depth(codestream[:start] + b"\x0b" + codestream[start + 1 :]) == 12
    Image.init()
    if "AVIF" in Image.SAVE:
        shallow = encoded("AVIF")
        place = shallow.index(b"av1C") + 6
        assert depth(shallow) == 8
        assert depth(shallow[:place] + bytes([shallow[place] | 0x40]) + shallow[place + 1 :]) > 8


@pytest.mark.slow
def test_nothing_of_it_is_printed(tmp_path: Path) -> None:
    samples = struct.pack("<HHL", 277, 3, 1)
    logged = TIFF.replace(samples + b"\3\0", samples + b"\xff\0")
    assert logged != TIFF
    for name, content in {**UPRIGHT, **TURNED, **CUT, "logged.tif": logged}.items():
        (tmp_path / name).write_bytes(content)
    code = (
        "import sys, pathlib, iqaudit\n"
        "for file in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try: iqaudit.read(file)\n"
        "    except iqaudit.InputError: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code, tmp_path], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
