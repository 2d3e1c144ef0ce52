"""The public surface: what has no underscore, exported and documented, and a light import."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import iqaudit

MODULES = [each.name for each in pkgutil.walk_packages(iqaudit.__path__, "iqaudit.")]
PUBLIC = sorted(
    name
    for name in ("iqaudit", *MODULES)
    if not any(part.startswith("_") for part in name.split("."))
)


def test_public_modules_are_these() -> None:
    """Whatever else is made lies behind an underscore, where it may be changed."""
    assert PUBLIC == [
        "iqaudit",
        "iqaudit.attacks",
        "iqaudit.datasets",
        "iqaudit.defences",
        "iqaudit.measures",
        "iqaudit.testing",
        "iqaudit.victims",
    ]


@pytest.mark.parametrize("module", PUBLIC)
def test_exported_names_are_documented(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            assert value.__doc__, name


def test_the_package_says_all_that_it_offers() -> None:
    offered = {
        name
        for name, value in vars(iqaudit).items()
        if getattr(value, "__module__", "").startswith("iqaudit.") and not name.startswith("_")
    }
    modules = {name for name in iqaudit.__all__ if inspect.ismodule(getattr(iqaudit, name))}
    assert offered | modules == set(iqaudit.__all__)
    assert {f"iqaudit.{name}" for name in modules} <= set(PUBLIC)


def test_calls_return_what_is_public() -> None:
    """Whoever annotates a variable with a result needs its type's name."""
    modules = [importlib.import_module(each) for each in PUBLIC]
    named = {id(getattr(module, name)) for module in modules for name in module.__all__}
    calls = [getattr(iqaudit, name) for name in iqaudit.__all__]
    calls = [call for call in calls if inspect.isfunction(call)]
    methods = inspect.getmembers(iqaudit.Audit, inspect.isfunction)
    calls += [call for name, call in methods if not name.startswith("_")]
    assert len(calls) > 25
    for call in calls:
        for kind in parts(typing.get_type_hints(call)["return"]):
            if getattr(kind, "__module__", "").startswith("iqaudit"):
                assert id(kind) in named, f"{call.__qualname__}: {kind}"


def parts(kind: Any) -> Iterator[Any]:
    """Yield a type and those that it is made of."""
    yield kind
    for each in typing.get_args(kind):
        yield from parts(each)


@pytest.mark.slow
def test_importing_is_light() -> None:
    code = "import sys, iqaudit; sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
