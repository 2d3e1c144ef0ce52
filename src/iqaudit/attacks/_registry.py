"""Attacks with the names that files and tables call them by, and the making of one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from iqaudit._core.errors import InputError
from iqaudit._core.importing import import_object
from iqaudit.attacks import ATTACKS, named
from iqaudit.attacks._base import Attack, is_white_box

PYTHON = "python:"
"""The prefix of an attack of the user's own, python:MODULE:NAME."""


@dataclass(frozen=True)
class AttackSpec:
    """An attack with the name that files and tables call it by.

    Parameters
    ----------
    name : str
        A name of `ATTACKS`, ``python:MODULE:NAME``, or that of the attack's class.
    attack : Attack
        The attack.
    """

    name: str
    attack: Attack[Any]

    @property
    def label(self) -> str:
        """A short name, for folders."""
        return self.name.rpartition(":")[2]

    @property
    def record(self) -> str | dict[str, Any]:
        """The name, as files hold it; of a value that has none, its class and settings."""
        return self.name if self.name in ATTACKS or PYTHON in self.name else self.settings

    @property
    def settings(self) -> dict[str, Any]:
        """The attack's class and hyper-parameters, as files hold them."""
        white = {"white_box": True} if is_white_box(self.attack) else {}
        return {"name": type(self.attack).__name__, **asdict(self.attack), **white}


def attack_spec(attack: "Attack[Any] | AttackSpec | str") -> AttackSpec:
    """Return an attack with its name.

    Parameters
    ----------
    attack : Attack, AttackSpec or str
        A value, as ``Guided(visibility=0.3)``; a name of `ATTACKS`; or ``python:MODULE:NAME``, a
        value or a class that needs no arguments in a module of the user's, which is imported.

    Raises
    ------
    InputError
        If there is no such attack, or it is none.
    """
    if isinstance(attack, AttackSpec):
        return attack
    if not isinstance(attack, str):
        return AttackSpec(_name(attack), _checked(attack, repr(attack)))
    if not attack.startswith(PYTHON):
        return AttackSpec(attack, named(attack))
    found = import_object(attack)
    return AttackSpec(attack, _checked(found() if isinstance(found, type) else found, attack))


def _checked(attack: Attack[Any], called: str) -> Attack[Any]:
    parts = [part for part in ("init", "ask", "tell") if not callable(getattr(attack, part, None))]
    if parts or not is_dataclass(attack) or isinstance(attack, type):
        raise InputError(
            "An attack is a value, as iqaudit.attacks.Bidirectional(), a frozen dataclass with "
            f"init, ask and tell; not {called}."
        )
    return attack


def _name(attack: Any) -> str:
    """Return the name under which an attack is known: its class's where it is not registered."""
    for name, (known, _) in ATTACKS.items():
        if type(known) is type(attack) and known == attack:
            return name
    return type(attack).__name__


def made(name: str, settings: Mapping[str, Any]) -> Attack[Any] | None:
    """Return the attack of a class's name and hyper-parameters, as files hold them.

    None where it is not one of `ATTACKS`' classes, or not as this version has it. A hyper-parameter
    that is not among them is a newer one, whose default is what was done without.
    """
    given = {key: value for key, value in settings.items() if key != "white_box"}
    kinds = {type(attack).__name__: type(attack) for attack, _ in ATTACKS.values()}
    kind = kinds.get(name)
    if kind is None:
        return None
    fixed = {field.name for field in fields(kind) if not field.init}
    try:
        attack = kind(**{key: value for key, value in given.items() if key not in fixed})
    except (TypeError, InputError):  # written by another version
        return None
    held = asdict(attack)
    return attack if held | given == held else None
