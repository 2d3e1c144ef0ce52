"""The command line: what it prints, its exit codes, and a clear sentence for each mistake."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from skimage import data
from tests.support.auditing import contents
from tests.support.pictures import MakePicture
from tests.support.processes import LIMIT, started, wait_until
from tests.support.records import text

import iqaudit
from iqaudit import _cli
from iqaudit._core.threads import one_thread
from iqaudit._runs.records import AttackRecord
from iqaudit._runs.schema import load as load_record
from iqaudit.testing import Failing, synthetic_picture

COMMANDS = [
    *("demo", "attack", "score", "check", "calibrate", "verify", "report", "list", "datasets"),
    *("audit", "plan", "status", "tables", "export", "compare", "transfer", "insights"),
    "defences",
]


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def photo(tmp_path: Path, make_picture: MakePicture) -> Path:
    iqaudit.write(tmp_path / "photo.png", make_picture(64, 72))
    return tmp_path / "photo.png"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    iqaudit.write(folder / "photo.png", synthetic_picture(64, 72))
    result = iqaudit_("attack", folder / "photo.png", "--queries", 6, "--out", folder / "run")
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    return shutil.copytree(kept, tmp_path / "run")


def test_a_file_in_a_folder_that_is_not_there_is_named_as_it_was_said(run: Path) -> None:
    file = run / "gone" / "curve.pdf"
    ended = iqaudit_("plot", run, "--out", file)
    assert ended.exit_code == 2
    assert ended.output == f"Error: {file.with_suffix('.csv')}: No such file or directory.\n"


def test_an_audit_without_a_victim_is_told_how_to_name_one(photo: Path, tmp_path: Path) -> None:
    ended = iqaudit_("audit", photo, "--queries", 4, "--out", tmp_path / "a")
    assert ended.exit_code == 2
    assert ended.output == "Error: An audit needs at least one victim: name it, --victim ….\n"


def test_no_commands_summary_is_cut() -> None:
    shown = iqaudit_("--help").output.partition("Commands:")[2]
    assert "..." not in shown
    assert "harder to push, and the table before and after." in " ".join(shown.split())


@pytest.mark.parametrize("command", [[], *[[command] for command in COMMANDS]])
def test_help_has_examples_everywhere(command: list[str]) -> None:
    result = iqaudit_(*command, "--help")
    assert result.exit_code == 0
    assert re.search(rf"Examples?:\n +iqaudit {''.join(command)}", result.output)


@pytest.mark.slow
def test_help_comes_without_loading_torch() -> None:
    code = "import sys, iqaudit._cli; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT)


def test_list_names_every_victim_and_attack() -> None:
    output = iqaudit_("list").output
    kinds = [kind.spec for kind in iqaudit.victims.KINDS.values()]
    for name in (*kinds, *iqaudit.attacks.ATTACKS):
        assert re.search(rf"^ +{name} +\w", output, re.MULTILINE)


def test_attack_prints_a_table_and_where_the_results_lie(tmp_path: Path, photo: Path) -> None:
    out = tmp_path / "run"
    result = iqaudit_("attack", photo, photo, "--queries", 6, "--out", out)
    assert result.exit_code == 0, result.output
    assert re.search(r"^photo +[\d.]+ +→ [\d.]+ +(raise|lower)", result.stdout, re.MULTILINE)
    assert re.search(r"^photo-2 ", result.stdout, re.MULTILINE)
    assert re.search(r"^mean ", result.stdout, re.MULTILINE)
    for name in ("attacked", "results.json", "report.html"):
        assert f"{out / name}\n" in result.stdout
        assert (out / name).exists()
    assert "2/2 pictures" in result.stderr
    assert "queries/s" in result.stderr


def test_options_reach_the_run(tmp_path: Path, photo: Path) -> None:
    out = tmp_path / "run"
    options = ["--levels", 5, "--queries", 7, "--goal", "raise", "--seed", 9, "--batch", 2]
    attack = ["--attack", "bidirectional-liqe", "--victim", "reference"]
    assert iqaudit_("attack", photo, *attack, *options, "--out", out).exit_code == 0
    record = load_record(out)
    assert (record.levels, record.queries, record.goal) == (5, 7, "raise")
    assert (record.seed, record.victim.name) == (9, "reference")
    assert record.attack == AttackRecord("Bidirectional", {"n_squares": 8, "p_init": 0.09})


@pytest.mark.slow
def test_the_same_command_writes_the_same_bytes(tmp_path: Path, photo: Path) -> None:
    for name in ("one", "two"):
        iqaudit_("attack", photo, "--queries", 6, "--out", tmp_path / name)
    one, two = ((tmp_path / name / "results.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_json_is_results_json_and_nothing_else(tmp_path: Path, photo: Path) -> None:
    out = tmp_path / "run"
    result = iqaudit_("attack", photo, "--queries", 4, "--out", out, "--json")
    assert result.stderr == ""
    assert result.stdout == (out / "results.json").read_text() + "\n"


def test_quiet_prints_nothing(tmp_path: Path, photo: Path) -> None:
    out = tmp_path / "run"
    result = iqaudit_("attack", photo, "--queries", 4, "--out", out, "--quiet")
    assert result.output == ""
    assert iqaudit_("verify", out, "--quiet").output == ""
    assert iqaudit_("score", photo, "--quiet").output == ""


def test_score_is_the_victims(photo: Path, reference: iqaudit.victims.Reference) -> None:
    [entry] = json.loads(iqaudit_("score", photo, "--json").stdout)
    with one_thread():
        expected = float(reference.score(iqaudit.read(photo).pixels[None])[0])
    assert entry["score"] == expected
    assert (entry["name"], entry["width"], entry["height"]) == ("photo", 72, 64)
    assert f"{expected:.4f}" in iqaudit_("score", photo).stdout


@pytest.mark.slow
def test_verify_exits_1_where_a_picture_was_changed(run: Path) -> None:
    good = iqaudit_("verify", run)
    assert good.exit_code == 0
    assert "1 of 1 pictures are as recorded" in good.stdout
    attacked = run / "attacked" / "photo.png"
    iqaudit.write(attacked, iqaudit.read(attacked).pixels[:, ::-1])
    bad = iqaudit_("verify", run)
    assert bad.exit_code == 1
    assert "0 of 1" in bad.stdout
    found = iqaudit_("verify", run, "--json")
    assert found.exit_code == 1
    assert "photo.png: this was changed" in json.loads(found.stdout)[0]["wrong"][0]


@pytest.mark.parametrize(
    "edit",
    [
        {"outcome": "won"},
        {"trace": [[1, 0.5], [900, 0.5]]},
        {"clean_score": None},
        {"rgo": None},
        {"best_query": "second"},
    ],
)
def test_verify_tells_of_a_damaged_record(edit: dict[str, Any], run: Path) -> None:
    file = run / "results.json"
    record = json.loads(file.read_text())
    record["pictures"][0] |= edit
    file.write_text(text(record))
    found = iqaudit_("verify", run, "--json")
    assert found.exit_code == 1, found.output
    assert any(each["wrong"] for each in json.loads(found.stdout))


def test_the_report_can_be_written_again(run: Path) -> None:
    page = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    result = iqaudit_("report", run)
    assert result.stdout == f"{run / 'report.html'}\n"
    assert (run / "report.html").read_bytes() == page


@pytest.mark.slow
def test_a_folders_name_is_printed_as_it_is(tmp_path: Path, photo: Path) -> None:
    for name in ("o[red]a", "o[/red]b", "o:smile:c"):
        result = iqaudit_("attack", photo, "--queries", 2, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert f"{tmp_path / name / 'attacked'}\n" in result.stdout


@pytest.mark.slow
def test_a_pipe_that_knows_no_arrows_loses_nothing_else(run: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "iqaudit", "attack", "--queries", "2", "--seed", "1"]
    command += [str(run / "clean" / "photo.png"), "--out", str(run / "again")]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=LIMIT)
    assert b"\nphoto" in done.stdout


def test_lists_are_there_for_machines() -> None:
    listed = json.loads(iqaudit_("list", "--json").stdout)
    kinds = {kind.spec for kind in iqaudit.victims.KINDS.values()}
    assert set(listed["victims"]) == kinds
    assert set(listed["attacks"]) == set(iqaudit.attacks.ATTACKS)


@pytest.mark.slow
def test_check_prints_verdicts_and_exits_1_on_a_fail(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iqaudit.write(tmp_path / "astronaut.png", data.astronaut()[:160, 120:280])
    good = iqaudit_("check", "--pictures", tmp_path / "astronaut.png")
    assert good.exit_code == 0, good.output
    assert re.search(r"^pass +deterministic", good.stdout, re.MULTILINE)
    (tmp_path / "fickle_scorer.py").write_text(
        "import numpy as np\ndef v(x): return np.random.default_rng().random(len(x))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    fickle = ["--victim", "python:fickle_scorer:v", "--range", 0, 1]
    bad = iqaudit_("check", *fickle, "--pictures", photo, "--json")
    found = {each["check"]: each["verdict"] for each in json.loads(bad.stdout)}
    assert found["deterministic"] == "fail"
    assert bad.exit_code == 1


@pytest.mark.slow
def test_a_price_tells_what_a_budget_of_any_victim_costs(photo: Path) -> None:
    priced = iqaudit_("check", "--pictures", photo, "--price", 0.002)
    assert priced.exit_code in (0, 1)
    said = " ".join(priced.stdout.split())
    assert re.search(r"500 queries \S+ \S+ and 1\.00 in money; 10,000 queries .*20\.00 in", said)
    ceiling = iqaudit_("check", "--price", 0.002, "--budget-money", 1)
    assert ceiling.exit_code == 2
    assert '"reference" takes no budget-money, price' in ceiling.stderr


@pytest.mark.slow
def test_untrained_weights_are_said_wherever_a_score_is(tmp_path: Path, photo: Path) -> None:
    victim = ["--victim", "dbcnn", "--untrained"]
    said = "untrained: random weights, its scores mean nothing"
    run = iqaudit_("attack", photo, *victim, "--queries", 2, "--out", tmp_path / "run")
    assert said in run.stderr
    assert said in iqaudit_("score", photo, *victim).stderr
    assert said in (tmp_path / "run" / "report.html").read_text()
    assert load_record(tmp_path / "run").victim.note == said


@pytest.mark.slow
def test_a_calibrated_scale_is_taken_up(tmp_path: Path, make_picture: MakePicture) -> None:
    (tmp_path / "scorers_of_the_cli_test.py").write_text(
        "def mean(pictures):\n    return pictures.mean(axis=(1, 2, 3))\n"
        "def least(pictures):\n    return pictures.min(axis=(1, 2, 3))\n"
    )
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(12):
        iqaudit.write(folder / f"{seed}.png", make_picture(20, 20, seed) // (1 + seed % 3))
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    victim = ["--victim", "python:scorers_of_the_cli_test:mean"]

    def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "iqaudit", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=LIMIT,
        )

    fitted = run("calibrate", *victim, "--range", 0, 255, "--pictures", folder, "--out", "s.toml")
    assert "12 pictures" in fitted.stdout
    run("attack", folder / "1.png", *victim, "--scale", "s.toml", "--queries", 5, "--out", "run")
    scale = load_record(tmp_path / "run").victim.scale
    assert "12 pictures (mean)" in scale.source
    assert "1 of 1" in run("verify", "run", *victim, "--scale", "s.toml").stdout
    another = ["--victim", "python:scorers_of_the_cli_test:least", "--scale", "s.toml"]
    refused = run("score", folder / "1.png", *another, check=False)
    assert refused.returncode == 2
    assert 's.toml: this scale was fitted to "mean"' in " ".join(refused.stderr.split())


def test_conversions_are_said(tmp_path: Path, make_picture: MakePicture) -> None:
    from PIL import Image

    Image.fromarray(make_picture(64, 64)[..., 0]).save(tmp_path / "grey.png")
    result = iqaudit_("score", tmp_path / "grey.png")
    assert "grey: converted from grey to RGB" in result.stderr


FUNCTION = ["--victim", "python:tests.support.scorers:roughness", "--range", "0", "20"]


@pytest.mark.slow
def test_a_run_says_how_its_victim_was_made_unless_that_may_be_secret(
    tmp_path: Path, photo: Path
) -> None:
    out = tmp_path / "run"
    assert iqaudit_("attack", photo, *FUNCTION, "--queries", 4, "--out", out).exit_code == 0
    verified = iqaudit_("verify", out)
    assert verified.exit_code == 0, verified.output
    assert iqaudit_("insights", out).exit_code == 0
    program = ["--victim", f"command:{sys.executable} -c print(3) {{picture}}", "--range", 0, 9]
    other = tmp_path / "other"
    assert iqaudit_("attack", photo, *program, "--queries", 2, "--out", other).exit_code == 0
    refused = iqaudit_("verify", other)
    assert refused.exit_code == 2
    assert "give it again, with its options" in refused.stderr
    assert "print(3)" not in (other / "results.json").read_text()
    assert iqaudit_("verify", other, *program).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["attack", "missing.png", "--out", "o"], "no such file"),
        (["attack", "", "--out", "o"], "empty"),
        (["attack", "{text}", "--out", "o"], "not a picture"),
        (["attack", "{small}", "--out", "o"], "at least 64"),
        (["attack", "{photo}", "--out", "o", "--queries", "1"], "at least 2 queries"),
        (["attack", "{photo}", "--out", "o", "--queries", "many"], "not a valid integer"),
        (["attack", "{photo}", "--out", "o", "--levels", "0"], "from 1 to 255"),
        (["attack", "{photo}", "--out", "o", "--levels", "256"], "from 1 to 255"),
        (["attack", "{photo}", "--out", "o", "--victim", "refrence"], 'mean "reference"'),
        (["attack", "{photo}", "--out", "o", "--attack", "bidirect"], 'mean "bidirectional"'),
        (["attack", "{photo}", "--out", "o", "--attack", "pgd", *FUNCTION], "a torch module"),
        (["attack", "{photo}", "--out", "o", "--goal", "up"], "A goal is one of"),
        (["attack", "{photo}", "--out", "o", "--batch", "0"], "at least 1 picture"),
        (["attack", "{photo}"], "--out"),
        (["attack", "--out", "o"], "PICTURE"),
        (["attack", "{photo}", "--out", "{run}"], "begun otherwise"),
        (["attack", "{photo}", "--out", "{photo}"], "holds no run"),
        (["attack", "{photo}", "--out", "{photo}/run"], "cannot be written"),
        (["attack", "{photo}", "--out", "/proc/run"], "cannot be written"),
        (["attack", "{photo}", "--out", "o", "--levels", "1.5"], "not a valid integer"),
        (["report", "nowhere"], "no results.json"),
        (["score", "{photo}", "--dataset", "live"], '"reference" takes no dataset'),
        (["score", "{photo}", "--checkpoint", "x.pt"], "no such checkpoint"),
        (["score", "{photo}", "--victim", "dbcnn"], "--checkpoint FILE"),
        (["score", "{photo}", "--victim", "python:no_such:f"], "ModuleNotFoundError"),
        (["score", "{photo}", "--victim", "replay:nowhere"], "no results.json"),
        (["score", "{photo}", "--scale", "no.toml"], "no such scale file"),
        (["calibrate", "--pictures", "{photo}", "--out", "s.toml"], "at least 10 pictures"),
        (["calibrate", "--pictures", "{photo}", "--out", "{photo}"], "there already"),
        (["demo", "--queries", "1", "--out", "o"], "at least 2 queries"),
        (["demo", "--out", "{run}"], "begun otherwise"),
        (["score", "missing.png"], "no such file"),
        (["score", "{photo}", "--victim", "nobody"], "reference"),
        (["verify", "nowhere"], "no results.json"),
        (["verify", "{run}", "--victim", "nobody"], "reference"),
        (["atack"], "No such command"),
    ],
)
def test_a_mistake_gets_a_sentence_and_exit_code_2(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    photo: Path,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    iqaudit.write(tmp_path / "small.png", np.zeros((63, 80, 3), np.uint8))
    places = {"photo": photo, "text": "text.png", "small": "small.png", "run": run}
    before = sorted(tmp_path.rglob("*"))
    result = iqaudit_(*[argument.format(**places) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert sorted(tmp_path.rglob("*")) == before  # nothing half-written


def failing(at: int) -> Failing:
    return Failing(
        lambda pictures: pictures.mean(axis=(1, 2, 3)),
        score_range=(0, 255),
        at=at,
        error=ConnectionError("the service is gone"),
    )


@pytest.mark.slow
def test_a_victim_that_fails_half_way_keeps_what_was_found(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iqaudit.victims._registry.Kind.make", lambda *_: failing(9))
    out = tmp_path / "run"
    result = iqaudit_("attack", photo, photo, photo, "--queries", 6, "--out", out)
    assert result.exit_code == 2
    assert "ConnectionError: the service is gone" in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert "1 of 3 pictures finished; kept in" in " ".join(result.stderr.split())
    assert (out / "attacked" / "photo.png").exists()
    monkeypatch.setattr("iqaudit.victims._registry.Kind.make", lambda *_: failing(10**6))
    again = iqaudit_("attack", photo, photo, photo, "--queries", 6, "--out", out)
    assert again.exit_code == 0, again.output
    whole = tmp_path / "whole"
    assert iqaudit_("attack", photo, photo, photo, "--queries", 6, "--out", whole).exit_code == 0
    assert contents(out) == contents(whole)


def test_a_victim_that_fails_at_once_leaves_nothing_behind(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iqaudit.victims._registry.Kind.make", lambda *_: failing(1))
    result = iqaudit_("attack", photo, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_in_the_middle_keeps_what_is_finished_and_says_so(
    tmp_path: Path, photo: Path
) -> None:
    out = tmp_path / "run"
    command = ["attack", photo, photo, photo, "--queries", 150, "--out", out]
    with started(
        [sys.executable, "-m", "iqaudit", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        wait_until(lambda: any(out.glob("attacked/*.png")), process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, stderr
    assert re.search(r"Interrupted: [12] of 3 pictures finished", stderr)
    assert "Traceback" not in stderr
    assert stdout == ""  # the figures come with the last picture
    assert iqaudit_(*command).exit_code == 0
    assert {entry.outcome for entry in load_record(out).pictures} == {"budget_spent"}
    assert iqaudit_("verify", out).exit_code == 0


@pytest.mark.slow
def test_the_demo_pushes_both_ways(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    result = iqaudit_("demo", "--queries", 12, "--out", out)
    assert result.exit_code == 0, result.output
    assert "→ bidirectional" in result.output
    assert "→ guided" in result.output
    assert "On “reference”, " in result.output
    for attack in ("bidirectional", "guided"):
        record = load_record(out / f"reference--{attack}")
        assert len(record.pictures) == 8
        assert (record.summary.lowered, record.summary.raised) == (4, 4)
        assert record.levels == 3
        assert record.summary.rgo is not None
        assert record.summary.rgo > 0.05
        assert all(entry.queries == 12 and entry.linf <= 3 for entry in record.pictures)
    assert iqaudit_("verify", out).exit_code == 0


def test_paper_is_one_flag_of_attack(photos: Path, tmp_path: Path) -> None:
    """What is said besides holds; what is not is the paper's."""
    out = tmp_path / "run"
    victim = "--victim", "python:tests.support.audited:rough"
    result = iqaudit_("attack", photos, *victim, "--paper", "--queries", 3, "--out", out, "--quiet")
    assert result.exit_code == 0, result.output
    record = load_record(out)
    assert (record.attack.name, record.queries) == ("Bidirectional", 3)
