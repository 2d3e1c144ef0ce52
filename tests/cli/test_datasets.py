"""`iqaudit datasets`: what it prints, writes and refuses."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support import releases
from tests.support.releases import RELEASES

from iqaudit import _cli, datasets

ROOT = Path(__file__).parents[2]


def datasets_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, ["datasets", *map(str, arguments)])


def test_every_kind_is_listed_and_documented() -> None:
    output = datasets_().output
    page = (ROOT / "docs" / "guides" / "datasets.md").read_text("utf-8")
    for kind in datasets.KINDS.values():
        assert re.search(rf"^ +{re.escape(kind.spec)} +\w", output, re.MULTILINE)
        assert f"`{kind.spec}" in page
    assert list(json.loads(datasets_("--json").output)) == [
        kind.spec for kind in datasets.KINDS.values()
    ]


@pytest.mark.parametrize("kind", RELEASES)
def test_what_is_found_is_printed(kind: str, tmp_path: Path) -> None:
    root = RELEASES[kind](tmp_path)
    result = datasets_(f"{kind}:{root}")
    assert result.exit_code == 0, result.output
    loaded = datasets.load(f"{kind}:{root}")
    assert result.output.startswith(f"{loaded.name}: {len(loaded.samples)} pictures\n")
    assert loaded.label
    assert f"{loaded.label.worst:.7g} (worst) to {loaded.label.best:g} (best)" in result.output
    assert re.search(
        r"opinions +[\d.]+ to [\d.]+ on 0-10, higher is better +[▁-█]{10}", result.output
    )


def test_types_are_counted_and_scores_drawn(tmp_path: Path) -> None:
    output = datasets_(f"live:{releases.live(tmp_path)}").output
    assert "jp2k 2, jpeg 2, wn 1, gblur 1, fastfading 1" in output
    # 1.03, 3.74, 5, 6.27, 7.91, 8.41 and 10
    assert "1.03 to 10.00 on 0-10, higher is better  ▁█▁█▁█████" in output


def test_json_has_every_picture(tmp_path: Path) -> None:
    record = json.loads(datasets_(f"tid2013:{releases.tid2013(tmp_path)}", "--json").output)
    assert record["count"] == len(record["pictures"]) == sum(record["histogram"]) == 4
    assert record["types"]["additive Gaussian noise"] == 2
    assert record["label"]["lower_is_better"] is False
    assert record["pictures"][1] == {
        "name": "i01_10_5.bmp", "label": 4.5, "opinion": 5.0, "distortion": "JPEG",
        "reference": "I01.BMP",
    }  # fmt: skip


def test_a_folder_without_scores_is_shown_as_such(tmp_path: Path) -> None:
    releases.paint(tmp_path, ["a.png"])
    assert re.search(r"scores +none", datasets_(tmp_path).output)
    assert json.loads(datasets_(tmp_path, "--json").output)["label"] is None


def test_a_draw_is_written_and_taken_up_again(tmp_path: Path) -> None:
    spec, names = f"csiq:{releases.csiq(tmp_path)}", tmp_path / "three.txt"
    drawn = datasets_(spec, "--sample", 3, "--stratify", "type", "--seed", 7, "--write", names)
    assert drawn.output.startswith("CSIQ: 3 pictures (3 drawn by type, seed 7)\n")
    assert drawn.output.endswith(f"names written to {names}\n")
    assert names.read_text().startswith("# CSIQ: 3 drawn by type, seed 7\n")
    again = json.loads(datasets_(spec, "--subset", names, "--json").output)
    assert datasets.read_names(names) == [each["name"] for each in again["pictures"]]
    both = datasets_(spec, "--subset", names, "--sample", 2)
    assert both.output.startswith("CSIQ: 2 pictures (of the list three.txt, 2 drawn, seed 0)\n")
    assert datasets_(spec, "--write", names).exit_code == 2
    assert datasets_(spec, "--quiet", "--write", tmp_path / "all.txt").output == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sample", 3], "Name a data set"),
        (["SPEC", "--stratify", "type"], "go with --sample"),
        (["SPEC", "--seed", 0], "go with --sample"),
        (["SPEC", "--sample", 7], "1 to 6 can be drawn, not 7"),
        (["SPEC", "--subset", "nowhere.txt"], "cannot be read"),
        (["SPEC", "--opinion-range", 1, 5], "takes no opinion range"),
        (["live:nowhere"], "there is no such folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[object], sentence: str, tmp_path: Path
) -> None:
    spec = f"csiq:{releases.csiq(tmp_path)}"
    result = datasets_(*[spec if each == "SPEC" else each for each in arguments])
    assert result.exit_code == 2
    assert sentence in result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1


def test_a_csvs_range_is_taken(tmp_path: Path) -> None:
    releases.paint(tmp_path, ["a.png"])
    (tmp_path / "t.csv").write_text("image,mos\na.png,4\n")
    record = json.loads(datasets_(tmp_path / "t.csv", "--opinion-range", 5, 1, "--json").output)
    assert record["pictures"][0]["opinion"] == 2.5
    assert record["label"]["lower_is_better"] is True
