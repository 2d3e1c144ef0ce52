"""Collections: all of a folder is read or named, and nothing is decoded before its turn."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.pictures import MakePicture

from iqaudit import InputError, Picture, read, write
from iqaudit._core.collection import collect, files_of, suffixes
from iqaudit._core.errors import printable
from iqaudit._core.picture import formats

WRITES = {"PNG", "JPEG", "BMP", "DIB", "TIFF", "GIF", "PPM", "WEBP", "TGA", "PCX", "SGI", "AVIF"}
"""Formats that Pillow can write of an RGB picture of any size."""


@pytest.fixture
def folder(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a folder of two pictures, with more of all kinds in it."""
    for name in ("b.png", "a.png", "deep/a.png", "deep/er/c.png", ".git/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / name, make_picture(8, 9, len(name)))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "scores.csv").touch()
    (tmp_path / "Makefile").touch()
    (tmp_path / "film.mpg").touch()
    shutil.copy(tmp_path / "a.png", tmp_path / ".hidden.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    return tmp_path


def test_every_ending_of_a_format_is_a_picture_in_any_capitals(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    Image.init()
    endings = {
        end
        for end, kind in Image.registered_extensions().items()
        if kind in WRITES & set(Image.SAVE)
    }
    assert {".jfif", ".jpe", ".pgm", ".pbm", ".pnm", ".dib", ".tga"} <= endings <= suffixes()
    for index, end in enumerate(sorted(endings - {".pfm"})):  # floats
        upper = end.upper() if index % 2 else end.title()
        kind = Image.registered_extensions()[end]
        Image.fromarray(make_picture(16, 16)).save(tmp_path / f"x{index}{upper}", kind)
    listing = files_of(tmp_path)
    assert not listing.skipped
    assert len(list(collect(tmp_path))) == len(listing.files) == len(endings) - 1


def test_formats_that_are_no_pictures_are_none() -> None:
    assert {"PNG", "JPEG", "TIFF", "WEBP", "PPM", "BMP", "GIF"} <= set(formats())
    assert not {"EPS", "PDF", "MPEG", "HDF5", "GRIB", "BUFR", "WMF"} & set(formats())
    assert not {".eps", ".ps", ".pdf", ".mpg", ".h5", ".txt", ".wmf"} & suffixes()


def test_what_a_folder_holds_besides_is_counted_and_named(folder: Path) -> None:
    listing = files_of(folder)
    assert [each.name for each in listing.files] == ["a.png", "b.png"]
    assert listing.skipped == (
        f"{folder}: skipped 3 folders (.git, deep, loop; recursive=True searches "
        "folders, too) and 6 files (.hidden.png, Makefile, film.mpg and 3 more)."
    )
    assert collect([folder, folder / "a.png"]).skipped == (listing.skipped,)


def test_folders_in_folders_are_searched_on_demand_under_names_of_their_own(folder: Path) -> None:
    listing = files_of(folder, recursive=True)
    assert [each.name for each in listing.files] == [
        "a.png",
        "b.png",
        "deep/a.png",
        "deep/er/c.png",
    ]
    assert ".git" in listing.skipped
    assert "recursive" not in listing.skipped
    assert "1 folder (" in listing.skipped
    collected = collect(folder, recursive=True)
    assert collected.names == ("a", "b", "deep_a", "deep_er_c")
    assert [each.name for each in collected] == list(collected.names)
    assert collected[2].file == "deep/a.png"
    assert np.array_equal(collected[2].pixels, read(folder / "deep/a.png").pixels)
    assert [each.name for each in collected[1:3]] == ["b", "deep_a"]
    assert collected[1:3].paths == (folder / "b.png", folder / "deep/a.png")


def test_names_that_folders_make_alike_stay_apart(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    for name in ("a_b.png", "a/b.png", "A/B.png", "a b.png", "a/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(make_picture(8, 8)).save(tmp_path / name)
    names = collect(tmp_path, recursive=True).names
    assert len({name.casefold() for name in names}) == len(names) == 5
    assert not set("".join(names)) & set("/\\ ")


def test_an_empty_folder_says_what_it_holds_instead(folder: Path) -> None:
    (folder / "only" / "c.png").mkdir(parents=True)
    with pytest.raises(InputError, match=r"no picture \(skipped 1 folder \(c.png.*recursive=True"):
        collect(folder / "only")


def test_a_picture_is_read_anew_each_time_and_none_before_its_turn(folder: Path) -> None:
    collected = collect([folder / "a.png", Picture("mine", np.zeros((2, 2, 3), np.uint8))])
    (folder / "a.png").write_bytes(b"")
    assert collected[1].name == "mine"
    with pytest.raises(InputError, match="not a picture"):
        collected[0]
    shutil.copy(folder / "b.png", folder / "a.png")
    assert collected[0] is not collected[0]
    assert collect(collected) is collected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 画 😀", "plain é 画 😀"),
        ("a\nb\tc\x1b[31m\x7f", r"a\nb\tc\x1b[31m\x7f"),
        ("caf\udce9.png", r"caf\xe9.png"),
        ("line\u2028end\ud800", r"line\u2028end\ud800"),
    ],
)
def test_a_text_is_made_fit_for_terminals_and_utf_8(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).encode()
