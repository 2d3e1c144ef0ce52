"""Victims as an audit names them: a string and its options, from which each process makes them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from iqaudit._core.errors import InputError, unknown, whole_number
from iqaudit.victims._averaging import Repeated
from iqaudit.victims._base import Victim
from iqaudit.victims._registry import KINDS, as_victim, unknown_victim
from iqaudit.victims._scale_file import load_scale, refuse_another

SERVICES = frozenset({"http", "https", "command"})
"""Kinds whose strings may hold a secret: no file repeats them."""

FREE = SERVICES | {"onnx", "replay"}
"""Kinds whose strings may hold a comma."""


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _count(value: Any) -> int:
    return int(value) if isinstance(value, str) else whole_number("it", value)


def _pair(value: Any) -> tuple[float, float]:
    low, high = value.split(":") if isinstance(value, str) else value
    return _number(low), _number(high)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _file(value: Any) -> str:
    return str(value) if isinstance(value, PathLike) else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(_text, value))


OPTIONS: Mapping[str, tuple[Callable[[Any], Any], str]] = MappingProxyType(
    {
        "checkpoint": (_file, "a file"),
        "untrained": (_flag, "said alone, or true"),
        "dataset": (_text, "a name"),
        "score_range": (_pair, "two numbers, LOW:HIGH"),
        "lower_is_better": (_flag, "said alone, or true"),
        "scale": (_file, "a file"),
        "field": (_text, "a text"),
        "pattern": (_text, "a text"),
        "form": (_text, "a text"),
        "headers": (_texts, "NAME=env:VARIABLE or NAME=file:PATH"),
        "authorised": (_flag, "said alone, or true"),
        "timeout": (_number, "a number"),
        "retries": (_count, "a whole number"),
        "rate": (_number, "a number"),
        "price": (_number, "a number"),
        "budget_money": (_number, "a number"),
        "repeats": (_count, "a whole number"),
        "exact": (_text, "a text"),
        "device": (_text, "a text"),
    }
)
"""A victim's options, by the keyword that `as_victim` knows each under: how one is read, and what
it is."""

HOW_ASKED = frozenset(
    {"headers", "authorised", "timeout", "retries", "rate", "price", "budget_money"}
)
"""Options that say how a victim is asked and change no score: an audit goes on with others."""

ALIASES = MappingProxyType({"range": "score_range", "header": "headers"})
"""What the command line calls some of them."""


@dataclass(frozen=True)
class VictimSpec:
    """A victim named by a string, with its options.

    Parameters
    ----------
    spec : str
        As `iqaudit.victims.KINDS` describes them.
    options : mapping
        What `iqaudit.victims.as_victim` takes besides, but a scale's file in place of a scale.

    Raises
    ------
    InputError
        If there is no such victim, or an option is unknown or no such value.
    """

    spec: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_victim(self.kind)
        read = {}
        for name, value in self.options.items():
            if value is None or value is False or value == ():  # by identity: 0 equals False
                continue
            key = name.replace("-", "_")
            key = ALIASES.get(key, key)
            if key not in OPTIONS:
                raise unknown("option of a victim", name, [*OPTIONS, *ALIASES])
            reader, what = OPTIONS[key]
            try:
                read[key] = reader(value)
            except (TypeError, ValueError):
                raise InputError(
                    f'The option "{name}" of the victim "{self.kind}" is {what}, not {value!r}.'
                ) from None
        object.__setattr__(self, "options", read)

    @classmethod
    def parse(cls, text: str) -> "VictimSpec":
        """Read ``SPEC[,OPTION[=VALUE]]...``, as ``dbcnn,checkpoint=dbcnn.pt,dataset=live``.

        A comma belongs to the string of a kind that may hold one (a file, an address, a program),
        unless what follows it is an option.
        """
        spec, *pieces = text.split(",")
        options: dict[str, Any] = {}
        free = spec.partition(":")[0] in FREE
        while pieces:
            name, sign, value = pieces[-1].partition("=")
            key = ALIASES.get(name.replace("-", "_"), name.replace("-", "_"))
            if free and key not in OPTIONS:
                break
            pieces.pop()
            if key == "headers":
                options[key] = (value, *options.get(key, ()))
            elif key in options:
                kind = spec.partition(":")[0]  # what follows may be a secret
                raise InputError(f'The option "{name}" of the victim "{kind}" is said twice.')
            else:
                options[key] = value if sign else True
        return cls(",".join((spec, *pieces)), options)

    @property
    def kind(self) -> str:
        """What stands before its colon."""
        return self.spec.partition(":")[0]

    @property
    def label(self) -> str:
        """A short name, without anything that may be secret."""
        rest = self.spec.partition(":")[2]
        if self.kind == "command":
            return f"command-{Path(rest.split(maxsplit=1)[0]).name}" if rest.strip() else "command"
        if self.kind in SERVICES:
            try:
                return urlsplit(self.spec).hostname or self.kind
            except ValueError:
                return self.kind
        if self.kind in FREE:
            return Path(rest).stem
        return rest.rpartition(":")[2] or self.kind

    @property
    def described(self) -> dict[str, Any]:
        """What a run's file holds, to make it again; nothing of a service, which may be secret."""
        if self.kind in SERVICES:
            return {}
        return {"spec": self.spec, "options": dict(self.options)}

    def record(self, name: str) -> dict[str, Any]:
        """Return what files hold of it; of a service's string, its public name alone."""
        return {"spec": name if self.kind in SERVICES else self.spec, **self.options}


def held_spec(run: Path, spec: str, options: Mapping[str, Any]) -> VictimSpec:
    """Return the victim of a cell, by its string and options in the manifest.

    Raises
    ------
    InputError
        If it does not hold all that the victim was named by.
    """
    if VictimSpec(spec).kind in SERVICES:
        raise InputError(
            f"{run}: the manifest does not hold all of what its victim was named by, which may be "
            "a secret; name it for each cell, with its options, as --victim."
        )
    return VictimSpec(spec, options)


def unasked(victim: VictimSpec) -> Victim:
    """Return a victim, made without asking it anything; its answers are not averaged yet."""
    given = {key: value for key, value in victim.options.items() if key != "repeats"}
    if "scale" in given:
        given["scale"] = load_scale(given["scale"])
    return as_victim(victim.spec, **given)


def averaged(victim: VictimSpec, made: Victim, noise: float | None) -> Victim:
    """Return what `unasked` made as it is to be asked.

    One whose answers are averaged is asked for its noise, unless that is known; see `Repeated`.
    """
    repeats = victim.options.get("repeats")
    return made if repeats is None else Repeated(made, repeats, noise)


def make(victim: VictimSpec) -> Victim:
    """Return a victim, ready to be asked.

    Raises
    ------
    InputError
        If an option is not for it, or its scale's file is another victim's.
    VictimError
        If it fails when its noise is measured.
    """
    return ready(victim, unasked(victim))


def ready(victim: VictimSpec, made: Victim) -> Victim:
    """Return what `unasked` made ready to be asked; see `make`."""
    found = averaged(victim, made, None)
    refuse_another_scale(victim, found)
    return found


def refuse_another_scale(victim: VictimSpec, made: Victim) -> None:
    """Raise an `InputError` where a victim's scale file was fitted to another victim."""
    if "scale" in victim.options:
        refuse_another(victim.options["scale"], made)


class Victims:
    """Victims that a process has made, the latest few.

    Parameters
    ----------
    made : iterable of (VictimSpec, float, Victim)
        Those that are there already, each with its noise.
    """

    MOST = 4

    def __init__(self, made: Iterable[tuple[VictimSpec, float, Victim]] = ()) -> None:
        self._made = list(made)

    def get(self, victim: VictimSpec, noise: float) -> Victim:
        """Return a victim whose noise is known, made where it is not there."""
        for spec, known, found in self._made:
            if (spec, known) == (victim, noise):
                return found
        found = averaged(victim, unasked(victim), noise)
        self._made = [*self._made[-self.MOST + 1 :], (victim, noise, found)]
        return found
