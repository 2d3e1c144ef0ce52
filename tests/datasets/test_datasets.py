"""Data sets: what is found of each release, and what is said where something is not there."""

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
from PIL import Image
from tests.support import releases
from tests.support.releases import RELEASES, Found, found

import iqaudit
from iqaudit import InputError, datasets
from iqaudit._core.collection import collect

EXPECTED: dict[str, Found] = {
    "live": [
        ("jp2k/img1.bmp", 10 * (111.7747 - 15.5) / 114.4147, "jp2k", "woman.bmp"),
        ("jp2k/img3.bmp", 10 * (111.7747 - 68.99) / 114.4147, "jp2k", "caps.bmp"),
        ("jpeg/img1.bmp", 10 * (111.7747 - 40.0) / 114.4147, "jpeg", "bikes.bmp"),
        ("jpeg/img2.bmp", 10 * (111.7747 - 21.25) / 114.4147, "jpeg", "caps.bmp"),
        ("wn/img2.bmp", 10 * (111.7747 + 2.64) / 114.4147, "wn", "ocean.bmp"),
        ("gblur/img1.bmp", 10 * (111.7747 - 100) / 114.4147, "gblur", "caps.bmp"),
        ("fastfading/img1.bmp", 5, "fastfading", "monarch.bmp"),
    ],
    "csiq": [
        (name, 10 * (1 - float(str(row[-1]))), name.split("/")[0], f"{row[0]}.png")
        for name, row in zip(releases.CSIQ_FILES, releases.CSIQ_ROWS, strict=True)
    ],
    "tid2013": [
        ("I01_01_1.bmp", 10 * 5.51429 / 9, "additive Gaussian noise", "I01.BMP"),
        ("i01_10_5.bmp", 5, "JPEG", "I01.BMP"),
        ("i25_24_3.bmp", 0, "sparse sampling and reconstruction", "I25.BMP"),
        ("i03_01_2.BMP", 10, "additive Gaussian noise", "I03.BMP"),
    ],
    "kadid10k": [
        ("I01_01_01.png", 10 * 3.57 / 4, "Gaussian blur", "I01.png"),
        ("I01_25_05.png", 0, "contrast change", "I01.png"),
        ("I81_10_03.png", 10, "JPEG", "I81.png"),
    ],
    "koniq10k": [
        ("10004473376.jpg", 10 * 76.3836206896552 / 99, None, None),
        ("826373.jpg", 0, None, None),
        ("2190310.jpg", 10, None, None),
    ],
    "clive": [(name, mos / 10, None, None) for name, mos in releases.CLIVE_SCORES.items()],
    "biq2021": [
        ("ss03 (3753).jpg", 8.471, None, None),
        ("ss01 (1726).jpg", 0, None, None),
        ("ss03 (7805).jpg", 10, None, None),
    ],
}


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Return each kind, with a miniature copy of it."""
    return request.param, RELEASES[request.param](tmp_path / "release")


def test_a_release_is_found_with_opinions_on_0_to_10(release: tuple[str, Path]) -> None:
    kind, root = release
    loaded = datasets.load(f"{kind}:{root}")
    expected = [
        (name, pytest.approx(opinion, abs=1e-12), *rest) for name, opinion, *rest in EXPECTED[kind]
    ]
    assert expected == found(loaded)
    assert all(each.path.is_file() for each in loaded.samples)
    # The file behind a name is that of the name, whatever its capitals.
    for each in loaded.samples:
        assert str(each.path).casefold().endswith("/" + each.name.casefold())
    label = loaded.label
    assert label is not None
    assert (label.opinion(label.worst), label.opinion(label.best)) == (0, 10)
    assert math.copysign(1, label.opinion(label.worst)) == 1
    assert label.lower_is_better == (kind in ("live", "csiq"))


def test_pictures_are_read_one_at_a_time_and_as_they_are(release: tuple[str, Path]) -> None:
    kind, root = release
    samples = datasets.load(f"{kind}:{root}").samples
    read = datasets.pictures(samples)
    first = next(read)
    with Image.open(samples[0].path) as image:
        assert np.array_equal(first.pixels, np.asarray(image))
    assert first.name == first.file == samples[0].name
    samples[1].path.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        next(read)


def test_a_results_file_leads_back_to_its_sample(tmp_path: Path) -> None:
    samples = datasets.load(f"live:{releases.live(tmp_path)}").samples
    collected = collect(list(datasets.pictures(samples)))
    assert [each.file for each in collected] == [each.name for each in samples]
    assert collected[0].name == "jp2k_img1.bmp"


def test_finding_opens_no_picture(release: tuple[str, Path]) -> None:
    kind, root = release
    for each in datasets.load(f"{kind}:{root}").samples:
        each.path.write_bytes(b"")
    assert len(datasets.load(f"{kind}:{root}").samples) == len(EXPECTED[kind])


def test_a_wrong_folder_says_what_was_looked_for_and_what_was_found(
    release: tuple[str, Path], tmp_path: Path
) -> None:
    kind, root = release
    looked_for = datasets.KINDS[kind].line.partition(": ")[2].split(", ")
    wrong = tmp_path / "wrong"
    (wrong / "holiday").mkdir(parents=True)
    (wrong / "notes.txt").touch()
    with pytest.raises(InputError) as error:
        datasets.load(f"{kind}:{wrong}")
    assert f"{wrong}: this is not" in str(error.value)
    assert str(error.value).endswith("Found: holiday, notes.txt.")
    for name in looked_for:
        assert name.partition("/")[0] in str(error.value)
    with pytest.raises(InputError, match="Found: nothing"):
        datasets.load(f"{kind}:{wrong / 'holiday'}")
    with pytest.raises(InputError, match="no such folder"):
        datasets.load(f"{kind}:{root / 'nowhere'}")


def test_pictures_that_are_missing_are_counted_and_named(release: tuple[str, Path]) -> None:
    kind, root = release
    samples = datasets.load(f"{kind}:{root}").samples
    samples[0].path.unlink()
    samples[-1].path.unlink()
    names = f"{samples[0].name}, {samples[-1].name}"
    if kind == "live":  # a smaller copy's folders say how its scores are divided
        names = "has 10 scores, and the folders hold 8"
    with pytest.raises(InputError) as error:
        datasets.load(f"{kind}:{root}")
    assert names in str(error.value)
    assert kind == "live" or f"2 of {len(samples)} pictures" in str(error.value)


def test_live_of_full_size_is_divided_as_released(tmp_path: Path) -> None:
    sizes = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
    files = [f"{each}/img{i}.bmp" for each, n in sizes.items() for i in range(1, n + 1)]
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    copies = [int(index % 5 == 0) for index in range(982)]
    dmos = [0.0 if copy else index / 10 for index, copy in enumerate(copies)]
    releases.live_scores(tmp_path, dmos, copies, ["caps.bmp"] * 982)
    labels = {each.name: each.label for each in datasets.load(f"live:{tmp_path}").samples}
    assert labels == {n: d for n, d, c in zip(files, dmos, copies, strict=True) if not c}
    for name in (files[1], files[2], files[3], files[981]):
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match=r"4 of \d+ .*not there: .*img4\.bmp and 1 more"):
        datasets.load(f"live:{tmp_path}")


@pytest.mark.parametrize(
    ("dmos", "copies", "references", "sentence"),
    [
        ([1.0] * 10, [0] * 9, ["a.bmp"] * 10, r"here 10\) as orgs there \(9\)"),
        ([1.0] * 10, [0] * 10, ["a.bmp"] * 11, r"refnames_all.mat \(11\)"),
        ([1.0] * 11, [0] * 11, ["a.bmp"] * 11, "11 scores, and the folders hold 10"),
        ([math.nan] * 10, [0] * 10, ["a.bmp"] * 10, "DMOS of jp2k/img1.bmp is nan"),
        ([0.0] * 10, [1] * 10, ["a.bmp"] * 10, "lists no picture"),
    ],
)
def test_lives_scores_must_fit_its_pictures(
    dmos: list[float], copies: list[int], references: list[str], sentence: str, tmp_path: Path
) -> None:
    root = releases.live(tmp_path)
    releases.live_scores(root, dmos, copies, references)
    with pytest.raises(InputError, match=sentence):
        datasets.load(f"live:{root}")


def test_live_without_its_realigned_scores_is_refused(tmp_path: Path) -> None:
    (releases.live(tmp_path) / "dmos_realigned.mat").unlink()
    with pytest.raises(InputError, match=r"Missing: dmos_realigned\.mat"):
        datasets.load(f"live:{tmp_path}")


def test_koniq_at_both_sizes_is_taken_as_it_was_rated_unless_one_is_named(tmp_path: Path) -> None:
    releases.koniq10k(tmp_path, "512x384")
    assert datasets.load(f"koniq10k:{tmp_path}").folder.name == "512x384"
    releases.koniq10k(tmp_path, "1024x768")
    assert datasets.load(f"koniq10k:{tmp_path}").folder.name == "1024x768"
    small = datasets.load(f"koniq10k:{tmp_path}/512x384")
    assert small.folder == tmp_path / "512x384"
    assert found(small) == found(datasets.load(f"koniq10k:{tmp_path}"))


def test_koniq_with_ratings_alone_has_their_range(tmp_path: Path) -> None:
    scores = releases.koniq10k(tmp_path) / "koniq10k_scores_and_distributions.csv"
    lines = [line.rpartition(",")[0] for line in releases.KONIQ_LINES.splitlines()]
    scores.write_text("\n".join(lines))
    opinions = [each.opinion for each in datasets.load(f"koniq10k:{tmp_path}").samples]
    assert opinions == [pytest.approx(10 * 2.82857142857143 / 4), 0, 10]


def test_folders_and_tables_are_found_case_aside(tmp_path: Path) -> None:
    root = releases.csiq(tmp_path)
    expected = found(datasets.load(f"csiq:{root}"))
    (root / "dst_imgs").rename(root / "Dst_Imgs")
    (root / "Dst_Imgs" / "awgn").rename(root / "Dst_Imgs" / "AWGN")
    (root / "csiq.DMOS.xlsx").rename(root / "CSIQ.dmos.XLSX")
    assert found(datasets.load(f"csiq:{root}")) == expected


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("boston", 7, "sepia", 1, 0.1, 0.5), "boston, sepia: no such distortion; known are noise"),
        (("boston", 5, "blur", 4, 0.1, 1.5), "DMOS 1.5, outside 1 .worst. to 0 .best."),
        (releases.CSIQ_ROWS[0], "lists awgn/1600.AWGN.1.png twice"),
    ],
)
def test_a_row_of_csiq_that_cannot_be_used_is_a_sentence(
    row: tuple[object, ...], sentence: str, tmp_path: Path
) -> None:
    root = releases.csiq(tmp_path)
    releases.csiq_scores(root, [*releases.CSIQ_ROWS, row])
    with pytest.raises(InputError, match=sentence):
        datasets.load(f"csiq:{root}")


def test_a_spreadsheet_of_another_form_is_a_sentence(tmp_path: Path) -> None:
    book = releases.csiq(tmp_path) / "csiq.DMOS.xlsx"
    releases.csiq_scores(tmp_path, releases.CSIQ_ROWS, sheet="all_by_distortion")
    with pytest.raises(InputError, match=r"no sheet all_by_image; there are z_crit, all_by_dist"):
        datasets.load(f"csiq:{tmp_path}")
    with xlsxwriter.Workbook(book) as workbook:
        workbook.add_worksheet("all_by_image").write_row(0, 0, ["image", "dmos"])
    with pytest.raises(InputError, match="no row has the columns image, dst_type"):
        datasets.load(f"csiq:{tmp_path}")


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("live", "dmos_realigned.mat"),
        ("live", "refnames_all.mat"),
        ("clive", "Data/AllMOS_release.mat"),
        ("csiq", "csiq.DMOS.xlsx"),
        ("tid2013", "mos_with_names.txt"),
        ("kadid10k", "dmos.csv"),
        ("koniq10k", "koniq10k_scores_and_distributions.csv"),
        ("biq2021", "Test (Images and MOS).csv"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00garbage\n1,2\x00", b"MATLAB 5.0 MAT-file"])
def test_a_damaged_table_is_a_sentence_that_names_it(
    kind: str, file: str, content: bytes, tmp_path: Path
) -> None:
    root = RELEASES[kind](tmp_path)
    (root / file).write_bytes(content)
    with pytest.raises(InputError) as error:
        datasets.load(f"{kind}:{root}")
    said = str(error.value)
    assert file in said or (kind == "tid2013" and not content and "lists no picture" in said)


def test_a_matlab_file_without_the_variable_is_a_sentence(tmp_path: Path) -> None:
    root = releases.live(tmp_path)
    shutil.copy(root / "dmos.mat", root / "dmos_realigned.mat")
    with pytest.raises(InputError, match=r"dmos_realigned\.mat: there is no variable dmos_new"):
        datasets.load(f"live:{root}")


@pytest.mark.parametrize(
    ("kind", "file", "line", "sentence"),
    [
        ("tid2013", "mos_with_names.txt", "5.1 I01_25_1.bmp", "line 5: a score and a name"),
        ("tid2013", "mos_with_names.txt", "I01_02_1.bmp", "line 5: a score and a name"),
        ("tid2013", "mos_with_names.txt", "well I01_02_1.bmp", "line 5: 'well' is no score"),
        ("tid2013", "mos_with_names.txt", "9.1 I01_02_1.bmp", "MOS 9.1, outside 0"),
        ("kadid10k", "dmos.csv", "I01_26_01.png,I01.png,3,1", "'I01_26_01.png' is no name"),
        ("kadid10k", "dmos.csv", "I01_02_01.png", "line 5: I01_02_01.png has no ref_img"),
        ("kadid10k", "dmos.csv", "I01_02_01.png,I01.png,0.9,1", "DMOS 0.9, outside 1"),
        ("kadid10k", "dmos.csv", "I01_01_01.png,I01.png,3,1", "lists I01_01_01.png twice"),
        ("biq2021", "Test (Images and MOS).csv", "a.jpg,85", "a.jpg has the MOS 85, outside 0"),
        ("biq2021", "Test (Images and MOS).csv", "a.jpg,inf", "line 3: 'inf' is no score"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_sentence(
    kind: str, file: str, line: str, sentence: str, tmp_path: Path
) -> None:
    root = RELEASES[kind](tmp_path)
    with (root / file).open("a") as table:
        table.write(line + "\n")
    with pytest.raises(InputError, match=sentence):
        datasets.load(f"{kind}:{root}")


@pytest.mark.slow
def test_live_in_the_wild_on_its_own_pictures(shared: Path, tmp_path: Path) -> None:
    photographs = shared / "data" / "clive50"
    if not photographs.is_dir():
        pytest.skip("needs the optional pictures of ../shared/data/clive50")
    with (photographs / "scores.csv").open(newline="") as file:
        scores = {row["image"]: float(row["mos"]) for row in csv.DictReader(file)}
    (tmp_path / "Images").mkdir()
    released = {}
    for name, mos in scores.items():
        # They are the release's files, but that its bitmaps became PNGs.
        bitmap = name.replace(".png", ".bmp")
        released[bitmap] = mos
        if bitmap == name:
            shutil.copy(photographs / name, tmp_path / "Images")
        else:
            with Image.open(photographs / name) as image:
                image.save(tmp_path / "Images" / bitmap)
    releases.clive(tmp_path, released, [f"t{index}.bmp" for index in range(1, 8)])
    loaded = datasets.load(f"clive:{tmp_path}")
    assert len(loaded.samples) == 50
    assert {each.name: each.label for each in loaded.samples} == released
    assert all(each.opinion == pytest.approx(released[each.name] / 10) for each in loaded.samples)
    for picture, name in zip(datasets.pictures(loaded.samples), scores, strict=True):
        assert picture.sha256 == iqaudit.read(photographs / name).sha256
    # The same, from the table that lies beside them.
    own = datasets.load(photographs / "scores.csv")
    assert [each.opinion for each in own.samples] == [each.opinion for each in loaded.samples]
    tenths = datasets.sample(loaded, 10, stratify="score", seed=0)
    ranks = sorted(scores.values())
    drawn = sorted(ranks.index(each.label or 0) // 5 for each in tenths.samples)
    assert drawn == list(range(10))
