"""The registry of victims: every kind that a string can name."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

from iqaudit._core.errors import InputError, unknown
from iqaudit._core.wording import worded
from iqaudit.victims._base import Victim
from iqaudit.victims._options import in_strings


class Kind(NamedTuple):
    """A kind of victim that a string can name.

    `spec` is the string's form: a name of its own, or a prefix and the rest behind its colon (an
    address is taken whole, its prefix included); `module` (relative to this package) and `made_by`
    are the module and the class in it, loaded when first used, since torch and others take seconds;
    `line` describes it.
    """

    spec: str
    module: str
    made_by: str
    line: str

    def make(self, text: str, options: Mapping[str, Any]) -> Victim:
        """Return the victim of a string of this kind, which is asked nothing.

        Raises
        ------
        InputError
            If the string is not of the kind's form, or an option is missing or not for it.
        """
        name, colon, rest = text.partition(":")
        takes_rest = ":" in self.spec
        if takes_rest != bool(colon and rest):
            raise InputError(f'The victim "{text}" is not of the form {self.spec}.')
        made_by = load(self.made_by)
        refuse_surplus(f'The victim "{name}"', options, _keywords(made_by))
        argument = [text if "://" in self.spec else rest] if takes_rest else []
        victim: Victim = made_by(*argument, **options)
        return victim


_KINDS = (
    Kind(
        "reference",
        "_models.reference",
        "Reference",
        "bundled: EfficientNet-Lite0 with a head trained on LIVE In the Wild; 0-100",
    ),
    Kind(
        "robust",
        "_models.reference",
        "Robust",
        "bundled: the same, hardened; 0-100",
    ),
    Kind(
        "dbcnn", "_models.dbcnn", "DBCNN", "DB-CNN with its authors' checkpoint (checkpoint=FILE)"
    ),
    Kind("unique", "_models.unique", "UNIQUE", "UNIQUE, likewise"),
    Kind("tres", "_models.tres", "TReS", "TReS, likewise; sees the central 224 x 224"),
    Kind("liqe", "_models.liqe", "LIQE", "LIQE, likewise; sees fifteen crops"),
    Kind(
        "pyiqa:NAME",
        "_pyiqa",
        "Pyiqa",
        "a no-reference metric of pyiqa (iqaudit[pyiqa]; not for commercial use)",
    ),
    Kind("onnx:FILE", "_onnx", "Onnx", "a network in ONNX Runtime (iqaudit[onnx])"),
    Kind("torch:FILE", "_exported", "Exported", "a network saved by torch.export or torch.jit"),
    Kind("python:MODULE:NAME", "_objects", "python", "a function or torch module of yours"),
    Kind("replay:RUN", ".._runs.replay", "Replay", "the scores that an earlier run recorded"),
    Kind(
        "http://HOST/PATH",
        "_metered.http",
        "Http",
        "a service on this machine: posts a PNG, reads the score from the JSON reply",
    ),
    Kind(
        "https://HOST/PATH",
        "_metered.http",
        "Http",
        "a service elsewhere, with its owner's permission: the same, encrypted",
    ),
    Kind(
        "chat:URL",
        "_metered.chat",
        "Chat",
        "a vision model behind a chat endpoint, asked for a number (model=NAME, prompt=FILE)",
    ),
    Kind(
        "command:PROGRAM {picture}",
        "_metered.command",
        "Command",
        "a program: reads the score from what it prints",
    ),
)
KINDS = MappingProxyType({kind.spec.partition(":")[0]: kind for kind in _KINDS})
"""Every kind of victim that a string can name, by that name or prefix."""

LAZY = {"TorchModule": "_torch", "loaded": "_models.checkpoint", "arrays": "_prepared"} | {
    kind.made_by: kind.module for kind in KINDS.values()
}
"""The modules of what is imported when it is first used."""


def unknown_victim(name: str) -> InputError:
    """Return the error for a kind of victim that there is not.

    Its name's first word alone is repeated: an address without its scheme may hold a password.
    """
    word = re.match(r"[\w-]*", name)
    return unknown("victim", word[0] if word else "", KINDS)


def refuse_surplus(whose: str, options: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise an `InputError` where an option is not known."""
    if surplus := options.keys() - known:
        names = (worded(name, in_strings(name)) for name in sorted(surplus))
        raise InputError(f"{whose} takes no {', '.join(names)}.")


def _keywords(taker: Callable[..., Any]) -> Iterator[str]:
    """Yield what a class or function takes; ``**`` is annotated as Unpack[a TypedDict]."""
    for name, parameter in inspect.signature(taker).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from get_args(parameter.annotation)[0].__annotations__
        else:
            yield name


def load(name: str) -> Any:
    """Import a victim's class, or what makes one, which may be heavy."""
    module = LAZY[name]
    relative = module if module.startswith(".") else f".{module}"
    return getattr(import_module(relative, __package__), name)
