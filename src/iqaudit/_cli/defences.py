"""The command defences."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit import DefenceRow, DefenceTable
from iqaudit._analysis.defences.records import COLUMNS
from iqaudit._analysis.tables.csv_text import csv_text
from iqaudit._api.defences import Comparison, to_compare, with_defences
from iqaudit._assess.cost import duration
from iqaudit._audit.estimate import Plan
from iqaudit._cli import options
from iqaudit._cli.audit import out_option
from iqaudit._cli.printing import (
    figure,
    interval,
    print_missing,
    print_skipped,
    say,
    stderr,
    stdout,
    table,
    unscored_code,
)
from iqaudit._cli.progress import Progress, watched
from iqaudit._core.errors import InputError, many, naming
from iqaudit._core.paths import begins, refuse_to_replace
from iqaudit._core.threat import words
from iqaudit._runs.schema import AUDIT, DEFENCES, load, runs
from iqaudit._search.trial import on_unscored

LONG = 60
"""Seconds of an audit of which each victim's part is said."""

BUSY = 0.8
"""Share of its workers that a machine does at once, below which it has other work."""


@options.command()
@options.option(
    "--defence",
    "defences",
    heading="Victim",
    multiple=True,
    metavar="DEFENCE",
    help="Defence to compare; several in order as median:3+jpeg:75.  [repeatable]",
)
@options.audit
@options.execution
@out_option
@options.overwrite
@options.trust
@options.yes
@options.in_output("--all", "whole", is_flag=True, help="Show every figure.")
@options.in_output("--csv", type=options.PATH, metavar="FILE", help="CSV file of every figure.")
@options.output
def defences(
    *,
    defences: Sequence[str],
    settings: dict[str, Any],
    execution: options.Execution,
    out: Path | None,
    overwrite: bool,
    trust: bool,
    yes: bool,
    whole: bool,
    csv: Path | None,
    output: options.Output,
) -> None:
    """Attack victims with defences and without: what each keeps, stops and costs.

    With an audit's folder alone, the table of its victims. The same command again goes on.

    \b
    Examples:
      iqaudit defences photos/ --victim reference --defence jpeg:75 --defence median:3 --out run
      iqaudit defences --victim reference --data csv:scores.csv --defence smooth:50@8 --out run
      iqaudit defences run --all
    """
    if csv is not None:
        refuse_to_replace(csv, "the table of defences", begins(b"victim,defence,attack,cell,"))
    watch = watched(silent=output.silent)
    if defences:
        how = execution.arguments() | {"yes": yes, "overwrite": overwrite}
        made = _attacked(settings, defences, out, how, output)
    else:
        made = iqaudit.load(_folder(settings, out))
    compared = made.compare_defences(watch, yes=yes, trust=trust)
    if csv is not None:
        rows = compared.to_dict()
        with naming(csv):
            text = csv_text([list(rows[0]), *(row.values() for row in rows)])
            csv.write_text(text, encoding="utf-8", newline="")
    if output.as_json:
        say((made.path / DEFENCES).read_text("utf-8"))
    elif not output.quiet:
        if whole:
            _print_all(compared)
        else:
            print_table(compared)
            say("\nWith 95 % intervals and all other figures: --all, --csv FILE, --json.")
    page = made.report()
    if not output.silent:
        print_missing(made.missing)
        say(f"written to {made.path / DEFENCES}\nreport  {page}")
    left_out = {run.name: load(run).left_out for run in runs(made.path)}
    left_out["defences"] = on_unscored(compared.unscored)
    if code := unscored_code(left_out, told=False):
        sys.exit(code)


def _folder(settings: dict[str, Any], out: Path | None) -> Path:
    """Return the folder of an audit that is there."""
    data = settings.pop("data")
    pictures = data.pop("pictures", ())
    if settings or data or out is not None or len(pictures) != 1:
        raise InputError(
            "Name defences to compare (--defence jpeg:75), or the folder of an audit alone."
        )
    return Path(pictures[0])


def _attacked(
    settings: dict[str, Any],
    defences: Sequence[str],
    out: Path | None,
    how: dict[str, Any],
    output: options.Output,
) -> iqaudit.Audit:
    """Make the audit, or go on with it; say what it will take before it begins."""
    if out is None:
        raise InputError("An audit needs a folder to write: --out RUN.")
    if "file" in settings:
        raise InputError(
            "A file (--from) says its victims and their defences itself: iqaudit audit --from "
            "FILE --out RUN, then iqaudit defences RUN."
        )
    victims = with_defences(settings.get("victims", ()), defences)
    settings["victims"] = victims or None
    if not output.silent and not (out / AUDIT).exists():
        plan = iqaudit.plan(**settings, workers=how["workers"])
        _print_plan(plan, to_compare(victims, plan))
    progress = Progress(stderr(), quiet=output.silent)
    try:
        with progress:
            return iqaudit.audit(**settings, **how, out=out, analyses=False, observer=progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{progress.far}; the same command goes on.") from None


def _print_plan(plan: Plan, then: Comparison) -> None:
    """Say what the audit and the comparison take, and about how long."""
    print_skipped(plan.skipped)
    trials, queries, outside = (
        sum(getattr(share, name) for share in plan.shares)
        for name in ("trials", "queries", "outside")
    )
    text = (
        f"{many(trials, 'search', 'searches')}, at most {queries:,} queries and {outside:,} outside"
    )
    asked = f"at most {then.scores:,} scores to compare"
    if then.certificates:
        asked += f" and {then.certificates:,} for certificates"
    if seconds := plan.seconds(plan.shares):
        busy = "" if plan.at_once > BUSY * plan.workers else " (the machine is busy)"
        text += f", about {duration(seconds)}{busy}"
        asked += f", about {duration(then.seconds)}"
    say(f"{text}; then {asked}.", err=True)
    if money := sum(share.price for share in plan.shares):
        say(f"At most {money:,.2f} in money for the audit, {then.price:,.2f} after it.", err=True)
    for share in plan.shares if seconds >= LONG else ():
        if share.seconds is not None:
            several = f", {share.passes} pictures a query" if share.passes > 1 else ""
            say(f"{share.victim}: about {duration(plan.seconds([share]))}{several}", err=True)


def print_table(compared: DefenceTable) -> None:
    """Print the telling figures, and a sentence on each row."""
    leading = [column for column in COLUMNS if column.leads and _any(compared, column.name)]
    shown = table("defence", *(f"*{column.title}" for column in leading), "verdict")
    for row in compared.rows:
        cells = (figure(getattr(row, each.name).value, each.form) for each in leading)
        shown.add_row(Text(_name(row, compared)), *cells, Text(row.verdict))
    stdout().print(shown)
    say()
    for row in compared.rows:
        _print_sentences(row, f"{_name(row, compared)}: ")


def _print_all(compared: DefenceTable) -> None:
    """Print a table a row, of every figure with its interval, and its sentences."""
    for row in compared.rows:
        stdout().print(_whole(row, compared))
        say(f"{row.pictures} pictures, {row.rated} with an opinion score.")
        _print_sentences(row)
        say()


def _print_sentences(row: DefenceRow, name: str = "") -> None:
    say(f"{name}{row.verdict}. {row.text}")
    if row.certificate is not None:
        say(f"Certificate: {row.certificate.text}")


def _whole(row: DefenceRow, compared: DefenceTable) -> Table:
    protocol = f"{row.attack} · {words(row.levels)} · goal {row.goal} · {row.queries:,} queries"
    title = f"{_name(row, compared)} · {protocol}"
    shown = table("", "*figure", "*95 % interval", title=title)
    for column in COLUMNS:
        estimate = getattr(row, column.name)
        if estimate.value is not None:
            ends = interval(estimate, column.form)
            shown.add_row(column.title, figure(estimate.value, column.form), ends)
    reach = row.queries_to_undefended
    ends = "" if reach.ends is None else " to ".join(map(_queries, reach.ends))
    shown.add_row("queries to the undefended RGO", _queries(reach.queries), ends)
    shown.add_row("passes a question", f"{row.passes:,}", "")
    if row.seconds is not None:
        shown.add_row("seconds a score, now", f"{row.seconds:.2g}", "")
    return shown


def _queries(count: int | None) -> str:
    return "not reached" if count is None else f"{count:,}"


def _name(row: DefenceRow, compared: DefenceTable) -> str:
    """Name a row by its defence, and by what else tells it from the others."""
    parts = [row.defence]
    for key, form in NAMED.items():
        if len({getattr(each, key) for each in compared.rows}) > 1:
            parts.append(form(getattr(row, key)))
    return " · ".join(parts)


NAMED = {
    "victim": "{}".format,
    "attack": "{}".format,
    "levels": words,
    "goal": "{}".format,
    "queries": "{:,} queries".format,
    "seed": "seed {}".format,
}
"""What rows may differ in besides."""


def _any(compared: DefenceTable, name: str) -> bool:
    """Tell whether a row has a figure."""
    return any(getattr(row, name).value is not None for row in compared.rows)
