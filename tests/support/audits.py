"""Small audits as they lie on disk, of victims whose answers are known."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.support.records import text
from tests.support.scorers import roughness

import iqaudit
from iqaudit._analysis.scorers import Scorer
from iqaudit._audit import cell_store
from iqaudit._audit.spec import Cell as SpecCell
from iqaudit._core.picture import Picture, Pixels
from iqaudit._runs.records import AuditRecord, AuditVictim, CardRecord, CellRecord, DataRecord
from iqaudit._runs.schema import AUDIT, AUDIT_FORMAT
from iqaudit._runs.store import write_record
from iqaudit._runs.trust import remember
from iqaudit._search.stop import Stop
from iqaudit.attacks import Attack
from iqaudit.attacks._registry import attack_spec
from iqaudit.testing import Recording
from iqaudit.victims import Function
from iqaudit.victims._base import Card
from iqaudit.victims._registry import KINDS
from iqaudit.victims._spec import VictimSpec

Score = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

SIDE = 24

QUERIES, PICTURES = 320, 6
OPINIONS: tuple[float | None, ...] = (7.5, 2.0, 5.5, 8.5, 1.0, None)
"""Of `uneven`'s pictures."""


def brightness(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by the mean level."""
    mean: NDArray[np.float64] = pictures.mean(axis=(1, 2, 3), dtype=np.float64)
    return mean


def darkness(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score the other way: 128 is 128."""
    return 256 - brightness(pictures)


def checks(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by how much the picture is like a chequered one: the finest detail alone."""
    height, width = pictures.shape[1:3]
    board = 1 - 2 * (np.add.outer(np.arange(height), np.arange(width)) % 2)
    return 128 + brightness(pictures * board[..., None])


def middle(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by the mean level of the middle, an eighth from each side."""
    height, width = (side // 8 for side in pictures.shape[1:3])
    return brightness(pictures[:, height:-height, width:-width])


class Asked(Recording):
    """A victim that records the pictures it is asked about."""

    def __init__(self, score: Score, low: float = 118, high: float = 138) -> None:
        super().__init__(function(score, low, high))

    @property
    def asked(self) -> list[bytes]:
        return [picture.tobytes() for picture in self.pictures]


def scorer(score: Score) -> Scorer:
    victim = Asked(score)
    return Scorer(victim.card.name, victim)


def photographs(count: int, side: int = SIDE) -> list[Picture]:
    """Return mid-grey pictures with noise, in which nothing is clipped."""
    rng = np.random.default_rng(5)
    levels = np.linspace(124, 132, count)
    drawn: list[Pixels] = [
        np.rint(level + rng.uniform(-20, 20, (side, side + 2, 3))).astype(np.uint8)
        for level in levels
    ]
    return [Picture(f"p{index}", pixels) for index, pixels in enumerate(drawn)]


def uneven(count: int = PICTURES) -> list[Picture]:
    """Return pictures of several roughnesses."""
    rng = np.random.default_rng(5)
    return [
        Picture(
            f"picture-{number + 1}",
            (128 + rng.normal(0, 2 + 3 * number, (12 + number, 16, 3)))
            .clip(0, 255)
            .astype(np.uint8),
        )
        for number in range(count)
    ]


def rough(*, lower_is_better: bool = False) -> Function:
    """Return a victim that takes rough pictures for good ones, or for bad ones."""
    scale = iqaudit.Scale.from_range(0, 20, lower_is_better=lower_is_better)
    return Function(roughness, scale, name="smooth" if lower_is_better else "rough")


def bright() -> Function:
    """Return a victim without a known range."""
    return Function(brightness, iqaudit.Scale(128, 40), name="bright")


def write_run(
    path: Path,
    victim: Any,
    pictures: Sequence[Picture],
    attack: Attack[Any] | str = "bidirectional",
    opinions: Sequence[float | None] | None = None,
    *,
    results: Sequence[iqaudit.TrialResult] | None = None,
    **others: Any,
) -> Path:
    """Write a run, with opinion scores and types of distortion as an audit's cells have them.

    The victim is asked for the run's scores alone, by no audit; not at all where there are results.
    """
    settings = {"queries": 120, "seed": 1} | others
    if results is None:
        results = iqaudit.attack(pictures, victim, attack=attack, **settings)
    spec = VictimSpec.of(victim)
    cell = SpecCell(
        ".",
        spec,
        attack_spec(attack),
        settings.get("threat", iqaudit.Linf()).levels,
        iqaudit.Goal(settings.get("goal", "bidirectional")),
        settings["seed"],
        settings["queries"],
        Stop(settings.get("early_stop"), settings.get("until_plateau")),
    )
    card = victim.card
    cell_store.prepare(path)
    labels = dict.fromkeys(("opinion", "distortion", "reference"))
    for result in results:
        cell_store.commit(path, result, card, labels)
    names = [result.picture.name for result in results]
    cell_store.finish(path, cell, CardRecord.of(card), names)
    edit(path, lambda record: rate(record, opinions or [None] * len(names)))
    return path


def edit(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a run's record."""
    record = json.loads((run / "results.json").read_text())
    change(record)
    (run / "results.json").write_text(text(record))


def rate(record: dict[str, Any], opinions: Sequence[float | None]) -> None:
    """Give pictures these opinion scores, and types of distortion."""
    rated = any(opinion is not None for opinion in opinions)
    for index, (entry, opinion) in enumerate(zip(record["pictures"], opinions, strict=True)):
        distortion = ("blur", "noise")[index % 2] if rated else None
        entry |= {"opinion": opinion, "distortion": distortion, "reference": None}


def write_manifest(
    path: Path,
    cells: Sequence[tuple[str, str, str]],
    options: Mapping[str, Any] | None = None,
    data: str = "photographs",
    pictures: Sequence[str] = (),
) -> Path:
    """Write an audit's manifest of cells (folder, victim, attack), as of an audit made here."""
    options = options or {}
    card = Card("", iqaudit.Scale.from_range(118, 138))
    manifest = AuditRecord(
        protocol=2,
        versions={},
        campaign={},
        data=DataRecord(name=data, pictures=tuple(pictures)),
        victims=tuple(
            AuditVictim.of(card, victim=victim, victim_options=options, fingerprint=(0, 0))
            for _, victim, _ in cells
        ),
        cells=tuple(
            CellRecord(
                folder=folder,
                victim=victim,
                victim_options=options,
                attack=attack,
                levels=3,
                goal="bidirectional",
                seed=1,
                queries=120,
            )
            for folder, victim, attack in cells
        ),
    )
    write_record(path / AUDIT, AUDIT_FORMAT, manifest)
    kinds = {victim: victim.partition(":")[0] for _, victim, _ in cells}
    remember(path, [VictimSpec(each, options) for each, kind in kinds.items() if kind in KINDS])
    return path


@dataclass(frozen=True)
class Cell:
    """A run of an audit of `uneven`."""

    victim: Function
    attack: str = "bidirectional"
    queries: int = QUERIES

    def write(self, path: Path, opinions: Sequence[float | None] | None = None) -> Path:
        """Write the run."""
        return write_run(path, self.victim, uneven(), self.attack, opinions, queries=self.queries)


def write_audit(path: Path, cells: Mapping[str, Cell]) -> Path:
    """Write an audit whose pictures have opinion scores."""
    path.mkdir()
    for folder, cell in cells.items():
        cell.write(path / folder, OPINIONS)
    said = [(folder, cell.victim.card.name, cell.attack) for folder, cell in cells.items()]
    names = [picture.name for picture in uneven()]
    return write_manifest(path, said, data="six", pictures=names)


def function(score: Score, low: float = 118, high: float = 138) -> Function:
    # Narrow about the middle, where the pictures are: a few levels move the quality far.
    return Function(score, iqaudit.Scale.from_range(low, high), name=score.__name__)
