"""Files that have a network's operators along with its weights are victims."""

import logging
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit.victims import as_victim

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 28, 3), dtype=np.uint8)
LARGER = np.random.default_rng(0).integers(0, 256, (32, 36, 3), dtype=np.uint8)
SIDES: Any = {2: Dim("height", min=20, max=64), 3: Dim("width", min=20, max=64)}


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.drop, self.last = nn.Dropout(), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(torch.relu(self.norm(self.conv(x))))
        return torch.sigmoid(self.last(x.mean((2, 3))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one network, saved in each way."""
    folder, net, x = tmp_path_factory.mktemp("exported"), _Net().eval(), torch.rand(1, 3, 24, 28)
    any_batch: Any = {0: Dim("batch")} | SIDES
    for name, module, example, dynamic in (
        ("fixed", net, x, None),
        ("any", net, x.repeat(2, 1, 1, 1), any_batch),
        ("sides", net, x, SIDES),
        ("two", net, x.repeat(2, 1, 1, 1), None),
        ("double", _Net().eval().double(), x.double(), None),
        ("grey", nn.Conv2d(1, 1, 3), x[:, :1], None),
    ):
        program = torch.export.export(module, (example,), dynamic_shapes=dynamic and (dynamic,))
        torch.export.save(program, folder / f"{name}.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated, on some versions of Python
        torch.jit.save(torch.jit.script(_Net()), folder / "script.pt")
        torch.jit.save(torch.jit.trace(net, x), folder / "trace.pt")  # type: ignore[no-untyped-call]
    torch.save(net.state_dict(), folder / "weights.pt")
    (folder / "text.pt2").write_text("a network")
    (folder / "folder.pt2").mkdir()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fixed.pt2", "any.pt2", "sides.pt2", "script.pt", "trace.pt"])
def test_a_saved_network_is_attacked_as_the_module_is(name: str, folder: Path) -> None:
    [module] = iqaudit.attack(PICTURE, _Net(), score_range=(0, 1), queries=120)
    victim = as_victim(f"torch:{folder / name},range=0:1")
    [saved] = iqaudit.attack(PICTURE, victim, queries=120)
    np.testing.assert_array_equal(saved.scores, module.scores)
    assert victim.incremental(24, 28).startswith("100.0 %")  # type: ignore[attr-defined]
    assert victim.card.note == ""


def test_a_saved_network_is_asked_in_its_own_type(folder: Path) -> None:
    [single] = iqaudit.attack(PICTURE, f"torch:{folder}/fixed.pt2,range=0:1", queries=3)
    [double] = iqaudit.attack(PICTURE, f"torch:{folder}/double.pt2,range=0:1", queries=3)
    assert double.clean_score == pytest.approx(single.clean_score, abs=1e-6)
    assert double.clean_score != single.clean_score


@pytest.mark.parametrize("name", ["any.pt2", "sides.pt2", "script.pt"])
def test_sizes_that_a_network_leaves_open_are_taken(name: str, folder: Path) -> None:
    victim = as_victim(f"torch:{folder / name}", score_range=(0, 1))
    iqaudit.attack([PICTURE, LARGER], victim, queries=3)
    if name.endswith("pt2"):
        assert (victim.card.smallest_side, victim.card.largest_side) == (20, 64)
        with pytest.raises(InputError, match="needs at least 20 a side"):
            iqaudit.attack(PICTURE[:12], victim, queries=3)


@pytest.mark.slow
def test_a_size_that_a_network_fixes_is_the_only_one_and_said_beforehand(
    folder: Path, tmp_path: Path
) -> None:
    victim = as_victim(f"torch:{folder}/fixed.pt2", score_range=(0, 1))
    assert victim.card.size == (24, 28)
    with pytest.raises(InputError, match=r"36 x 32 pixels; the victim .* takes 28 x 24 alone"):
        iqaudit.attack(LARGER, victim, queries=3)
    with pytest.raises(VictimError, match="takes pictures of 28 x 24, not 36 x 32"):
        victim.score(LARGER[None])
    # A run on disk asks for its fingerprint, and `check` for the middle of photographs.
    [result] = iqaudit.attack(PICTURE, victim, queries=3, out=tmp_path / "run")
    assert result.queries == 3
    assert all(each.check != "answers" for each in iqaudit.check(victim))


REFUSED = {
    "two.pt2": "takes 2 pictures a call",
    "grey.pt2": r"one input of \(n, 3, height, width\).* is due, not \[1, 1, 24, 28\]",
    "weights.pt": "holds no program. Of weights alone say whose they are, as dbcnn,checkpoint=",
    "text.pt2": "no file of torch.export.save or torch.jit.save",
    "folder.pt2": "this is a folder",
    "missing.pt2": "there is no such file",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_such_network_is_said(name: str, folder: Path) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        as_victim(f"torch:{folder / name}", score_range=(0, 1))


def test_a_saved_network_needs_its_range(folder: Path) -> None:
    with pytest.raises(InputError, match="needs its score range"):
        as_victim(f"torch:{folder}/fixed.pt2")


@pytest.mark.parametrize("name", ["fixed.pt2", "script.pt"])
def test_damage_ends_in_a_sentence_and_prints_nothing(
    name: str, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    draw, path, refused = random.Random(0), tmp_path / "net,1.pt2", 0  # noqa: S311
    before = logging.root.manager.disable
    for turn in range(40):
        data = bytearray((folder / name).read_bytes())
        if turn % 2:
            del data[draw.randrange(len(data)) :]
        for _ in range(turn % 4):
            data[draw.randrange(len(data))] ^= 1 + draw.randrange(255)
        path.write_bytes(data)
        try:
            as_victim(f"torch:{path}", score_range=(0, 1))
        except InputError as error:
            refused += "\n" not in str(error)
        else:
            refused += data == (folder / name).read_bytes()
    assert refused >= 36  # some bytes belong to nothing
    assert logging.root.manager.disable == before
    assert capfd.readouterr() == ("", "")
