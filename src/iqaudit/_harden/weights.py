"""The weights of a network as a file: the same weights are the same bytes."""

from collections.abc import Mapping

import torch
from safetensors.torch import save
from torch import Tensor, nn

from iqaudit._core.errors import InputError
from iqaudit._harden.fit import Fitted
from iqaudit._harden.head import Head


def content(state: Mapping[str, Tensor]) -> bytes:
    """Return a state dict as the content of a file of safetensors.

    Raises
    ------
    InputError
        If it holds more than tensors.
    """
    if strange := [name for name, value in state.items() if not isinstance(value, Tensor)]:
        raise InputError(
            f"The network's state holds more than tensors ({strange[0]}): no file of weights can."
        )
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    return save(plain)


def replaced(module: nn.Module, head: Head, fitted: Fitted) -> dict[str, Tensor]:
    """Return a network's state dict with another head; the network is left as it is.

    Raises
    ------
    InputError
        If the head is no part of it, or its weights are made from others.
    """
    state = dict(module.state_dict())
    named = module.named_modules(remove_duplicate=False)
    names = [f"{name}.".lstrip(".") for name, each in named if each is head.layer]
    values = {"weight": torch.from_numpy(fitted.weight)}
    if head.bias is not None:
        values["bias"] = torch.tensor([fitted.bias], dtype=torch.float64)
    for name in (prefix + part for prefix in names for part in values):
        if name not in state:
            raise InputError(
                f"The head's {name} is made from other weights: it cannot be replaced."
            )
        like = state[name]
        state[name] = values[name.rpartition(".")[2]].reshape(like.shape).to(like.dtype)
    if not names:
        raise InputError("The head is no part of what a checkpoint of this victim holds.")
    return state
