"""Digests of values, whatever they hold: two that are alike have one."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from iqaudit._core.stream import Stream


def seen(value: Any) -> str:
    """Return a digest of all that a value holds."""
    digest = hashlib.sha256()
    for part in _parts(value, set()):
        digest.update(part)
    return digest.hexdigest()


def _parts(value: Any, above: set[int]) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype}{value.shape}".encode() + value.tobytes()
        return
    if isinstance(value, Stream):
        value = value.seed, value.picture
    if isinstance(value, np.random.Generator):
        value = value.bit_generator.state
    inner = _inner(value)
    if inner is None:
        yield repr(value).encode()
    elif id(value) not in above:
        for each in inner:
            yield from _parts(each, above | {id(value)})


def _inner(value: Any) -> list[Any] | None:
    """Return the values inside a value; None where there are none."""
    if isinstance(value, Mapping):
        return [part for item in value.items() for part in item]
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, list | tuple | np.ndarray):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name) for each in fields(value)]
    if callable(value) or not hasattr(value, "__dict__"):
        return None
    return list(vars(value).items())
