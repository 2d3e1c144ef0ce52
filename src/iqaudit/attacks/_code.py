"""A digest of the code that an attack is made of, which an audit holds it to."""

import ast
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from iqaudit.attacks._base import Attack

ROOM = "iqaudit.attacks."

TYPES_ALONE = ROOM + "_base"

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders of packages that have nothing to do with one another."""


def digest(attack: Attack[Any]) -> str | None:
    """Return the SHA-256 of the code that an attack is made of, without comments and docstrings.

    Its module's, and that of the modules that it is built on: those of `iqaudit.attacks` and, for
    one of the user's own, those of its package and beside it; of a class in a script, its own. None
    where there is no source, as in a console.
    """
    parts = (getattr(attack, field.name) for field in fields(attack))
    kinds = (type(attack), *(type(each) for each in parts if is_dataclass(each)))
    return _digest(tuple(dict.fromkeys(base for kind in kinds for base in inspect.getmro(kind))))


@cache
def _digest(kinds: tuple[type, ...]) -> str | None:
    texts: list[str] = []
    seen = {TYPES_ALONE}
    first = kinds[0].__module__
    try:
        for kind in kinds:
            if kind.__module__ == "__main__":
                texts.append(_text(textwrap.dedent(inspect.getsource(kind))))
            elif kind.__module__ not in seen and _is_part(kind.__module__, first):
                texts += _texts(kind.__module__, seen)
    except (OSError, TypeError, ValueError, SyntaxError):
        return None
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _texts(module: str, seen: set[str]) -> Iterator[str]:
    """Yield the code of a module, after that of the modules that it is built on."""
    seen.add(module)
    file = getattr(sys.modules[module], "__file__", None)
    source = "" if file is None else Path(file).read_text("utf-8")  # a folder without __init__.py
    for node in ast.walk(ast.parse(source)):
        for name in _imported(node, sys.modules[module].__package__):
            if name in sys.modules.keys() - seen and _is_part(name, module):
                yield from _texts(name, seen)
    yield _text(source)


def _imported(node: ast.AST, package: str | None) -> Iterator[str]:
    """Yield the names of the modules that a statement may import."""
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom):
        place = resolve_name("." * node.level + (node.module or ""), package)
        yield from (place, *(f"{place}.{each.name}" for each in node.names))


def _is_part(name: str, module: str) -> bool:
    """Tell whether a module belongs to the code of another that is built on it."""
    if name == module or name.startswith(ROOM):
        return True
    top, own = name.partition(".")[0], module.partition(".")[0]
    if own in ("iqaudit", "__main__"):
        return False
    folder = _folder(own)
    return top == own or (folder == _folder(top) and folder.name not in INSTALLED)


def _folder(top: str) -> Path:
    """Return the folder that a package, or a module without one, lies in."""
    module = sys.modules[top]
    places = [*getattr(module, "__path__", ()), getattr(module, "__file__", None) or ""]
    return Path(places[0]).absolute().parent


def _text(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [each for each in body if not _is_docstring(each)]
    return ast.dump(tree)


def _is_docstring(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
