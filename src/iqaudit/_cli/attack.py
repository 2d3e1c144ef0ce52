"""The command attack; the run of an audit of one cell, and its table."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from iqaudit import Audit
from iqaudit._analysis.tables.catalogue import find
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.samples import Snapshot
from iqaudit._api.settings import attack_settings
from iqaudit._audit.execute import run
from iqaudit._audit.settings import SETTINGS
from iqaudit._audit.spec import AuditSpec
from iqaudit._cli import options
from iqaudit._cli.gate import Gate, gate_options
from iqaudit._cli.printing import figure, print_doubts, say, stderr, stdout, table, unscored_code
from iqaudit._cli.progress import Progress
from iqaudit._core.errors import VictimError
from iqaudit._runs.checksums import sealed
from iqaudit._runs.figures import Row, Summary, mean_shift, shift
from iqaudit._runs.records import PictureRecord
from iqaudit._runs.schema import FORMAT, RESULTS, as_json, load
from iqaudit.attacks._retouch import edits_text
from iqaudit.victims._spec import VictimSpec

out_option = partial(options.in_output, "--out", type=options.PATH, metavar="DIR")

MOST_EDITED = 20
"""Pictures whose edits are printed."""

one = partial(options.setting, multiple=False)
"""An option with one value, None unless it is set, so that --paper sets what is not."""


@options.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@options.victim
@options.recursive
@one(SETTINGS["attacks"])
@one(SETTINGS["levels"])
@one(SETTINGS["goals"])
@one(SETTINGS["seeds"])
@options.setting(SETTINGS["paper"])
@one(SETTINGS["queries"])
@options.setting(SETTINGS["early_stop"])
@options.setting(SETTINGS["until_plateau"])
@options.setting(SETTINGS["fresh"])
@options.execution
@out_option(required=True, help="Directory to write.")
@options.overwrite
@gate_options
@options.output
def attack(
    *,
    pictures: Sequence[str],
    victim: VictimSpec,
    execution: options.Execution,
    out: Path,
    overwrite: bool,
    gate: Gate,
    output: options.Output,
    **settings: Any,
) -> None:
    """Push the quality scores of pictures (files, or folders of them) as far as they go.

    The same command again goes on where it was stopped.

    \b
    Examples:
      iqaudit attack photo.png --out audit
      iqaudit attack photos/ --levels 2 --queries 2000 --goal lower --out audit
      iqaudit attack photos/ --attack square --early-stop 0.5 --out audit
      iqaudit attack photos/ --paper --out audit
    """
    for key in ("attack", "goal", "seed"):  # in an audit there are several of each
        settings[key] = settings.pop(f"{key}s")
    spec = attack_settings(list(pictures), victim, **settings)
    code = run_cell(spec, out, output, overwrite=overwrite, **execution.arguments())
    sys.exit(gate.exit_code(out, silent=output.silent) or code)


def run_cell(spec: AuditSpec, out: Path, output: options.Output, **how: Any) -> int:
    """Run an audit of one cell, print its results, and return its exit code.

    Every end keeps the answers so far. As `iqaudit.attack` does, which reads all the attacked
    pictures besides.
    """
    progress = Progress(stderr(), quiet=output.silent)
    try:
        with progress:
            run(spec, out, yes=True, observer=progress, **how)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{progress.far}; {_left(out)}") from None
    except VictimError as error:
        sentence = f"{str(error).rstrip('.')}. {progress.far.capitalize()}; {_left(out)}"
        raise VictimError(sentence) from error
    return _print_results(out, output)


def _left(out: Path) -> str:
    return f"kept in {out}: the same command goes on." if out.exists() else "nothing was written."


def _print_results(out: Path, output: options.Output) -> int:
    """Print the figures first: the page takes seconds, and they must not be lost with it."""
    record, done = load(out), Audit(out)
    [cell] = done.cells
    if output.as_json:
        say(sealed(as_json(record, FORMAT)))
    elif not output.quiet:
        stdout().print(_table(record.pictures, record.summary, cell))
        say(f"\nattacked pictures  {out / 'attacked'}")
        say(f"figures            {out / RESULTS}")
        _print_edits(record.pictures)
    if not output.silent:
        print_doubts(done.cells)
    page = done.report()
    if not output.silent:
        say(f"report             {page}")
    return unscored_code({cell.cell: record.left_out}, told=not output.silent)


def _print_edits(pictures: Sequence[PictureRecord]) -> None:
    """Print which edits each picture got, where the attack makes any; of many, the first."""
    told = [each for each in pictures if each.edits]
    for each in told[:MOST_EDITED]:
        say(f"{each.name}: {edits_text(each.edits)}")
    if len(told) > MOST_EDITED:
        say(f"The edits of {len(told) - MOST_EDITED} more are in {RESULTS}.")


def _table(rows: Sequence[Row], summary: Summary, cell: CellData) -> Table:
    """Return a row a picture, then the means."""
    scale = cell.scale
    asked = f"{_on_goal(rows, summary, cell)}\n" if cell.targeted or cell.ranked else ""
    caption = asked + (
        "RGO: how far the score went of how far 0-10 lets it; a perfect attack would reach "
        f"{figure(summary.reachable_rgo, '.3f')} on this victim.\n"
        "Shift: how far the native score went, in spreads S of the scale.\n"
        "FLIP: what is seen on flipping between the two, 0 to 1. "
        "L∞: the largest change of any pixel, in levels of 255.\n"
        f"In the row of means, L∞ is the largest, and queries are the sum.\n{cell.on_scale}"
    )
    heads = ("picture", "*score before", "*→ after", "direction")
    results = table(*heads, "*RGO", "*shift", "*SSIM", "*FLIP", "*L∞", "*queries", caption=caption)
    for row in rows:
        mark = "" if row.end.finished else " *"
        scores = f"{row.clean_score:.4g}", f"→ {row.attacked_score:.4g}", row.direction
        results.add_row(Text(row.name + mark), *scores, *_figures(row, shift(row, scale)))
    results.add_section()
    directions = f"{summary.lowered} lower, {summary.raised} raise"
    results.add_row("mean", "", "", directions, *_figures(summary, mean_shift(rows, scale)))
    return results


def _on_goal(rows: Sequence[Row], summary: Summary, cell: CellData) -> str:
    """Return the sentence on how many pictures came to their targets, and what became of it."""
    finished = sum(row.end.finished for row in rows)
    kept = find("order_kept").compute(Snapshot.of(cell)).value if cell.ranked else None
    if kept is not None:
        return (
            f"Goal rank: the order kept, SROCC of scores before and after, is {kept:.3f}; "
            f"{summary.met} of {finished} pictures came to their places."
        )
    asked = f", after {summary.queries_to_target:,.0f} queries on average" if summary.met else ""
    return f"Goal {cell.goal}: reached by {summary.met} of {finished} pictures{asked}."


def _figures(row: Row | Summary, moved: float | None) -> tuple[str, ...]:
    return (
        figure(row.rgo, ".3f"),
        figure(moved, ".2f"),
        figure(row.ssim, ".4f"),
        figure(row.flip, ".4f"),
        figure(row.linf, "d"),
        str(row.queries),
    )
