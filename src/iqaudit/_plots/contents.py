"""What each kind of plot shows: names and figures by panel, and the rows of the CSV beside it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from iqaudit._analysis import transfer
from iqaudit._analysis.defences.records import DefenceRow, without
from iqaudit._analysis.defences.table import load as load_defences
from iqaudit._analysis.tables import tables
from iqaudit._analysis.tables.attack_pairs import attack_name
from iqaudit._analysis.tables.catalogue import Measure, find
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.samples import Snapshot
from iqaudit._core.errors import InputError
from iqaudit._core.threat import words
from iqaudit._report.figures import figure, numbers, spread
from iqaudit._report.verdict import labels
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import Estimate


@dataclass(frozen=True)
class Lines:
    """A measure against queries: a line an attack, with its interval's band."""

    title: str
    measure: Measure
    lines: tuple[tuple[str, tuple[tuple[int, Estimate], ...]], ...]


@dataclass(frozen=True, eq=False)
class Points:
    """People's scores, (n,), and the victim's, clean (n,) and attacked (seeds, n), on 0-10."""

    title: str
    opinions: Floats
    clean: Floats
    attacked: Floats


@dataclass(frozen=True)
class Squares:
    """The RGO of each row's pictures on each column's victim, and whether it is their own."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[Estimate, ...], ...]
    own: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class Marks:
    """Defences: what each keeps and how far it is pushed; the first is the undefended victim."""

    title: str
    x_title: str
    marks: tuple[tuple[str, Estimate, Estimate], ...]


@dataclass(frozen=True)
class Prices:
    """RGO and what is seen of it, by attack and budget."""

    title: str
    seen: Measure
    lines: tuple[tuple[str, tuple[tuple[int, Estimate, Estimate], ...]], ...]


Panel: TypeAlias = Lines | Points | Squares | Marks | Prices


@dataclass(frozen=True)
class Contents:
    """The panels of a plot, and its numbers under their heads."""

    panels: tuple[Panel, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def curve(path: Path, cells: Sequence[CellData], measure: Measure | None) -> Contents:
    """Return a measure against queries, a panel a victim and threat, a line an attack.

    Seeds are averaged within each picture.
    """
    measure = measure or find("rgo")
    if not measure.by_queries:
        raise InputError(f"{measure.name} is known of whole budgets alone, so there is no curve.")
    panels: dict[tuple[str, ...], list[list[CellData]]] = {}
    for group in tables.groups(cells, over_seeds=True):
        panels.setdefault(_threat(group[0]), []).append(group)
    shown, rows = [], []
    for title, groups in zip(_titles(panels), panels.values(), strict=True):
        names = [attack_name(group[0]) for group in groups]
        if len(set(names)) < len(names):
            names = [group[0].unseeded for group in groups]
        lines = [
            (name, tuple(tables.curve(first, measure, *others)))
            for name, (first, *others) in zip(names, groups, strict=True)
        ]
        shown.append(Lines(title, measure, tuple(lines)))
        for name, points in lines:
            rows += [(title, name, queries, *numbers(each)) for queries, each in points]
    if all(row[3] is None for row in rows):
        raise InputError(f"{path}: no cell has the measure {measure.name}, so there is no curve.")
    return Contents(
        tuple(shown), ("panel", "attack", "queries", *spread(measure.name)), tuple(rows)
    )


def scatter(path: Path, cells: Sequence[CellData], _: Measure | None) -> Contents:
    """Return people's scores against the victim's before and after, a panel a cell of any seed."""
    groups = tables.groups(cells, over_seeds=True)
    names = labels([group[0] for group in groups])
    values = tables.table(cells, [find("srocc_before"), find("srocc_after")], over_seeds=True)
    srocc = {row.cell: row.values for row in values.rows}  # of the whole budgets, the last
    shown, rows = [], []
    for first, *others in groups:
        whole, opinions = Snapshot.of(first, *others).rated()
        if not opinions.size:
            continue
        clean, attacked = whole.qualities[0, 0], whole.qualities[1]
        title = names[first.cell]
        panel = _with_srocc(title, srocc[first.unseeded if others else first.cell])
        shown.append(Points(panel, opinions, clean, attacked))
        for seed, qualities in zip((first, *others), attacked, strict=True):
            pictures = (each.figures.name for each in whole.pictures[0])
            figures = zip(pictures, opinions.tolist(), clean.tolist(), qualities, strict=True)
            rows += [
                (title, seed.seed, name, opinion, before, float(after))
                for name, opinion, before, after in figures
            ]
    if not shown:
        raise InputError(f"{path}: no picture has an opinion score, so there is no scatter.")
    heads = ("cell", "seed", "picture", "opinion", "clean_quality", "attacked_quality")
    return Contents(tuple(shown), heads, tuple(rows))


def matrix(path: Path, cells: Sequence[CellData], _: Measure | None) -> Contents:
    """Return the RGO that a cell's pictures have on each victim."""
    made = transfer.load(path)
    if made is None:
        raise InputError(f"{path}: it has no transfer matrix; `iqaudit transfer` makes it.")
    names = labels(cells)
    lines = [
        (names[row.cell], line)
        for row, line in zip(made.rows, made.entries, strict=True)
        if row.cell in names
    ]
    if not lines:
        raise InputError(f"{path}: the transfer matrix has none of these cells.")
    columns = transfer.titles(made.columns)
    panel = Squares(
        "RGO",
        tuple(name for name, _ in lines),
        columns,
        tuple(tuple(entry.rgo.attack for entry in line) for _, line in lines),
        tuple(tuple(entry.own for entry in line) for _, line in lines),
    )
    rows = [
        (name, column, entry.own, *numbers(entry.rgo.attack))
        for name, line in lines
        for column, entry in zip(columns, line, strict=True)
    ]
    return Contents((panel,), ("made_against", "scored_by", "own", *spread("rgo")), tuple(rows))


def tradeoff(path: Path, cells: Sequence[CellData], _: Measure | None) -> Contents:
    """Return what defences keep against how far they are pushed, a panel a victim and attack."""
    table = load_defences(path)
    if table is None:
        raise InputError(f"{path}: it has no table of defences; `iqaudit defences` makes it.")
    groups: dict[str, list[DefenceRow]] = {}
    there = {cell.cell for cell in cells}
    for row in table.rows:
        if row.undefended in there:
            groups.setdefault(row.undefended, []).append(row)
    if not groups:
        raise InputError(f"{path}: the table of defences has none of these cells.")
    shown, rows = [], []
    for defences in groups.values():
        first = defences[0]
        kept, x_title = without(first)
        title = f"{first.victim}, {first.attack}" + (
            f", {words(first.levels)}, {first.goal}, seed {first.seed}, {first.queries:,} queries"
            if len({(row.victim, row.attack) for row in table.rows}) < len(groups)
            else ""
        )
        marks = [("undefended", kept, first.rgo_undefended)]
        marks += [(row.defence, row.kept, row.rgo_adaptive) for row in defences]
        shown.append(Marks(title, x_title, tuple(marks)))
        rows += [(title, name, x_title, *numbers(x), *numbers(y)) for name, x, y in marks]
    heads = ("panel", "defence", "kept_is", *spread("kept"), *spread("rgo_adaptive"))
    return Contents(tuple(shown), heads, tuple(rows))


def price(path: Path, cells: Sequence[CellData], measure: Measure | None) -> Contents:
    """Return RGO against what is seen, a panel a victim, threat and measure, a line an attack.

    A mark is one of the audit's budgets, of whichever cell. Seeds are averaged.
    """
    measures = (find("ssim"), find("flip")) if measure is None else (measure,)
    for each in measures:
        if each.group != "visibility" or not each.by_queries:
            raise InputError(f"{each.name} is no price: take ssim, psnr or flip.")
    panels: dict[tuple[str, ...], dict[str, dict[int, Snapshot]]] = {}
    for first, *others in tables.groups(cells, over_seeds=True):
        at = panels.setdefault(_threat(first), {}).setdefault(attack_name(first), {})
        for queries in (*first.shorter, first.queries):
            at[queries] = Snapshot.after(first, queries, *others)
    rgo, shown, rows = find("rgo"), [], []
    for title, attacks in zip(_titles(panels), panels.values(), strict=True):
        for seen in measures:
            lines = []
            for name, by_queries in attacks.items():
                budgets = [
                    (queries, seen.compute(there), rgo.compute(there))
                    for queries, there in sorted(by_queries.items())
                ]
                lines.append((name, tuple(each for each in budgets if each[1].value is not None)))
                rows += [
                    (title, name, queries, seen.name, *numbers(x), *numbers(y))
                    for queries, x, y in lines[-1][1]
                ]
            shown.append(Prices(title, seen, tuple(lines)))
    if not rows:
        names = " or ".join(each.name for each in measures)
        raise InputError(f"{path}: no cell has {names}, so there is no price.")
    heads = ("panel", "attack", "queries", "measure", *spread("seen"), *spread("rgo"))
    return Contents(tuple(shown), heads, tuple(rows))


KINDS: Mapping[str, Callable[[Path, Sequence[CellData], Measure | None], Contents]] = {
    "curve": curve,
    "price": price,
    "scatter": scatter,
    "matrix": matrix,
    "tradeoff": tradeoff,
}


def _threat(cell: CellData) -> tuple[str, ...]:
    return cell.victim, cell.data or "", words(cell.levels), cell.goal


def _titles(keys: Iterable[tuple[str, ...]]) -> list[str]:
    """Return names by the victim, and by what else differs."""
    parts = list(zip(*keys, strict=True))
    told = [parts[0], *(part for part in parts[1:] if len(set(part)) > 1)]
    return [", ".join(each) for each in zip(*told, strict=True)]


def _with_srocc(title: str, values: Mapping[str, Estimate]) -> str:
    before, after = (values[f"srocc_{when}"].value for when in ("before", "after"))
    if before is None or after is None:
        return title
    return f"{title}\nSROCC {figure(before)} to {figure(after)}"
