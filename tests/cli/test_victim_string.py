"""One string names a victim, with the same meaning in every command, in TOML and from Python."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import InputError, _cli
from iqaudit._audit import parse
from iqaudit._cli.options import HEADINGS
from iqaudit._runs.schema import load
from iqaudit.victims import as_victim
from iqaudit.victims._spec import VictimSpec

STRING = "dbcnn,checkpoint=weights.pt,dataset=live"
OPTIONS: dict[str, Any] = {"checkpoint": "weights.pt", "dataset": "live"}

FORMS = {
    "one string": ["--victim", STRING],
    "separate options": [
        *("--victim", "dbcnn", "--checkpoint", "weights.pt", "--dataset", "live"),
    ],
    "both": ["--victim", "dbcnn,checkpoint=weights.pt", "--dataset", "live"],
}

ONE = {
    "score": ["score", "{photo}"],
    "check": ["check", "--pictures", "{photo}"],
    "calibrate": ["calibrate", "--out", "scale.toml", *["--pictures", "{photo}"] * 10],
    "attack": ["attack", "{photo}", "--out", "attacked"],
    "verify": ["verify", "{run}"],
    "insights": ["insights", "{run}"],
}
"""The commands on one victim, whose options may stand beside its string."""

SEVERAL = {
    "audit": ["audit", "{photo}", "--out", "audited"],
    "plan": ["plan", "{photo}"],
    "transfer": ["transfer", "{run}"],
}


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def places(
    tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, Path]:
    monkeypatch.chdir(tmp_path)
    iqaudit.write("photo.png", make_picture(64, 72))
    function = ["--victim", "python:tests.conftest:roughness,range=0:20"]
    made = iqaudit_("attack", "photo.png", *function, "--queries", 2, "--out", "run", "--quiet")
    assert made.exit_code == 0, made.output
    return {"photo": Path("photo.png"), "run": Path("run")}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the victims that were to be made: each a kind's string and its options."""
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def take(_: object, text: str, options: Mapping[str, Any]) -> None:
        asked.append((text, dict(options)))
        raise InputError("taken")

    monkeypatch.setattr("iqaudit.victims._registry.Kind.make", take)
    return asked


@pytest.mark.parametrize(
    ("command", "form"),
    [
        *(
            pytest.param(command, form, marks=[] if command == "attack" else pytest.mark.slow)
            for command in ONE
            for form in FORMS
        ),
        *((command, "one string") for command in SEVERAL),
    ],
)
def test_a_victims_string_is_the_same_in_every_command(
    command: str,
    form: str,
    places: Mapping[str, Path],
    taken: list[tuple[str, Mapping[str, Any]]],
) -> None:
    arguments = [each.format(**places) for each in (ONE | SEVERAL)[command]]
    result = iqaudit_(*arguments, *FORMS[form])
    assert "taken" in result.output
    assert result.exit_code == 2
    assert taken == [("dbcnn", OPTIONS)]


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    "victims", [f'"{STRING}"', '{spec = "dbcnn", checkpoint = "weights.pt", dataset = "live"}']
)
def test_a_victims_string_is_the_same_in_toml(
    victims: str, taken: list[tuple[str, Mapping[str, Any]]]
) -> None:
    Path("audit.toml").write_text(f'victims = [{victims}]\ndata = {{pictures = "photo.png"}}')
    assert "taken" in iqaudit_("plan", "--from", "audit.toml").output
    assert taken == [("dbcnn", OPTIONS)]


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    "ask",
    [
        lambda: as_victim(STRING),
        lambda: as_victim("dbcnn,checkpoint=weights.pt", dataset="live"),
        lambda: as_victim("dbcnn", **OPTIONS),
        lambda: iqaudit.attack("photo.png", victim=STRING),
        lambda: iqaudit.attack("photo.png", "dbcnn,dataset=live", checkpoint="weights.pt"),
        lambda: iqaudit.verify("run", STRING),
    ],
)
def test_a_victims_string_is_the_same_from_python(
    ask: Callable[[], object], taken: list[tuple[str, Mapping[str, Any]]]
) -> None:
    with pytest.raises(InputError, match="taken"):
        ask()
    assert taken == [("dbcnn", OPTIONS)]


def test_a_checkpoint_in_a_string_is_the_one_that_is_loaded(places: Mapping[str, Path]) -> None:
    result = iqaudit_("score", places["photo"], "--victim", "dbcnn,checkpoint=foo.pt")
    assert result.exit_code == 2
    assert "foo.pt: there is no such checkpoint" in result.output


@pytest.mark.parametrize("command", ONE)
def test_an_option_said_twice_is_refused_by_its_name(
    command: str, places: Mapping[str, Path]
) -> None:
    arguments = [each.format(**places) for each in ONE[command]]
    result = iqaudit_(*arguments, "--victim", STRING, "--checkpoint", "other.pt")
    assert result.exit_code == 2
    assert 'The option "checkpoint" of the victim "dbcnn" is said twice.' in result.output


def test_an_option_said_twice_from_python_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r'"dataset" of the victim "dbcnn" is said twice'):
        as_victim(STRING, dataset="csiq")
    with pytest.raises(InputError, match=r'"repeats" of the victim "reference" is said twice'):
        as_victim("reference,repeats=2", repeats=3)


def test_headers_add_up() -> None:
    spec = VictimSpec.parse("http://localhost/,header=A=env:X", {"headers": ("B=env:Y",)})
    assert spec.options["headers"] == ("A=env:X", "B=env:Y")


@pytest.mark.parametrize("command", ["verify", "insights"])
def test_an_option_of_a_victim_goes_with_its_name(command: str, places: Mapping[str, Path]) -> None:
    result = iqaudit_(command, places["run"], "--repeats", 2)
    assert result.exit_code == 2
    assert "--repeats goes with --victim" in result.output


@pytest.mark.parametrize("command", ["attack", "audit", "check"])
def test_help_has_headings_and_fits_eighty_columns(command: str) -> None:
    output = CliRunner().invoke(_cli.main, [command, "--help"], terminal_width=80).output
    headings = re.findall(r"^(\w+):\n", output, re.MULTILINE)
    assert headings == [each for each in HEADINGS if each in headings]
    assert {"Victim", "Output", "Service"} <= set(headings)
    options = output.partition("Victim:\n")[2].splitlines()
    assert max(map(len, options)) <= 80


@pytest.mark.slow
def test_a_name_tells_two_victims_of_one_kind_apart(places: Mapping[str, Path]) -> None:
    function = "python:tests.conftest:roughness"
    victims = [f"{function},range=0:20,name=first", f"{function},range=0:30,name=second"]
    named = [argument for victim in victims for argument in ("--victim", victim)]
    audit = ["audit", places["photo"], "--queries", 4, "--engine", "serial", "--out", "audit"]
    result = iqaudit_(*audit, *named, "--quiet")
    assert result.exit_code == 0, result.output
    cells = [Path("audit") / f"{name}--guided" for name in ("first", "second")]
    assert [load(cell).victim.name for cell in cells] == ["first", "second"]
    assert iqaudit_("verify", "audit").exit_code == 0
    run = ["attack", places["photo"], "--victim", victims[0], "--queries", 4, "--out", "one"]
    assert iqaudit_(*run).exit_code == 0
    assert load("one").victim.name == "first"
    assert iqaudit_("verify", "one").exit_code == 0


@pytest.mark.slow
def test_a_name_hides_nothing_of_a_victim(make_picture: MakePicture) -> None:
    own, other = as_victim("reference"), as_victim("reference,name=other")
    assert (own.card.name, other.card.name) == ("reference", "other")
    assert iqaudit.attack(make_picture(64, 64), "reference,name=other", attack="pgd", queries=4)
    picture = make_picture(64, 72)
    [one], [two] = (iqaudit.attack(picture, each, queries=120, seed=3) for each in (own, other))
    assert one.scores.tolist() == two.scores.tolist()
    assert (
        as_victim(lambda batch: batch.mean((1, 2, 3)), score_range=(0, 255), name="mean").card.name
        == "mean"
    )


def test_the_name_of_a_service_takes_the_place_of_its_address() -> None:
    spec = VictimSpec.parse("https://host/path?key=SECRET,authorised,range=0:1,name=Ours")
    assert spec.label == "Ours"
    assert spec.record("Ours")["spec"] == "https:Ours"
    assert VictimSpec(spec.record("Ours")["spec"]).kind == "https"


def test_the_papers_attack_is_that_of_the_model_whatever_its_name() -> None:
    audit = {"attacks": "paper", "victims": "liqe,untrained,name=Ours", "data": "csv:scores.csv"}
    [cell] = parse.audit_spec(audit).cells()
    assert (cell.folder, cell.attack.name) == ("Ours--bidirectional-liqe", "bidirectional-liqe")
