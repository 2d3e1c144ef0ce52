"""Attacks with the names that files and tables call them by, and the making of one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

from iqaudit._core.errors import InputError, unknown
from iqaudit._core.importing import import_object
from iqaudit.attacks import ATTACKS, named
from iqaudit.attacks._base import Attack, is_carrying, is_shared, is_white_box

PYTHON = "python:"
"""The prefix of an attack of the user's own, python:MODULE:NAME."""


@dataclass(frozen=True)
class AttackSpec:
    """An attack with the name that files and tables call it by.

    Parameters
    ----------
    name : str
        As `attack_spec` takes it, or that of the attack's class.
    attack : Attack
        The attack.
    """

    name: str
    attack: Attack[Any]

    @property
    def label(self) -> str:
        """A short name, for folders."""
        return label(self.name)

    @property
    def record(self) -> str | dict[str, Any]:
        """The name, as files hold it; of a value that has none, its class and settings."""
        known = self.name in ATTACKS and ATTACKS[self.name][0] == self.attack
        return self.name if known or self.name.startswith(PYTHON) else self.settings

    @property
    def settings(self) -> dict[str, Any]:
        """The attack's class and hyper-parameters, as files hold them: through JSON, lists are.

        Raises
        ------
        InputError
            If a hyper-parameter cannot be written.
        """
        kind, given = type(self.attack), asdict(self.attack)
        named = {"name": _class_name(kind)}
        signs = {
            "white_box": is_white_box(self.attack),
            "shared": is_shared(self.attack),
            "carries": is_carrying(self.attack),
        }
        for name, value in given.items():
            try:
                given[name] = json.loads(json.dumps(value, allow_nan=False))
            except (TypeError, ValueError):
                raise _unwritten(kind, f'"{name}" is of the type {type(value).__name__}') from None
        if "name" in given:
            raise _unwritten(kind, 'one is called "name", as the attack itself')
        return {**named, **given, **{name: True for name, is_there in signs.items() if is_there}}


def label(name: str) -> str:
    """Return the short form of an attack's name, without where its class is."""
    name, comma, options = name.partition(",")
    return name.rpartition(":")[2] + comma + options


def _unwritten(kind: type, reason: str) -> InputError:
    return InputError(
        f"The attack {kind.__name__} cannot be written to a file: {reason}. Hyper-parameters are "
        "finite numbers, texts, and lists and tables of them."
    )


def attack_spec(attack: "Attack[Any] | AttackSpec | str") -> AttackSpec:
    """Return an attack with its name.

    Parameters
    ----------
    attack : Attack, AttackSpec or str
        A value, as ``Guided(visibility=0.3)``; a name of `ATTACKS`; or ``python:MODULE:NAME``, a
        value or a class that needs no arguments in a module of the user's, which is imported. A
        name may have hyper-parameters behind commas, as ``"guided,visibility=0.3"``.

    Raises
    ------
    InputError
        If there is no such attack, or it is none, or takes no such hyper-parameter.
    """
    if isinstance(attack, AttackSpec):
        return attack
    if not isinstance(attack, str):
        return AttackSpec(_name(attack), _checked(attack, repr(attack)))
    name, *options = attack.split(",")
    if not name.startswith(PYTHON):
        return AttackSpec(attack, _set(named(name), options, name))
    found = import_object(name)
    value = _checked(found() if isinstance(found, type) else found, name)
    return AttackSpec(attack, _set(value, options, name))


def _set(attack: Attack[Any], options: Sequence[str], name: str) -> Attack[Any]:
    """Return an attack with hyper-parameters as a string gives them, ``NAME=VALUE`` each."""
    known = [field.name for field in fields(attack) if field.init]
    values: dict[str, Any] = {}
    for option in options:
        key, _, text = option.partition("=")
        if key not in known:
            raise unknown(f'hyper-parameter of the attack "{name}"', key, known)
        if key in values:
            raise InputError(f'The attack "{name}" is given "{key}" twice.')
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    try:
        return replace(attack, **values)
    except TypeError:
        raise InputError(
            f'The attack "{name}" cannot have {", ".join(options)}: a value is of the wrong kind.'
        ) from None


def _checked(attack: Attack[Any], called: str) -> Attack[Any]:
    needed = ("init", "ask", "tell", *(["learned"] if is_carrying(attack) else []))
    parts = [part for part in needed if not callable(getattr(attack, part, None))]
    if parts or not is_dataclass(attack) or isinstance(attack, type):
        raise InputError(
            "An attack is a value, as iqaudit.attacks.Bidirectional(), a frozen dataclass with "
            f"{', '.join(needed[:-1])} and {needed[-1]}; not {called}."
        )
    return attack


def _name(attack: Any) -> str:
    """Return the name under which an attack is known: its class's where it is not registered."""
    for name, (known, _) in ATTACKS.items():
        if known == attack:
            return name
    return type(attack).__name__


def _bundled() -> dict[str, type[Attack[Any]]]:
    """Return the classes of `ATTACKS` by their names."""
    return {type(attack).__name__: type(attack) for attack, _ in ATTACKS.values()}


def _class_name(kind: type) -> str:
    """Return a class's name in files; of one that is not bundled, with where it is found."""
    if kind in _bundled().values():
        return kind.__name__
    return f"{PYTHON}{kind.__module__}:{kind.__qualname__}"


def made(name: str, settings: Mapping[str, Any], *, imports: bool = False) -> Attack[Any] | None:
    """Return the attack of a class's name and hyper-parameters, as files hold them.

    None where its class is not there, or makes another than it was; a hyper-parameter that is not
    among them is a newer one, whose default is what was done without. One that is not bundled is
    only found where its module may be imported (`imports`), which runs its code.
    """
    kind = _bundled().get(name)
    if kind is None and not (imports and name.startswith(PYTHON)):
        return None
    try:
        kind = kind or import_object(name)
        known = {field.name for field in fields(kind) if field.init}
        attack = kind(**{key: value for key, value in settings.items() if key in known})
        held = AttackSpec(name, attack).settings
    except (TypeError, InputError):  # written by another version
        return None
    return attack if held | dict(settings) == held else None
