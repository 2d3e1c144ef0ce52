"""Checkpoints are understood as trainers save them, and refused in one sentence."""

import argparse
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from iqaudit import InputError
from iqaudit.victims._models.checkpoint import load_checkpoint

State = dict[str, Tensor]


def _net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 1))


def _behind(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


FORMS: dict[str, Callable[[State, State], Any]] = {
    "alone": lambda s, _: s,
    "state_dict": lambda s, _: {"state_dict": s},
    "model, an optimiser": lambda s, _: {"model": s, "optimizer": {"state": {0: {"step": 1}}}},
    "model_state_dict, tensors": lambda s, _: {
        "model_state_dict": s,
        "optimizer_state_dict": {"state": {0: {"exp_avg": torch.ones(4, 3, 3, 3)}}},
        "loss": torch.tensor(0.5),
    },
    "net, lists": lambda s, _: {"net": s, "train_loss": [0.5], "results": {"live": [0.9]}},
    "params, params_ema": lambda s, other: {"params": other, "params_ema": s},
    "model, ema": lambda s, other: {"model": other, "ema": {"module": s}},
    "the same twice": lambda s, _: {"best": s, "last": dict(s)},
    "another size beside": lambda s, _: {"small": s | {"2.bias": torch.ones(7)}, "right": s},
    "another network beside": lambda s, _: {"g": s, "d": {"0.weight": torch.ones(2)}},
    "module.": lambda s, _: _behind("module.", s),
    "_orig_mod.": lambda s, _: _behind("_orig_mod.", s),
    "model.": lambda s, _: {"state_dict": _behind("model.", s) | {"loss.weight": torch.ones(3)}},
    "module._orig_mod.model.": lambda s, _: {"a": {"b": _behind("module._orig_mod.model.", s)}},
    "a wrapped part": lambda s, _: {k.replace("0.", "0.module."): v for k, v in s.items()},
    "n_averaged": lambda s, _: _behind("module.", s) | {"n_averaged": torch.tensor(3)},
    "no counters": lambda s, _: {k: v for k, v in s.items() if "num_batches" not in k},
    "half precision": lambda s, _: {k: v.half() if v.dim() else v for k, v in s.items()},
    "numpy": lambda s, _: {
        "net": s,
        "srcc": {"live": [np.float64(0.9), np.float32(0.8), np.int64(3), np.bool_(True)]},
        "curve": np.linspace(0, 1, 5),
    },
    "settings": lambda s, _: {
        "net": s,
        "args": argparse.Namespace(rate=0.1, out=Path("runs")),
        "epoch": 3,
        "shape": torch.Size([1]),
        "type": torch.float32,
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_found_as_trainers_save_them(form: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    state, other = _net(1).state_dict(), _net(2).state_dict()
    torch.save(FORMS[form](state, other), path)
    net = _net()
    remark = load_checkpoint(net, path)
    exact = form != "half precision"
    for name, value in net.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0 if exact else 1e-3, atol=1e-3)
    assert remark == {
        "params, params_ema": "weights: params_ema",
        "model, ema": "weights: ema.module",
    }.get(form, "")


def test_a_file_of_safetensors_is_a_checkpoint(tmp_path: Path) -> None:
    path, net = tmp_path / "net.safetensors", _net()
    save_file(_behind("module.", _net(1).state_dict()), path)
    assert load_checkpoint(net, path) == ""
    own, saved = net.state_dict(), _net(1).state_dict()
    assert all(torch.equal(own[name], saved[name]) for name in own)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="no checkpoint of plain tensors"):
        load_checkpoint(net, path)


def test_an_optimisers_state_is_no_network(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({"optimizer": _state_of_adam(), "net": _net(1).state_dict()}, path)
    net = _net()
    assert load_checkpoint(net, path) == ""
    own, saved = net.state_dict(), _net(1).state_dict()
    assert torch.equal(own["2.weight"], saved["2.weight"])


def _state_of_adam() -> dict[str, Any]:
    net = _net()
    for each in net.parameters():
        each.grad = torch.ones_like(each)
    optimiser = torch.optim.Adam(net.parameters())
    optimiser.step()
    return optimiser.state_dict()


class _Code:
    """It would run when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("touched"),))


REFUSED: dict[str, tuple[Callable[[State, State], Any], str]] = {
    "two networks": (lambda s, o: {"student": s, "teacher": o}, r"several.*\(student, teacher\)"),
    "too few": (lambda s, _: {k: s[k] for k in list(s)[:-1]}, "not this model's.*2.bias"),
    "too many": (lambda s, _: s | {"3.bias": torch.ones(1)}, "not this model's.*3.bias"),
    "another shape": (lambda s, _: s | {"2.bias": torch.ones(7)}, r"not this model's.*2.bias.*\[7"),
    "another shape behind a prefix": (
        lambda s, _: {"net": _behind("model.", s | {"2.bias": torch.ones(7)})},
        r"not this model's: size mismatch for 2.bias.*\[7",
    ),
    "an endless shape": (
        lambda s, _: s | {"2.bias": torch.ones(1).expand(2**50)},
        "not this model's: size mismatch for 2.bias",
    ),
    "an optimiser alone": (lambda *_: _state_of_adam(), "holds no state dict"),
    "an empty mapping": (lambda *_: {}, "holds no state dict"),
    "a list": (lambda s, _: [s], "holds no state dict"),
    "a number": (lambda *_: 3, "holds no state dict"),
    "numbers for names": (lambda s, _: dict(enumerate(s.values())), "holds no state dict"),
    "whole numbers": (
        lambda s, _: s | {"2.weight": torch.ones((1, 4), dtype=torch.int8)},
        r"2.weight holds numbers of another kind \(torch.int8\)",
    ),
    "complex numbers": (lambda s, _: s | {"2.bias": torch.ones(1) * 1j}, "another kind"),
    "a text for weights": (lambda s, _: s | {"2.bias": "text"}, "not this model's.*2.bias"),
    "without storage": (lambda s, _: {k: v.to("meta") for k, v in s.items()}, "no state dict"),
    "code": (lambda s, _: {"net": s, "x": _Code()}, "holds a pathlib.Path.touch|holds a .*getattr"),
    "a module": (lambda *_: _net(), "holds a torch.nn.modules.container.Sequential, and no code"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_said(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, sentence = REFUSED[what]
    torch.save(content(_net(1).state_dict(), _net(2).state_dict()), "net.pt")
    with pytest.raises(InputError, match=sentence) as error:
        load_checkpoint(_net(), "net.pt")
    assert "\n" not in str(error.value)
    assert not Path("touched").exists()


def test_files_of_other_kinds_are_said(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("weights")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "folder.pt").mkdir()
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as archive:
        archive.writestr("readme.txt", "no weights")
    kinds = {
        "text.pt": "no checkpoint of plain tensors",
        "empty.pt": "no checkpoint of plain tensors",
        "zip.pt": "no checkpoint of plain tensors",
        "folder.pt": "this is a folder",
        "missing.pt": "there is no such checkpoint",
    }
    for name, sentence in kinds.items():
        with pytest.raises(InputError, match=sentence):
            load_checkpoint(_net(), tmp_path / name)


@pytest.mark.parametrize("zipped", [True, False])
def test_damage_anywhere_ends_in_a_sentence(zipped: bool, tmp_path: Path) -> None:  # noqa: FBT001
    saved = io.BytesIO()
    content = {"net": _net().state_dict(), "optimizer": _state_of_adam()}
    torch.save(content, saved, _use_new_zipfile_serialization=zipped)
    path, draw, net = tmp_path / "net.pt", random.Random(0), _net()  # noqa: S311
    refused = taken = 0
    for turn in range(300):
        data = bytearray(saved.getvalue())
        if turn % 3 == 0:
            del data[draw.randrange(len(data)) :]
        for _ in range(turn % 5 + 1):
            if data:
                data[draw.randrange(min(len(data), 3000))] = draw.randrange(256)
        path.write_bytes(data)
        try:
            load_checkpoint(net, path)
        except InputError as error:
            refused += "\n" not in str(error)
        else:
            taken += 1
    assert refused + taken == 300
    assert refused > 100


def test_classes_that_are_let_in_are_not_let_in_afterwards(tmp_path: Path) -> None:
    before = torch.serialization.get_safe_globals()
    torch.save(_net().state_dict(), tmp_path / "net.pt")
    load_checkpoint(_net(), tmp_path / "net.pt")
    assert set(torch.serialization.get_safe_globals()) == set(before)
