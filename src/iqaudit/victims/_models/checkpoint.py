"""Checkpoints: the weights of a network in a file that its authors or a trainer saved."""

import argparse
import datetime as dt
import pathlib
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from os import PathLike
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from iqaudit._core.errors import InputError, foreign
from iqaudit._core.paths import located

DEEPEST = 4
"""Mappings within mappings that are searched for weights."""

WRAPPERS = frozenset({"module", "_orig_mod"})
"""Parts of names that nn.DataParallel and torch.compile add wherever they wrap a part."""

COUNTERS = ("num_batches_tracked", "n_averaged")
"""Ends of names of numbers that change no score: some versions and wrappers save them."""

SHOWN = 300
"""Characters of torch's own words in an error."""


def loaded(net: nn.Module, path: str | PathLike[str]) -> nn.Module:
    """Return a copy of a network with the weights of a file; the network is left as it is.

    Raises
    ------
    InputError
        If it cannot be copied, or as `load_checkpoint` does.
    """
    try:
        copied = deepcopy(net)
    except Exception as error:  # noqa: BLE001 (a foreign module's parts may raise anything)
        raise InputError(
            f"{path}: the module {type(net).__name__} cannot be copied to load this "
            f"({type(error).__name__}: {foreign(error)})."
        ) from None
    load_checkpoint(copied, path)
    return copied


def load_checkpoint(net: nn.Module, path: str | PathLike[str]) -> str:
    """Load the weights of a network strictly, from wherever they lie in a trainer's file.

    They may lie beside the optimiser's state and numbers, in mappings of any name, and their names
    may have a common prefix. Of several that fit the average over training steps is taken, as
    trainers' own tests do. Nothing in the file is run.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    path : path
        A file of torch.save, or of safetensors by its name.

    Returns
    -------
    str
        A remark where the file holds several that fit: which of them was taken; else empty.

    Raises
    ------
    InputError
        If the file is missing, damaged or holds code, or no weights in it, or several, fit.
    """
    path = located(path)
    if all(name.endswith(COUNTERS) for name in net.state_dict()):
        raise InputError(f"{path}: the network has no weights of its own that this could replace.")
    refuse_damaged(path)
    content = _content(path)
    held = list(_held(content, ""))
    if not held:
        raise InputError(f"{path}: this holds no state dict.")
    own = net.state_dict()
    plain = [(place, _plain(tensors, own)) for place, tensors in held]
    named = {
        label: state for place, tensors in plain for label, state in _named(own, place, tensors)
    }
    fitting: dict[str, dict[str, Tensor]] = {}
    for label, state in named.items():
        fits = all(value.shape == own[name].shape for name, value in state.items())
        if fits and not any(_same(state, known) for known in fitting.values()):
            fitting[label] = state
    chosen = _chosen(fitting, path)
    # Where none fits, torch tells what is in the way of the nearest.
    near = [*named.values()] or [tensors for _, tensors in plain]
    nearest = max(near, key=lambda each: len(each.keys() & own.keys()))
    state = nearest if chosen is None else fitting[chosen]
    for name in state.keys() & own.keys():
        # torch would take a quantised network's whole numbers for weights.
        kind = state[name].dtype
        if kind.is_complex or kind.is_floating_point is not own[name].dtype.is_floating_point:
            raise InputError(f"{path}: {name} holds numbers of another kind ({kind}).")
    try:
        net.load_state_dict(state, strict=True)
    except Exception as error:  # noqa: BLE001 (a tensor of another sort fails in its own way)
        problems = [line.strip() for line in str(error).splitlines()]
        text = " ".join(problems[1:3] or problems)[:SHOWN]
        raise InputError(f"{path}: the checkpoint is not this model's: {text}") from None
    return "" if chosen is None or len(fitting) == 1 else f"weights: {chosen or 'outermost'}"


def refuse_damaged(path: str | PathLike[str]) -> None:
    """Raise an `InputError` where a part of a file of torch differs from its checksum.

    torch reads it without a word, and its scores would be another network's.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            part = archive.testzip()
    except Exception:  # noqa: BLE001 (no file of torch, or one that torch does not read either)
        return
    if part is not None:
        raise InputError(f"{path}: this is damaged: {part} in it differs from its checksum.")


def _content(path: str | PathLike[str]) -> Any:
    """Return what a file holds; no code in it is run."""
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_harmless()):
            warnings.simplefilter("ignore")  # about the ways of older versions
            if str(path).endswith(".safetensors"):
                return load_file(path)
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such checkpoint.") from None
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder; name the checkpoint in it.") from None
    except Exception as error:  # noqa: BLE001 (a damaged file fails anywhere in torch and pickle)
        # Behind torch's advice to trust the file, which is not repeated.
        text = str(error).rpartition("WeightsUnpickler error:")[2].strip()
        if named := re.search(r"GLOBAL ([\w.]+)", text):
            raise InputError(
                f"{path}: this is no checkpoint of plain tensors: it holds a {named[1]}, and no "
                "code is run; have its network's state_dict() saved alone."
            ) from None
        first = (text.partition("\n")[0] or type(error).__name__)[:SHOWN]
        raise InputError(f"{path}: this is no checkpoint of plain tensors ({first}).") from None


def _harmless() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return classes beside weights that run nothing: NumPy's numbers, settings, dates, paths."""
    multiarray = np.asarray(0).__reduce__()[0].__module__  # numpy._core, or numpy.core before
    module = __import__(multiarray, fromlist=["scalar"])
    numbers = {type(np.dtype(code)) for code in "?bBhHiIlLqQefdgFDGSUMmV"}
    functions = [
        (getattr(module, name), f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for name in ("scalar", "_reconstruct")
    ]
    classes = [np.ndarray, np.dtype, argparse.Namespace, dt.datetime, dt.timedelta]
    paths = [pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath]
    return [*functions, *classes, *paths, *numbers]


def _held(content: Any, place: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the tensors by name of every mapping in a file's content, and its place."""
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    tensors = {key: value for key, value in named.items() if _is_plain(value)}
    if tensors:
        yield place, tensors
    for key, value in named.items():
        yield from _held(value, f"{place}.{key}" if place else key, depth + 1)


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, Tensor) and value.layout is torch.strided and value.device.type == "cpu"
    )


def _named(
    own: Mapping[str, Tensor], place: str, tensors: Mapping[str, Tensor]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the state dicts among tensors that have just a network's names, behind a prefix."""
    first = next(name for name in own if not name.endswith(COUNTERS))
    prefixes = [name.removesuffix(first) for name in tensors if f".{name}".endswith(f".{first}")]
    for prefix in prefixes:
        state = {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
        if all(name.endswith(COUNTERS) for name in state.keys() ^ own.keys()):
            label = ".".join(filter(None, (place, prefix.rstrip("."))))
            yield label, {name: value for name, value in state.items() if name in own}


def _plain(tensors: Mapping[str, Tensor], own: Any) -> dict[str, Tensor]:
    """Return tensors without what wrappers add to their names."""
    added = WRAPPERS - {part for name in own for part in name.split(".")}
    return {
        ".".join(part for part in name.split(".") if part not in added): value
        for name, value in tensors.items()
    }


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    names = one.keys() & other.keys()
    return all(one[name] is other[name] or torch.equal(one[name], other[name]) for name in names)


def _chosen(fitting: Mapping[str, Mapping[str, Tensor]], path: object) -> str | None:
    """Return the place of the weights to take, None where none fits."""
    averaged = [place for place in fitting if "ema" in re.split(r"[._]", place.lower())]
    places = averaged or list(fitting)
    if len(places) > 1:
        raise InputError(
            f"{path}: several state dicts in it are this model's ({', '.join(places)}); save the "
            "one that you mean alone."
        )
    return places[0] if places else None
