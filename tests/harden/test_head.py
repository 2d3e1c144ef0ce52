"""Heads are found where a score hangs on nothing else, and nowhere else; the network is left."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.support.hardening import Net, parts
from torch import Tensor, nn

import iqaudit
from iqaudit import InputError
from iqaudit._harden.fit import Fitted
from iqaudit._harden.head import find, is_monotone
from iqaudit._harden.weights import content, replaced

PICTURES = [pixels for pixels, _ in parts(12, 3)]


class Scorer(nn.Module):
    """Two maps of a picture behind a head, and what follows that."""

    def __init__(self, head: nn.Module, follow: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, 6, 5, 4), nn.ReLU())
        self.head, self.follow = head, follow

    def forward(self, x: Tensor) -> Tensor:
        y = self.maps(x)
        if isinstance(self.head, nn.Conv2d):
            return self.follow(self.head(y).flatten(1))
        return self.follow(self.head(y.flatten(2).transpose(1, 2)).flatten(1))


def in_turn(x: Tensor) -> Tensor:
    return x.mean(dim=1)


HEADS: dict[str, tuple[Callable[[], nn.Module], Callable[[Tensor], Tensor]]] = {
    "patches' mean": (lambda: nn.Linear(6, 1), in_turn),
    "without a bias": (lambda: nn.Linear(6, 1, bias=False), in_turn),
    "1 x 1": (lambda: nn.Conv2d(6, 1, 1), in_turn),
    "1 x 1, every other place": (lambda: nn.Conv2d(6, 1, 1, stride=2), in_turn),
    "a sigmoid behind": (lambda: nn.Linear(6, 1), lambda x: 100 * torch.sigmoid(x.mean(dim=1))),
    "turned round": (lambda: nn.Linear(6, 1), lambda x: 5 - torch.exp(x.mean(dim=1))),
}

NONE: dict[str, tuple[Callable[[], nn.Module], Callable[[Tensor], Tensor]]] = {
    "two outputs": (lambda: nn.Linear(6, 2), in_turn),
    "3 x 3": (lambda: nn.Conv2d(6, 1, 3), in_turn),
    "the largest of patches": (lambda: nn.Linear(6, 1), lambda x: x.amax(dim=1)),
    "a curve a patch": (lambda: nn.Linear(6, 1), lambda x: (20 * x).sin().mean(dim=1)),
    "always the same": (lambda: nn.Linear(6, 1), lambda x: 0 * x.mean(dim=1)),
    "none": (nn.Identity, in_turn),
}


def scorer(make: Callable[[], nn.Module], follow: Callable[[Tensor], Tensor]) -> Scorer:
    torch.manual_seed(2)
    return Scorer(make(), follow)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_found_and_its_outputs_are_linear_in_its_features(name: str) -> None:
    net = scorer(*HEADS[name])
    victim = iqaudit.victims.as_victim(net, score_range=(-9, 100))
    head = find(victim, net, PICTURES)
    assert head.layer is net.head
    assert not net.head._forward_hooks
    seen = [head.seen(victim, each) for each in PICTURES]
    outputs = head.outputs(np.stack([each.features for each in seen]))
    for output, pixels, each in zip(outputs, PICTURES, seen, strict=True):
        x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            y = net.maps(x)
            y = net.head(y if isinstance(net.head, nn.Conv2d) else y.flatten(2).transpose(1, 2))
            assert output == pytest.approx(float(y.mean()), abs=1e-5)
            assert each.score == pytest.approx(float(net(x)), rel=1e-4)


@pytest.mark.parametrize("name", NONE)
def test_where_there_is_none_a_sentence_says_so(name: str) -> None:
    net = scorer(*NONE[name])
    victim = iqaudit.victims.as_victim(net, score_range=(-9, 100))
    with pytest.raises(InputError, match="does not end in a linear layer"):
        find(victim, net, PICTURES)


def test_the_last_one_is_taken_that_decides_the_score() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quality, self.variance = nn.Linear(3, 1), nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            means = x.mean(dim=(2, 3)) + x.std(dim=(2, 3))
            score: Tensor = self.quality(means)
            self.variance(means**2)
            return score

    net = Twice()
    with torch.no_grad():
        net.quality.weight.fill_(1)
        net.variance.weight.copy_(torch.tensor([[1.0, -2.0, 1.0]]))
    victim = iqaudit.victims.as_victim(net, score_range=(-9, 9))
    assert find(victim, net, PICTURES).layer is net.quality


@pytest.mark.parametrize(
    ("outputs", "scores", "expected"),
    [
        ([1, 2, 3], [1, 1, 2], True),
        ([3, 1, 2], [0, 2, 1], True),
        ([1, 2, 3], [1, 3, 2], False),
        ([1, 2, 3], [1, 2, 2 - 1e-6], True),
        ([1, 2, 3], [4, 4, 4], False),
        ([2, 2, 2], [1, 2, 3], False),
    ],
)
def test_monotone(outputs: list[float], scores: list[float], expected: bool) -> None:  # noqa: FBT001
    assert is_monotone(np.array(outputs, float), np.array(scores, float)) is expected


def test_other_weights_are_a_file_of_the_same_bytes_and_leave_the_network() -> None:
    net = Net()
    victim = iqaudit.victims.as_victim(net, score_range=(0, 100))
    head = find(victim, net, PICTURES)
    before = content(net.state_dict())
    fitted = Fitted(np.arange(5.0), 0.25)
    state = replaced(net, head, fitted)
    assert state["head.weight"].tolist() == [[0, 1, 2, 3, 4]]
    assert state["head.bias"].tolist() == [0.25]
    assert content(state) == content(replaced(net, head, fitted))
    assert content(net.state_dict()) == before


def test_a_head_made_from_other_weights_is_refused() -> None:
    net = Net()
    victim = iqaudit.victims.as_victim(net, score_range=(0, 100))
    nn.utils.parametrizations.weight_norm(net.head)
    head = find(victim, net, PICTURES)
    with pytest.raises(InputError, match="made from other weights"):
        replaced(net, head, Fitted(head.weight, 0.0))
