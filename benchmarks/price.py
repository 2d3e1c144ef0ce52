"""How far each attack pushes a score for what is seen of it, beside the paper's attack.

    iqaudit audit ... --queries 100 --queries 300 --queries 1000 --out RUN
    python -m benchmarks.price RUN [RUN ...] [--butteraugli PROGRAM] [--json FILE] [--plot FILE]

RGO, SSIM and FLIP are the audits'. PROGRAM is libjxl's butteraugli_main (Debian: libjxl-devtools),
whose distance, its 3-norm, is told besides: the searches are made again from their answers, no
victim is asked, and the best picture at each budget is shown to it. Every figure is a mean over
pictures; differences are picture by picture, with a 95 % interval over pictures.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

import iqaudit
from benchmarks.strength import COLOURS, OTHERS, STYLE
from iqaudit._analysis.tables.cells import CellData
from iqaudit._core.picture import Pixels
from iqaudit._core.threat import threat_of
from iqaudit._runs import reader, schema
from iqaudit._runs.retrace import attack_of
from iqaudit._search.trial import Trial
from iqaudit.measures._bootstrap import Estimate, interval, mean
from iqaudit.victims import Card

PAPER = "bidirectional"
NAMES = {"ssim": "SSIM", "flip": "FLIP", "butteraugli": "Butteraugli, 3-norm"}


@dataclass(frozen=True)
class Point:
    """An attack on a picture after so many queries: RGO, and each measure of what is seen."""

    victim: str
    attack: str
    queries: int
    picture: str
    rgo: float
    seen: dict[str, float]


def points(path: Path, program: str | None) -> Iterator[Point]:
    """Yield the points of an audit at its budgets."""
    for cell in iqaudit.load(path).cells:
        attack = cell.attack.partition(",")[0]
        for picture in cell.finished:
            distances = _pictures(cell, program, picture.figures.name) if program else {}
            for queries in (*cell.shorter, cell.queries):
                best = picture.reached[: queries // cell.cost][-1]
                scores = picture.reached[0], best
                before, after = (cell.scale.quality(float(score)) for score in scores)
                whole = queries == cell.queries
                likeness = picture.figures if whole else picture.likeness[queries]
                seen = {"ssim": likeness.ssim, "flip": likeness.flip}
                seen |= {"butteraugli": distances[queries]} if program else {}
                rgo = iqaudit.measures.rgo([before], [after])
                yield Point(cell.victim, attack, queries, picture.sha256, rgo, seen)  # type: ignore[arg-type]


def _pictures(cell: CellData, program: str, name: str) -> dict[int, float]:
    """Return Butteraugli's distance of a picture at each budget of its cell."""
    record = schema.load(cell.path)
    [entry] = [each for each in record.pictures if each.name == name]
    result = reader.result(cell.path, entry, cell.cost)
    attack = attack_of(cell.path, record)
    if attack is None:
        raise SystemExit(f"{cell.path}: the attack cannot be made again.")
    card = Card(
        record.victim.name,
        record.victim.scale.scale(),
        noise=record.victim.noise,
        incremental=record.victim.incremental,
    )
    threat, goal = threat_of(record.levels), record.goal_of(entry)
    rest = record.budget_of(entry), record.seed
    trial = Trial(result.picture, card, attack, threat, goal, *rest, others=cell.shorter)
    for score, key in zip(result.scores.tolist(), result.asked, strict=True):
        trial.ask()
        trial.tell(score)
        if trial.ledger.answers[-1].picture != key:
            raise SystemExit(f"{cell.path}: {name} goes another way when it is made again.")
    found = trial.result()
    made = {**found.checkpoints, cell.queries: found.adversarial}
    return {at: _distance(program, result.picture.pixels, each) for at, each in made.items()}


def _distance(program: str, clean: Pixels, attacked: Pixels) -> float:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("clean.png", "attacked.png")]
        for file, pixels in zip(files, (clean, attacked), strict=True):
            iqaudit.write(file, pixels)
        told = subprocess.run([program, *files], capture_output=True, text=True, check=True)
    [line] = [each for each in told.stdout.splitlines() if each.startswith("3-norm:")]
    return float(line.removeprefix("3-norm:"))


def rows(found: Sequence[Point]) -> list[dict[str, Any]]:
    """Return a row a victim, attack and budget, and its differences to the paper's attack."""
    cells: dict[tuple[str, str, int], dict[str, Point]] = {}
    for each in found:
        cells.setdefault((each.victim, each.attack, each.queries), {})[each.picture] = each
    made = []
    for (victim, attack, queries), own in cells.items():
        row: dict[str, Any] = {"victim": victim, "attack": attack, "queries": queries}
        row |= {"pictures": len(own)}
        paper = cells.get((victim, PAPER, queries), {})
        both = [(own[name], paper[name]) for name in own if name in paper]
        for measure in ("rgo", *NAMES):
            values = {name: _value(each, measure) for name, each in own.items()}
            if None in values.values():
                continue
            row |= _ends(measure, interval(mean, list(values.values())))
            if attack != PAPER and both:
                less = [_value(one, measure) - _value(other, measure) for one, other in both]
                row |= _ends(f"{measure}_more", interval(mean, less))
        made.append(row)
    return made


def _value(point: Point, measure: str) -> Any:
    return point.rgo if measure == "rgo" else point.seen.get(measure)


def _ends(name: str, of: Estimate) -> dict[str, float | None]:
    return {name: of.value, f"{name}_low": of.low, f"{name}_high": of.high}


def lines(made: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Print each row, and its differences to the paper's attack behind."""
    measures = ["rgo", *(each for each in NAMES if each in made[0])]
    for row in made:
        told = [f"{measure} {_text(row, measure)}" for measure in measures]
        yield f"{row['victim']:10} {row['attack']:17}{row['queries']:6,}  " + "  ".join(told)
        if "rgo_more" in row:
            more = [f"{measure} {_text(row, f'{measure}_more', '+')}" for measure in measures]
            yield f"{'':26}less {PAPER}: " + "  ".join(more)


def _text(row: dict[str, Any], name: str, sign: str = "") -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    ends = "" if low is None else f" ({low:{sign}.3f} to {high:{sign}.3f})"
    return f"{row[name]:{sign}.3f}{ends}"


def draw(made: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw RGO against each measure of what is seen, a row a victim; a mark is a budget."""
    victims = list(dict.fromkeys(row["victim"] for row in made))
    attacks = list(dict.fromkeys(row["attack"] for row in made))
    measures = [each for each in NAMES if each in made[0]]
    colours = {**dict(zip(attacks, OTHERS, strict=False)), **COLOURS}
    with mpl.rc_context(STYLE):
        size = 0.6 + 3.4 * len(measures), 0.7 + 3.1 * len(victims)
        figure = Figure(size, layout="constrained")
        panels = figure.subplots(len(victims), len(measures), squeeze=False, sharey="row")
        for victim, across in zip(victims, panels, strict=True):
            for measure, axes in zip(measures, across, strict=True):
                for attack in attacks:
                    own = [
                        row for row in made if (row["victim"], row["attack"]) == (victim, attack)
                    ]
                    own.sort(key=lambda row: row["queries"])
                    seen, rgo = ([row[name] for row in own] for name in (measure, "rgo"))
                    axes.plot(seen, rgo, "o-", color=colours[attack], label=attack, markersize=4)
                    for x, y, row in zip(seen, rgo, own, strict=True):
                        place: dict[str, Any] = {"xytext": (4, 3), "textcoords": "offset points"}
                        text = f"{row['queries']:,}"
                        axes.annotate(text, (x, y), fontsize=6, color=colours[attack], **place)
                if measure == "ssim":  # what is seen grows to the right
                    axes.xaxis.set_inverted(True)
                axes.margins(x=0.15)
                axes.set(xlabel=f"{NAMES[measure]}; seen more →", ylim=(0, None))
            across[0].set(ylabel="RGO")
            across[0].set_title(victim)
        names = panels[0, 0].get_legend_handles_labels()
        figure.legend(*names, loc="outside upper center", ncols=len(attacks), frameon=False)
        figure.savefig(path, dpi=150)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.price", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--butteraugli", metavar="PROGRAM", help="libjxl's butteraugli_main")
    parser.add_argument("--json", type=Path, help="a file for the rows")
    parser.add_argument("--plot", type=Path, help="a picture of the curves")
    given = parser.parse_args()
    made = rows([each for run in given.runs for each in points(run, given.butteraugli)])
    print("\n".join(lines(made)))
    if given.json:
        given.json.write_text(json.dumps(made, indent=1) + "\n")
    if given.plot:
        draw(made, given.plot)


if __name__ == "__main__":
    main()
