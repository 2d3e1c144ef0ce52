"""The strength benchmark: pieces that stop and go on, and figures that are those of a plain run."""

import json
import math
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.pieces import Piece, Result, Subject
from PIL import Image
from tests.support.pictures import MakePicture

import iqaudit
from benchmarks import curves, driver, figures, pieces, strength, tables
from iqaudit import measures
from iqaudit._core.errors import InputError
from iqaudit._core.patches import Perturbation
from iqaudit.attacks import ATTACKS, named
from iqaudit.victims import TorchModule, Victim

BUDGETS = (10, 40)


@dataclass(frozen=True, eq=False)
class State:
    problem: iqaudit.attacks.Problem
    query: int
    perturbation: Perturbation
    loss: float


@dataclass(frozen=True)
class RandomSigns:
    """A new random picture at every query: the budget makes no difference to it."""

    def init(self, problem: iqaudit.attacks.Problem) -> State:
        return State(problem, 2, np.zeros(problem.pixels.shape, np.int16), math.inf)

    def ask(self, state: State) -> iqaudit.Patched:
        signs = state.problem.stream.at(state.query).integers(2, size=state.perturbation.shape)
        return iqaudit.Patched((state.problem.levels * (2 * signs - 1)).astype(np.int16))

    def tell(self, state: State, proposal: iqaudit.Patched, loss: float) -> State:
        if loss < state.loss:
            state = replace(state, perturbation=proposal.painted(), loss=loss)
        return replace(state, query=state.query + 1)


@pytest.fixture
def subjects(make_picture: MakePicture) -> list[Subject]:
    return [
        Subject(iqaudit.Picture(f"p{seed}", make_picture(24, 32, seed)), float(seed))
        for seed in range(4)
    ]


@pytest.fixture
def planned(subjects: list[Subject]) -> list[Piece]:
    attack = named("bidirectional")
    return [
        Piece("rough", "bidirectional", repr(attack), pieces.code(attack), n, (n,), subject, seed)
        for subject in subjects
        for n in BUDGETS
        for seed in (0, 1)
    ]


class Here:
    """Makes pieces in this process, and counts them."""

    def __init__(self, victim: Victim) -> None:
        self.victim, self.made = victim, 0

    def __call__(self, todo: Sequence[Piece], workers: int) -> Generator[Result]:
        assert workers == 1
        for piece in todo:
            self.made += 1
            yield pieces.run(piece, self.victim)


def _rows(planned: Sequence[Piece], path: Path) -> list[figures.Row]:
    return figures.rows(pieces.kept(planned, pieces.read(path)))


def test_a_stopped_run_goes_on_to_the_same_rows(
    planned: list[Piece], rough: Victim, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    driver.drive(planned, whole, 1, Here(rough))
    driver.drive(planned[:5], parts, 1, Here(rough))
    rest = Here(rough)
    driver.drive(planned, parts, 1, rest)
    assert rest.made == len(planned) - 5
    assert _rows(planned, parts) == _rows(planned, whole)
    nothing = Here(rough)
    driver.drive(planned, parts, 1, nothing)
    assert nothing.made == 0


def test_a_torn_last_line_costs_its_own_piece_alone(
    planned: list[Piece], rough: Victim, tmp_path: Path
) -> None:
    path = tmp_path / "pieces.jsonl"
    driver.drive(planned[:3], path, 1, Here(rough))
    path.write_bytes(path.read_bytes()[:-100])
    assert len(pieces.read(path)) == 2
    again = Here(rough)
    driver.drive(planned[:4], path, 1, again)
    assert again.made == 2
    assert len(pieces.kept(planned[:4], pieces.read(path))) == 4


def test_a_checkpoint_is_what_a_plain_run_with_that_budget_finds(
    subjects: list[Subject], rough: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iqaudit.attacks._registry.ATTACKS", {"signs": (RandomSigns(), "")})
    piece = Piece("rough", "signs", "", "", 60, (2, 10, 60), subjects[0], seed=3)
    found = pieces.run(piece, rough)
    for at in found.checkpoints:
        [plain] = iqaudit.attack(
            subjects[0].picture, rough, attack=RandomSigns(), queries=at.queries, seed=3
        )
        clean, quality = [plain.clean_quality], [plain.adversarial_quality]
        assert at.quality == plain.adversarial_quality
        assert at.rgo == measures.rgo(clean, quality)
        assert at.deviation == measures.mean_deviation(clean, quality)
        assert at.ssim == measures.ssim(subjects[0].picture.pixels, plain.adversarial)
    assert found.curve[pieces.GRID.index(10)] == found.checkpoints[1].rgo
    assert found.checkpoints[0].rgo < found.checkpoints[2].rgo


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_an_attack_is_run_once_for_all_budgets_where_it_does_not_look_at_them(
    name: str, make_picture: MakePicture
) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 5), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    net.append(torch.nn.Linear(4, 1))
    victim = TorchModule(net, iqaudit.Scale.from_range(-2, 2))
    asked = [
        iqaudit.attack(make_picture(48, 64), victim, attack=name, queries=queries)[0].asked[:30]
        for queries in (40, 80)
    ]
    assert (asked[0] != asked[1]) == (name in strength.SCHEDULED)


def test_another_code_makes_other_pieces_but_comments_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "an_attack.py"

    def code(text: str) -> str:
        file.write_text(text)
        return pieces.code(import_module("an_attack").Attack())

    first = code("class Attack:\n    size = 2\n")
    assert code('"""Why."""\n\nclass Attack:\n    size = 2  # what\n') == first
    assert code("class Attack:\n    size = 3\n") != first


def test_pieces_of_another_version_of_an_attack_are_made_anew(
    planned: list[Piece], rough: Victim, tmp_path: Path
) -> None:
    path = tmp_path / "pieces.jsonl"
    driver.drive(planned[:2], path, 1, Here(rough))
    recoded = [replace(piece, code="0") for piece in planned[:2]]
    reset = [replace(piece, settings="Bidirectional(n_squares=3)") for piece in planned[:2]]
    for changed in (recoded, reset):
        assert pieces.kept(changed, pieces.read(path)) == []


def test_pieces_of_two_victims_of_one_name_are_not_averaged(
    planned: list[Piece], rough: Victim, tmp_path: Path
) -> None:
    path = tmp_path / "pieces.jsonl"
    other = iqaudit.victims.Function(rough.score, iqaudit.Scale.from_range(0, 30))
    driver.drive(planned[:2], path, 1, Here(rough))
    driver.drive(planned[:4], path, 1, Here(other))
    with pytest.raises(InputError, match="two victims"):
        pieces.kept(planned, pieces.read(path))


def test_rows_have_the_fields_that_readers_expect(
    planned: list[Piece], rough: Victim, tmp_path: Path
) -> None:
    path = tmp_path / "pieces.jsonl"
    driver.drive(planned, path, 1, Here(rough))
    rows = _rows(planned, path)
    names = "victim attack direction queries rgo rgo_low rgo_high srocc ssim pictures seeds"
    assert [field.name for field in fields(figures.Row)] == names.split()
    both = [row for row in rows if row.direction == "both"]
    assert [(row.queries, row.pictures, row.seeds) for row in both] == [(10, 4, 2), (40, 4, 2)]
    for row in rows:
        assert row.rgo_low is None or row.rgo_low <= row.rgo <= (row.rgo_high or 0)
    assert rows == [figures.Row(**each) for each in json.loads(json.dumps(list(map(asdict, rows))))]


def _result(picture: str, seed: int, rgo: float, attack: str = "bidirectional") -> Result:
    """Return a result whose RGO grows with the queries, evenly up to 1,000."""
    queries = 1000
    return Result(
        *("v", "v", attack, "", "", queries, picture, picture, None, seed, "lower", 5.0),
        checkpoints=tuple(
            pieces.Checkpoint(at, 5 - rgo * at / 200, rgo * at / 1000, rgo * at / 200, None)
            for at in (100, 1000)
        ),
        curve=tuple(rgo * at / queries for at in pieces.grid(queries)),
        seconds=1.0,
    )


def test_figures_are_means_over_pictures_of_means_over_seeds() -> None:
    results = [_result("a", 0, 0.1), _result("a", 1, 0.3), _result("b", 0, 0.6)]
    row = next(each for each in figures.rows(results) if each.queries == 1000)
    assert row.rgo == pytest.approx((0.2 + 0.6) / 2)
    assert row.rgo_low == pytest.approx(0.2)
    assert row.rgo_high == pytest.approx(0.6)
    assert row.ssim is None
    assert row.srocc is None


def test_what_counts_is_compared_on_the_pictures_that_both_have() -> None:
    ours = [_result("a", 0, 0.4), _result("b", 0, 0.4), _result("c", 0, 9.0)]
    paper = figures.at_checkpoint([_result("a", 0, 0.1), _result("b", 0, 0.3)], 1000)
    ratio = figures.ratio(figures.at_checkpoint(ours, 1000), paper)
    assert ratio is not None
    assert ratio.value == pytest.approx(2)
    reached = figures.reaching(list(figures.curves(ours).values()), paper)
    # Half of 0.4 is reached by the first number of the grid from 500 of 1,000 on.
    assert reached is not None
    assert reached.value == 501
    never = figures.reaching(list(figures.curves(ours).values()), {"a": 0.5})
    assert never is not None
    assert never.value == math.inf


def test_the_tables_say_what_counts_and_the_curves_are_drawn(tmp_path: Path) -> None:
    attacks = {"bidirectional": 0.2, "guided": 0.8, "nes": 0.1, "pgd": 0.9}
    results = [
        _result(picture, 0, rgo, attack) for attack, rgo in attacks.items() for picture in "ab"
    ]
    told = [line.split() for line in tables.lines(results)]
    begin = told.index(["RGO", "at", "100", "queries", "over", "bidirectional's", "at", "1,000"])
    assert told[begin + 2 : begin + 5] == [
        ["bidirectional", "0.10", "(0.10-0.10)", "0.10", "(0.10-0.10)"],
        ["guided", "0.40", "(0.40-0.40)", "0.40", "(0.40-0.40)"],
        ["nes", "0.05", "(0.05-0.05)", "0.05", "(0.05-0.05)"],
    ]
    begin = told.index(["queries", "that", "reach", "bidirectional's", "RGO", "at", "1,000"])
    assert told[begin + 2] == ["guided", "251", "251"]
    assert told[begin + 3] == ["nes", *(2 * [">", "1,000"])]
    curves.draw(results, tmp_path / "curves.png")
    assert np.asarray(Image.open(tmp_path / "curves.png")).std() > 0


def test_a_difference_is_marked_where_the_intervals_do_not_meet() -> None:
    row = figures.Row("v", "a", "both", 100, 0.5, 0.4, 0.6, None, None, 4, 1)
    apart, meets = (asdict(replace(row, rgo_low=low, rgo_high=0.9)) for low in (0.7, 0.55))
    assert "*" in list(tables.against([row], [apart]))[-1]
    assert "*" not in list(tables.against([row], [meets]))[-1]


def test_pictures_are_spread_over_the_opinion_scores(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    names = [f"{seed}.png" for seed in range(9)]
    for seed, name in enumerate(names):
        iqaudit.write(tmp_path / name, make_picture(12, 16, seed))
    opinions = "".join(f"{name},{10 * seed}\n" for seed, name in enumerate(names))
    (tmp_path / "scores.csv").write_text("image,mos\n" + opinions)
    assert sorted(each.opinion or 0 for each in strength.rated(tmp_path, 3)) == [1, 4, 7]
    assert len(strength.rated(tmp_path, 50)) == 9
    for option, demos in (("--demo", 8), ("--no-demo", 0)):
        given = strength.arguments().parse_args(["--pictures", str(tmp_path), option])
        main, more = strength.chosen_pictures(given)
        assert (len(main), len(more)) == (9, demos)
    given = strength.arguments().parse_args(["--pictures", str(tmp_path / "none"), "--no-demo"])
    with pytest.raises(InputError, match="none is not there"):
        strength.chosen_pictures(given)


def test_the_plan_interleaves_and_knows_its_attacks(subjects: list[Subject]) -> None:
    planned = strength.plan(["v", "w"], ["bidirectional"], subjects[:2], subjects[2:], [0, 1])
    budgets = len(pieces.BUDGETS)
    assert len(planned) == 2 * budgets * (2 * 2 + 2)
    first = planned[: 2 * budgets]
    assert {piece.subject for piece in first} == {subjects[0]}
    assert [piece.queries for piece in first] == 2 * list(pieces.BUDGETS)
    fit = strength.plan(
        ["v", "w"], ["bidirectional"], subjects, [], [0], unfit={("w", "bidirectional")}
    )
    assert {piece.victim for piece in fit} == {"v"}
    with pytest.raises(InputError, match="no attack"):
        strength.plan(["v"], ["bidirektional"], subjects, [], [0])


def test_the_command_refuses_an_unknown_attack_and_shows_without_running(tmp_path: Path) -> None:
    rows, pieces_file = tmp_path / "rows.json", tmp_path / "pieces.jsonl"
    command = ["--quick", "--victims", "reference", "--pieces", str(pieces_file)]
    with pytest.raises(SystemExit, match="no attack"):
        strength.main([*command, "bidirektional"])
    strength.main([*command, "--show", "--json", str(rows)])
    assert json.loads(rows.read_text()) == []
    assert not pieces_file.exists()
