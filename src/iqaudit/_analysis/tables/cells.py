"""The cells of an audit, or a run by itself: each picture's figures, and its best scores so far."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings import insights
from iqaudit._analysis.tables.doubts import (
    MASKED,
    Answers,
    Doubt,
    beaten,
    beyond_gradient,
    clean_codes,
    doubts,
    far,
    held_out,
    luck,
    on_scale,
    rising,
    twins,
)
from iqaudit._core import goal
from iqaudit._core.errors import InputError, unknown
from iqaudit._core.goal import Direction
from iqaudit._core.picture import names_apart
from iqaudit._core.scale import Scale
from iqaudit._runs import schema
from iqaudit._runs.figures import Likeness, Row
from iqaudit._runs.records import FLAT, AttackRecord, AuditRecord, PictureRecord, RunRecord
from iqaudit._search.stop import Outcome, Stop
from iqaudit.attacks import ATTACKS
from iqaudit.attacks._registry import PYTHON, label, made
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import ENOUGH, mean, paired


@dataclass(frozen=True, eq=False)
class PictureData:
    """A picture of a cell.

    Attributes
    ----------
    figures : Row
        As results.json has them; a figure that an older version did not measure is None.
    opinion : float or None
        The opinion score on 0-10, higher is better.
    distortion, reference : str or None
        What was done to which picture, where the data set says.
    sha256 : str
        Of the clean pixels: two cells' pictures are the same where this is.
    attacked_sha256 : str
        Of the attacked picture's file.
    file : str or None
        Where it was read from.
    reached : ndarray of float64, (queries / cost,)
        The best native score found with so many scores asked.
    likeness : mapping of int to Likeness
        The likeness of the best picture after so many queries; an older version kept none.
    answers : Answers
        What its search was answered, in short.
    chance : tuple of float or None
        RGO of random changes that raise the score, and of those that lower it, where insights.json
        has them.
    steepness : float or None
        By how much a change of one level moves the clean score at the most, as the gradient
        foretells; None where the attack followed none.
    """

    figures: Row
    opinion: float | None
    distortion: str | None
    reference: str | None
    sha256: str
    attacked_sha256: str
    file: str | None
    reached: Floats
    likeness: Mapping[int, Likeness]
    answers: Answers
    chance: tuple[float, float] | None = None
    steepness: float | None = None

    @property
    def finished(self) -> bool:
        """Whether its budget was spent, or its search ended as it should."""
        return self.figures.end.finished

    @property
    def spent(self) -> bool:
        """Whether its budget was spent."""
        return self.figures.end is Outcome.BUDGET_SPENT


@dataclass(frozen=True, eq=False)
class CellData:
    """A cell of an audit, or a run by itself.

    Attributes
    ----------
    path : Path
        Its directory; `cell` is that directory's name.
    victim, attack : str
        Their names: the attack's in `iqaudit.attacks.ATTACKS`, or ``python:MODULE:NAME``.
    method, settings : str, mapping
        The attack's class and hyper-parameters, as results.json has them.
    data : str or None
        The data set's name; None for a run by itself.
    levels, queries, seed, cost : int
        The threat in levels of 255, the budget, the seed, and a score's cost.
    searched : int
        The budget of its searches: more than `queries` where a shorter budget is read off them.
    shorter : tuple of int
        Budgets of the audit that are read off the same searches, smallest first.
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
    left_out : str
        The sentence on those of them that the victim could not score, if any.
    signs : tuple of Doubt
        Signs that the audit's other cells show of it.
    version : str
        The version of iqaudit that wrote it.
    run : str
        The name of its run, where cells of several are read together; `cell` begins with it then.
    """

    path: Path
    victim: str
    attack: str
    method: str
    settings: Mapping[str, Any]
    data: str | None
    levels: int
    queries: int
    searched: int
    seed: int
    cost: int
    shorter: tuple[int, ...]
    goal: str
    stop: Stop
    scale: Scale
    pictures: tuple[PictureData, ...]
    planned: int
    left_out: str = ""
    signs: tuple[Doubt, ...] = ()
    version: str = ""
    run: str = ""

    @property
    def cell(self) -> str:
        """The directory's name, behind its run's where it has one."""
        return self._of_run(self.path.resolve().name)

    def _of_run(self, name: str) -> str:
        return f"{self.run}/{name}" if self.run and name else name

    def is_in(self, root: Path) -> bool:
        """Whether it is a cell of an audit's directory, or the run itself."""
        here = self.path.resolve()
        return root.resolve() in (here, here.parent)

    @property
    def white_box(self) -> bool:
        """Whether its searches followed the victim's gradient."""
        return bool(self.settings.get("white_box"))

    @property
    def shared(self) -> bool:
        """Whether its attack made one change for many pictures."""
        return bool(self.settings.get("shared"))

    @property
    def budget(self) -> str:
        """The queries of a picture's search, and the rules that end it before."""
        return f"{self.queries:,} queries a picture{self.stop}"

    @property
    def targeted(self) -> bool:
        """Whether its goal is a score to be reached."""
        return isinstance(goal.named(self.goal), goal.Target)

    @property
    def ranked(self) -> bool:
        """Whether its goal is an order to be broken."""
        return self.goal == goal.Goal.RANK.value

    @property
    def unseeded(self) -> str:
        """The directory's name without the part that tells the seed."""
        return self._of_run(self.seedless(self.path.resolve().name))

    def seedless(self, name: str) -> str:
        """Return a name of it without the part that tells the seed."""
        return "--".join(part for part in name.split("--") if part != f"seed-{self.seed}")

    @property
    def unattacked(self) -> str:
        """The directory's name without the parts that tell the attack and the budget.

        It is that of all attacks on the victim that are the same in all else; empty where the name
        tells no attack, as in a run by itself.
        """
        victim, *parts = self.path.resolve().name.split("--")
        [attack] = names_apart([label(self.attack)])
        told = [part for part in parts if re.fullmatch(rf"{re.escape(attack)}(-\d+)?", part)]
        others = [part for part in parts if part not in (*told[:1], f"queries-{self.queries}")]
        threat = () if self.levels else ("retouching",)  # in no group of an ε
        return self._of_run("--".join((victim, *others, *threat)) if told else "")

    def by_budget(self) -> Iterator["CellData"]:
        """Yield it with each of its budgets alone, smallest first: shorter ones are read off it."""
        return (replace(self, queries=each, shorter=()) for each in (*self.shorter, self.queries))

    @property
    def finished(self) -> tuple[PictureData, ...]:
        """The pictures that figures are of."""
        return tuple(picture for picture in self.pictures if picture.finished)

    @property
    def on_scale(self) -> str:
        """The sentence on its scale."""
        return on_scale([picture.figures for picture in self.finished], self.scale)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The signs that its figures do not tell how firm the victim is, or not of all pictures."""
        answers = [picture.answers for picture in self.finished]
        rows = [picture.figures for picture in self.finished]
        # Where the victim answers at random they are its luckiest answers, and end with fresh ones.
        sure = [each for each in self.finished if each.figures.luckiest_score is None]
        paths = [each.reached for each in sure if each.spent]
        signs = (
            *twins([row.name for row in rows], [each.sha256 for each in self.finished]),
            *far(rows, self.scale),
            *clean_codes(rows),
            *luck(rows, self.scale),
            *doubts(answers, white_box=self.white_box),
            *beaten(rows, [each.chance for each in self.finished]),
            *(held_out(rows, self.cost) if self.shared else rising(paths)),
            *self.signs,
        )
        return (Doubt(self.left_out, whole=False), *signs) if self.left_out else signs

    def __repr__(self) -> str:
        return f"CellData({str(self.path)!r}, {len(self.pictures)} pictures)"


def load(path: str | os.PathLike[str]) -> tuple[CellData, ...]:
    """Return the cells of an audit that have results, in the manifest's order, or a run as one.

    Raises
    ------
    InputError
        If the path is neither, nothing has results yet, or a file cannot be read.
    """
    audit = schema.manifest(path)
    cells = [_cell(folder, audit) for folder in schema.runs(path)]
    return tuple(replace(cell, signs=masked(cell, cells)) for cell in cells)


def together(paths: Sequence[Path]) -> tuple[CellData, ...]:
    """Return the cells of several runs and audits, each named by its run as well."""
    if len(paths) == 1:
        return load(paths[0])
    return tuple(
        replace(cell, run=run)
        for run, path in zip(run_names(paths), paths, strict=True)
        for cell in load(path)
    )


def run_names(paths: Sequence[Path]) -> list[str]:
    """Return a name a folder, none twice; none is a part of a path."""
    return names_apart([path.resolve().name for path in paths])


def masked(cell: CellData, cells: Sequence[CellData]) -> tuple[Doubt, ...]:
    """Tell of a white box whose gradient is masked, by what the same audit's searches reached.

    A black box on the victim and threat goes beyond it, or any search far beyond what the gradient
    at the clean picture foretells.
    """
    alike = attrgetter("victim", "levels", "goal", "seed")
    rivals = [each for each in cells if not each.white_box and alike(each) == alike(cell)]
    for rival in rivals if cell.white_box else ():
        names = {each.figures.name for each in rival.finished}
        both = {each.figures.name for each in cell.finished} & names
        white, black = (
            np.array([each.figures.rgo for each in one.finished if each.figures.name in both])
            for one in (cell, rival)
        )
        if len(both) >= ENOUGH and (found := paired(mean, [black], [white])).sign > 0:
            text = f"{rival.attack}, which asks scores alone, goes beyond the gradient's RGO by "
            text += f"{found.difference.value:.3f}: the gradient is masked, and no ceiling."
            return (Doubt(text, whole=True, flag=MASKED),)
    steep = {each.sha256: each.steepness for each in cell.finished}
    for one in (cell, *rivals) if cell.white_box else ():
        moves = [
            (
                abs(each.figures.attacked_score - each.figures.clean_score),
                cell.levels * foretold,
            )
            for each in one.finished
            if (foretold := steep.get(each.sha256)) is not None
        ]
        if told := beyond_gradient(one.attack, moves):
            return told
    return ()


def missing(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of an audit's cells that have no results yet."""
    audit = schema.manifest(path)
    folders = () if audit is None or audit.flat else (cell.folder for cell in audit.cells)
    return tuple(each for each in folders if not (Path(path) / each / schema.RESULTS).exists())


def find(cells: Sequence[CellData], name: str | None) -> CellData:
    """Return the cell of a name; where none is given, the only one.

    Raises
    ------
    InputError
        If there is no such cell, or none is named of several.
    """
    named = {cell.cell: cell for cell in cells}
    if name is None and len(cells) == 1:
        return cells[0]
    if name is None:
        raise InputError(f"Name one of the cells: {', '.join(named)}.")
    if name not in named:
        raise unknown("cell", name, named)
    return named[name]


def _cell(path: Path, audit: AuditRecord | None) -> CellData:
    run = schema.load(path)
    planned = None if audit is None else audit.cell(path.name) or audit.cell(FLAT)
    scale = run.victim.scale.scale()
    chances = _chances(path)
    pictures = tuple(
        _picture(path, picture, scale, run, chances.get(picture.name)) for picture in run.pictures
    )
    return CellData(
        path=path,
        victim=run.victim.name,
        attack=_attack(run.attack, "" if planned is None else planned.attack),
        method=run.attack.name,
        settings=run.attack.settings,
        data=None if audit is None else audit.data.name,
        levels=run.levels,
        queries=run.queries,
        searched=run.queries,
        seed=run.seed,
        cost=run.victim.cost,
        shorter=() if planned is None else planned.shorter,
        goal=run.goal,
        stop=Stop(run.early_stop, run.until_plateau),
        scale=scale,
        pictures=pictures,
        planned=max(0 if audit is None else len(audit.data.pictures), len(pictures)),
        left_out=run.left_out,
        version=run.versions.get("iqaudit", ""),
    )


def _attack(recorded: AttackRecord, planned: str) -> str:
    """Return the name under which an attack with these hyper-parameters is known."""
    if planned.startswith(PYTHON) or "," in planned:
        return planned
    again = made(recorded.name, recorded.settings)
    return next((name for name, (each, _) in ATTACKS.items() if each == again), recorded.name)


def _best_so_far(
    scores: Floats, taken: NDArray[np.bool_], picture: PictureRecord, *, upwards: bool
) -> NDArray[np.int64]:
    """Return where the best score of the first few is, for each number of them."""
    losses = -scores if upwards else scores
    if picture.place is not None:
        losses = np.abs(scores - picture.place[0])
    losses = np.where(taken, losses, np.inf)
    before = np.minimum.accumulate(np.append(np.inf, losses))[:-1]
    return np.maximum.accumulate(np.where(losses < before, np.arange(len(losses)), 0))


def _chances(path: Path) -> dict[str, tuple[float, float]]:
    """Return how far random changes raise and lower each picture, as far as insights tell."""
    found = insights.load(path)
    return {
        each.name: (each.floor_ways[0], each.floor_ways[1])
        for each in (() if found is None else found.pictures)
        if each.floor_ways
    }


def _picture(
    path: Path,
    picture: PictureRecord,
    scale: Scale,
    run: RunRecord,
    chance: tuple[float, float] | None,
) -> PictureData:
    answers = schema.load_answers(path, picture.name, picture.scores_file_sha256)
    raised = Direction(picture.direction) is Direction.RAISE
    upwards = raised is not scale.lower_is_better
    scores, cost = answers["score"], run.victim.cost
    # An older version, which counted none, took an answer outside the range for a score.
    taken = scale.admits(scores) if picture.refused else np.isfinite(scores)
    results = taken.copy()
    results[run.for_others.start : run.for_others.stop] = False
    reached = scores[_best_so_far(scores, results, picture, upwards=upwards)]
    reached[-1] = picture.attacked_score  # the mean of fresh answers, where the victim is random
    told = Answers.of(answers, scale, taken, upwards=upwards, moved=picture.best_query > cost)
    return PictureData(
        figures=picture.figures,
        opinion=picture.opinion,
        distortion=picture.distortion,
        reference=picture.reference,
        sha256=picture.clean_pixels_sha256,
        attacked_sha256=picture.attacked_file_sha256,
        file=picture.file,
        reached=reached,
        likeness={each.queries: each for each in picture.checkpoints},
        answers=replace(told, alone=told.alone and not run.shared),  # a test is the best of none
        chance=chance,
        steepness=picture.steepness,
    )
