"""An audit as it is asked for: a TOML file, a command line, the paper's protocol."""

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support import audited
from tests.support.auditing import ROUGH, iqaudit_

import iqaudit
from iqaudit import InputError, _cli
from iqaudit._audit import parse
from iqaudit._audit.data import find
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.goal import Goal
from iqaudit._search.stop import Stop
from iqaudit.datasets import Drawing
from iqaudit.victims._options import OPTIONS
from iqaudit.victims._spec import VictimSpec

# What is asked


TOML = """
victims = ["python:tests.support.audited:rough", {spec = "reference", exact = "dense"}]
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
--victim python:tests.support.audited:rough --victim reference,exact=dense
--attack guided --attack square
--levels 2 --levels 3 --goal raise --seed 0 --seed 1 --queries 30 --early-stop 0.5
--until-plateau 10 --data csv:scores.csv --sample 5 --stratify score --sample-seed 3
--opinion-range 1 5
"""


def test_a_file_and_the_command_line_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit.toml").write_text(TOML)
    found: list[AuditSpec] = []

    def take(spec: AuditSpec, *_: object, **__: object) -> None:
        found.append(spec)
        raise InputError("taken")

    monkeypatch.setattr("iqaudit._api.audit.execute.run", take)
    for said in (["--from", str(tmp_path / "audit.toml")], COMMAND.split()):
        assert "taken" in iqaudit_("audit", *said, "--out", "run").output
    assert found[0] == found[1]
    assert found[0] == AuditSpec(
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
    made = parse.audit_spec(
        {"victims": [ROUGH, "reference"], "attacks": ["guided", "square"], "data": "x"}
    )
    assert [cell.folder for cell in made.cells()] == [
        *("rough--guided", "rough--square", "reference--guided", "reference--square"),
    ]
    made = parse.audit_spec(
        {"victims": [ROUGH, "python:tests.other:rough"], "goals": ["raise", "lower"], "data": "x"}
    )
    assert [cell.folder for cell in made.cells()] == [
        *("rough--guided--raise", "rough--guided--lower"),
        *("rough-2--guided--raise", "rough-2--guided--lower"),
    ]
    made = parse.audit_spec({"victims": ROUGH, "levels": [2, 3], "seeds": [0, 1], "data": "x"})
    assert [cell.folder for cell in made.cells()] == [
        f"rough--guided--levels-{levels}--seed-{seed}" for levels in (2, 3) for seed in (0, 1)
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
        ("data = 'x'", "at least one victim: name it"),
        ("victims = 'reference'\ndata = 'x'\nlevels = [3, true]", "levels takes a whole number"),
        ("victims = 'reference'\ndata = 'x'\nlevels = [0]", "1 to 255"),
        ("victims = 'reference'\ndata = 'x'\nseeds = [1, 1]", "seeds are each said once"),
        ("victims = 'reference'\ndata = 'x'\nattacks = ['gided']", 'did you mean "guided"'),
        (
            "victims = 'reference'\ndata = 'x'\ngoals = ['up']",
            "A goal is one of bidirectional, raise, lower, rank, target:SCORE, target-quality:0-10",
        ),
        ("victims = 'reference'\ndata = 'x'\nqueries = 1.5", "queries takes a whole number"),
        ("victims = 'reference'\ndata = 'x'\nearly_stop = 2", r"lies in \(0, 1\]"),
        ("victims = 'reference'\npaper = 'liv'\ndata = 'x'", 'did you mean "live"'),
        ("victims = 'reference'\npaper = 'live'\ndata = 'csiq:x'", "for live .* data of csiq"),
        ("victims = 'reference'\n[data]\nspec = 'x'\nstratify = 'type'", "go with sample"),
        ("victims = 'reference'\n[data]\nspec = 'x'\npictures = 'y'", "one of the two"),
        ("victims = [", "no TOML file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    said: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "audit.toml").write_text(said)
    with pytest.raises(InputError, match=rf"audit\.toml: .*{sentence}"):
        parse.read(tmp_path / "audit.toml")


def test_from_says_the_whole_audit(tmp_path: Path) -> None:
    result = iqaudit_("audit", "--from", tmp_path / "x.toml", "--queries", 3, "--out", "run")
    assert result.exit_code == 2
    assert "(--from) says the whole audit; say queries there" in result.output


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


@pytest.mark.parametrize("command", ["score", "check", "calibrate", "attack", "verify", "insights"])
def test_options_are_those_of_the_command_line(command: str) -> None:
    options = {each.name for each in _cli.main.commands[command].params}
    assert OPTIONS.keys() <= options


def test_no_file_repeats_what_may_be_secret() -> None:
    for text, label in (
        ("https://me:pass@host.org/x?key=secret", "host.org"),
        ("command:/usr/bin/score --key secret {picture}", "command-score"),
    ):
        victim = VictimSpec(text)
        made = AuditSpec((victim,), Data("x"))
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
    made = parse.audit_spec({"paper": dataset, "victims": victims, "data": f"{dataset}:DIR"})
    assert (made.queries, made.levels, made.goals) == (10_000, (3,), (Goal.BIDIRECTIONAL,))
    assert (made.data.drawing.count, made.stop) == (50, Stop())
    attacks = [cell.search(audited.rough).attack for cell in made.cells()]
    assert attacks == [
        *[iqaudit.attacks.Bidirectional(n_squares=2, p_init=0.04)] * 3,
        iqaudit.attacks.Bidirectional(n_squares=8, p_init=0.09),
    ]
    for name, victim in zip(names, made.victims, strict=True):
        assert victim.options == {"checkpoint": f"{name}.pt", "dataset": dataset}


@pytest.mark.parametrize("alone", [True, "data"])
def test_the_papers_protocol_said_alone_has_the_constants_of_the_data(alone: object) -> None:
    victims = ["liqe,untrained", "reference"]
    made = parse.audit_spec({"paper": alone, "victims": victims, "data": "csiq:DIR"})
    assert made == parse.audit_spec({"paper": "csiq", "victims": victims, "data": "csiq:DIR"})
    made = parse.audit_spec({"paper": alone, "victims": victims, "data": {"pictures": ["a.png"]}})
    assert (made.attacks, made.queries, made.data.drawing) == (("paper",), 10_000, Drawing())
    assert "dataset" not in made.victims[0].options


def test_without_a_name_the_attack_is_guided_whoever_asks() -> None:
    made = parse.audit_spec({"victims": "reference", "data": "x"})
    assert [each.name for each in made.attacks] == ["guided"]
    assert inspect.signature(iqaudit.attack).parameters["attack"].default == "guided"


def test_what_is_said_besides_the_papers_protocol_holds() -> None:
    made = parse.audit_spec(
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


def test_pictures_of_one_folder_are_a_set_of_its_name(tmp_path: Path) -> None:
    for folder in ("holiday", "work"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / folder / f"{folder}.png")
    holiday, work = tmp_path / "holiday", tmp_path / "work"
    for pictures, name in (
        ((holiday,), "holiday"),
        ((holiday, work), "pictures"),
        ((holiday, work / "work.png"), "pictures"),
        ((holiday / "holiday.png",), "pictures"),
        ((holiday, np.zeros((8, 8, 3), np.uint8)), "pictures"),
    ):
        assert find(Data(pictures=pictures)).dataset.name == name
