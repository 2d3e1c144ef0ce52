"""Any torch victim takes other weights; a module of the caller's keeps its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.support import hardening
from tests.support.hardening import SPEC, Net, parts
from torch import nn

import iqaudit
from iqaudit import InputError
from iqaudit._harden.weights import content
from iqaudit.victims import as_victim

PICTURE = next(parts(1, 0))[0]


def scored(victim: object) -> float:
    return iqaudit.score(PICTURE, victim)[0].score


@pytest.fixture
def other(tmp_path: Path) -> tuple[nn.Module, Path]:
    net = Net().eval()
    with torch.no_grad():
        net.head.weight += 3
    file = tmp_path / "other.safetensors"
    save_file(net.state_dict(), file)
    return net, file


def test_a_named_module_and_one_that_is_handed_over(other: tuple[nn.Module, Path]) -> None:
    net, file = other
    expected = scored(as_victim(net, score_range=(0, 100)))
    before = content(hardening.net.state_dict())
    assert scored(f"{SPEC},checkpoint={file}") == expected
    assert scored(as_victim(hardening.net, score_range=(0, 100), checkpoint=file)) == expected
    assert content(hardening.net.state_dict()) == before
    assert scored(SPEC) != expected


def test_a_saved_program(other: tuple[nn.Module, Path], tmp_path: Path) -> None:
    net, file = other
    plain = nn.Sequential(
        nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1)
    )
    state = {name: torch.ones_like(value) for name, value in plain.state_dict().items()}
    save_file(state, tmp_path / "ones.safetensors")
    like = torch.zeros(1, 3, *PICTURE.shape[:2])
    torch.export.save(torch.export.export(plain.eval(), (like,)), tmp_path / "net.pt2")
    spec = f"torch:{tmp_path / 'net.pt2'},range=-99:99"
    before = scored(spec)
    plain.load_state_dict(state)
    expected = scored(as_victim(plain, score_range=(-99, 99)))
    assert scored(f"{spec},checkpoint={tmp_path / 'ones.safetensors'}") == pytest.approx(expected)
    assert before != pytest.approx(expected)
    del net
    with pytest.raises(InputError, match="not this model's"):
        as_victim(f"{spec},checkpoint={file}")


def test_the_bundled_one_and_a_scale_of_its_own(tmp_path: Path) -> None:
    base = as_victim("reference")
    weights: nn.Module = base.weights  # type: ignore[attr-defined]
    state = {name: value.detach().clone() for name, value in weights.state_dict().items()}
    state["head.bias"] += 1
    (tmp_path / "w.safetensors").write_bytes(content(state))
    large = np.kron(PICTURE, np.ones((2, 2, 1), np.uint8))
    spec = f"reference,checkpoint={tmp_path / 'w.safetensors'},range=0:200"
    victim = as_victim(spec)
    [before], [after] = (np.asarray(each.score(large[None])) for each in (base, victim))
    odds = before / (100 - before) * np.e
    assert after == pytest.approx(100 * odds / (1 + odds), rel=1e-4)
    assert (victim.card.scale.center, base.card.scale.high) == (100, 100)


class _Locked(Net):
    def __deepcopy__(self, _: object) -> nn.Module:
        raise TypeError("locked")


@pytest.mark.parametrize(
    ("victim", "sentence"),
    [
        (nn.AvgPool2d(8), "no weights of its own"),
        (_Locked(), "cannot be copied to load this .TypeError: locked"),
        (nn.Linear(2, 1), "not this model's"),
        (lambda pictures: [0] * len(pictures), "A function takes no checkpoint"),
    ],
)
def test_what_takes_none_says_so(
    victim: object, sentence: str, other: tuple[nn.Module, Path]
) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim(victim, score_range=(0, 1), checkpoint=other[1])  # type: ignore[arg-type]
