"""A hardened victim is harder to push by attacks that start afresh; all of it can be taken up."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.support import hardening
from tests.support.auditing import Stopping, contents, digest, iqaudit_
from tests.support.hardening import SPEC, Net, rated
from torch import Tensor, nn

import iqaudit
from iqaudit import Hardened, InputError, Scale
from iqaudit._harden.records import HARDEN, METHODS, SetRecord
from iqaudit._harden.weights import content

SETTINGS: dict[str, Any] = {"attacks": ["square", "pgd"], "queries": 12, "engine": "serial"}


def data(folder: Path) -> dict[str, Any]:
    return {"spec": f"csv:{folder / 'scores.csv'}", "opinion_range": (0, 10)}


def made(folder: Path, out: str, victim: Any = SPEC, **others: Any) -> Hardened:
    given = SETTINGS | {"rounds": 2, "data": data(folder / "d"), "test": data(folder / "t")}
    return iqaudit.harden(folder / out, victim, **given | others)


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("harden")
    rated(folder / "d", 20)
    rated(folder / "t", 8, seed=5)
    return folder


@pytest.fixture(scope="module")
def slopes(rooms: Path) -> Hardened:
    return made(rooms, "slopes")


def rgo(hardened: Hardened) -> dict[str, float]:
    rows = hardened.audit.table().rows
    return {row.cell: float(row.values["rgo"].value or 0) for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["slopes", "attacked"])
def test_fresh_attacks_and_pgd_get_less_far(rooms: Path, method: str) -> None:
    before = content(hardening.net.state_dict())
    done = made(rooms, method, method=method)
    found = rgo(done)
    assert found[f"net+{method}--pgd"] < 0.75 * found["net--pgd"]
    assert found[f"net+{method}--square"] < 0.75 * found["net--square"]
    [row] = done.table.rows
    assert (row.victim, row.defence, row.attack) == ("net", method, "square")
    assert (row.srocc_defended.value or 0) > 0.9
    assert row.ssim.value is None
    assert content(hardening.net.state_dict()) == before
    record = json.loads((done.path / HARDEN).read_text())
    fits = record["fits"]
    assert len(fits) == (2 if method == "attacked" else 1)
    assert all(each["moved"] < each["moved_before"] for each in fits)
    if method == "attacked":
        assert [each["rows"] for each in fits] == [2 * 20, 2 * 2 * 20]


@pytest.mark.slow
def test_the_files_are_what_they_say(slopes: Hardened, rooms: Path) -> None:
    names = {each.name for each in slopes.path.iterdir()}
    assert names == {
        *("audit", "before.toml", "card.md", "harden.json", "scale.toml", "weights.safetensors")
    }
    state = load_file(slopes.weights)
    assert state.keys() == Net().state_dict().keys()
    assert not torch.equal(state["head.weight"], Net().head.weight)
    parts = datasets(rooms / "d")
    victim = iqaudit.victims.as_victim(slopes.spec)
    natives = [float(np.asarray(victim.score(pixels[None]))[0]) for pixels, _ in parts]
    scale = iqaudit.calibrate(
        slopes.spec.replace(f",scale={slopes.scale}", ",range=0:100"),
        [pixels for pixels, _ in parts],
        opinions=[opinion for _, opinion in parts],
    )
    written = tomllib.loads(slopes.scale.read_text())
    for name in ("center", "spread", "low", "high"):
        assert written[name] == pytest.approx(getattr(scale, name), rel=1e-6)
    assert iqaudit.measures.srocc(natives, [opinion for _, opinion in parts]) > 0.9
    card = slopes.card.read_text()
    for word in (slopes.spec, "20 pictures of d", "8 pictures of t", "RGO adaptive", "Licence"):
        assert word in card
    record = json.loads((slopes.path / HARDEN).read_text())
    assert (record["spec"], record["asked"]["data"]["rated"]) == (slopes.spec, 20)
    assert (
        record["table"]["rows"][0]["rgo_adaptive"]["value"]
        == slopes.table.rows[0].rgo_adaptive.value
    )


def datasets(folder: Path) -> list[tuple[Any, float]]:
    whole = iqaudit.datasets.load(f"csv:{folder / 'scores.csv'}", opinion_range=(0, 10))
    return [(iqaudit.read(each.path).pixels, each.opinion or 0.0) for each in whole.samples]


@pytest.mark.slow
def test_every_command_takes_the_string(slopes: Hardened, rooms: Path, tmp_path: Path) -> None:
    picture = rooms / "t" / "p00.png"
    assert iqaudit_("score", picture, "--victim", slopes.spec).exit_code == 0
    assert iqaudit_("check", "--victim", slopes.spec).exit_code in {0, 1}
    line = ["audit", picture, "--victim", slopes.spec, "--attack", "square", "--queries", 8]
    done = iqaudit_(*line, "--engine", "serial", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "net+slopes" in done.stdout
    assert iqaudit_("verify", tmp_path / "run").exit_code == 0
    assert iqaudit_("verify", slopes.path / "audit").exit_code == 0
    rule = ["--fail-if", "rgo > 2", "--overwrite"]
    assert iqaudit_(*line, *rule, "--out", tmp_path / "run").exit_code == 0


@pytest.mark.slow
def test_two_runs_are_the_same_bytes_and_a_third_start_asks_for_nothing(
    slopes: Hardened, rooms: Path, tmp_path: Path
) -> None:
    before = contents(slopes.path)
    again = made(rooms, "slopes")
    assert contents(slopes.path) == before
    assert again.table == slopes.table
    other = iqaudit.harden(
        tmp_path / "other", SPEC, data(rooms / "d"), data(rooms / "t"), rounds=2, **SETTINGS
    )
    for name in ("weights.safetensors", "scale.toml"):
        assert digest((other.path / name).read_bytes()) == before[name]
    assert other.table == slopes.table


@pytest.mark.slow
@pytest.mark.parametrize("method", ["slopes", "attacked"])
def test_it_goes_on_wherever_it_was_stopped(rooms: Path, tmp_path: Path, method: str) -> None:
    """At each look at a picture, and in each search: a process that dies leaves what is on disk."""
    folder = tmp_path / "stopped"
    given = SETTINGS | {"method": method, "rounds": 2}
    calls = 0

    def stopping(after: int) -> dict[str, Any]:
        def watch(*_: Any) -> Any:
            return Counting(after)

        return {"watch": watch, "observing": lambda: Observed(Stopping(after))}

    for after in (1, 7, 40, 90, 200):
        try:
            iqaudit.harden(
                folder, SPEC, data(rooms / "d"), data(rooms / "t"), **given, **stopping(after)
            )
        except KeyboardInterrupt:
            calls += 1
    assert calls > 2
    done = iqaudit.harden(folder, SPEC, data(rooms / "d"), data(rooms / "t"), **given)
    whole = iqaudit.harden(tmp_path / "whole", SPEC, data(rooms / "d"), data(rooms / "t"), **given)
    assert done.weights.read_bytes() == whole.weights.read_bytes()
    assert done.table == whole.table


class Counting:
    """A watch's context, whose count stops after so many."""

    def __init__(self, after: int) -> None:
        self._after = after

    def __enter__(self) -> Callable[[int], None]:
        return self._count

    def __exit__(self, *_: object) -> None:
        pass

    def _count(self, number: int) -> None:
        if number >= self._after:
            raise KeyboardInterrupt


class Observed:
    """A context of an observer."""

    def __init__(self, observer: Any) -> None:
        self._observer = observer

    def __enter__(self) -> Any:
        return self._observer

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.slow
def test_a_module_of_the_callers_keeps_its_weights(rooms: Path) -> None:
    net = Net()
    before = content(net.state_dict())
    done = made(rooms, "object", net, score_range=(0, 100))
    assert content(net.state_dict()) == before
    assert not net.head._forward_hooks
    [row] = done.table.rows
    assert (row.victim, row.defence) == ("Net", "slopes")
    picture = iqaudit.read(rooms / "t" / "p00.png").pixels
    old = iqaudit.score(picture, net, score_range=(0, 100))[0].score
    assert iqaudit.score(picture, net, **done.options)[0].score != pytest.approx(old)
    assert iqaudit.score(picture, net, score_range=(0, 100))[0].score == old


@pytest.mark.slow
def test_a_network_without_a_linear_head_is_trained(rooms: Path) -> None:
    net = Curved()
    before = content(net.state_dict())
    given = {"method": "train", "epochs": 2, "score_range": (0, 1)}
    done = made(rooms, "curved", net, **given)
    again = made(rooms, "curved again", net, **given)
    assert content(net.state_dict()) == before != done.weights.read_bytes()
    assert again.weights.read_bytes() == done.weights.read_bytes()
    assert [(row.victim, row.defence) for row in done.table.rows] == [("Curved", "train")]
    picture = iqaudit.read(rooms / "t" / "p00.png").pixels
    old, new = (
        iqaudit.score(picture, net, **each)[0].score
        for each in ({"score_range": (0, 1)}, done.options)
    )
    assert old != new


@pytest.mark.slow
def test_without_opinions_the_old_scores_are_kept(rooms: Path, tmp_path: Path) -> None:
    pictures = [pixels for pixels, _ in datasets(rooms / "d")]
    done = iqaudit.harden(tmp_path / "out", SPEC, pictures, **SETTINGS | {"attacks": "square"})
    record = json.loads((done.path / HARDEN).read_text())
    assert (record["asked"]["data"]["rated"], record["asked"]["test"]["pictures"]) == (0, 4)
    assert (done.path / "test.txt").exists()
    assert record["fits"][0]["srocc_before"] == 1
    [row] = done.table.rows
    assert row.srocc_defended.value is None
    assert (row.rgo_adaptive.value or 0) < (row.rgo_undefended.value or 0)


class Flat(nn.Module):
    """Without weights."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2, 3))


class Curved(nn.Module):
    """Without a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x).std(dim=(1, 2, 3))
        return y


class Stepped(Net):
    """Its scores are whole numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).int().float()


class Hidden(Net):
    """Scores by more than its state dict."""

    def __init__(self) -> None:
        super().__init__()
        self.more = [1.0]

    def forward(self, x: Tensor) -> Tensor:
        return self.more[0] * super().forward(x)

    def __deepcopy__(self, _: object) -> "Hidden":
        other = Hidden()
        other.more = [0.5]
        return other


RANGE = {"score_range": (0, 100)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"victim": lambda x: [0] * len(x), **RANGE}, "no weights of a torch network"),
        ({"victim": "command:true {picture}", **RANGE}, "no weights of a torch network"),
        ({"victim": Flat(), **RANGE}, "no weights of its own"),
        ({"victim": Curved(), **RANGE}, "does not end in a linear layer"),
        ({"victim": Hidden(), **RANGE}, "more than its state dict"),
        ({"victim": iqaudit.victims.TorchModule(Net(), Scale(50, 20))}, "made already"),
        ({"victim": f"{SPEC},defence=median:3"}, "is defended"),
        ({"victim": f"{SPEC},repeats=2"}, "are averaged"),
        ({"method": "slope"}, 'did you mean "slopes"'),
        ({"rounds": 0}, "at least 1 round"),
        ({"loss": 1.5}, "from 0 to below 1"),
        ({"levels": 0}, "levels must lie"),
        ({"attacks": ["pgd"]}, "asks for scores alone"),
        ({"attacks": ["nothing"]}, 'called "nothing"'),
        ({"epochs": 0}, "at least 1 epoch"),
        ({"method": "train", "data": "folder:d"}, "people rated"),
        ({"method": "train", "victim": Stepped(), **RANGE}, "no gradient"),
        ({"method": "train", "victim": Flat(), **RANGE}, "no weights"),
        ({"data": "folder:few", "test": None}, "at least 10 pictures"),
        ({"test": "folder:d"}, "is the same picture as"),
        ({"out": "a,name=b"}, "no victim's string"),
        ({"out": "d"}, "not empty"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_left(
    rooms: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    sentence: str,
) -> None:
    for name in ("d", "t"):
        (tmp_path / name).symlink_to(rooms / name)
    (tmp_path / "few").mkdir()
    for number in range(5):
        (tmp_path / "few" / f"{number}.png").symlink_to(rooms / "d" / f"p{number:02}.png")
    monkeypatch.chdir(tmp_path)
    there = sorted(tmp_path.iterdir())
    given: dict[str, Any] = {
        "out": "out", "victim": SPEC, "data": data(Path("d")), "test": data(Path("t"))
    }  # fmt: skip
    with pytest.raises(InputError, match=sentence) as raised:
        iqaudit.harden(**SETTINGS | given | change)
    assert "\n" not in str(raised.value)
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "name"),
    [({"loss": 0.05}, "loss"), ({"seed": 1}, "seed"), ({"queries": 13}, "campaign"),
     ({"method": "attacked"}, "method"), ({"test": "folder:few"}, "test")],
)  # fmt: skip
def test_the_directory_of_another_is_left_alone(
    slopes: Hardened,
    rooms: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    name: str,
) -> None:
    (tmp_path / "few").mkdir()
    iqaudit.write(tmp_path / "few" / "p.png", datasets(rooms / "t")[0][0])
    monkeypatch.chdir(tmp_path)
    before = contents(slopes.path)
    with pytest.raises(InputError, match=f"begun with another {name}|begun with another campaign"):
        made(rooms, "slopes", **change)
    assert contents(slopes.path) == before


def test_every_method_has_its_sentence() -> None:
    assert list(METHODS) == ["slopes", "attacked", "train"]


def test_what_pictures_are_called_begins_no_other_hardening() -> None:
    one, other = (
        SetRecord(name=each, pictures=2, rated=2, sha256="0") for each in ("w", "w/s.csv")
    )
    assert one == other
