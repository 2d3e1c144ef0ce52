"""Audits: what is asked, what of it is refused, what is written, and what a plan promises."""

import gc
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit.campaign import cells, given, processes, running
from iqaudit.campaign.estimate import estimate
from iqaudit.campaign.spec import Campaign, Data
from iqaudit.campaign.status import status
from iqaudit.campaign.victims import OPTIONS, VictimSpec
from iqaudit.campaign.watch import Watch
from iqaudit.cli import main, options
from iqaudit.datasets import Drawing
from iqaudit.goal import Goal
from iqaudit.record import runs
from iqaudit.trial import Stop
from tests import audited
from tests.conftest import MakePicture

ROUGH = "python:tests.audited:rough"


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a counter of what the tests' victims were asked."""
    monkeypatch.setenv(audited.LOG, str(tmp_path / "asked"))
    return lambda: len(audited.log(str(tmp_path / "asked")))


@pytest.fixture
def folder(tmp_path: Path, make_picture: MakePicture) -> Path:
    for seed in range(3):
        (tmp_path / "photos").mkdir(exist_ok=True)
        iqaudit.write(tmp_path / "photos" / f"p{seed}.png", make_picture(20 + seed, 24, seed))
    return tmp_path / "photos"


@pytest.fixture
def small(folder: Path) -> Campaign:
    return Campaign((VictimSpec(ROUGH),), Data(pictures=(str(folder),)), queries=20)


def serial(campaign: Campaign, out: Path, **others: Any) -> tuple[Path, ...]:
    return running.run(campaign, out, engine="serial", **others)


# What is asked


TOML = """
victims = ["python:tests.audited:rough", {spec = "reference", exact = "dense"}]
attacks = ["guided", "square"]
levels = [2, 3]
goals = "raise"
seeds = [0, 1]
queries = 30
early_stop = 0.5
until_plateau = 10

[data]
spec = "csv:scores.csv"
sample = 5
stratify = "score"
seed = 3
opinion_range = [1, 5]
"""

COMMAND = """
--victim python:tests.audited:rough --victim reference,exact=dense --attack guided --attack square
--levels 2 --levels 3 --goal raise --seed 0 --seed 1 --queries 30 --early-stop 0.5
--until-plateau 10 --data csv:scores.csv --sample 5 --stratify score --sample-seed 3
--opinion-range 1 5
"""


def test_a_file_and_the_command_line_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit.toml").write_text(TOML)
    found: list[Campaign] = []

    def take(campaign: Campaign, *_: object, **__: object) -> None:
        found.append(campaign)
        raise InputError("taken")

    monkeypatch.setattr("iqaudit.cli.audits.run", take)
    for said in (["--from", str(tmp_path / "audit.toml")], COMMAND.split()):
        assert "taken" in iqaudit_("audit", *said, "--out", "run").output
    assert found[0] == found[1]
    assert found[0] == Campaign(
        (VictimSpec(ROUGH), VictimSpec("reference", {"exact": "dense"})),
        Data("csv:scores.csv", (), (1.0, 5.0), Drawing(None, 5, "score", 3)),
        ("guided", "square"),
        (2, 3),
        (Goal.RAISE,),
        (0, 1),
        30,
        Stop(0.5, 10),
    )


def test_lists_multiply_into_cells_named_by_what_varies() -> None:
    made = given.campaign(
        {"victims": [ROUGH, "reference"], "attacks": ["guided", "square"], "data": "x"}
    )
    assert [cell.folder for cell in made.cells()] == [
        *("rough--guided", "rough--square", "reference--guided", "reference--square"),
    ]
    made = given.campaign(
        {"victims": [ROUGH, "python:tests.other:rough"], "goals": ["raise", "lower"], "data": "x"}
    )
    assert [cell.folder for cell in made.cells()] == [
        *("rough--bidirectional--raise", "rough--bidirectional--lower"),
        *("rough-2--bidirectional--raise", "rough-2--bidirectional--lower"),
    ]
    made = given.campaign({"victims": ROUGH, "levels": [2, 3], "seeds": [0, 1], "data": "x"})
    assert [cell.folder for cell in made.cells()] == [
        f"rough--bidirectional--levels-{levels}--seed-{seed}"
        for levels in (2, 3)
        for seed in (0, 1)
    ]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("victim = 3", 'no key called "victim": did you mean "victims"'),
        ("victims = 'reference'\n[data]\nspek = 'x'", 'key of data called "spek".*"spec"'),
        ("victims = 3", "victims takes a text or a table, not 3"),
        ("victims = ['referense']", 'did you mean "reference"'),
        ("victims = ['dbcnn,chekpoint=F']", 'option of a victim called "chekpoint".*"checkpoint"'),
        ("victims = ['reference,repeats=few']", '"repeats" of the victim "reference" is a whole'),
        ("victims = [{checkpoint = 'F'}]", 'has a key "spec"'),
        ("victims = 'reference'", "needs pictures"),
        ("victims = []", "victims is an empty list"),
        ("data = 'x'", "at least one of its victims"),
        ("victims = 'reference'\ndata = 'x'\nlevels = [3, true]", "levels takes a whole number"),
        ("victims = 'reference'\ndata = 'x'\nlevels = [0]", "1 to 255"),
        ("victims = 'reference'\ndata = 'x'\nseeds = [1, 1]", "seeds are each said once"),
        ("victims = 'reference'\ndata = 'x'\nattacks = ['gided']", 'did you mean "guided"'),
        ("victims = 'reference'\ndata = 'x'\ngoals = ['up']", 'no goal called "up"'),
        ("victims = 'reference'\ndata = 'x'\nqueries = 1.5", "queries takes a whole number"),
        ("victims = 'reference'\ndata = 'x'\nearly_stop = 2", r"lies in \(0, 1\]"),
        ("victims = 'reference'\npaper = 'liv'\ndata = 'x'", 'did you mean "live"'),
        ("victims = 'reference'\npaper = 'live'\ndata = 'csiq:x'", "for live .* data of csiq"),
        ("victims = 'reference'\n[data]\nspec = 'x'\nstratify = 'type'", "go with --sample"),
        ("victims = 'reference'\n[data]\nspec = 'x'\npictures = 'y'", "one of the two"),
        ("victims = [", "no TOML file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    said: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "audit.toml").write_text(said)
    with pytest.raises(InputError, match=rf"audit\.toml: .*{sentence}"):
        given.read(tmp_path / "audit.toml")


def test_from_says_the_whole_audit(tmp_path: Path) -> None:
    result = iqaudit_("audit", "--from", tmp_path / "x.toml", "--queries", 3, "--out", "run")
    assert result.exit_code == 2
    assert "--from says the whole audit; say queries there" in result.output


@pytest.mark.parametrize(
    ("text", "spec", "read"),
    [
        ("reference", "reference", {}),
        (
            "dbcnn,checkpoint=a.pt,dataset=live",
            "dbcnn",
            {"checkpoint": "a.pt", "dataset": "live"},
        ),
        (
            "onnx:a,b.onnx,range=0:10,lower-is-better",
            "onnx:a,b.onnx",
            {"score_range": (0.0, 10.0), "lower_is_better": True},
        ),
        (
            "http://localhost/?a=1,b=2,retries=0,header=A=env:X,header=B=env:Y",
            "http://localhost/?a=1,b=2",
            {"retries": 0, "headers": ("A=env:X", "B=env:Y")},
        ),
    ],
)
def test_a_victim_is_said_with_its_options(text: str, spec: str, read: dict[str, Any]) -> None:
    found = VictimSpec.parse(text)
    assert (found.spec, dict(found.options)) == (spec, read)


def test_options_are_those_of_the_command_line() -> None:
    assert OPTIONS.keys() == options.OPTIONS.keys()


def test_no_file_repeats_what_may_be_secret() -> None:
    for text, label in (
        ("https://me:pass@host.org/x?key=secret", "host.org"),
        ("command:/usr/bin/score --key secret {picture}", "command-score"),
    ):
        victim = VictimSpec(text)
        made = Campaign((victim,), Data("x"))
        assert victim.label == label
        assert "secret" not in json.dumps(made.record(["public"]))
        assert "secret" not in repr(made)
        assert "secret" not in made.cells()[0].folder


# The paper's protocol


@pytest.mark.parametrize("dataset", ["live", "csiq", "tid2013"])
def test_the_papers_protocol_is_the_papers(dataset: str) -> None:
    """ArXiv 2402.17533: 50 pictures, 10,000 queries, 3/255; LIQE has settings of its own."""
    names = ("dbcnn", "unique", "tres", "liqe")
    victims = [f"{name},checkpoint={name}.pt" for name in names]
    made = given.campaign({"paper": dataset, "victims": victims, "data": f"{dataset}:DIR"})
    assert (made.queries, made.levels, made.goals) == (10_000, (3,), (Goal.BIDIRECTIONAL,))
    assert (made.data.drawing.count, made.stop) == (50, Stop())
    attacks = [cell.plan(audited.rough).attack for cell in made.cells()]
    assert attacks == [
        *[iqaudit.attacks.Bidirectional(n_squares=2, p_init=0.04)] * 3,
        iqaudit.attacks.Bidirectional(n_squares=8, p_init=0.09),
    ]
    for name, victim in zip(names, made.victims, strict=True):
        assert victim.options == {"checkpoint": f"{name}.pt", "dataset": dataset}


def test_what_is_said_besides_the_papers_protocol_holds() -> None:
    made = given.campaign(
        {
            "paper": "live",
            "victims": ["reference", "liqe,untrained,dataset=csiq", "tres,untrained,range=0:9"],
            "data": {"spec": "csv:live.csv", "subset": "fifty.txt"},
            "queries": 100,
        }
    )
    assert made.queries == 100
    assert made.data.drawing == Drawing("fifty.txt")
    assert ["dataset" in victim.options for victim in made.victims] == [False, True, False]
    assert made.victims[1].options["dataset"] == "csiq"
    assert [cell.folder for cell in made.cells()] == [
        *("reference--bidirectional", "liqe--bidirectional-liqe", "tres--bidirectional"),
    ]


# What is written


def test_a_cell_is_the_run_that_iqaudit_attack_writes(
    tmp_path: Path, small: Campaign, folder: Path
) -> None:
    [cell] = serial(small, tmp_path / "audit")
    what = ["attack", folder, "--victim", ROUGH, "--queries", 20, "--quiet"]
    assert iqaudit_(*what, "--out", tmp_path / "run").exit_code == 0
    run, found = iqaudit.load(tmp_path / "run"), iqaudit.load(cell)
    labels = {"opinion": None, "distortion": None, "reference": None}
    run["pictures"] = [entry | labels for entry in run["pictures"]]
    assert found == run
    for file in (tmp_path / "run").glob("*/*"):
        assert file.read_bytes() == (cell / file.relative_to(tmp_path / "run")).read_bytes()
    assert sorted(path.name for path in cell.iterdir()) == [
        *("attacked", "clean", "results.json", "scores")
    ]


def test_peoples_scores_stand_beside_the_victims(tmp_path: Path, folder: Path) -> None:
    (folder / "scores.csv").write_text("image,mos,type\np0.png,20,jpeg\np2.png,90,blur\n")
    campaign = Campaign((VictimSpec(ROUGH),), Data(f"csv:{folder / 'scores.csv'}"), queries=4)
    [cell] = serial(campaign, tmp_path / "audit")
    entries = iqaudit.load(cell)["pictures"]
    keys = ("name", "file", "opinion", "distortion", "reference")
    assert [tuple(entry[key] for key in keys) for entry in entries] == [
        ("p0.png", "p0.png", 2.0, "jpeg", None),
        ("p2.png", "p2.png", 9.0, "blur", None),
    ]


def test_an_audit_is_verified_reported_and_told_of(tmp_path: Path, small: Campaign) -> None:
    run = tmp_path / "audit"
    serial(replace(small, attacks=("square", "guided")), run)
    assert [path.name for path in runs(run)] == ["rough--square", "rough--guided"]
    verified = iqaudit_("verify", run)
    assert verified.exit_code == 0, verified.output
    assert "rough--guided/p2" in verified.stdout
    assert "6 of 6 pictures are as recorded" in verified.stdout
    assert iqaudit_("report", run).exit_code == 0
    assert (run / "rough--guided" / "report.html").exists()
    told = json.loads(iqaudit_("status", run, "--json").stdout)
    assert [(each["finished"], each["queries"]) for each in told] == [(3, 60), (3, 60)]
    (run / "rough--guided" / "attacked" / "p1.png").write_bytes(b"")
    assert iqaudit_("verify", run).exit_code == 1


def test_a_replayed_cell_is_the_cell(tmp_path: Path, small: Campaign, folder: Path) -> None:
    [cell] = serial(small, tmp_path / "audit")
    again = Campaign((VictimSpec(f"replay:{cell}"),), Data(pictures=(str(folder),)), queries=20)
    with pytest.raises(VictimError, match="never asked"):  # the fingerprint's pictures
        serial(again, tmp_path / "again")


class Stopping(Watch):
    """Stops an audit after so many words of it."""

    def __init__(self, after: int) -> None:
        self.said: list[str] = []
        self._left = after

    def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
        self._left -= 1
        self.stopping = not self._left

    def says(self, sentence: str) -> None:
        self.said.append(sentence)


def begun(campaign: Campaign, run: Path, queries: int = 30) -> None:
    with pytest.raises(KeyboardInterrupt):
        serial(campaign, run, watch=Stopping(queries))


def test_status_tells_finished_begun_and_waiting(tmp_path: Path, small: Campaign) -> None:
    begun(small, tmp_path / "run")
    [found] = status(tmp_path / "run")
    assert (found.finished, found.begun, found.waiting, found.queries) == (1, 1, 1, 30)
    with pytest.raises(InputError, match="none of this audit's cells is finished"):
        runs(tmp_path / "run")
    with pytest.raises(InputError, match="no audit"):
        status(tmp_path)


# What is refused


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"queries": 21}, "queries was 20, now 21"),
        ({"attacks": ("guided",)}, r"attacks was \['bidirectional'\], now \['guided'\]"),
        ({"victims": (VictimSpec("python:tests.audited:rougher"),)}, "victims was .*rougher"),
    ],
)
def test_another_audit_is_refused_with_what_differs(
    other: dict[str, Any],
    sentence: str,
    tmp_path: Path,
    small: Campaign,
    asked: Callable[[], int],
) -> None:
    begun(small, tmp_path / "run")
    known = asked()
    with pytest.raises(InputError, match=f"begun otherwise: {sentence}.*another folder"):
        serial(replace(small, **other), tmp_path / "run")
    assert asked() == known


def test_a_changed_victim_is_refused_with_its_scores_then_and_now(
    tmp_path: Path, small: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(small, tmp_path / "run")
    monkeypatch.setattr(audited.rough, "_function", audited.rougher._function)
    with pytest.raises(InputError, match=r"rough.* is another .*scored \S+ and \S+ then, \S+ and"):
        serial(small, tmp_path / "run")
    monkeypatch.undo()
    scale = iqaudit.Scale.from_range(0, 21)
    monkeypatch.setattr(audited.rough, "card", replace(audited.rough.card, scale=scale))
    with pytest.raises(InputError, match="its scale was"):
        serial(small, tmp_path / "run")


def test_another_processors_last_digits_are_told_and_go_on(
    tmp_path: Path, small: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(small, tmp_path / "run")
    own = audited.rough._function
    monkeypatch.setattr(audited.rough, "_function", lambda x: np.asarray(own(x)) * (1 + 1e-9))
    watch = Watch()
    monkeypatch.setattr(watch, "says", (said := []).append)
    serial(small, tmp_path / "run", watch=watch)
    assert "last digits" in said[0]


def test_changed_pictures_and_versions_are_refused(
    tmp_path: Path,
    small: Campaign,
    folder: Path,
    asked: Callable[[], int],
    make_picture: MakePicture,
) -> None:
    begun(small, tmp_path / "run")
    known = asked()
    iqaudit.write(folder / "p1.png", make_picture(21, 24, 9))
    with pytest.raises(InputError, match="the picture p1 had other pixels"):
        serial(small, tmp_path / "run")
    iqaudit.write(folder / "p3.png", make_picture(21, 24, 9))
    with pytest.raises(InputError, match="on 3 pictures, and here are 4; p3"):
        serial(small, tmp_path / "run")
    held = json.loads((tmp_path / "run" / "audit.json").read_text())
    held["versions"]["torch"] = "1.0"
    (tmp_path / "run" / "audit.json").write_text(json.dumps(held))
    with pytest.raises(InputError, match=r"with torch 1\.0; here is"):
        serial(small, tmp_path / "run")
    assert asked() == known


def test_a_folder_of_other_things_is_never_taken(tmp_path: Path, small: Campaign) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds no audit"):
        serial(small, tmp_path / "thesis")


def test_what_does_not_fit_is_said_before_anything_is_asked_or_written(
    tmp_path: Path, small: Campaign, asked: Callable[[], int]
) -> None:
    for other, sentence in (
        ({"attacks": ("pgd",)}, "follows the victim's gradient"),
        ({"queries": 1}, "at least 2 queries"),
        ({"victims": (VictimSpec("reference"),)}, "needs at least 64"),
        ({"data": Data(pictures=("nowhere.png",))}, "no such file"),
    ):
        with pytest.raises(InputError, match=sentence):
            serial(replace(small, **other), tmp_path / "run")  # type: ignore[arg-type]
    assert asked() == 0
    assert not (tmp_path / "run").exists()


def test_two_cannot_be_at_work_in_one_folder(tmp_path: Path, small: Campaign) -> None:
    class Meddling(Watch):
        def ended(self, cell: str, picture: str) -> None:  # noqa: ARG002
            with pytest.raises(InputError, match="another iqaudit is at work"):
                serial(small, tmp_path / "run")

    serial(small, tmp_path / "run", watch=Meddling())


# Victims that are paid, that answer at random, that fail


def test_a_victim_that_may_be_paid_is_asked_only_on_a_word(
    tmp_path: Path, small: Campaign, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And by this process alone, one picture at a time."""
    for victim in ("python:tests.audited:paid", "python:tests.audited:paid,repeats=2"):
        campaign = replace(small, victims=(VictimSpec.parse(victim),))
        share = estimate(campaign).shares[0]
        assert share.seconds is None
        with pytest.raises(InputError, match="say --yes"):
            serial(campaign, tmp_path / "run")
        assert asked() == 0
    monkeypatch.setattr(processes, "_Pool", lambda *_: pytest.fail("a process of its own"))
    campaign = replace(small, victims=(VictimSpec("python:tests.audited:paid"),))
    running.run(campaign, tmp_path / "run", engine="processes", workers=2, yes=True)
    assert asked() == 3 * 20 + 2
    # What is finished is asked nothing, and needs no word.
    running.run(campaign, tmp_path / "run", engine="processes", workers=2)
    assert asked() == 3 * 20 + 2


def test_noise_is_measured_once(
    tmp_path: Path, small: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured anew, it would be another, and the search that was begun another's."""
    draw, own = np.random.default_rng(0), audited.rough._function
    monkeypatch.setattr(
        audited.rough, "_function", lambda x: np.asarray(own(x)) + draw.normal(0, 1e-3, len(x))
    )
    campaign = replace(small, victims=(VictimSpec(ROUGH, {"repeats": 2}),))
    begun(campaign, tmp_path / "run", 15)
    [cell] = serial(campaign, tmp_path / "run")
    held = json.loads((tmp_path / "run" / "audit.json").read_text())
    assert iqaudit.load(cell)["victim"]["noise"] == held["victims"][0]["noise"] > 0
    assert [entry["queries"] for entry in iqaudit.load(cell)["pictures"]] == [20] * 3


def test_a_failing_victim_stops_the_audit_and_what_it_answered_is_kept(
    tmp_path: Path, small: Campaign, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = audited.rough._function

    def failing(pictures: np.ndarray) -> np.ndarray:
        if asked() == 33:
            raise RuntimeError("out of memory")
        return np.asarray(own(pictures))

    monkeypatch.setattr(audited.rough, "_function", failing)
    with pytest.raises(VictimError, match="out of memory"):
        serial(small, tmp_path / "run")
    [found] = status(tmp_path / "run")
    assert (found.finished, found.begun, found.queries) == (1, 1, 31)
    monkeypatch.undo()
    [cell] = serial(small, tmp_path / "run")
    assert cell.exists()


def test_a_scale_that_does_not_fit_is_refused_again(tmp_path: Path, folder: Path) -> None:
    """The clean score is kept; taken up, the picture must not go on with it."""
    victim = VictimSpec("python:tests.conftest:roughness", {"score_range": (100, 200)})
    campaign = Campaign((victim,), Data(pictures=(str(folder),)), queries=20)
    for _ in range(2):
        with pytest.raises(VictimError, match="say the range that it has"):
            serial(campaign, tmp_path / "run")


# Plans


def test_a_plan_says_what_an_audit_takes(tmp_path: Path, small: Campaign, folder: Path) -> None:
    campaign = replace(small, attacks=("square", "guided"), seeds=(0, 1))
    found = estimate(campaign)
    assert (found.cells, found.pictures) == (4, 3)
    [share] = found.shares
    assert (share.trials, share.queries, share.outside) == (12, 240, 2)
    assert share.seconds
    assert share.seconds > 0
    serial(campaign, tmp_path / "run")
    size = sum(file.stat().st_size for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert size == pytest.approx(found.size, rel=0.5)
    said = iqaudit_("plan", folder, "--victim", ROUGH, "--queries", 20, "--workers", 2)
    assert said.exit_code == 0, said.output
    assert "1 cells x 3 pictures: 3 searches, at most 60 queries" in said.stdout


# Many pictures


def test_a_thousandth_picture_takes_no_more_memory_than_the_tenth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what the others left read or written again for it."""
    (tmp_path / "photos").mkdir()
    draw = np.random.default_rng(0)
    for number in range(200):
        pixels = draw.integers(0, 256, (8, 8, 3), np.uint8)
        iqaudit.write(tmp_path / "photos" / f"p{number}.png", pixels)
    campaign = Campaign(
        (VictimSpec("python:tests.conftest:roughness", {"score_range": (0, 200)}),),
        Data(pictures=(str(tmp_path / "photos"),)),
        queries=3,
    )
    held, written = [], []
    commit = cells.commit

    def watched(folder: Path, *others: Any) -> None:
        before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.json")}
        commit(folder, *others)
        after = {file: file.stat().st_mtime_ns for file in folder.rglob("*.json")}
        written.append(len(after.items() - before.items()))
        del before, after
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(cells, "commit", watched)
    tracemalloc.start()
    try:
        serial(campaign, tmp_path / "run")
    finally:
        tracemalloc.stop()
    assert written == [1] * 200
    assert np.mean(held[-20:]) - np.mean(held[20:40]) < 160 * 500  # bytes, a picture


# The real thing


def test_the_reference_comes_to_the_same_bytes_in_any_engine_and_taken_up(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    """Its scores' last bits depend on the threads, its maps on every step: neither may show."""
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        iqaudit.write(tmp_path / "photos" / f"p{seed}.png", make_picture(64, 72, seed))
    campaign = Campaign(
        (VictimSpec("reference"),), Data(pictures=(str(tmp_path / "photos"),)), queries=100
    )
    serial(campaign, tmp_path / "serial")
    begun(campaign, tmp_path / "taken up", 150)
    running.run(campaign, tmp_path / "taken up", engine="processes", workers=2)
    for file in (tmp_path / "serial").rglob("*"):
        other = tmp_path / "taken up" / file.relative_to(tmp_path / "serial")
        assert file.is_dir() or file.read_bytes() == other.read_bytes(), file
