"""A run's directory: results.json, the clean and attacked PNGs, every score, the report.

    results.json          settings, and for each picture its figures, files and hashes
    clean/NAME.png        what was attacked
    attacked/NAME.png     the best picture found: exactly the pixels that were scored
    scores/NAME.npy       every native score answered, in order (float64)
    report.html           the page

A result is written as soon as it is there, results.json last and at one stroke, so a run that ends
at any moment leaves a directory that reads and verifies. Nothing in it tells the time or the place:
the same run writes the same bytes.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from iqaudit import images, measures
from iqaudit.audit import Plan
from iqaudit.errors import InputError
from iqaudit.oracle import score
from iqaudit.summary import Row, Summary, row, summarise
from iqaudit.trial import TrialResult
from iqaudit.victims import VICTIMS, Victim, as_victim

FORMAT = "iqaudit results, version 1"
RESULTS, REPORT = "results.json", "report.html"
PARTS = ("clean", "attacked", "scores")

SCORE_TOLERANCE = 1e-4
"""Share of the native range by which a fresh score may differ: other processors round otherwise."""


class RunDirectory:
    """A run's directory, being written.

    Parameters
    ----------
    path : path
        Must not exist, or be empty. Nothing is made before the first result.
    plan : Plan
        What is run.
    overwrite : bool
        Whether a directory that holds a run may lose that run to this one.

    Raises
    ------
    InputError
        If the path is taken.
    """

    def __init__(
        self, path: str | os.PathLike[str], plan: Plan, *, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        self._plan = plan
        self._rows: list[Row] = []
        self._entries: list[dict[str, Any]] = []
        taken = self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir()))
        if taken and not (self.path / RESULTS).is_file():
            raise InputError(f"{self.path}: this is there already and holds no run; name another.")
        if taken and not overwrite:
            raise InputError(
                f"{self.path}: this holds another run; name another folder, or say --overwrite."
            )

    def add(self, result: TrialResult) -> Row:
        """Write one result, and return its figures."""
        if not self._entries:
            _clear(self.path)
        name = result.picture.name
        figures = row(result, self._plan.victim.scale)
        clean, attacked = f"clean/{name}.png", f"attacked/{name}.png"
        images.write(self.path / clean, result.picture.pixels)
        images.write(self.path / attacked, result.adversarial)
        np.save(self.path / f"scores/{name}.npy", result.scores)
        self._rows.append(figures)
        self._entries.append(
            asdict(figures)
            | {
                "notes": list(result.picture.notes),
                "clean_file": clean,
                "clean_pixels_sha256": result.picture.sha256,
                "attacked_file": attacked,
                "attacked_sha256": _file_sha256(self.path / attacked),
                "trace": [list(step) for step in result.trace],
            }
        )
        temporary = self.path / f"{RESULTS}.part"
        temporary.write_text(json.dumps(self.record(), indent=1, allow_nan=False), "utf-8")
        temporary.replace(self.path / RESULTS)
        return figures

    @property
    def rows(self) -> tuple[Row, ...]:
        """The figures of the results written so far."""
        return tuple(self._rows)

    @property
    def summary(self) -> Summary:
        """Their means."""
        return summarise(self._rows)

    def record(self) -> dict[str, Any]:
        """Return what results.json holds."""
        plan = self._plan
        return {
            "format": FORMAT,
            "versions": {
                package: version(package)
                for package in ("iqaudit", "numpy", "pillow", "scikit-image", "torch")
            },
            "victim": {"name": plan.victim.name, "scale": _scale_record(plan.victim)},
            "attack": {"name": type(plan.attack).__name__, **asdict(plan.attack)},
            "levels": int(plan.threat.levels),
            "goal": plan.goal.value,
            "queries": plan.queries,
            "seed": plan.seed,
            "summary": asdict(self.summary),
            "pictures": self._entries,
        }


@dataclass(frozen=True)
class Check:
    """What `verify` found for one picture; `wrong` is empty where everything is as recorded."""

    name: str
    score: float | None
    linf: int | None
    wrong: tuple[str, ...]


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
    except FileNotFoundError:
        raise InputError(f"{path}: there is no {RESULTS}, so this is no run.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: this cannot be read ({error}).") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f'{file}: this is not in the format "{FORMAT}".')
    return record


def verify(path: str | os.PathLike[str], victim: Victim | None = None) -> tuple[Check, ...]:
    """Read a run's PNGs back, score them afresh, and compare with results.json.

    Parameters
    ----------
    path : path
        The run's directory.
    victim : Victim, optional
        Who scores; the named victim of the run unless given.

    Returns
    -------
    tuple of Check
        One a picture: the file's hash, the L-infinity distance to the clean picture, whether that
        is within the threat, and both scores to within 1e-4 of the native range.
    """
    record = load(path)
    if victim is None:
        name = record["victim"]["name"]
        if name not in VICTIMS:
            raise InputError(f'The run\'s victim "{name}" has no name here; give the victim.')
        victim = as_victim(name)
    return tuple(_check(Path(path), entry, record, victim) for entry in record["pictures"])


def _check(
    path: Path, entry: Mapping[str, Any], record: Mapping[str, Any], victim: Victim
) -> Check:
    wrong: list[str] = []
    try:
        clean = images.read(path / entry["clean_file"]).pixels
        attacked = images.read(path / entry["attacked_file"]).pixels
    except InputError as error:
        return Check(entry["name"], None, None, (str(error),))
    if images.pixels_sha256(clean) != entry["clean_pixels_sha256"]:
        wrong.append("the clean picture's pixels are not the recorded ones")
    if _file_sha256(path / entry["attacked_file"]) != entry["attacked_sha256"]:
        wrong.append("the attacked file's hash is not the recorded one")
    if clean.shape != attacked.shape:
        wrong.append("the two pictures differ in size")
        return Check(entry["name"], None, None, tuple(wrong))
    distance = measures.linf(clean, attacked)
    if distance != entry["linf"] or distance > record["levels"]:
        wrong.append(
            f"L-infinity is {distance}, recorded {entry['linf']}, allowed {record['levels']}"
        )
    low, high = victim.scale.low, victim.scale.high
    unit = high - low if math.isfinite(high - low) else victim.scale.spread
    fresh = score(victim, attacked)
    for which, found in (("clean", score(victim, clean)), ("attacked", fresh)):
        recorded = entry[f"{which}_score"]
        if abs(found - recorded) > SCORE_TOLERANCE * unit:
            wrong.append(f"the {which} score is {found:.6g}, recorded {recorded:.6g}")
    return Check(entry["name"], fresh, distance, tuple(wrong))


def _clear(path: Path) -> None:
    """Make the directory, without what an earlier run left in it."""
    for name in (RESULTS, REPORT):
        (path / name).unlink(missing_ok=True)
    for part in PARTS:
        shutil.rmtree(path / part, ignore_errors=True)
        (path / part).mkdir(parents=True)


def _scale_record(victim: Victim) -> dict[str, Any]:
    record = asdict(victim.scale)
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in record.items()
    }


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
