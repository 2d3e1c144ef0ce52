"""The command demo."""

import sys
from pathlib import Path

from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit import Audit
from iqaudit._audit.settings import SETTINGS
from iqaudit._cli import options
from iqaudit._cli.attack import out_option
from iqaudit._cli.audit import print_cells
from iqaudit._cli.printing import figure, print_doubts, say, stderr, stdout, table, unscored_code
from iqaudit._cli.progress import Progress
from iqaudit._runs.schema import load, runs


@options.command()
@options.setting(
    SETTINGS["queries"],
    single=True,
    default=None,
    show_default=False,
    help="Query budget per picture and attack.  [default: about three minutes on two cores]",
)
@options.setting(SETTINGS["seeds"], single=True)
@out_option(default="iqaudit-demo", show_default=True, help="Directory to write.")
@options.overwrite
@options.output
def demo(
    *, out: Path, queries: int | None, seed: int, overwrite: bool, output: options.Output
) -> None:
    """Attack the bundled victim on eight photographs: the paper's attack and guided side by side.

    \b
    Examples:
      iqaudit demo
      iqaudit demo --queries 50 --out quick
    """
    progress = Progress(stderr(), quiet=output.silent)
    try:
        with progress:
            done = iqaudit.demo(
                out, queries=queries, seed=seed, overwrite=overwrite, observer=progress
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{progress.far}; the same command goes on.") from None
    if output.as_json:
        print_cells(done)
    elif not output.quiet:
        stdout().print(_table(done))
        for each in done.compare_attacks():
            say(f"\n{each.text}")
        say(f"\nruns    {done.path}")
    if not output.silent:
        print_doubts(done.cells)
    page = done.report()
    if not output.silent:
        say(f"report  {page}")
    left_out = {run.name: load(run).left_out for run in runs(done.path)}
    if code := unscored_code(left_out, told=not output.silent):
        sys.exit(code)


def _table(done: Audit) -> Table:
    """Return a row a picture, with each attack's score and RGO; then the means."""
    caption = (
        "RGO: how far the score went of how far 0-10 lets it, with at most "
        f"{done.cells[0].queries:,} queries a picture, 3 levels of 255."
    )
    heads = [head for cell in done.cells for head in (f"*→ {cell.attack}", "*RGO")]
    results = table("picture", "direction", "*score before", *heads, caption=caption)
    rows = {each.figures.name: [each.figures] for each in done.cells[0].pictures}
    for cell in done.cells[1:]:
        for each in cell.pictures:
            rows.setdefault(each.figures.name, []).append(each.figures)
    for name, figures in rows.items():
        first = figures[0]
        scores = [
            text
            for each in figures
            for text in (f"→ {each.attacked_score:.4g}", figure(each.rgo, ".3f"))
        ]
        results.add_row(Text(name), first.direction, f"{first.clean_score:.4g}", *scores)
    results.add_section()
    means = [row.values["rgo"] for row in done.table().rows]
    ends = [text for mean in means for text in ("", figure(mean.value, ".3f"))]
    results.add_row("mean", "", "", *ends)
    return results
