"""People's own data: strings that name it, CSVs, pyiqa's tables, plain folders."""

import math
import shutil
from pathlib import Path

import pytest
from tests.support import releases
from tests.support.releases import found

from iqaudit import InputError, datasets


def test_unknown_kinds_and_empty_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='did you mean "csiq"'):
        datasets.load("cisq:somewhere")
    with pytest.raises(InputError, match="not of the form live:DIR"):
        datasets.load("live:")
    with pytest.raises(InputError, match="no opinion range"):
        datasets.load(f"live:{tmp_path}", opinion_range=(0, 1))


def test_a_home_folder_is_found_behind_a_kinds_colon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    releases.kadid10k(tmp_path / "kadid")
    assert len(datasets.load("kadid10k:~/kadid").samples) == 3


def test_a_plain_folder_has_pictures_by_name_and_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.paint(tmp_path, ["b.png", "A.JPG", "deeper/c.png"])
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.png").touch()
    loaded = datasets.load(tmp_path)
    assert found(loaded) == [("A.JPG", None, None, None), ("b.png", None, None, None)]
    assert loaded.label is None
    monkeypatch.chdir(tmp_path)
    assert datasets.load("folder:.").name == tmp_path.name
    (tmp_path / "empty").mkdir()
    for name, sentence in (("empty", "holds no picture"), ("nowhere", "no such folder")):
        with pytest.raises(InputError, match=sentence):
            datasets.load(tmp_path / name)


def own_table(folder: Path, text: str, name: str = "scores.csv") -> Path:
    releases.paint(folder, ["a.png", "sub/b.png"])
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_a_csv_of_image_and_mos_is_a_data_set(tmp_path: Path) -> None:
    table = own_table(
        tmp_path, "\ufeffImage, MOS,type,reference\na.png,25,blur,r.png\n\nsub/B.png,90,,\n"
    )
    loaded = datasets.load(table)
    assert found(loaded) == [("a.png", 2.5, "blur", "r.png"), ("sub/B.png", 9.0, None, None)]
    assert datasets.load(f"csv:{table}") == loaded
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = Path(shutil.move(table, elsewhere))
    assert datasets.load(f"csv:{moved}@{tmp_path}") == loaded
    with pytest.raises(InputError, match=r"2 of 2 pictures of elsewhere/scores\.csv are not there"):
        datasets.load(moved)


def test_two_tables_of_a_folder_are_two_data_sets(tmp_path: Path) -> None:
    table = "image,mos\na.png,25\n"
    for kind in ("csv", "pyiqa"):
        paths = [own_table(tmp_path / "w", table, f"{name}.csv") for name in ("sc4", "sc6")]
        names = [datasets.load(f"{kind}:{path}").name for path in paths]
        assert names == ["w/sc4.csv", "w/sc6.csv"]


def test_a_csv_may_name_pictures_anywhere(tmp_path: Path) -> None:
    folder, table = tmp_path / "pictures", tmp_path / "tables" / "t.csv"
    releases.paint(folder, ["a.png"])
    table.parent.mkdir()
    for name in (str(folder / "a.png"), "../pictures/a.png"):
        table.write_text(f"image,mos\n{name},25\n")
        [sample] = datasets.load(table).samples
        assert sample.path.samefile(folder / "a.png")


def test_a_csvs_range_is_said_or_the_usual_where_that_can_be(tmp_path: Path) -> None:
    table = own_table(tmp_path, "image,mos\na.png,1.5\nsub/b.png,4.5\n")
    with pytest.raises(InputError, match=r"no mos is above 10: .*opinion_range"):
        datasets.load(table)
    rising = datasets.load(table, opinion_range=(1, 5))
    falling = datasets.load(table, opinion_range=(5, 1))
    assert [each.opinion for each in rising.samples] == [1.25, 8.75]
    assert [each.opinion for each in falling.samples] == [8.75, 1.25]
    with pytest.raises(InputError, match=r"mos 4\.5, outside 0 .*to 4 .*opinion_range"):
        datasets.load(table, opinion_range=(0, 4))
    for ends in ((3, 3), (0, math.inf)):
        with pytest.raises(InputError, match="two numbers, worst and best"):
            datasets.load(table, opinion_range=ends)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "image,score\na.png,50\n",
            "columns image, mos are due; mos not found among: image, score",
        ),
        ("", "this is empty; the columns image, mos are due"),
        ("image,mos\n", r"scores\.csv: this lists no picture"),
        ("image,mos\na.png,\n", "line 2: a.png has no mos"),
        ("image,mos\na.png,50\na.png,51\n", r"lists a\.png twice \(\S+, line 2, and \S+, line 3\)"),
        ("image,mos\nc.png,50\n", r"1 of 1 pictures of \S+ are not there: c\.png"),
    ],
)
def test_a_csv_that_cannot_be_used_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        datasets.load(own_table(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "text", "opinions", "reference"),
    [
        ("KonIQ10k", "img_name,mos,std,split\na.png,1,.5,0\nsub/b.png,100,.5,2\n", [0, 10], None),
        ("LIVEIQA", "ref_name,dist_name,mos\nr.x,a.png,0\nr.x,sub/b.png,25\n", [10, 7.5], "r.x"),
        ("CSIQ", "ref_name,dist_name,dmos\nr.x,a.png,0.25\nr.x,sub/b.png,1\n", [7.5, 0], "r.x"),
        ("KADID10k", "ref_name,dist_name,dmos\nr.x,a.png,5\nr.x,sub/b.png,2\n", [10, 2.5], "r.x"),
        ("SPAQ", "Image name,MOS,Brightness\na.png,48,47\nsub/b.png,62,9\n", [4.8, 6.2], None),
        ("LIVEChallenge", "img_name,mos,std\nt1.bmp,63.9,1\na.png,32,19\n", [3.2], None),
    ],
)  # fmt: skip
def test_pyiqas_tables_are_read_with_pyiqas_ranges(
    name: str, text: str, opinions: list[float], reference: str | None, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    releases.paint(pictures, ["a.png", "sub/b.png"])
    table = tmp_path / f"meta_info_{name}Dataset.csv"
    table.write_text(text)
    loaded = datasets.load(f"pyiqa:{table}@{pictures}")
    assert [each.opinion for each in loaded.samples] == opinions
    assert {each.reference for each in loaded.samples} == {reference}
    assert loaded.name == name


def test_pyiqas_tables_of_other_names_or_scales_need_a_range(tmp_path: Path) -> None:
    table = own_table(tmp_path, "img_name,mos\na.png,0.5\n", "meta_info_NewDataset.csv")
    with pytest.raises(InputError, match="no label is above 10"):
        datasets.load(f"pyiqa:{table}")
    [sample] = datasets.load(f"pyiqa:{table}", opinion_range=(0, 1)).samples
    assert sample.opinion == 5
    elo = own_table(
        tmp_path, "hq_name,dist_name,elo_score\nr.bmp,a.png,1520\n", "meta_info_PIPALDataset.csv"
    )
    with pytest.raises(InputError, match=r"label 1520, outside 0 .*Say the range"):
        datasets.load(f"pyiqa:{elo}")
    [sample] = datasets.load(f"pyiqa:{elo}", opinion_range=(900, 1900)).samples
    assert sample.opinion == pytest.approx(6.2)
    bare = own_table(tmp_path, "img_name\na.png\n", "meta_info_BareDataset.csv")
    with pytest.raises(InputError, match="line 2: a picture's name and its label are due"):
        datasets.load(f"pyiqa:{bare}")


@pytest.mark.parametrize(("worst", "best"), [(1, 1), (math.nan, 5), (0, math.inf)])
def test_a_label_needs_two_ends(worst: float, best: float) -> None:
    with pytest.raises(InputError, match="between two numbers, worst and best"):
        datasets.Label("MOS", worst, best, "made up")
