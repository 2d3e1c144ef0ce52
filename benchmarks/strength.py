"""How far each attack pushes a score with the same number of queries, beside the paper's attack.

    iqaudit audit --from benchmarks/strength.toml --out RUN
    python -m benchmarks.strength [RUN ...] [--json FILE] [--plot FILE]

Of the searches that are kept in benchmarks/results unless audits are named. Every figure is a mean
over pictures, of each its mean over seeds, with a 95 % interval over pictures.
"""

import argparse
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

import iqaudit
from iqaudit import measures
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._analysis.tables.samples import FEWEST_RANKED
from iqaudit._analysis.tables.tables import checkpoints
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import Estimate, interval, mean

KEPT = Path(__file__).parent / "results" / "strength.pieces.jsonl"
PAPER, OURS, QUIET, CEILING = "bidirectional", "guided", "guided-quiet", "pgd"
BUDGETS = (100, 300, 1_000, 3_000, 10_000)
WAYS = {"raise": "bad pictures pushed up", "lower": "good pictures pushed down", "both": "all"}

GRID = tuple(sorted({round(10 ** (step / 30)) for step in range(121)} | set(BUDGETS)))
"""The queries at which a curve is read: thirty a decade."""

COLOURS = {PAPER: "#0072b2", QUIET: "#009e73", OURS: "#d55e00"}
OTHERS = ("#cc79a7", "#8c6d00", "#56b4e9", "#5d3a9b", "#7f7f7f", "#004d40", "#e6b800", "#882255")
"""Okabe and Ito's colours, which people who cannot tell red from green can tell, and some more."""

STYLE: dict[Any, Any] = {
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "axes.titlelocation": "left",
}


@dataclass(frozen=True)
class Search:
    """One search: RGO at the queries of `GRID`; (quality, RGO, SSIM) at each of its budgets."""

    victim: str
    attack: str
    picture: str
    seed: int
    queries: int
    direction: str
    opinion: float | None
    curve: Sequence[float]
    checkpoints: dict[int, tuple[float, float, float | None]]

    def at(self, queries: int) -> tuple[float, float, float]:
        """Return quality, RGO and SSIM after so many queries; NaN for what is not known."""
        quality, rgo, ssim = self.checkpoints[queries]
        return quality, rgo, np.nan if ssim is None else ssim


def kept(path: Path = KEPT) -> list[Search]:
    """Return the searches that are kept, of pictures with opinion scores."""
    found = {}
    for piece in map(json.loads, path.read_text().splitlines()):
        if piece["opinion"] is None:
            continue
        of = {each: piece[each] for each in ("attack", "picture", "seed", "queries")}
        rest = {each: piece[each] for each in ("direction", "opinion", "curve")}
        at = {e["queries"]: (e["quality"], e["rgo"], e["ssim"]) for e in piece["checkpoints"]}
        # A later line of the same search replaces it.
        found[piece["name"], *of.values()] = Search(piece["name"], **of, **rest, checkpoints=at)
    return list(found.values())


def of_audit(path: Path) -> Iterator[Search]:
    """Yield the searches of an audit."""
    for cell in iqaudit.load(path).cells:
        for picture in cell.finished:
            names = cell.victim, cell.attack, picture.sha256, cell.seed, cell.queries
            rest = picture.figures.direction, picture.opinion
            curve = (_at(cell, picture, at)[1] for at in GRID[: bisect_right(GRID, cell.queries)])
            known = {at: _at(cell, picture, at) for at in checkpoints(cell)}
            yield Search(*names, *rest, tuple(curve), known)


def _at(cell: CellData, picture: PictureData, queries: int) -> tuple[float, float, float | None]:
    best = picture.reached[: max(1, queries // cell.cost)][-1]
    before, after = (cell.scale.quality(float(score)) for score in (picture.reached[0], best))
    ended = picture.figures.queries <= queries
    seen = picture.figures if ended else picture.likeness.get(queries)
    return after, measures.rgo([before], [after]), None if seen is None else seen.ssim


def rows(searches: Sequence[Search]) -> list[dict[str, Any]]:
    """Return a row a victim, attack, direction and budget."""
    found = []
    names = _unique((each.victim, each.attack) for each in searches)
    for (victim, attack), way in product(names, WAYS):
        chosen = select(searches, victim, attack, way)
        for queries in sorted({at for each in chosen for at in each.checkpoints}):
            there = [each for each in chosen if queries in each.checkpoints]
            rgo = mean_of(rgos(there, queries))
            ssim = per_picture(there, lambda each, at=queries: each.at(at)[2])  # type: ignore[misc]
            row: dict[str, Any] = {"victim": victim, "attack": attack, "direction": way}
            row |= {"queries": queries, "rgo": rgo.value}
            row |= {"rgo_low": rgo.low, "rgo_high": rgo.high}
            row |= {"srocc": srocc(there, queries), "ssim": mean_of(ssim).value}
            row |= {"pictures": len(ssim), "seeds": len({each.seed for each in there})}
            found.append(row)
    return found


def select(searches: Iterable[Search], victim: str, attack: str, way: str = "both") -> list[Search]:
    """Return the searches of a victim, an attack and a direction."""
    named = [each for each in searches if (each.victim, each.attack) == (victim, attack)]
    return [each for each in named if way in ("both", each.direction)]


def per_picture(searches: Iterable[Search], value: Callable[[Search], Any]) -> dict[str, Any]:
    """Return each picture's mean over seeds."""
    found: dict[str, list[Any]] = {}
    for each in searches:
        found.setdefault(each.picture, []).append(value(each))
    return {picture: np.mean(values, axis=0) for picture, values in found.items()}


def rgos(searches: Iterable[Search], queries: int) -> dict[str, Any]:
    """Return each picture's RGO after so many queries."""
    there = [each for each in searches if queries in each.checkpoints]
    return per_picture(there, lambda each: each.at(queries)[1])


def mean_of(values: dict[str, Any]) -> Estimate:
    """Return the mean over pictures."""
    return interval(mean, list(values.values()))


def srocc(searches: Sequence[Search], queries: int) -> float | None:
    """Return the rank correlation of qualities with opinion scores, a mean over seeds."""
    found = []
    for seed in _unique(each.seed for each in searches):
        rated = [each for each in searches if each.seed == seed and each.opinion is not None]
        if len(rated) >= FEWEST_RANKED:
            opinions = [each.opinion or 0.0 for each in rated]
            found.append(measures.srocc([each.at(queries)[0] for each in rated], opinions))
    value = float(np.mean(found)) if found else np.nan
    return value if np.isfinite(value) else None


def reaching(searches: Sequence[Search], goal: dict[str, Any]) -> Estimate:
    """Return the fewest queries at which the mean curve is at a goal; twice the last if at none."""
    by_length = [
        per_picture([each for each in searches if each.queries == length], _curve)
        for length in _unique(each.queries for each in searches)
    ]
    shared = [name for name in goal if all(name in curves for curves in by_length)]
    target = np.array([goal[name] for name in shared])

    def fewest(positions: Floats) -> Floats:
        at = positions.astype(int)
        least = np.full(at.shape[:-1], 2.0 * GRID[-1])
        for curves in by_length:
            curve = np.array([curves[name] for name in shared])
            there = curve[at].mean(axis=-2) >= target[at].mean(axis=-1)[..., None]
            reached = np.array(GRID)[there.argmax(axis=-1)]
            least = np.where(there.any(axis=-1), np.minimum(least, reached), least)
        return least

    return interval(fewest, np.arange(len(shared)))


def lines(searches: Sequence[Search]) -> Iterator[str]:
    """Print each attack's RGO by budget, and when it is where the paper's attack gets at last."""
    for victim in _unique(each.victim for each in searches):
        paper = select(searches, victim, PAPER)
        late = max((at for each in paper for at in each.checkpoints), default=0)
        yield f"{victim}: RGO; last, the queries that reach {PAPER}'s of {late:,}"
        yield f"{'':16}" + "".join(f"{at:>24,}" for at in BUDGETS)
        for attack in _unique(each.attack for each in searches if each.victim == victim):
            own = select(searches, victim, attack)
            cells = [_text(mean_of(rgos(own, at)), ".3f") for at in BUDGETS]
            reached = _text(reaching(own, rgos(paper, late)), ",.0f")
            cells.append(reached.replace(f"{2 * GRID[-1]:,}", "never"))
            yield f"  {attack:14}" + "".join(f"{cell:>24}" for cell in cells)


def draw(searches: Sequence[Search], path: Path) -> None:
    """Draw RGO against queries, a panel a victim and direction."""
    victims = _unique(each.victim for each in searches)
    ways = [way for way in ("lower", "raise") if any(each.direction == way for each in searches)]
    ours = CEILING, *COLOURS
    attacks = sorted(_unique(each.attack for each in searches), key=ours.count)
    rivals = [each for each in attacks if each not in ours]
    colours = COLOURS | dict(zip(rivals, cycle(OTHERS), strict=False))
    with mpl.rc_context(STYLE):
        figure = Figure((1 + 4.3 * len(ways), 0.9 + 3.1 * len(victims)), layout="constrained")
        panels = figure.subplots(len(victims), len(ways), squeeze=False, sharey="row")
        legend: dict[str, Any] = {}
        for (victim, way), axes in zip(product(victims, ways), panels.flat, strict=True):
            for attack in attacks:
                own = select(searches, victim, attack, way)
                if own and attack == CEILING:
                    top = mean_of(rgos(own, max(each.queries for each in own))).value
                    legend[attack] = axes.axhline(top, color="#262626", linestyle=":")
                elif own:
                    legend[attack] = _line(axes, own, colours[attack], shaded=attack in COLOURS)
            pictures = {e.picture for e in searches if (e.victim, e.direction) == (victim, way)}
            axes.set_title(f"{victim}: {len(pictures)} {WAYS[way]}")
            axes.set(xscale="log", xlim=(10, 11_500), ylim=(0, None), ylabel="RGO")
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axes.set_visible(axes.has_data())
        figure.supxlabel("queries (dashed: a search of its own for each budget)", fontsize=10)
        names = [*legend][::-1]
        handles = [legend[name] for name in names]
        figure.legend(handles, names, loc="outside upper center", ncols=5, frameon=False)
        figure.savefig(path, dpi=150)


def _line(axes: Any, searches: Sequence[Search], colour: str, *, shaded: bool) -> Any:
    """Draw an attack: its curve where one search has every budget, a mark a budget where not."""
    once = len({each.queries for each in searches}) == 1
    budgets = sorted({at for each in searches for at in each.checkpoints})
    if once:
        queries = list(GRID[: len(searches[0].curve)])
        columns = np.array(list(per_picture(searches, _curve).values())).T
    else:
        queries, columns = budgets, [list(rgos(searches, at).values()) for at in budgets]  # type: ignore[assignment]
    found = [interval(mean, column) for column in columns]
    if shaded:
        low, high = ([getattr(each, end) for each in found] for end in ("low", "high"))
        axes.fill_between(queries, low, high, color=colour, alpha=0.15, linewidth=0)
    style = {"marker": "o", "markersize": 4, "markevery": [queries.index(at) for at in budgets]}
    style |= {"linestyle": "-" if once else "--", "linewidth": 2.2 if shaded else 1.3}
    return axes.plot(queries, [each.value for each in found], color=colour, **style)[0]


def _curve(search: Search) -> Floats:
    return np.array(search.curve)


def _text(found: Estimate, form: str) -> str:
    if found.value is None:
        return "-"
    ends = () if None in (found.low, found.high) else (f"({found.low:{form}}-{found.high:{form}})",)
    return " ".join((f"{found.value:{form}}", *ends))


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strength", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--json", type=Path, help="a file for the rows")
    parser.add_argument("--plot", type=Path, help="a picture of the curves")
    given = parser.parse_args()
    searches = [each for run in given.runs for each in of_audit(run)] or kept()
    print("\n".join(lines(searches)))
    if given.json:
        given.json.write_text(json.dumps(rows(searches), indent=1) + "\n")
    if given.plot:
        draw(searches, given.plot)


if __name__ == "__main__":
    main()
