"""What an audit's cells, or a run by itself, hold: each picture's figures, and what was reached."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.goal import Direction
from iqaudit._core.scale import Scale
from iqaudit._runs import schema
from iqaudit._runs.figures import Row
from iqaudit._search.stop import Outcome, Stop
from iqaudit.attacks import ATTACKS, is_white_box

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PictureData:
    """A picture of a cell.

    Attributes
    ----------
    figures : Row
        As results.json has them; what an older version did not measure is None.
    opinion : float or None
        The opinion score on 0-10, higher is better.
    distortion, reference : str or None
        What was done to which picture, where the data set says.
    sha256 : str
        Of the clean pixels: two cells' pictures are the same where this is.
    file : str or None
        Where it was read from.
    reached : ndarray of float64, (queries / cost,)
        The best native score found with so many scores asked.
    """

    figures: Row
    opinion: float | None
    distortion: str | None
    reference: str | None
    sha256: str
    file: str | None
    reached: Floats

    @property
    def finished(self) -> bool:
        """Whether its budget was spent, or its search ended as it should."""
        return Outcome[self.figures.outcome.upper()].finished


@dataclass(frozen=True, eq=False)
class CellData:
    """A cell of an audit, or a run by itself.

    Attributes
    ----------
    path : Path
        Its directory; `cell` is that directory's name.
    victim, attack : str
        Their names: the attack's in `iqaudit.attacks.ATTACKS`, or its class's.
    method, settings : str, mapping
        The attack's class and hyper-parameters, as results.json has them.
    data : str or None
        The data set's name; None for a run by itself.
    levels, queries, seed, cost : int
        The threat in levels of 255, the budget, the seed, and what a score costs.
    goal : str
        Which way scores were pushed.
    stop : Stop
        When searches ended before their budget was spent.
    scale : Scale
        The victim's.
    pictures : tuple of PictureData
        Those that were begun.
    planned : int
        How many there were to be.
    """

    path: Path
    victim: str
    attack: str
    method: str
    settings: Mapping[str, Any]
    data: str | None
    levels: int
    queries: int
    seed: int
    cost: int
    goal: str
    stop: Stop
    scale: Scale
    pictures: tuple[PictureData, ...]
    planned: int

    @property
    def cell(self) -> str:
        """The directory's name."""
        return self.path.resolve().name

    @property
    def budget(self) -> str:
        """How many queries a picture's search has, and what ends it before."""
        return f"{self.queries:,} queries a picture{self.stop}"

    @property
    def finished(self) -> tuple[PictureData, ...]:
        """The pictures that figures are of."""
        return tuple(picture for picture in self.pictures if picture.finished)

    def __repr__(self) -> str:
        return f"CellData({str(self.path)!r}, {len(self.pictures)} pictures)"


def load(path: str | os.PathLike[str]) -> tuple[CellData, ...]:
    """Return the cells of an audit that have results, in the manifest's order, or a run as one.

    Raises
    ------
    InputError
        If the path is neither, nothing has results yet, or a file cannot be read.
    """
    data = (schema.manifest(path) or {}).get("data") or {}
    planned = len(data.get("pictures") or ())
    return tuple(_cell(folder, data.get("name"), planned) for folder in schema.runs(path))


def missing(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of an audit's cells that have no results yet."""
    planned = (schema.manifest(path) or {}).get("cells", ())
    finished = {folder.name for folder in schema.runs(path)}
    return tuple(cell["folder"] for cell in planned if cell["folder"] not in finished)


def _cell(path: Path, data: str | None, planned: int) -> CellData:
    said = schema.load(path)
    scale = _scale(said["victim"]["scale"])
    settings = dict(said["attack"])
    method = settings.pop("name")
    pictures = tuple(_picture(path, entry, scale) for entry in said["pictures"])
    return CellData(
        path=path,
        victim=said["victim"]["name"],
        attack=_attack(method, settings),
        method=method,
        settings=settings,
        data=data,
        levels=said["levels"],
        queries=said["queries"],
        seed=said["seed"],
        cost=said["victim"].get("cost", 1),
        goal=said["goal"],
        stop=Stop(said.get("early_stop"), said.get("until_plateau")),
        scale=scale,
        pictures=pictures,
        planned=max(planned, len(pictures)),
    )


def _attack(method: str, settings: Mapping[str, Any]) -> str:
    """Return the name under which an attack with these hyper-parameters is known."""
    for name, (attack, _) in ATTACKS.items():
        own = asdict(attack) | ({"white_box": True} if is_white_box(attack) else {})
        # Through JSON, as the settings came: a tuple is a list there.
        if (type(attack).__name__, json.loads(json.dumps(own))) == (method, settings):
            return name
    return method


def _picture(path: Path, entry: Mapping[str, Any], scale: Scale) -> PictureData:
    figures = Row(**{key: entry.get(key) for key in Row.__match_args__})  # type: ignore[arg-type]
    scores = schema.load_answers(path, figures.name)["score"]
    upwards = Direction(figures.direction) is Direction.RAISE
    best = np.maximum if upwards is not scale.lower_is_better else np.minimum
    return PictureData(
        figures=figures,
        opinion=entry.get("opinion"),
        distortion=entry.get("distortion"),
        reference=entry.get("reference"),
        sha256=entry["clean_pixels_sha256"],
        file=entry.get("file"),
        reached=best.accumulate(scores),
    )


def _scale(said: Mapping[str, Any]) -> Scale:
    """Return a scale from its record, in which an end that is infinite is null."""
    low, high = said["low"], said["high"]
    ends = {"low": -np.inf if low is None else low, "high": np.inf if high is None else high}
    return Scale(**(dict(said) | ends))
