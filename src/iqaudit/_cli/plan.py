"""The command plan."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._analysis import transfer
from iqaudit._analysis.findings import insights
from iqaudit._assess.cost import duration
from iqaudit._assess.memory import amount
from iqaudit._audit.estimate import Plan, Share
from iqaudit._cli import options
from iqaudit._cli.audit import out_option
from iqaudit._cli.printing import print_json, print_skipped, say, stdout, table
from iqaudit._cli.progress import telling
from iqaudit._core.errors import many


@options.command()
@options.audit
@options.execution
@out_option
@options.overwrite
@options.yes
@options.output
def plan(
    *, settings: dict[str, Any], execution: options.Execution, output: options.Output, **_: Any
) -> None:
    """Estimate an audit's queries, time, disk space and money, from the same arguments.

    A victim whose scores may cost money is not asked.

    \b
    Example:
      iqaudit plan --victim reference --data clive:CLIVE --sample 50 --queries 1000
    """
    with telling(silent=output.silent) as tell:
        estimate = iqaudit.plan(**settings, workers=execution.workers, progress=tell)
    if output.as_json:
        print_json(asdict(estimate))
    elif not output.quiet:
        print_skipped(estimate.skipped)
        _print_estimate(estimate)


def _print_estimate(estimate: Plan) -> None:
    trials = sum(share.trials for share in estimate.shares)
    queries = sum(share.queries for share in estimate.shares)
    say(
        f"{many(estimate.cells, 'cell')} x {many(estimate.pictures, 'picture')}: "
        f"{many(trials, 'search', 'searches')}, at most "
        f"{queries:,} queries, about {estimate.size / 1e6:,.0f} MB on disk"
    )
    stdout().print(_table(estimate))
    most = estimate.cells * estimate.pictures
    say(
        f"Then insights ask at most {insights.MOST * most:,} scores more, and the transfer matrix "
        f"{transfer.MOST * most * len(estimate.shares):,}: only where no victim's scores may cost "
        "money."
    )


def _captions(rows: Sequence[Share]) -> Iterator[str]:
    """Yield the lines below the table."""
    yield "Outside the budgets, at every start: two scores that tell a victim from another."
    for share in rows:
        if share.passes > 1:
            yield f"{share.victim} scores {share.passes} pictures for a query."
    needs = [share.need for share in rows if share.need is not None]
    if needs:
        worst = max(needs, key=lambda need: need.memory)
        yield f"Memory is a worker's for the largest picture, {worst}."


def _table(estimate: Plan) -> Table:
    """Return a row a victim."""
    rows = estimate.shares
    caption = "\n".join(_captions(rows))
    heads = ("victim", "*searches", "*queries", "*and outside", "time", "*memory", "*money")
    shares = table(*heads, caption=caption)
    for share in rows:
        if share.seconds is None:
            once = "one" if share.concurrency == 1 else f"{share.concurrency}"
            took = f"not asked: may be paid; {once} at a time"
        else:
            several = 1 if share.here else estimate.workers
            took = f"about {duration(estimate.seconds([share]))}, {several} at once"
        shares.add_row(
            Text(share.victim),
            f"{share.trials:,}",
            f"{share.queries:,}",
            str(share.outside),
            took,
            "-" if share.need is None else amount(share.need.memory),
            f"{share.price:,.2f}" if share.price else "-",
        )
    return shares
