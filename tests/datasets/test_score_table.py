"""Tables of scores: the spellings that are one, and the ambiguities that are refused by line."""

import unicodedata
from pathlib import Path

import pytest
from tests.support import releases

import iqaudit
from iqaudit import InputError, datasets
from iqaudit._core.collection import collect
from iqaudit._core.picture import Pixels
from iqaudit.datasets._lists import opinions

NFC, NFD = (unicodedata.normalize(form, "caf\u00e9.png") for form in ("NFC", "NFD"))


def written(folder: Path, text: str, *names: str, encoding: str = "utf-8") -> Path:
    """Write a table beside pictures of the names."""
    releases.paint(folder, names or ["a.png", "b.png"])
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return folder / "t.csv"


def by_both(table: Path) -> list[float | None]:
    """Return the opinions by file, as a data set and calibration read them: alike."""
    loaded = datasets.load(table)
    paths = [each.path for each in loaded.samples]
    as_data_set = [each.opinion for each in loaded.samples]
    assert as_data_set == opinions(table, paths)
    return as_data_set


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("image,mos\na.png,20\nb.png,90\n", "utf-8"),
        ("IMAGE , Mos\n a.png , 20\nb.png, 90 \n", "utf-8"),
        ("image,mos\na.png,20\nb.png,90\n", "utf-8-sig"),
        ("image\tmos\na.png\t20\nb.png\t90\n", "utf-16"),
        ("image;mos;note\na.png;20;one, or two\nb.png;90;\n", "utf-8"),
        ("id\tmos\timage\r\n1\t20\ta.png\r\n2\t90\tb.png\r\n", "utf-8"),
        ('\n\nmos,image\n"20","a.png"\n,,\n\n 90,"b.png",,\n', "utf-8"),
        ("sep=;\r\nimage;mos\r\na.png;20\r\nb.png;90\r\n", "utf-8-sig"),
        ("image,mos\ra.png,20\rb.png,90\r", "utf-8"),
        ("mos,image,ID,id\n20,./a.png,1,2\n90,b.png,1,2\n", "utf-8"),
        ("image,mos\n..\\{folder}\\a.png,20\nB.PNG,90", "utf-8"),
    ],
)
def test_what_other_programs_write_is_one_table(text: str, encoding: str, tmp_path: Path) -> None:
    table = written(tmp_path, text.replace("{folder}", tmp_path.name), encoding=encoding)
    assert by_both(table) == [2.0, 9.0]


def test_letters_are_told_by_their_looks_and_quotes_keep_commas(tmp_path: Path) -> None:
    names = ["sub/" + NFD, "one, two.png", "plain.png"]
    text = f'image,mos\nSUB\\{NFC},20\n"one, two.png",90\nplain.png,50\n'
    assert by_both(written(tmp_path, text, *names)) == [2.0, 9.0, 5.0]


def test_a_name_that_is_there_exactly_is_meant(tmp_path: Path) -> None:
    table = written(tmp_path, "image,mos\nA.png,20\na.png,90\n", "A.png", "a.png")
    assert by_both(table) == [2.0, 9.0]


@pytest.mark.parametrize(
    ("text", "names", "sentence"),
    [
        ("image,mos,MOS\na.png,1,2\n", ["a.png"], "'mos' and 'MOS' are both called mos; rename"),
        ("Image,image,mos\na.png,b.png,2\n", ["a.png"], "'Image' and 'image' are both called"),
        (
            "image,mos\na.png,20\nb.png,30\na.png,90\n",
            ["a.png", "b.png"],
            r"line 2\b.*line 4\b|line 4\b.*line 2\b",
        ),
        ("image,mos\na.png,20\nA.png,90\n", ["a.png"], r"line 2\b.*line 3\b|line 3\b.*line 2\b"),
        (f"image,mos\n{NFC},20\n\n{NFD},90\n", [NFC], r"line 2\b.*line 4\b|line 4\b.*line 2\b"),
        (
            "image,mos\ns/a.png,20\ns\\a.png,90\n",
            ["s/a.png"],
            r"line 2\b.*line 3\b|line 3\b.*line 2\b",
        ),
        ("image,mos\n./a.png,20\na.png,20\n", ["a.png"], r"line 2\b.*line 3\b|line 3\b.*line 2\b"),
        ("image,mos\na.PNG,20\n", ["a.png", "A.png"], r"(A|a)\.png (or|and as) .*(A|a)\.png"),
        ("image;mos\na.png;3,5\n", ["a.png"], r"line 2: '3,5' is no score; write 3\.5"),
        ("image,mos\na.png,3,5\n", ["a.png"], "line 2: 3 cells, and the header names 2 columns"),
        ("image,mos\nb.png,50\na.png,\n", ["a.png", "b.png"], "line 3: a.png has no mos"),
        ("image,mos\n,50\n", ["a.png"], "line 2: a picture has no image|line 2: 50 has no image"),
        ("image,mos\na.png,n/a\n", ["a.png"], "line 2: 'n/a' is no score"),
        ("image,mos\na.png,7_5\n", ["a.png"], "line 2: '7_5' is no score"),
        ("", ["a.png"], "columns image, mos are due"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused_by_both_readers(
    text: str, names: list[str], sentence: str, tmp_path: Path
) -> None:
    table = written(tmp_path, text, *names)
    for read in (
        lambda: datasets.load(table),
        lambda: opinions(table, [tmp_path / name for name in names]),
    ):
        with pytest.raises(InputError, match=sentence):
            read()


def test_a_table_in_another_encoding_says_what_to_do(tmp_path: Path) -> None:
    table = written(tmp_path, f"image,mos\n{NFC},20\n", encoding="latin-1")
    with pytest.raises(InputError, match=r"not in UTF-8 .* save it in UTF-8"):
        datasets.load(table)


def test_pictures_of_one_name_need_their_folders_and_are_paired_by_them(tmp_path: Path) -> None:
    releases.paint(tmp_path, ["a/x.png", "b/x.png", "b/y.png"])
    collected = collect([tmp_path / "a", tmp_path / "b"])
    table = tmp_path / "t.csv"
    table.write_text("image,mos\nb/y.png,10\nB\\x.png,20\na/x.png,90\nc/z.png,50\n")
    assert opinions(table, collected.paths) == [9.0, 2.0, 1.0]
    for text, sentence in (
        ("x.png,20\ny.png,30\n", r"line 2: x\.png may be .*a/x\.png or .*b/x\.png; write the one"),
        ("a/x.png,20\nx.png,30\n", r"line 3: x\.png may be"),
        ("a/x.png,20\na/x.png,20\n", r"line 3: a/x\.png is .*a/x\.png, and so is .*line 2"),
        ("a/x.png,20\nb/x.png,30\n", r"1 pictures have no score: .*b/y\.png"),
        ("other/x.png,20\n", "3 pictures have no score"),
        ("a/x.png,20\nb/x.png,20\nb/y.png,20\n", "same score"),
        ("a/x.png,20\nb/x.png,101\nb/y.png,20\n", r"b/x\.png has the mos 101, outside"),
        ("a/x.png,2\nb/x.png,1\nb/y.png,2\n", "on which range"),
    ):
        table.write_text(f"image,mos\n{text}")
        with pytest.raises(InputError, match=sentence):
            opinions(table, collected.paths)


def test_calibration_asks_nothing_where_names_are_ambiguous(tmp_path: Path) -> None:
    names = [f"{folder}/{index}.png" for folder in "ab" for index in range(6)]
    releases.paint(tmp_path, names)
    table = tmp_path / "t.csv"
    table.write_text(
        "image,mos\n" + "".join(f"{index}.png,{10 * index + 5}\n" for index in range(6))
    )
    asked = []

    def scorer(pictures: Pixels) -> list[float]:
        asked.append(len(pictures))
        return [0.0] * len(pictures)

    with pytest.raises(InputError, match=r"0\.png may be"):
        iqaudit.calibrate(
            scorer, [tmp_path / "a", tmp_path / "b"], opinions=table, score_range=(0, 255)
        )
    assert not asked
