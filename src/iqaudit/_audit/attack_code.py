"""The version of an attack: its settings and a digest of its code, which an audit holds it to."""

import ast
import hashlib
import inspect
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from iqaudit._runs.records import AttackRecord, AttackVersion
from iqaudit.attacks._base import Attack
from iqaudit.attacks._registry import AttackSpec

ROOM = "iqaudit.attacks."

TYPES_ALONE = ROOM + "_base"


def versions(specs: Iterable[AttackSpec]) -> tuple[AttackVersion, ...]:
    """Return the version of each attack, equal ones once."""
    found: list[AttackVersion] = []
    for spec in specs:
        # Through JSON, as it is read again: a tuple is a list there.
        settings = AttackRecord.of(json.loads(json.dumps(spec.settings)))
        version = AttackVersion(name=spec.name, settings=settings, code=digest(spec.attack))
        if version not in found:
            found.append(version)
    return tuple(found)


def digest(attack: Attack[Any]) -> str | None:
    """Return the SHA-256 of the code that an attack is made of, without comments and docstrings.

    Its module's, and that of the other modules of `iqaudit.attacks` that it is built on; of a class
    in a script, its own. None where there is no source, as in a console.
    """
    return _digest(type(attack))


@cache
def _digest(kind: type) -> str | None:
    try:
        if kind.__module__ == "__main__":
            texts = [_text(textwrap.dedent(inspect.getsource(kind)))]
        else:
            texts = list(_texts(kind.__module__, {TYPES_ALONE}))
    except (OSError, TypeError):
        return None
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _texts(module: str, seen: set[str]) -> Iterator[str]:
    """Yield the code of a module, after that of the attacks' modules that it imports."""
    seen.add(module)
    source = Path(inspect.getfile(sys.modules[module])).read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{each.name}" for each in node.names)):
                if name.startswith(ROOM) and name in sys.modules.keys() - seen:
                    yield from _texts(name, seen)
    yield _text(source)


def _text(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [each for each in body if not _is_docstring(each)]
    return ast.dump(tree)


def _is_docstring(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
