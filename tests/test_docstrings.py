"""Docstrings of public names: numpydoc's checks of pyproject.toml hold."""

import inspect
import tomllib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

import iqaudit

SETTINGS = Path(__file__).parents[1] / "pyproject.toml"
CHECKS = set(tomllib.loads(SETTINGS.read_text("utf-8"))["tool"]["numpydoc_validation"]["checks"])

PARAMETERS = "PR01"

DESCRIBED_IN_THE_PROTOCOL = {
    *("init", "ask", "tell", "score", "gradient", "open_session", "pictures", "pull_back"),
}


def packages(package: ModuleType = iqaudit) -> Iterator[ModuleType]:
    """Yield the public packages, the door first."""
    yield package
    for name in package.__all__:
        if inspect.ismodule(value := getattr(package, name)):
            yield from packages(value)


def documented() -> Iterator[tuple[str, Any]]:
    """Yield the public classes and functions, and the classes' methods, with their paths."""
    for package in packages():
        for name in package.__all__:
            value = getattr(package, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{package.__name__}.{name}", value
            for method, member in vars(value).items() if inspect.isclass(value) else ():
                if not method.startswith("_"):
                    function = getattr(member, "__func__", member)  # a class method's
                    if isinstance(function, FunctionType):
                        yield f"{package.__name__}.{name}.{method}", function


def needs_parameters(path: str, value: Any) -> bool:
    """Whether parameters must be described: not one alone, which the first line can do."""
    if inspect.isclass(value):
        is_protocol = getattr(value, "_is_protocol", False)
        return not (is_protocol or issubclass(value, Enum) or ClassDoc(value)["Attributes"])
    *_, owner, name = path.split(".")
    if name in DESCRIBED_IN_THE_PROTOCOL and owner not in {"Attack", "Victim", "Defence"}:
        return False
    return len(inspect.signature(value).parameters.keys() - {"self", "cls"}) > 1


NAMES = [pytest.param(path, needs_parameters(path, value), id=path) for path, value in documented()]


@pytest.mark.parametrize(("path", "parameters"), NAMES)
def test_a_public_docstring_passes_numpydocs_checks(path: str, *, parameters: bool) -> None:
    checks = CHECKS if parameters else CHECKS - {PARAMETERS}
    assert [error for error in validate(path)["errors"] if error[0] in checks] == []
