"""The audit: victims attacked side by side on one set of pictures, and its figures on disk."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from iqaudit import _plots
from iqaudit._analysis import analyse, transfer
from iqaudit._analysis.analyse import Watch, unwatched
from iqaudit._analysis.defences.matches import matches
from iqaudit._analysis.defences.records import DefenceTable
from iqaudit._analysis.defences.table import load as load_defences
from iqaudit._analysis.findings import insights
from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.scorers import own, own_label, owns
from iqaudit._analysis.tables import attack_pairs, export, gate, tables
from iqaudit._analysis.tables import baseline as against
from iqaudit._analysis.tables import cells as cell_reader
from iqaudit._analysis.tables.attack_pairs import AttackComparison
from iqaudit._analysis.tables.catalogue import find
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.citation import Citation, citations
from iqaudit._analysis.tables.gate import Judgement
from iqaudit._analysis.tables.optimality import Optimality, optimality
from iqaudit._analysis.tables.tables import Table
from iqaudit._analysis.transfer import Transfer
from iqaudit._api.pictures import Caller, warn
from iqaudit._api.settings import audit_settings
from iqaudit._api.victims import made
from iqaudit._audit import execute
from iqaudit._audit.costs import costs
from iqaudit._audit.engines.registry import Engine
from iqaudit._audit.estimate import Plan, estimate
from iqaudit._audit.observer import Observer
from iqaudit._audit.status import CellStatus, status
from iqaudit._core.errors import InputError
from iqaudit._core.goal import AnyGoal
from iqaudit._core.paths import located, refuse_to_replace
from iqaudit._core.settings import several
from iqaudit._core.threads import one_thread
from iqaudit._runs.agreement import damaged_analyses
from iqaudit._runs.checksums import DamagedRecordError, noting
from iqaudit._runs.reader import Results
from iqaudit._runs.schema import RESULTS, TRANSFER, is_audit, manifest, on_lost_results, runs
from iqaudit._runs.schema import load as load_run
from iqaudit._runs.verify import Check, beside, damaged
from iqaudit._runs.verify import verify as verify_run
from iqaudit._search.trial import TrialResult
from iqaudit.attacks._base import Attack
from iqaudit.victims._metered.base import Cost
from iqaudit.victims._spec import VictimSpec


class Audit:
    """An audit, or a run by itself, on disk; made by `iqaudit.audit` and `iqaudit.load`.

    Attributes
    ----------
    path : Path
        Its directory; of several that were loaded together, the first one's.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        named: Iterable[VictimSpec] = (),
        others: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        self.path = located(path)
        self._named = tuple(named)
        self._paths = (self.path, *map(located, others))

    def __repr__(self) -> str:
        return f"Audit({str(self.path)!r})"

    @cached_property
    def cells(self) -> tuple[CellData, ...]:
        """The cells that have results: settings, and each picture's figures.

        Raises
        ------
        InputError
            If there is none, or a file cannot be read.
        """
        return cell_reader.together(self._paths)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the cells that have no results yet."""
        if len(self._paths) == 1:
            return cell_reader.missing(self.path)
        return tuple(
            f"{run}/{cell}"
            for run, path in zip(cell_reader.run_names(self._paths), self._paths, strict=True)
            for cell in cell_reader.missing(path)
        )

    def results(self, cell: str | None = None) -> Sequence[TrialResult]:
        """Return the pictures' results, of a cell where there are several.

        Each is read when it is asked for.

        Raises
        ------
        InputError
            If there is no such cell, or none is named of several.
        """
        return Results(cell_reader.find(self.cells, cell).path)

    def table(self, *, over_seeds: bool = False) -> Table:
        """Return a row a cell and budget with every measure and its 95 % interval.

        Parameters
        ----------
        over_seeds : bool
            Whether cells that differ in their seed alone are one row: each picture's figures are
            averaged over seeds first, and pictures are resampled.
        """
        return tables.table(self.cells, over_seeds=over_seeds)

    def by_queries(self, *, over_seeds: bool = False) -> Table:
        """Return a row a cell and budget, earlier ones too, for the measures known of those.

        Parameters
        ----------
        over_seeds : bool
            See `table`.
        """
        return tables.by_queries(self.cells, over_seeds=over_seeds)

    def compare_attacks(self) -> tuple[AttackComparison, ...]:
        """Compare the attacks on each victim in pairs, over the pictures that both have.

        Differences of RGO with 95 % intervals, seeds averaged within each picture first, and a
        sentence that says which attack is the strongest, or that it cannot be told. One comparison
        for each budget; none where a victim has one attack.
        """
        return attack_pairs.compare_attacks(self.cells)

    def optimality(self) -> tuple[Optimality, ...]:
        """Return how near each attack comes, at each budget, to the best of all on a victim.

        Of victims that several attacks searched by scores alone.
        """
        return optimality(self.cells)

    def citations(self) -> tuple[Citation, ...]:
        """Return what the audit's suite says of each victim: figures, and a line to print.

        None without a suite, nor of a victim whose cells are not all finished.
        """
        return tuple(
            each
            for path in self._paths
            for each in citations(path, [cell for cell in self.cells if cell.is_in(path)])
        )

    def gate(
        self,
        rules: Iterable[str],
        *,
        junit: str | os.PathLike[str] | None = None,
        over_seeds: bool = False,
        baseline: "str | os.PathLike[str] | Audit | None" = None,
    ) -> tuple[Judgement, ...]:
        """Judge every victim by rules, as ``"rgo > 0.3"``; one that holds is a failure.

        Of several attacks on it that are the same in all else, the one that comes nearest to
        breaking a rule is judged, and named.

        Parameters
        ----------
        rules : iterable of str
            A measure, a comparison and a number each, or ``baseline + NUMBER``: then what is
            compared is the measure less the baseline's, over the pictures that both runs have,
            seeds averaged within each picture.
        junit : path, optional
            A JUnit file of the verdicts to write.
        over_seeds : bool
            See `table`.
        baseline : path or Audit, optional
            The run, or audit, that such rules compare with.

        Raises
        ------
        InputError
            If a rule cannot be read, or the baseline; if one is needed and not given, or is this;
            if another file than such a one lies where the JUnit file would.
        """
        parsed = tuple(gate.parse(rule) for rule in several(rules))
        other = baseline if isinstance(baseline, Audit | None) else Audit(baseline)
        gate.check(parsed, other)
        plain = tuple(rule for rule in parsed if not rule.baseline)
        measures = tuple(dict.fromkeys(rule.measure for rule in plain))
        table = tables.table(self.cells, measures, over_seeds=over_seeds)
        judged = gate.judge(table, plain, self.missing)
        if other is not None:
            if other.path.resolve() == self.path.resolve():
                raise InputError(f"{other.path}: the baseline is the run itself.")
            compared = tuple(rule for rule in parsed if rule.baseline)
            judged += against.judge(self.cells, other.cells, compared, self.missing)
        if junit is not None:
            gate.write_junit(located(junit), judged)
        return judged

    def export(
        self,
        *,
        csv: str | os.PathLike[str] | None = None,
        parquet: str | os.PathLike[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return a row a picture and cell with every figure; write them where files are named.

        Parameters
        ----------
        csv : path, optional
            A CSV file for the rows.
        parquet : path, optional
            A Parquet file for them; pyarrow writes it.

        Returns
        -------
        list of dict
            The figures by the columns' names.

        Raises
        ------
        InputError
            If Parquet is asked for and pyarrow is not installed, or a file is there already and is
            no export.
        """
        named = {"csv": csv, "parquet": parquet}
        files = {form: located(file) for form, file in named.items() if file is not None}
        for form, file in files.items():
            refuse_to_replace(file, "the export", export.SIGNS[form])
        for form, file in files.items():
            export.WRITE[form](file, self.cells)
        return export.rows(self.cells)

    def plot(
        self,
        kind: Literal["curve", "price", "scatter", "matrix", "tradeoff"] = "curve",
        out: str | os.PathLike[str] | None = None,
        *,
        columns: Literal[1, 2] = 1,
        measure: str | None = None,
        cells: Iterable[str] | None = None,
    ) -> Any:
        """Draw a figure for a paper; where a file is named, write it and its numbers beside it.

        Parameters
        ----------
        kind : {"curve", "price", "scatter", "matrix", "tradeoff"}
            A measure over queries, seeds averaged; RGO over what is seen of it, a mark a budget;
            people's scores against the victim's, before and after; the transfer matrix; what
            defences keep against how far they are pushed.
        out : path, optional
            A PDF, SVG or PNG file; CSV of the same name has what is drawn.
        columns : {1, 2}
            Columns of a paper's page that the figure is as wide as: 3.5 or 7.16 inches.
        measure : str, optional
            The measure that a curve is of, RGO unless given; that of what is seen by which a price
            is told, SSIM and FLIP unless given.
        cells : iterable of str, optional
            The names of the cells that are drawn; all unless given.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, to be changed or shown.

        Raises
        ------
        InputError
            If what is to be drawn is not there, the file's name tells no kind, it is there and is
            no plot, or a CSV file beside it is no plot's, or matplotlib is not installed.
        """
        chosen = self.cells
        if cells is not None:
            chosen = tuple(cell_reader.find(self.cells, name) for name in several(cells))
        place = None if out is None else located(out)
        drawn = find(measure) if measure else None
        return _plots.plot(self.path, chosen, kind, place, columns=columns, measure=drawn)

    def analyse(self, watch: Watch = unwatched, *, trust: bool = False) -> tuple[str, ...]:
        """Make the transfer matrix and every cell's insights, as far as they are not there.

        Parameters
        ----------
        watch : callable
            Called before scores are asked, as `iqaudit.transfer` calls it.
        trust : bool
            Whether the directory is your own; see `iqaudit.verify`.

        Returns
        -------
        tuple of str
            The cells whose victims may be paid for. Where there is one, nothing is asked at all.

        Raises
        ------
        InputError
            If a victim cannot be made again, or the directory is not known to be your own.
        VictimError
            If a victim fails; its answers are kept.
        """
        self.__dict__.pop("cells", None)  # a part of their figures is of the insights
        return analyse.analyse(self.path, watch, self._named, trust=trust)

    @property
    def transfer(self) -> Transfer | None:
        """The transfer matrix; None where it was not made."""
        return transfer.load(self.path)

    @property
    def insights(self) -> dict[str, Insights | None]:
        """The insights by cell; None where they were not made."""
        return {cell.cell: insights.load(cell.path) for cell in self.cells}

    @one_thread()
    def compare_defences(
        self, watch: Watch = unwatched, *, yes: bool = False, trust: bool = False
    ) -> DefenceTable:
        """Tell what its victims' defences keep, stop and cost; see `iqaudit.compare_defences`.

        Parameters
        ----------
        watch : callable
            As `iqaudit.transfer` takes it.
        yes : bool
            That victims whose scores may be paid for are to be asked.
        trust : bool
            Whether the directory is your own; see `iqaudit.verify`.

        Raises
        ------
        InputError
            If no victim is there with a defence and without, or one cannot be made or asked.
        VictimError
            If a victim fails; its answers are kept.
        """
        matches(self.path)  # refused before a victim is made
        cells = [cell.resolve() for cell in runs(self.path)]
        again = "say all again that the audit was begun with, its victims and defences."
        scorers = owns(cells, may_ask=yes, trust=trust, named=self._named, again=again)
        return analyse.write_defences(self.path, scorers, watch, yes=yes)

    @property
    def defences(self) -> DefenceTable | None:
        """The table of defences; None where it was not made."""
        return load_defences(self.path)

    def report(self) -> Path:
        """Write the page, report.html, and return its path.

        Raises
        ------
        InputError
            If no cell has results, or the page cannot be written.
        """
        from iqaudit._report import write_report  # takes a second to load

        return write_report(self.path)

    @one_thread()
    def verify(self, *, trust: bool = False) -> tuple[Check, ...]:
        """Verify every picture of the finished cells; see `iqaudit.verify`, for its errors too."""
        with noting():  # verification finds what others refuse
            return _verified(self.path, self._named, trust=trust)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What was billed for each victim that may be paid for, in all starts; none where none was.

        Of searches, fingerprints and clean scores; analyses are billed besides.
        """
        return costs(self.path)

    def status(self) -> tuple[CellStatus, ...]:
        """Return the progress of each cell.

        Raises
        ------
        InputError
            If there is no audit.json, as in a run of `iqaudit attack` 0.1.0.
        """
        return status(self.path)


def audit(
    victims: Sequence[Any] | None = None,
    data: Any = None,
    attacks: Sequence[Attack[Any] | str] | None = None,
    *,
    out: str | os.PathLike[str],
    file: str | os.PathLike[str] | None = None,
    queries: int | Sequence[int] | None = None,
    levels: Sequence[int] | None = None,
    goals: Sequence[AnyGoal | str] | None = None,
    seeds: Sequence[int] | None = None,
    early_stop: float | None = None,
    until_plateau: int | None = None,
    fresh: int | None = None,
    scale: str | None = None,
    paper: str | bool | None = None,
    suite: str | None = None,
    light: bool = False,
    recursive: bool = False,
    engine: str | Engine | None = None,
    workers: int | None = None,
    batch: int | None = None,
    yes: bool = False,
    overwrite: bool = False,
    ignore_memory: bool = False,
    strict: bool = False,
    analyses: bool = True,
    observer: Observer | None = None,
) -> Audit:
    """Attack victims side by side on one set of pictures, into a directory.

    The same call goes on where an earlier one was stopped, by whatever means.

    Parameters
    ----------
    victims : sequence of str, Victim, torch.nn.Module or callable
        Strings, as ``"dbcnn,checkpoint=dbcnn.pt,dataset=live"``; victims, torch modules and
        functions as `iqaudit.victims.as_victim` makes them.
    data : str, path, array, Picture, a sequence of them, or mapping
        A data set's string, as ``"live:DIR"``; pictures, or folders of them; or a table of keys as
        an audit's TOML file has it, for opinion ranges and samples.
    attacks : sequence of Attack or str, optional
        Values, names, or ``"python:MODULE:NAME"``; ``"guided"`` unless given.
    out : path
        The audit's directory.
    file : path, optional
        A TOML file of the whole audit, in place of the other settings.
    queries : int or sequence of int, optional
        The budget a picture, or several; 500 unless given. Where an attack's proposals do not
        depend on it, the largest is searched alone, and tables read the others off it.
    levels, goals, seeds : sequence, optional
        The largest changes of a channel in levels of 255 (3 unless given), the goals
        ("bidirectional"; see `iqaudit.attack`) and the random seeds (0). The lists multiply into
        cells.
    early_stop, until_plateau, fresh : float, int, int, optional
        As `iqaudit.attack` takes them.
    scale : {"declared"}, optional
        Keep C and S of declared ranges. Otherwise, where no scale is known and there are ten
        pictures or more, they are fitted to the audit's own clean scores: median and
        interquartile range / 1.35.
    paper : {"live", "csiq", "tid2013"} or True, optional
        Set the rest to the paper's protocol: its attack, budget, threat and goal; with its
        constants and sample for a data set, the data's own where True.
    suite : {"standard-1"}, optional
        Set all but victims and pictures to a suite's settings, under whose name its figures are
        cited: see `Audit.citations`.
    light : bool
        Whether the suite's budgets go to 1,000 queries alone.
    recursive : bool
        Whether folders in folders are searched, too.
    engine : {"serial", "processes", "ray"} or Engine, optional
        The execution backend; it changes no result.
    workers : int, optional
        Parallel workers; one a core unless given, and one where a victim computes on another
        device.
    batch : int, optional
        Pictures whose searches share a victim's batches; the card's unless given. It changes no
        result.
    yes : bool
        That a victim elsewhere, whose scores may be paid for, is to be asked.
    overwrite : bool
        Whether a run or an audit that `out` holds is replaced.
    ignore_memory : bool
        Whether pictures are searched for which this machine's memory seems too small.
    strict : bool
        Whether the first picture that a victim cannot score ends all. Otherwise the others go on,
        and each cell's results name it with the reason, which a warning repeats unless there is an
        observer; the same call asks for it again.
    analyses : bool
        Whether the transfer matrix, insights and the page are made as well.
    observer : Observer, optional
        Notified of the progress.

    Returns
    -------
    Audit
        The directory's, with tables, records and the page.

    Raises
    ------
    InputError
        If an argument cannot be used, or `out` holds an audit that was begun otherwise.
    VictimError
        If a victim is down, or can score none of a cell's pictures. The answers are kept, and the
        finished pictures.
    KeyboardInterrupt
        If it was stopped, likewise.
    """
    spec = audit_settings(
        victims=victims,
        data=data,
        file=file,
        attacks=attacks,
        queries=queries,
        levels=levels,
        goals=goals,
        seeds=seeds,
        early_stop=early_stop,
        until_plateau=until_plateau,
        fresh=fresh,
        scale=scale,
        paper=paper or None,
        suite=suite,
        light=light or None,
        recursive=recursive,
    )
    out = located(out)
    execute.run(
        spec,
        out,
        engine=engine,
        workers=workers,
        batch=batch,
        yes=yes,
        overwrite=overwrite,
        ignore_memory=ignore_memory,
        strict=strict,
        observer=observer or Caller(),
    )
    analyse.withdraw_damaged(out)
    if observer is None:
        left_out = ((run.name, load_run(run).left_out) for run in runs(out))
        warn(f"{cell}: {sentence}" for cell, sentence in left_out if sentence)
    done = Audit(out, spec.victims)
    if analyses:
        done.analyse()
        done.report()
    return done


def plan(
    victims: Sequence[Any] | None = None,
    data: Any = None,
    *,
    workers: int | None = None,
    progress: Callable[[str], object] = str,
    **settings: Any,
) -> Plan:
    """Estimate an audit's queries, time, disk space and money.

    A victim whose scores may be paid for is not asked.

    Parameters
    ----------
    victims : sequence of str, Victim, torch.nn.Module or callable
        As `audit` takes them.
    data : str, path, array, Picture, a sequence of them, or mapping
        Likewise.
    workers : int, optional
        Parallel workers that share the time; one a core unless given.
    progress : callable, optional
        Called with what is done next, at every step that may take a while.
    **settings
        The other settings of `audit` that decide results: `attacks`, `queries`, `levels`, `goals`,
        `seeds`, `early_stop`, `until_plateau`, `fresh`, `scale`, `paper`, `suite`, `light`,
        `recursive`.

    Returns
    -------
    Plan
        Cells, pictures, and each victim's queries, seconds and money.

    Raises
    ------
    InputError
        If a setting cannot be used.
    VictimError
        If a victim that is timed fails.
    """
    return estimate(audit_settings(victims=victims, data=data, **settings), workers, progress)


@one_thread()
def verify(
    path: str | os.PathLike[str], victim: Any = None, *, trust: bool = False, **options: Any
) -> tuple[Check, ...]:
    """Read a run's or an audit's files, measure and score them again, and compare.

    Parameters
    ----------
    path : path
        The directory.
    victim : str, Victim, torch.nn.Module or callable, optional
        The victim of a run, as `iqaudit.attack` takes it; made again from the record unless given.
    trust : bool
        Whether the directory is your own, if it was not made here and its record names a module,
        a file or an address: iqaudit remembers it. Nothing of a stranger's choice is run.
    **options
        Options of the victim, likewise.

    Returns
    -------
    tuple of Check
        One a picture, its name behind its cell's; `wrong` is empty where all is as recorded. One
        besides for each other file, or mean, in which something is wrong, as a cell's
        ``results.json`` that is gone.

    Raises
    ------
    InputError
        If there is no run, its victim cannot be made again or is a stranger's, or another is given.
    VictimError
        If the victim fails.
    """
    with noting():  # verification finds what others refuse
        folder = located(path)
        if is_audit(folder):
            if victim is not None:
                cell = runs(folder)[0].name
                raise InputError(
                    f"{path}: this is an audit; give a victim with the folder of one of its cells, "
                    f"as {path}/{cell}."
                )
        elif victim is not None:
            return verify_run(folder, made(victim, **options), trust=trust)
        return _verified(folder, trust=trust)


def _verified(
    path: Path, named: Sequence[VictimSpec] = (), *, trust: bool = False
) -> tuple[Check, ...]:
    """Verify a run, or the finished cells of an audit, each with its victim made again."""
    if not is_audit(path):
        try:
            scorer = own(path.resolve(), may_ask=True, trust=trust, named=named)
            return verify_run(path, scorer.victim, trust=trust)
        except DamagedRecordError as error:
            return (damaged(error),)
    unfinished = {name: on_lost_results(path / name) for name in cell_reader.missing(path)}
    lost = [beside(f"{name}/{RESULTS}", (each,)) for name, each in unfinished.items() if each]
    try:
        cells = [cell.resolve() for cell in runs(path)]
    except InputError:
        if not lost:
            raise
        cells = []
    victims = {each.label: each.victim for each in owns(cells, trust=trust, named=named)}
    checks = [
        replace(check, name=f"{cell.name}/{check.name}")
        for cell in cells
        for check in verify_run(cell, victims[own_label(cell)], trust=trust)
    ]
    wrong = damaged_analyses(path)
    return (*checks, *lost, *([beside(TRANSFER, wrong)] if wrong else []))


def load(path: str | os.PathLike[str], *others: str | os.PathLike[str]) -> Audit:
    """Return the audit, or the run, of a directory; of several, one with the cells of all.

    Of several, a cell's name begins with its run's. `Audit.cells` and what is made of them (tables,
    attacks in pairs, optimality, citations, gates, exports, plots) are of all; the rest is of the
    first.

    Parameters
    ----------
    path : path
        The directory.
    *others : path
        Others to read with it.

    Raises
    ------
    InputError
        If there is neither, or it is not one that this version reads, or one is named twice.
    """
    folders = [located(each) for each in (path, *others)]
    if len({each.resolve() for each in folders}) < len(folders):
        raise InputError("A run is named twice; its figures would count twice.")
    for folder in folders:
        if manifest(folder) is None:
            load_run(folder)
    return Audit(folders[0], others=folders[1:])
