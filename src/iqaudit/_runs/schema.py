"""The record of a run: what its directory holds, and how it is read.

results.json          settings, and for each picture its figures, files and hashes
clean/NAME.png        what was attacked
attacked/NAME.png     the best picture found: exactly the pixels that were scored
scores/NAME.npy       every native score answered, in order, and its picture's key
report.html           the page
insights.json         what the attack shows about the victim; the answers it took beside it (.jsonl)
transfer.json         the pictures scored by other victims, likewise; in an audit's own directory

An audit's directory holds such runs, its cells, beside a manifest, audit.json, that names them.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale

FORMAT = "iqaudit results, version 1"
KEYS = {"victim", "attack", "levels", "goal", "queries", "seed", "summary", "pictures"}
RESULTS, REPORT = "results.json", "report.html"
AUDIT, AUDIT_FORMAT = "audit.json", "iqaudit audit, version 1"
INSIGHTS, INSIGHTS_ANSWERS = "insights.json", "insights.jsonl"
TRANSFER, TRANSFER_ANSWERS = "transfer.json", "transfer.jsonl"
ANALYSES = (INSIGHTS, INSIGHTS_ANSWERS, TRANSFER, TRANSFER_ANSWERS)

FILES = {"clean": "png", "attacked": "png", "scores": "npy"}
"""The folders, and the suffix of each picture's file in them."""

ANSWER = np.dtype([("score", "<f8"), ("picture", "<u8")])
"""A row of the scores' file: the native score, and the `picture_key` of what was
scored so."""


def file_names(name: str) -> dict[str, str]:
    """Return the files of a picture's result, relative to the run's directory."""
    return {folder: f"{folder}/{name}.{suffix}" for folder, suffix in FILES.items()}


def load_answers(path: str | os.PathLike[str], name: str) -> NDArray[np.void]:
    """Return what a run's victim answered on a picture: an array of `ANSWER` rows, in order.

    Raises
    ------
    InputError
        If the file is missing or is no such array.
    """
    file = Path(path) / file_names(name)["scores"]
    try:
        answers = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if answers.dtype != ANSWER or answers.ndim != 1:
        raise InputError(f"{file}: these are no recorded scores.")
    return np.asarray(answers)


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return a run's results.json.

    Raises
    ------
    InputError
        If there is none, or it is not one that this version reads.
    """
    file = Path(path) / RESULTS
    try:
        record = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: there is no {RESULTS}, so this is no run.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f'{file}: this is not in the format "{FORMAT}".')
    if missing := KEYS - record.keys():
        raise InputError(f"{file}: this lacks {', '.join(sorted(missing))}.")
    for entry in record["pictures"]:
        # Names lead to files: one that leads elsewhere was not written by iqaudit.
        if Path(str(entry["name"])).name != entry["name"]:
            raise InputError(f"{file}: {entry['name']!r} is no picture's name.")
    return record


def manifest(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return an audit's manifest; None where a directory holds none.

    Raises
    ------
    InputError
        If it is not one that this version reads.
    """
    file = Path(path) / AUDIT
    try:
        said = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if not isinstance(said, dict) or said.get("format") != AUDIT_FORMAT:
        raise InputError(f'{file}: this is not in the format "{AUDIT_FORMAT}".')
    for name in (*(cell["folder"] for cell in said["cells"]), *said["data"]["pictures"]):
        # Names lead to files: one that leads elsewhere was not written by iqaudit.
        if Path(str(name)).name != name:
            raise InputError(f"{file}: {name!r} is no cell's or picture's name.")
    return said


def runs(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the directories of an audit's finished cells, in the manifest's order.

    Of a single run, its own.

    Raises
    ------
    InputError
        If the path is neither an audit's nor a run's, or no cell is finished.
    """
    path, said = Path(path), manifest(path)
    if said is None:
        if not (path / RESULTS).exists():
            raise InputError(f"{path}: there is no {AUDIT} and no {RESULTS}, so this is no run.")
        return (path,)
    cells = [path / cell["folder"] for cell in said["cells"]]
    finished = tuple(cell for cell in cells if (cell / RESULTS).exists())
    if not finished:
        raise InputError(f"{path}: none of this audit's cells is finished yet.")
    return finished


def scale_record(scale: Scale) -> dict[str, Any]:
    """Return a scale as JSON can hold it: null for an end that is infinite."""
    return {
        key: None if value in (np.inf, -np.inf) else value for key, value in asdict(scale).items()
    }


def same_scale(held: Mapping[str, Any], scale: Scale) -> bool:
    """Tell whether a scale maps scores as the one that was recorded does."""
    now = scale_record(scale)
    return all(held.get(key) == now[key] for key in now.keys() - {"fitted"})


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
