"""Torch modules as victims: how many pictures share a call."""

import pytest
import torch

import iqaudit
from iqaudit.victims import TorchModule


@pytest.mark.parametrize(("device", "batch", "largest"), [("cpu", 1, 1), ("meta", 16, None)])
def test_searches_share_a_call_everywhere_but_on_a_cpu(
    device: str, batch: int, largest: int | None
) -> None:
    module = torch.nn.Conv2d(3, 1, 1, device=device)
    card = TorchModule(module, iqaudit.Scale.from_range(0, 1)).card
    assert card.batch == batch
    assert card.largest_batch == largest
