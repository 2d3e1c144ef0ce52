"""A victim made from a module scores with the module as it is, whatever was prepared from it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import iqaudit
from iqaudit._core.patches import Patch, Patched
from iqaudit._incremental import rescorer
from iqaudit._incremental.network import Network, read
from iqaudit._incremental.recording import Recording
from iqaudit.victims import TorchModule

SCALE = iqaudit.Scale.from_range(-1, 1)
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 28, 3), dtype=np.uint8)
PATCH = Patch(5, 6, np.zeros((4, 4, 3), np.uint8))


class _Net(nn.Module):
    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 1)
        self.gain, self.shift = 1.0, torch.zeros(())  # neither a parameter nor a buffer

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.second(torch.relu(self.norm(self.first(x)))) + self.shift)
        score: Tensor = self.last(x.mean((2, 3))) * self.gain
        return score


def _train_on(net: _Net) -> None:
    net.train()
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    net(torch.rand(2, 3, 24, 28)).sum().backward()
    optimiser.step()


def _assign(net: _Net) -> None:
    net.second.weight.data = net.second.weight.data * 1.5


def _write_past_the_version(net: _Net) -> None:
    version = net.second.weight._version
    net.second.weight.data.mul_(1.5)
    assert net.second.weight._version == version


def _write_through_numpy(net: _Net) -> None:
    net.second.weight.detach().numpy()[:] *= 1.5


def _write_in_inference_mode(net: _Net) -> None:
    with torch.inference_mode():
        net.second.weight.mul_(1.5)


def _replace_by_inference_tensors(net: _Net) -> None:
    with torch.inference_mode():
        net.second.weight = nn.Parameter(net.second.weight * 1.5)


def _replace_a_parameter(net: _Net) -> None:
    net.last.weight = nn.Parameter(net.last.weight * 2)


def _replace_a_part(net: _Net) -> None:
    net.second = nn.Conv2d(4, 4, 5, padding=2)


def _add_a_hook(net: _Net) -> None:
    net.first.register_forward_hook(lambda _module, _inputs, answer: answer * 1.5)


def _replace_forward(net: _Net) -> None:
    forward = net.forward
    net.forward = lambda x: forward(x * 0.5)  # type: ignore[method-assign]


def _move_statistics(net: _Net) -> None:
    assert net.norm.running_mean is not None
    net.norm.running_mean += 0.5


CHANGES: dict[str, Callable[[_Net], object]] = {
    "an optimiser's step": _train_on,
    "load_state_dict": lambda net: net.load_state_dict(_Net(1).state_dict()),
    ".data = ": _assign,
    ".data.mul_": _write_past_the_version,
    "numpy": _write_through_numpy,
    "inference mode": _write_in_inference_mode,
    "inference tensors": _replace_by_inference_tensors,
    "a parameter": _replace_a_parameter,
    "a part": _replace_a_part,
    "a hook": _add_a_hook,
    "forward": _replace_forward,
    "running statistics": _move_statistics,
    "double": lambda net: net.double(),
    "a parametrization": lambda net: torch.nn.utils.parametrizations.spectral_norm(net.second),
    "an attribute": lambda net: setattr(net, "gain", 2.0),
    "a tensor that is no buffer": lambda net: setattr(net, "shift", torch.tensor(0.5)),
    "the same, written into": lambda net: net.shift.add_(0.5),
}


def _scores(victim: TorchModule) -> tuple[float, float]:
    """Return an incremental score of a change, and a dense one."""
    session = victim.open_session(24, 28, 1000)
    assert session is not None
    change = Patched(PICTURE, (PATCH,))
    score = session.score(change)
    session.close()
    assert not victim.card.note  # and so it was not given up
    return score, float(victim.score(change.painted()[None])[0])


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_a_search_scores_with_the_module_as_it_is(what: str) -> None:
    net = _Net()
    victim = TorchModule(net, SCALE)
    before, _ = _scores(victim)
    CHANGES[what](net)
    score, dense = _scores(victim)
    assert score == pytest.approx(dense, abs=1e-6)
    assert (score == pytest.approx(before, abs=1e-6)) is (what == "double")


def test_training_mode_changes_no_score() -> None:
    net = _Net()
    victim = TorchModule(net, SCALE)
    before = _scores(victim)
    net.train()
    assert _scores(victim) == before
    assert all(part.training for part in net.modules())


@pytest.mark.slow
def test_an_attack_on_a_module_that_was_trained_on_is_one_on_a_new_victim() -> None:
    net = _Net()
    victim = TorchModule(net, SCALE)
    iqaudit.attack(PICTURE, victim, queries=120)
    _train_on(net)
    [kept] = iqaudit.attack(PICTURE, victim, queries=120)
    [new] = iqaudit.attack(PICTURE, net, score_range=(-1, 1), queries=120)
    np.testing.assert_array_equal(kept.scores, new.scores)
    assert float(victim.score(kept.adversarial[None])[0]) == pytest.approx(kept.adversarial_score)


@pytest.mark.slow
def test_a_module_that_did_not_change_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_ones = []

    def counting(recording: Recording) -> Network:
        read_ones.append(recording)
        return read(recording)

    monkeypatch.setattr(rescorer, "read", counting)
    net = _Net()
    victim = TorchModule(net, SCALE)
    for _ in range(3):
        _scores(victim)
    assert len(read_ones) == 1
    net.gain = 2.0
    _scores(victim)
    assert len(read_ones) == 2


@pytest.mark.slow
def test_a_module_that_changed_is_compared_with_dense_passes_anew() -> None:
    net = _Net()
    victim = TorchModule(net, SCALE)
    _scores(victim)
    before = victim.rescorer.trust
    _scores(victim)
    assert victim.rescorer.trust is before
    net.gain = 2.0
    _scores(victim)
    assert victim.rescorer.trust is not before


def test_a_card_follows_the_module_to_another_device() -> None:
    net = _Net()
    victim = TorchModule(net, SCALE)
    assert (victim.card.device, victim.card.batch, victim.card.largest_batch) == ("cpu", 1, 1)
    net.to("meta")
    assert (victim.card.device, victim.card.batch, victim.card.largest_batch) == ("meta", 16, None)
