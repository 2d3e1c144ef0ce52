"""Analyses as JSON files: written at one stroke, read with one sentence for what cannot be."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from iqaudit._core.errors import InputError


def write(file: Path, form: str, found: Any) -> None:
    """Write a dataclass under the name of its format."""
    temporary = file.with_name(f"{file.name}.part")
    said = {"format": form} | asdict(found)
    temporary.write_text(json.dumps(said, indent=1, allow_nan=False), "utf-8")
    temporary.replace(file)


def read(file: Path, form: str) -> dict[str, Any] | None:
    """Return what a file of a format holds; None where there is no file.

    Raises
    ------
    InputError
        If it cannot be read, or is in another format.
    """
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if not isinstance(found, dict) or found.get("format") != form:
        raise InputError(f'{file}: this is not in the format "{form}".')
    return found
