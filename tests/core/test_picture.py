"""Pictures in and out: what is converted, what is refused, and that PNG loses nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from tests.support.pictures import MakePicture

from iqaudit import InputError, Picture, read, write
from iqaudit._core.collection import collect
from iqaudit._core.picture import Pixels, picture_key, window_key


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_written_picture_reads_back_the_same(tmp_path: Path, pixels: Pixels) -> None:
    write(tmp_path / "x.png", pixels)
    picture = read(tmp_path / "x.png")
    assert np.array_equal(picture.pixels, pixels)
    assert picture.sha256 == Picture("any", pixels).sha256
    assert picture.notes == ()


def test_the_hash_tells_shapes_apart() -> None:
    flat = np.zeros((2, 8, 3), np.uint8)
    assert Picture("a", flat).sha256 != Picture("a", flat.reshape(8, 2, 3)).sha256


def test_pixels_are_a_copy_that_cannot_be_written() -> None:
    mine = np.zeros((4, 4, 3), np.uint8)
    picture = Picture("a", mine)
    mine[:] = 9
    assert not picture.pixels.any()
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[:] = 1


def _rgb(make_picture: MakePicture) -> Image.Image:
    return Image.fromarray(make_picture(16, 20))


def test_grey_palette_bilevel_and_opaque_alpha_are_converted_and_said(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    rgb = _rgb(make_picture)
    opaque = rgb.convert("RGBA")
    for name, image, note in (
        ("grey", rgb.convert("L"), "grey to RGB"),
        ("bilevel", rgb.convert("1"), "grey to RGB"),
        ("palette", rgb.quantize(16), "a palette to RGB"),
        ("opaque", opaque, "alpha channel that was opaque"),
        ("grey-opaque", opaque.convert("LA"), "alpha channel that was opaque"),
    ):
        image.save(tmp_path / f"{name}.png")
        picture = read(tmp_path / f"{name}.png")
        assert note in picture.notes[0], name
        assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB"))), name


@pytest.mark.parametrize(
    ("name", "mode"), [("turned.png", "RGB"), ("turned.tif", "RGB"), ("turned.tif", "RGBA")]
)
def test_a_turned_photograph_is_put_upright_and_said(
    name: str, mode: str, tmp_path: Path, make_picture: MakePicture
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    _rgb(make_picture).convert(mode).save(tmp_path / name, exif=exif)
    picture = read(tmp_path / name)
    assert (picture.height, picture.width) == (20, 16)
    assert "EXIF" in picture.notes[-1]
    assert np.array_equal(picture.pixels, np.rot90(make_picture(16, 20), -1))


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_an_orientation_that_turns_nothing_is_not_mentioned(
    orientation: int, tmp_path: Path, make_picture: MakePicture
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    _rgb(make_picture).save(tmp_path / "upright.png", exif=exif)
    assert read(tmp_path / "upright.png").notes == ()


def test_a_damaged_file_is_refused_whatever_its_decoder_raises(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    for suffix in ("png", "jpg", "bmp", "webp", "tif", "gif", "ppm"):
        file = tmp_path / f"x.{suffix}"
        _rgb(make_picture).save(file)
        whole = file.read_bytes()
        rng = np.random.default_rng(0)
        for _ in range(60):
            broken = bytearray(whole)
            for place in rng.integers(0, len(whole), 6):
                broken[place] = rng.integers(256)
            file.write_bytes(bytes(broken))
            try:
                read(file)
            except InputError as error:
                assert file.name in str(error)  # noqa: PT017 (some damage goes unnoticed)


def test_a_folder_passes_over_what_is_no_picture_file(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "._hidden.png").write_bytes(b"resource fork")
    _rgb(make_picture).save(tmp_path / "x.png")
    [picture] = collect(tmp_path)
    assert (picture.name, picture.file) == ("x", "x.png")


def test_what_has_no_one_plain_meaning_is_refused(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    rgb = _rgb(make_picture)
    clear = rgb.convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 254))
    see_through = rgb.quantize(16)
    see_through.info["transparency"] = see_through.getpixel((0, 0))
    deep = Image.fromarray(make_picture(16, 20)[..., 0].astype(np.uint16) * 257)
    jpeg = tmp_path / "whole.jpg"
    rgb.resize((200, 200)).save(jpeg)

    rgb.save(tmp_path / "moving.gif", save_all=True, append_images=[rgb.rotate(90)])
    rgb.save(tmp_path / "moving.png", save_all=True, append_images=[rgb.rotate(90)])
    rgb.save(tmp_path / "pages.tiff", save_all=True, append_images=[rgb.rotate(90)])
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg")
    rgb.convert("LAB").save(tmp_path / "lab.tiff")
    clear.save(tmp_path / "clear.png")
    see_through.save(tmp_path / "see-through.png")
    deep.save(tmp_path / "deep.png")
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tiff")
    (tmp_path / "deep.ppm").write_bytes(b"P6 2 1 65535\n" + bytes(range(12)))
    (tmp_path / "deep-rgb.png").write_bytes(_png16(8, 6))
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.jpg").write_bytes(jpeg.read_bytes()[:-400])
    (tmp_path / "no-pictures").mkdir()
    for name, sentence in (
        ("moving.gif", "animated"),
        ("moving.png", "animated"),
        ("pages.tiff", "many-page"),
        ("cmyk.jpg", "a CMYK picture"),
        ("lab.tiff", "a LAB picture"),
        ("clear.png", "transparent"),
        ("see-through.png", "transparent"),
        ("deep.png", "more than 8 bits"),
        ("deep.ppm", "more than 8 bits"),
        ("deep-rgb.png", "more than 8 bits"),
        ("float.tiff", "more than 8 bits"),
        ("text.png", "not a picture"),
        ("empty.png", "not a picture"),
        ("cut.jpg", "cannot be read .*truncated"),
        ("missing.png", "no such file"),
        ("no-pictures", "holds no picture"),
    ):
        with pytest.raises(InputError, match=sentence) as caught:
            list(collect(str(tmp_path / name)))
        assert name in str(caught.value), name


def _png16(width: int, height: int) -> bytes:
    """Return a 16-bit RGB PNG, which Pillow itself cannot write."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(width * 6)) for _ in range(height))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    import struct

    small = bytearray(_png16(8, 6))
    small[16:24] = struct.pack(">II", 60000, 60000)  # the checksum is wrong now; the size is read
    small[24] = 8
    (tmp_path / "bomb.png").write_bytes(bytes(small))
    with pytest.raises(InputError, match="bomb"):
        read(tmp_path / "bomb.png")


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(InputError, match="path is empty"):
        collect("")


def test_a_folder_stands_for_its_pictures_by_name(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    for name in ("b.png", "a.JPG", "c.txt"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("no picture")
        else:
            _rgb(make_picture).save(tmp_path / name)
    assert [picture.name for picture in collect(tmp_path)] == ["a", "b"]


def test_names_are_told_apart_and_safe_as_files(make_picture: MakePicture) -> None:
    pixels = make_picture(8, 8)
    wild = ["x", "X", "x", "../../etc/passwd", "a b<script>\n", "", ".hidden", "x-2", "é" * 300]
    pictures = collect([Picture(name, pixels) for name in wild])
    names = [picture.name for picture in pictures]
    assert len({name.casefold() for name in names}) == len(wild)
    for name in names:
        assert name == Path(name).name
        assert not name.startswith(".")
        assert not set(name) & set(' <>:"/\\|?*\n')
        assert len(name.encode()) < 220


def test_a_key_is_linear_in_the_pixels_and_the_picture_s_own(make_picture: MakePicture) -> None:
    pixels = make_picture(20, 30)
    key = picture_key(pixels)
    assert 0 <= key < 2**64
    assert picture_key(pixels.copy()) == key
    changed = pixels.copy()
    changed[3:8, 5:9] ^= 1
    difference = changed[3:8, 5:9].astype(np.int16) - pixels[3:8, 5:9]
    added = window_key(difference, 3, 5, (20, 30))
    assert picture_key(changed) == (key + added) % 2**64 != key
    assert picture_key(pixels.reshape(30, 20, 3)) != key
    one_off = {picture_key(np.roll(pixels, shift)) for shift in range(200)}
    assert len(one_off) == 200
