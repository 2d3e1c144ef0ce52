"""The paper's four victims: the authors' tensors, the authors' scores, and what they look at."""

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit import InputError
from iqaudit.testing._victims import Recording
from iqaudit.victims import as_victim
from iqaudit.victims._models import dbcnn, liqe, tres, unique
from iqaudit.victims._objects import Function

NETS: dict[str, type[torch.nn.Module]] = {
    "dbcnn": dbcnn.DBCNNNet,
    "unique": unique.UNIQUENet,
    "tres": tres.TReSNet,
}


@pytest.fixture(scope="module")
def parity(shared: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((shared / "parity" / "paper_victims.json").read_text())
    return loaded


def _ruled_weights(state: dict[str, torch.Tensor], gain: float) -> dict[str, torch.Tensor]:
    """Fill a state dict by the rule under which the authors' modules were run."""
    filled = {}
    for name, value in state.items():
        if not value.is_floating_point() or name.endswith(".filter"):
            filled[name] = value
            continue
        salt = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 1000
        places = torch.arange(value.numel(), dtype=torch.float64)
        r = torch.sin(places * 12.9898 + salt) * 43758.5453
        r = (2 * (r - torch.floor(r)) - 1).reshape(value.shape)
        if name.endswith("running_var"):
            r = 1 + 0.25 * r
        elif name.endswith("running_mean"):
            r = 0.1 * r
        elif value.ndim >= 2:
            r = r * math.sqrt(3 * gain / value[0].numel()) * (30 if name.startswith("fc.") else 1)
        elif name.endswith("weight"):
            r = 1 + 0.1 * r
        else:
            r = 0.05 * r
        filled[name] = r.float()
    return filled


def _ruled_picture(height: int, width: int, kind: int) -> np.ndarray:
    """Return the picture of the rule: uint8, (1, height, width, 3)."""
    r = torch.sin(torch.arange(3 * height * width, dtype=torch.float64) * 78.233) * 43758.5453
    r = (r - torch.floor(r)).reshape(3, height, width)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    if kind == 1:
        r = ((torch.arange(3)[:, None, None] + rows // 8 + columns // 8) % 2).double()
    elif kind == 2:
        r = 0.1 * r
    ramp = (rows.double() / height + columns.double() / width) / 2
    levels = torch.round((0.5 * r + 0.5 * ramp) * 255).to(torch.uint8)
    return levels.permute(1, 2, 0)[None].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("model", NETS)
def test_tensors_and_scores_are_those_of_the_authors_module(
    model: str, parity: dict[str, Any], tmp_path: Path
) -> None:
    expected = parity[model]
    state = NETS[model]().state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == expected["state"]
    checkpoint = tmp_path / "authors.pt"
    weights = _ruled_weights(state, expected["gain"])
    torch.save({f"module.{name}": value for name, value in weights.items()}, checkpoint)
    victim = as_victim(model, checkpoint=checkpoint, dataset="live")
    height, width = expected["height_width"]
    scores = [
        float(np.asarray(victim.score(_ruled_picture(height, width, kind)))[0]) for kind in range(3)
    ]
    assert scores == pytest.approx(expected["scores"], rel=1e-3)
    assert victim.card.note == ""
    assert victim.card.scale == iqaudit.Scale.paper(model, "live")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dbcnn"])
def test_untrained_ones_must_be_asked_for_and_say_so(model: str, make_picture: MakePicture) -> None:
    with pytest.raises(InputError, match="untrained=True"):
        as_victim(model)
    victim = as_victim(model, untrained=True)
    assert "untrained" in victim.card.note
    picture = make_picture(224, 230)
    [result] = iqaudit.attack(picture, victim, queries=4)
    [again] = iqaudit.attack(picture, as_victim(model, untrained=True), queries=4)
    assert np.array_equal(result.scores, again.scores)
    assert len(set(result.scores)) == 4  # a change of the picture changes the score


@pytest.fixture(scope="module")
def unique_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unique") / "unique.pt"
    torch.save(unique.UNIQUENet().state_dict(), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [None, "state_dict"])
def test_a_checkpoint_fits_with_and_without_wrapping(
    wrap: str | None, unique_checkpoint: Path, tmp_path: Path
) -> None:
    state = torch.load(unique_checkpoint, weights_only=True)
    path = tmp_path / "wrapped.pt"
    torch.save({wrap: state, "epoch": 3} if wrap else state, path)
    assert as_victim("unique", checkpoint=path, dataset="csiq").card.name == "unique"


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("touched"),))


@pytest.mark.slow
def test_a_checkpoint_that_does_not_fit_is_refused(
    unique_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = torch.load(unique_checkpoint, weights_only=True)
    del state["fc.bias"]
    torch.save(state, "less.pt")
    torch.save({"weights": _Evil()}, "evil.pt")
    torch.save({"epoch": 3}, "empty.pt")
    Path("text.pt").write_text("not a checkpoint")
    for name, sentence in (
        ("less.pt", r"not this model's.*fc.bias"),
        ("evil.pt", "no checkpoint of plain tensors"),
        ("empty.pt", "no state dict"),
        ("text.pt", "no checkpoint"),
        ("missing.pt", "no such checkpoint"),
    ):
        with pytest.raises(InputError, match=sentence):
            as_victim("unique", checkpoint=name, dataset="live")
    assert not Path("touched").exists()
    with pytest.raises(InputError, match="score range"):
        as_victim("unique", checkpoint=unique_checkpoint)
    with pytest.raises(InputError, match="takes no colour"):
        as_victim("unique", checkpoint=unique_checkpoint, colour="red")


@pytest.mark.parametrize(("model", "size"), [("tres", (230, 300)), ("liqe", (384, 512))])
def test_an_attack_draws_only_where_the_victim_looks(
    model: str, size: tuple[int, int], make_picture: MakePicture
) -> None:
    window = {"tres": tres.centre, "liqe": liqe.seen}[model](*size)
    clean = make_picture(*size)
    inside = np.zeros(size, bool)
    inside[window.top : window.top + window.height, window.left : window.left + window.width] = True
    victim = Recording(Function(roughness, iqaudit.Scale.from_range(0, 20)))
    victim.card = replace(victim.card, window=lambda _height, _width: window)
    iqaudit.attack(clean, victim, queries=60)
    _, stripes, *_ = victim.pictures
    assert (stripes[inside] != clean[inside]).any(axis=-1).mean() > 0.9  # but for 0 and 255
    for picture in victim.pictures:
        assert np.array_equal(picture[~inside], clean[~inside])


@pytest.mark.slow
def test_tres_sees_its_centre_alone() -> None:
    net = tres.TReSNet().eval()
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 260, 300, generator=rng)
    top, left, height, width = tres.centre(260, 300)
    other = torch.rand(1, 3, 260, 300, generator=rng)
    other[:, :, top : top + height, left : left + width] = x[
        :, :, top : top + height, left : left + width
    ]
    with torch.inference_mode():
        assert torch.equal(net(x), net(other))


def test_liqes_crops_leave_as_much_unseen_as_they_do() -> None:
    seen = np.zeros((384, 512), bool)
    for top, left in liqe.crops(384, 512):
        seen[top : top + 224, left : left + 224] = True
    assert 1 - seen.mean() == pytest.approx(0.08, abs=0.01)
    assert len(liqe.crops(384, 512)) == 15
    assert liqe.crops(224, 256) == [(0, 0), (0, 32)]


@pytest.mark.slow
def test_liqe_gives_an_expected_level() -> None:
    victim = as_victim("liqe", untrained=True)
    picture = np.random.default_rng(0).integers(0, 256, (1, 240, 230, 3), dtype=np.uint8)
    [score] = np.asarray(victim.score(picture))
    assert 1 <= score <= 5


@pytest.mark.slow
def test_clip_texts_do_not_depend_on_what_pads_them() -> None:
    from iqaudit.victims._models.clip import CLIP

    torch.manual_seed(0)
    clip = CLIP().eval()
    tokens = torch.tensor([[49406, 320, 1125, 49407]])
    padded = torch.cat((tokens, torch.full((1, 9), 77)), dim=1)
    with torch.inference_mode():
        one = clip.encode_text(tokens, torch.tensor([3]))
        two = clip.encode_text(padded, torch.tensor([3]))
    assert torch.allclose(one, two, rtol=1e-4, atol=1e-5)
