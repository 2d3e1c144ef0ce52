"""The command audit."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._cli import options
from iqaudit._cli.gate import Gate, gate_options
from iqaudit._cli.printing import (
    figure,
    print_doubts,
    print_json,
    say,
    stderr,
    stdout,
    table,
    unscored_code,
)
from iqaudit._cli.progress import Progress, watched
from iqaudit._core.errors import InputError
from iqaudit._runs.figures import mean_shift
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import load, runs
from iqaudit._search.trial import on_unscored

out_option = options.in_output(
    "--out", type=options.PATH, metavar="DIR", help="Directory to write."
)


@options.command()
@options.audit
@options.execution
@out_option
@options.overwrite
@options.yes
@gate_options
@options.output
def audit(
    *,
    settings: dict[str, Any],
    execution: options.Execution,
    out: Path | None,
    overwrite: bool,
    yes: bool,
    gate: Gate,
    output: options.Output,
) -> None:
    """Attack several victims on one set of pictures; the same command again goes on.

    \b
    Examples:
      iqaudit audit --victim reference --data clive:CLIVE --sample 50 --queries 1000 --out run
      iqaudit audit --victim dbcnn,checkpoint=dbcnn.pt --paper live --data live:LIVE --out run
      iqaudit audit photos/ --victim reference --attack guided --attack square --out run
      iqaudit audit --suite standard-1 --light --victim reference --data clive:CLIVE --out run
      iqaudit audit --from audit.toml --out run
    """
    if out is None:
        raise InputError("An audit needs a folder to write: --out RUN.")
    progress = Progress(stderr(), quiet=output.silent)
    how = execution.arguments() | {"yes": yes, "overwrite": overwrite, "analyses": False}
    try:
        with progress:
            done = iqaudit.audit(**settings, **how, out=out, observer=progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{progress.far}; the same command goes on.") from None
    code = finish(done, output)
    sys.exit(gate.exit_code(out, silent=output.silent) or code)


def finish(done: iqaudit.Audit, output: options.Output) -> int:
    """Print a finished audit's figures, score its analyses, write its page; return the exit code.

    The figures first: the rest takes a while, and the same command goes on with it. What the
    analyses have a part in comes behind them: what is cited, and doubts by what chance does.
    """
    cells = [(path.name, load(path)) for path in runs(done.path)]
    if not output.silent:
        stdout().print(_table(cells, {each.victim: each.on_scale for each in done.cells}))
        for text in dict.fromkeys(each.text for each in done.compare_attacks()):
            say(f"\n{text}")
        say(f"\nruns    {done.path}")
    told = set() if output.silent else print_doubts(done.cells)
    try:
        left = done.analyse(watched(silent=output.silent))
        if output.as_json:
            print_cells(done)
        elif not output.quiet:
            for cited in done.citations():
                say(f"{cited.text}\n")
            print_doubts(done.cells, told)
        page = done.report()
    except KeyboardInterrupt:
        sentence = "every picture is finished; the same command goes on."
        raise KeyboardInterrupt(sentence) from None
    left_out = {name: record.left_out for name, record in cells}
    analysed = {f"{name}, insights": each.unscored for name, each in done.insights.items() if each}
    if done.transfer is not None:
        analysed["transfer"] = done.transfer.unscored
    code = unscored_code(left_out, told=not output.silent) or unscored_code(
        {name: on_unscored(each) for name, each in analysed.items()}, told=False
    )
    if output.silent:
        return code
    if left:
        say(
            f"{', '.join(left)}: may cost money, so not asked for more; iqaudit transfer "
            f"{done.path} and iqaudit insights {done.path} say what they would.",
            err=True,
        )
    say(f"report  {page}")
    return code


def print_cells(done: iqaudit.Audit) -> None:
    """Print each cell's figures as JSON."""
    cited = {cell: each.text for each in done.citations() for cell in each.cells}
    print_json(
        [_as_json(path.name, load(path), cited.get(path.name, "")) for path in runs(done.path)]
    )


def _counted(record: RunRecord) -> str:
    """Return the number of pictures, of how many where some could not be scored."""
    unscored = {each.name for each in record.unscored}
    scored = sum(each.name not in unscored for each in record.pictures)
    return f"{scored} of {scored + len(unscored)}" if unscored else str(scored)


def _as_json(name: str, record: RunRecord, cited: str) -> dict[str, Any]:
    unscored = {each.name: each.reason for each in record.unscored}
    moved = mean_shift(record.pictures, record.victim.scale.scale())
    figures = {"cell": name, **asdict(record.summary), "shift": moved}
    figures |= {"citation": cited} if cited else {}
    return figures | ({"unscored": unscored} if unscored else {})


def _table(records: Iterable[tuple[str, RunRecord]], scales: Mapping[str, str]) -> Table:
    """Return a row a cell, from its folder's name and its record; below, the victims' scales."""
    caption = "\n".join(f"{name}: {scale}" for name, scale in scales.items())
    heads = ("cell", "*pictures", "*RGO", "*shift", "*reachable", "*SSIM", "*L∞", "*queries")
    cells = table(*heads, caption=caption)
    for name, record in records:
        summary = record.summary
        cells.add_row(
            Text(name),
            _counted(record),
            figure(summary.rgo, ".3f"),
            figure(mean_shift(record.pictures, record.victim.scale.scale()), ".2f"),
            figure(summary.reachable_rgo, ".3f"),
            figure(summary.ssim, ".4f"),
            figure(summary.linf, "d"),
            f"{summary.queries:,}",
        )
    return cells
