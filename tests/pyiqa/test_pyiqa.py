"""The adapter against pyiqa itself, as `make test-pyiqa` runs it."""

import socket
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.pyiqa.conftest import DOWNLOADS, PutWeights
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import InputError, Scale
from iqaudit._core.picture import Pixels
from iqaudit._runs.schema import load as load_record
from iqaudit.victims import Pyiqa, _downloads, as_victim
from iqaudit.victims import _pyiqa as adapter

# What pyiqa and its libraries warn of is theirs; the tests below call them plainly.
# TReS takes minutes where the cores are in other use.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def pyiqa(hub: Path) -> Any:
    """Return pyiqa, imported when its folder of downloads is set."""
    library = import_module("pyiqa")
    assert Path(import_module("pyiqa.utils.download_util").DEFAULT_CACHE_DIR) == hub / "pyiqa"
    return library


def plainly(metric: Any, pictures: list[Pixels]) -> NDArray[np.float64]:
    """Score pictures as pyiqa's own documents do: floats in [0, 1], channels first, one a call."""
    scores = []
    for picture in pictures:
        x = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
        scores.append(float(metric(x.float() / 255)))
    return np.array(scores)


def go_through(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Send downloads to a port of this machine, with or without a network."""
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setattr("urllib.request._opener", None)  # it keeps the proxy it began with


@pytest.mark.parametrize(
    ("name", "size", "count"),
    [
        ("piqe", (97, 131), 2),
        ("cnniqa", (64, 80), 2),
        ("dbcnn", (96, 80), 2),
        ("musiq", (120, 96), 2),
        ("unique", (96, 80), 2),
        # 50 crops of 224 x 224 on a fixed grid, each also mirrored: many seconds a score.
        ("tres", (250, 230), 1),
    ],
)
def test_scores_are_those_of_pyiqa_called_plainly(
    pyiqa: Any,
    put_weights: PutWeights,
    make_picture: MakePicture,
    name: str,
    size: tuple[int, int],
    count: int,
) -> None:
    if name in DOWNLOADS:
        put_weights(name)
    # The noise must not be all there is to see: the pictures differ in their slope as well.
    pictures = [make_picture(*size, seed=0), make_picture(*size, seed=1)[::-1] // 2][:count]
    expected = plainly(pyiqa.create_metric(name, device="cpu"), pictures)
    victim = as_victim(f"pyiqa:{name}")
    assert isinstance(victim, Pyiqa)
    assert victim.direct
    answer = [np.asarray(victim.score(picture[None])).item() for picture in pictures]
    np.testing.assert_array_equal(expected, answer)
    assert np.isfinite(answer).all()
    # The seeded weights leave the picture a say: equal scores would prove little.
    assert count == 1 or abs(answer[0] - answer[1]) > 1e-4 * abs(answer[0])


def test_a_metric_stands_behind_a_defence(pyiqa: Any, make_picture: MakePicture) -> None:
    picture = make_picture(97, 131, seed=0)
    through = iqaudit.defences.Median(3).pictures(picture, None)
    defended = as_victim("pyiqa:piqe", defences=["median:3"])
    expected = plainly(pyiqa.create_metric("piqe", device="cpu"), [through[0]])
    np.testing.assert_array_equal(np.asarray(defended.score(picture[None])), expected)
    [result] = iqaudit.attack([picture], defended, queries=3)
    assert result.queries == 3


def test_the_card_says_what_pyiqa_says(pyiqa: Any) -> None:
    card = Pyiqa("piqe").card
    assert card.name == "pyiqa:piqe"
    assert (card.scale.low, card.scale.high, card.scale.lower_is_better) == (0, 100, True)
    assert card.scale.source == 'the range that pyiqa states, "0, 100", not calibrated'
    assert card.note == f"pyiqa {pyiqa.__version__}, {adapter.LICENCE}"
    assert card.largest_batch == 1
    assert card.device == "cpu"


def test_every_metric_but_those_without_a_range_has_a_scale() -> None:
    _, configs = adapter._library()
    without = []
    for name, config in configs.items():
        if config["metric_mode"] != "NR" or (
            config["metric_opts"]["type"] in adapter.MORE_THAN_A_PICTURE
        ):
            with pytest.raises(InputError, match="given one picture alone"):
                adapter._no_reference(name, configs)
            continue
        assert adapter._no_reference(name, configs) == config
        try:
            scale = adapter._scale(name, config, None, None, None)
        except InputError:
            without.append(name)
            continue
        assert scale.lower_is_better == config.get("lower_better", False)
        assert ("rough" in scale.source) == ("~" in config["score_range"])
    assert without == ["pi"]


def test_a_range_that_pyiqa_does_not_state_is_asked_for() -> None:
    with pytest.raises(InputError, match=r'for "pi" .*score_range=\(low, high\)'):
        Pyiqa("pi")


def test_what_the_caller_says_of_the_scale_goes() -> None:
    said = Pyiqa("piqe", score_range=(10, 90)).card.scale
    assert (said.low, said.high, said.lower_is_better) == (10, 90, True)
    assert said.source == "declared range 10 to 90, not calibrated"
    assert not Pyiqa("piqe", lower_is_better=False).card.scale.lower_is_better
    fitted = Scale(40, 9, lower_is_better=True)
    assert Pyiqa("piqe", scale=fitted).card.scale is fitted
    with pytest.raises(InputError, match="a direction of its own"):
        Pyiqa("piqe", scale=fitted, score_range=(0, 100))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ssim", "full-reference metric: it compares a picture with its original"),
        ("fid", "compares two sets of pictures"),
        ("clipscore", "needs a caption"),
        ("piqee", 'no metric of pyiqa called "piqee": did you mean "piqe"?'),
    ],
)
def test_what_cannot_score_a_picture_alone_is_refused(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why.replace("?", r"\?")):
        as_victim(f"pyiqa:{name}")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(InputError, match='no device "cpux" here'):
        Pyiqa("piqe", device="cpux")


@pytest.mark.parametrize("name", ["cnniqa", "piqe", "dbcnn"])
def test_below_the_smallest_side_there_is_no_score(
    put_weights: PutWeights, make_picture: MakePicture, name: str
) -> None:
    if name in DOWNLOADS:
        put_weights(name)
    victim = Pyiqa(name)
    side = victim.card.smallest_side
    assert np.isfinite(victim.score(make_picture(side, side)[None])).all()
    with pytest.raises(Exception, match=r"(?i)size|shape|kernel|small"):
        victim.score(make_picture(side - 1, side - 1)[None])


@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [
        ("musiq-spaq", "musiq_spaq_ckpt-358bb6af.pth", "pyiqa"),
        ("paq2piq", "resnet18-f37072fd.pth", "checkpoints"),
        ("liqe", "ViT-B-32.pt", "clip"),
    ],
)
def test_a_missing_download_says_which_file_and_where(
    monkeypatch: pytest.MonkeyPatch, hub: Path, name: str, file: str, folder: str
) -> None:
    go_through(monkeypatch, 9)  # refused at once, network or not
    sentence = f"lacks {file}: fetch https://.*{file} where .* put it into {hub / folder} "
    with pytest.raises(InputError, match=sentence):
        Pyiqa(name)


def test_a_missing_download_from_the_hub_says_which_repository_and_where(hub: Path) -> None:
    with pytest.raises(InputError) as raised:
        Pyiqa("hyperiqa")
    assert "timm/resnet50.a1_in1k: run `hf download timm/resnet50.a1_in1k`" in str(raised.value)
    assert f"models--timm--resnet50.a1_in1k from its cache into {hub.parent}" in str(raised.value)


def test_a_silent_network_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(adapter, "patience", lambda: _downloads.patience(0.3))
        with pytest.raises(InputError, match=r"lacks musiq_spaq_ckpt.*timed out"):
            Pyiqa("musiq-spaq")
    assert socket.getdefaulttimeout() is None


class _Runs:
    """Pickled, it is code that runs when a file is loaded without care."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, ("never",)


def test_weights_that_would_run_code_are_refused(hub: Path) -> None:
    file = hub / "pyiqa" / "musiq_ava_ckpt-e8d3f067.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"head": _Runs()}, file)
    with pytest.raises(InputError, match="would run code when loaded"):
        Pyiqa("musiq-ava")
    file.unlink()


def test_weights_of_another_network_are_refused(hub: Path) -> None:
    file = hub / "pyiqa" / "musiq_ava_ckpt-e8d3f067.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"head": torch.zeros(1)}, file)
    with pytest.raises(InputError, match=r'cannot make its metric "musiq-ava": RuntimeError'):
        Pyiqa("musiq-ava")
    file.unlink()


def test_where_the_network_differs_from_the_public_call_the_call_is_used(
    monkeypatch: pytest.MonkeyPatch, pyiqa: Any, make_picture: MakePicture
) -> None:
    inference = import_module("pyiqa.models.inference_model").InferenceModel
    own = inference.forward
    monkeypatch.setattr(inference, "forward", lambda *given, **named: own(*given, **named) / 2)
    victim = Pyiqa("piqe")
    assert not victim.direct
    picture = make_picture(64, 64)
    expected = plainly(pyiqa.create_metric("piqe", device="cpu").net, [picture]) / 2
    np.testing.assert_array_equal(expected, victim.score(picture[None]))


def test_a_metric_that_takes_one_picture_at_a_time_is_told_from_one_that_takes_more() -> None:
    device = torch.device("cpu")
    piqe = Pyiqa("piqe").module

    def one_at_a_time(x: torch.Tensor) -> torch.Tensor:
        assert len(x) == 1
        return x.mean().reshape(1)

    def of_the_batch(x: torch.Tensor) -> torch.Tensor:
        return x.mean().expand(len(x))

    assert adapter._in_batches(piqe, device)
    for score in (one_at_a_time, of_the_batch):
        module = torch.nn.Module()
        module.forward = score
        assert not adapter._in_batches(module, device)


def test_nothing_is_printed_where_results_go(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError):
        Pyiqa("musiq-spaq")
    printed = capsys.readouterr()
    assert not printed.out
    assert "Downloading" in printed.err


def test_an_attack_of_20_queries_is_counted_and_verifies(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    victim = Pyiqa("piqe")
    asked: list[int] = []
    victim.module.register_forward_hook(lambda _, given, __: asked.append(len(given[0])))
    path = tmp_path / "run"
    [result] = iqaudit.attack(make_picture(96, 112), victim, goal="raise", queries=20, out=path)
    assert len(result.scores) == 20
    assert sum(asked) == 20 + 2  # and the fingerprint
    assert result.adversarial_score < result.clean_score  # PIQE falls where quality rises
    [check] = iqaudit.verify(tmp_path / "run", "pyiqa:piqe")
    assert not check.wrong
    assert load_record(tmp_path / "run").victim.name == "pyiqa:piqe"
