"""A defended victim is a victim: of any kind, in every search, stopped and taken up again."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from tests.support.auditing import ROUGH, begun, contents, iqaudit_, killed, serial
from tests.support.scorers import roughness
from torch import Tensor, nn
from torch.nn import functional

import iqaudit
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream
from iqaudit._runs.schema import load
from iqaudit.defences import Jpeg, Median
from iqaudit.defences._base import question
from iqaudit.defences._registry import chain
from iqaudit.testing import synthetic_picture
from iqaudit.victims import Function, TorchModule, Victim, as_victim
from iqaudit.victims._base import gradient_of, open_session
from iqaudit.victims._defended import Defended, Local
from iqaudit.victims._spec import VictimSpec

SCALE = iqaudit.Scale.from_range(-1, 1)
HEIGHT, WIDTH = 40, 52
PICTURE = synthetic_picture(HEIGHT, WIDTH)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, 2), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.layers(x).mean((1, 2, 3))
        return scores


def net() -> TorchModule:
    return TorchModule(Net().eval(), SCALE)


def behind(victim: Victim, *defences: str) -> Victim:
    return cast("Victim", Defended(victim, defences))


@pytest.mark.parametrize(
    "defences", [["bits:4"], ["blur:3"], ["median:5"], ["round:0.001"], ["median:3", "blur:5"]]
)
def test_a_local_defence_scores_again_only_where_a_change_reaches(defences: list[str]) -> None:
    """And scores what the whole picture behind it scores."""
    victim = behind(net(), *defences)
    session = open_session(victim, HEIGHT, WIDTH, 1000, Stream(0, ""))
    assert isinstance(session, Local)
    draw, base = np.random.default_rng(0), PICTURE
    for _ in range(12):
        patches = tuple(
            Patch(
                int(draw.integers(40 - height + 1)),
                int(draw.integers(52 - width + 1)),
                draw.integers(0, 256, (height, width, 3), np.uint8),
            )
            for height, width in draw.integers(1, 8, (3, 2)).tolist()
        )
        change = Patched(base, patches)
        [score] = np.asarray(session.scores([(session, change)]))
        np.testing.assert_array_equal(
            session.through(change).painted(),
            question(chain(defences), change.painted(), None).pictures[0],
        )
        assert score == pytest.approx(
            np.asarray(victim.score(change.painted()[None]))[0], rel=1e-5, abs=1e-6
        )
        if draw.random() < 0.5:
            base = change.painted()
    session.close()


@pytest.mark.parametrize(
    "defences", [["jpeg:75"], ["resize:0.5"], ["mirror-mean"], ["jpeg:50", "round:0.001"]]
)
def test_whole_pictures_behind_a_defence_are_scored_as_a_search_scores_them(
    defences: list[str],
) -> None:
    """By the network's own steps, which are faster than the module; to the same scores."""
    inner = net()
    victim = behind(inner, *defences)
    changes = [
        Patched(PICTURE, (Patch(3, 5, np.full((6, 7, 3), level, np.uint8)),))
        for level in range(0, 200, 10)
    ]
    densely = [float(np.asarray(victim.score(each.painted()[None]))[0]) for each in changes]
    session = open_session(victim, HEIGHT, WIDTH, 1000, Stream(0, ""))
    assert session is not None
    passes: list[Tensor] = []
    with inner.module.register_forward_hook(lambda _, taken, __: passes.append(taken[0])):
        scores = [np.asarray(session.scores([(session, each)]))[0] for each in changes]
    np.testing.assert_allclose(scores, densely, rtol=1e-5, atol=1e-6)
    assert len(passes) < len(changes) / 2  # comparisons
    session.close()


def test_no_two_questions_get_the_same_draw() -> None:
    victim = behind(net(), "noise:8")
    outside = [np.asarray(victim.score(PICTURE[None]))[0] for _ in range(5)]
    session = open_session(victim, HEIGHT, WIDTH, 1000, Stream(0, "picture"))
    assert session is not None
    inside = [np.asarray(session.scores([(session, Patched(PICTURE))]))[0] for _ in range(5)]
    assert len({*outside, *inside}) == 10


def test_draws_come_back_where_a_search_goes_on() -> None:
    """As many as were asked, and one that was not answered is the same question again."""
    victim = behind(net(), "noise:8")

    def scores(known: int, *, again: bool = False) -> list[float]:
        session = open_session(victim, HEIGHT, WIDTH, 1000, Stream(0, "picture"))
        assert session is not None
        changes = [Patched(PICTURE) for _ in range(6)]
        for change in changes[:known]:
            session.recall(change)
        asked = []
        for change in changes[known:]:
            for _ in range(1 + again):
                [score] = np.asarray(session.scores([(session, change)])).tolist()
            asked.append(score)
        return asked

    whole = scores(0)
    assert len(set(whole)) == 6
    assert scores(4) == whole[4:]
    assert scores(0, again=True) == whole


def test_other_searches_draw_otherwise() -> None:
    victim = behind(net(), "noise:8")
    found = set()
    for stream in (Stream(0, "one"), Stream(1, "one"), Stream(0, "two")):
        session = open_session(victim, HEIGHT, WIDTH, 1000, stream)
        assert session is not None
        found.add(np.asarray(session.scores([(session, Patched(PICTURE))])).item())
    assert len(found) == 3


@pytest.fixture
def spec(photos: Path) -> AuditSpec:
    """Return an audit of victims that draw, averaged and not, and of one that does not."""
    options: list[dict[str, object]] = [
        {"defences": ["noise:4"]},
        {"defences": ["smooth:3@8", "median:3"], "repeats": 2},
        {"defences": ["jpeg:75", "round:0.01"]},
    ]
    victims = tuple(VictimSpec(ROUGH, each) for each in options)
    return AuditSpec(victims, Data(pictures=(str(photos),)), ("square", "guided"), queries=20)


@pytest.mark.slow
@pytest.mark.parametrize("after", [7, 200])
def test_a_stopped_audit_goes_on_to_the_same_bytes(
    after: int, spec: AuditSpec, tmp_path: Path
) -> None:
    serial(spec, tmp_path / "whole")
    begun(spec, tmp_path / "run", after)
    serial(spec, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_killed_audit_goes_on_to_the_same_bytes_among_workers(
    photos: Path, tmp_path: Path
) -> None:
    line = [
        *("audit", photos, "--victim", f"{ROUGH},defence=noise:4", "--attack", "square"),
        *("--queries", 60, "--quiet", "--out"),
    ]
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert iqaudit_(*line, whole).exit_code == 0
    killed([*line, run], run)
    assert iqaudit_(*line, run, "--engine", "processes", "--workers", 2).exit_code == 0
    for name in ("results.json", "audit.json"):
        for file in whole.rglob(name):
            assert (run / file.relative_to(whole)).read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_it_is_named_and_verified(photos: Path, tmp_path: Path) -> None:
    line = ["--victim", ROUGH, "--defence", "median:3", "--defence", "noise:2", "--queries", 12]
    run = tmp_path / "run"
    assert iqaudit_("attack", photos, *line, "--out", run).exit_code == 0
    victim = load(run).victim
    assert victim.name == "rough+median:3+noise:2"
    assert "behind median:3+noise:2" in victim.note
    assert victim.options == {"defences": ["median:3", "noise:2"]}
    assert victim.noise > 0
    assert iqaudit_("verify", run).exit_code == 0
    told = iqaudit_("check", *line[:6], "--pictures", photos)
    assert "median:3+noise:2" in told.output


def test_cells_of_defences_are_told_apart(photos: Path) -> None:
    victims = ["reference", "reference,defence=jpeg:75", "reference,defence=jpeg:50"]
    spec = AuditSpec(tuple(map(VictimSpec.parse, victims)), Data(pictures=(str(photos),)))
    assert len({cell.folder for cell in spec.cells()}) == 3


def roughly(pictures: Pixels) -> np.ndarray:
    return roughness(pictures)


@pytest.fixture(params=["function", "module", "exported", "onnx", "http", "python", "command"])
def make(  # noqa: PLR0911
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[Sequence[object]], object]:
    """Return a maker of a victim of a kind, with defences."""
    if request.param == "function":
        return lambda defences: as_victim(roughly, score_range=(0, 20), defences=defences)
    if request.param == "module":
        return lambda defences: as_victim(Net(), score_range=(-1, 1), defences=defences)
    if request.param == "exported":
        file = tmp_path / "net.pt2"
        torch.export.save(torch.export.export(Net().eval(), (torch.zeros(1, 3, 40, 52),)), file)
        return lambda defences: as_victim(f"torch:{file}", score_range=(-1, 1), defences=defences)
    if request.param == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
        from tests.victims.test_onnx import network

        text = network(tmp_path / "net.onnx", ["n", 3, "h", "w"])
        return lambda defences: as_victim(text, score_range=(0, 1), defences=defences)
    if request.param == "http":
        url = request.getfixturevalue("server").url
        return lambda defences: as_victim(url, score_range=(0, 20), defences=defences)
    if request.param == "python":
        return lambda defences: as_victim(ROUGH, defences=defences)
    program = tmp_path / "score.py"
    program.write_text(
        "import sys, numpy, PIL.Image\n"
        "print(numpy.asarray(PIL.Image.open(sys.argv[1])).astype(float).mean())\n",
        "utf-8",
    )
    text = f"command:{sys.executable} {program} {{picture}}"
    return lambda defences: as_victim(text, score_range=(0, 255), defences=defences)


def test_any_victim_stands_behind_a_defence(make: Callable[[Sequence[object]], object]) -> None:
    plain, defended = make([]), make(["median:3", Jpeg(75)])
    through = Jpeg(75).pictures(Median(3).pictures(PICTURE, None)[0], None)
    assert isinstance(plain, iqaudit.victims.Victim)
    assert isinstance(defended, iqaudit.victims.Victim)
    [score] = np.asarray(defended.score(PICTURE[None]))
    assert score == np.asarray(plain.score(through))[0]
    assert (gradient_of(plain) is None) == (gradient_of(defended) is None)
    [result] = iqaudit.attack([PICTURE], make(["smooth:2@4", "median:3"]), queries=4)
    assert len(result.scores) == 4


def test_a_replay_stands_behind_a_defence_of_the_answer(photos: Path, tmp_path: Path) -> None:
    iqaudit.attack(photos, ROUGH, queries=6, out=tmp_path / "run")
    replay = as_victim(f"replay:{tmp_path / 'run'}", defences="round:0.5")
    clean = iqaudit.read(photos / "p0.png").pixels
    [score] = np.asarray(replay.score(clean[None]))
    assert score == np.rint(2 * roughness(clean[None])[0]) / 2
    with pytest.raises(iqaudit.InputError, match="defences of the answer alone"):
        iqaudit.score(photos / "p0.png", f"replay:{tmp_path / 'run'}", defences="bits:4")


def test_the_gradient_of_a_smooth_scorer_is_that_of_finite_differences() -> None:
    """Through a blur, whose rounding the scorer does not see at steps as large as these."""
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=PICTURE.shape)).float()

    class Linear(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen = functional.interpolate(x, PICTURE.shape[:2])  # of the noise's picture, too
            return (seen * weights.permute(2, 0, 1)).mean((1, 2, 3))

    for defences in (["blur:3"], ["mirror-mean"], ["noise:2", "mirror-mean"]):
        victim = as_victim(Linear(), score_range=(-1, 1), defences=defences)
        gradient = gradient_of(victim)
        assert gradient is not None
        slope = np.asarray(gradient(PICTURE.copy()), np.float64)
        moved = np.clip(PICTURE + 24 * np.sign(slope), 0, 255).astype(np.uint8)
        low, high = np.asarray(victim.score(np.stack([PICTURE, moved])))
        foretold = (slope * (moved - PICTURE.astype(float))).sum()
        assert high - low == pytest.approx(foretold, rel=0.03)


@pytest.mark.slow
def test_pgd_goes_through_a_defence_and_says_how(tmp_path: Path) -> None:
    run = tmp_path / "run"
    line = ["--defence", "bits:6", "--defence", "noise:1", "--attack", "pgd", "--queries", 6]
    (tmp_path / "pictures").mkdir()
    iqaudit.write(tmp_path / "pictures" / "a.png", synthetic_picture(64, 64))
    done = iqaudit_("attack", tmp_path / "pictures", "--victim", "reference", *line, "--out", run)
    assert done.exit_code == 0, done.output
    note = load(run).victim.note
    assert "straight through bits:6 (BPDA), the mean of 8 draws (EOT)" in note


def test_smaller_pictures_are_told_beforehand() -> None:
    whole = Function(roughly, iqaudit.Scale.from_range(0, 20), smallest_side=20)
    assert Defended(whole, ["median-crops:3"]).card.smallest_side == 60
    assert Defended(whole, ["jpeg:75"]).card.smallest_side == 20
    assert Defended(whole, ["crop:0.5"]).card.smallest_side == 39
    with pytest.raises(iqaudit.InputError, match="of no picture up to 4,096 a side"):
        Defended(whole, ["crop:0.000001"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--defence", "jpeg:0"],
        ["--defence", "nothing"],
        ["--victim", "reference,defence=median:4"],
        ["--defence", "smooth:3"],
        ["--defence", "smooth:1000000000@8"],
        ["--defence", "median:3+"],
        ["--defence", ""],
        ["--victim", "reference,defence="],
        ["--defence", "noise:2", "--fresh", "-1"],
        ["--victim", "replay:run", "--defence", "jpeg:75"],
    ],
)
def test_a_mistake_is_a_sentence(arguments: list[str], photos: Path, tmp_path: Path) -> None:
    done = iqaudit_("attack", photos, *arguments, "--out", tmp_path / "run")
    assert done.exit_code == 2, done.output
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
