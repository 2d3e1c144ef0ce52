"""The command check."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._assess.check import Finding
from iqaudit._assess.questions import Verdict
from iqaudit._audit.settings import DATA
from iqaudit._cli import options
from iqaudit._cli.printing import print_json, print_skipped, stdout
from iqaudit._core.collection import collect
from iqaudit.victims._spec import VictimSpec

STYLES = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


@options.command()
@options.victim
@options.setting(DATA["pictures"], help="Good photographs, or folders of them.  [repeatable]")
@options.recursive
@options.output
def check(
    *, victim: VictimSpec, pictures: Sequence[str], recursive: bool, output: options.Output
) -> None:
    """Check that a victim is fit to be audited, with about a hundred scores.

    \b
    Examples:
      iqaudit check --victim reference
      iqaudit check --victim python:my.module:scorer --range 0 10 --price 0.001
    """
    price = victim.options.get("price")
    if "budget_money" not in victim.options:
        # A price without a ceiling is for the cost alone, and most victims take none.
        victim = replace(victim, options={**victim.options, "price": None})
    collected = collect(pictures, recursive=recursive) if pictures else None
    if collected is not None and not output.silent:
        print_skipped(collected.skipped)
    progress = None if output.silent else _print_finding
    findings = iqaudit.check(victim, collected, price=price, progress=progress)
    if output.as_json:
        print_json([vars(each) | {"verdict": each.verdict.value} for each in findings])
    sys.exit(any(each.verdict is Verdict.FAIL for each in findings))


def _print_finding(finding: Finding) -> None:
    line = Table.grid(padding=(0, 2))
    for width in (4, 13):
        line.add_column(width=width)
    line.add_column(overflow="fold")
    verdict = Text(finding.verdict.value, style=STYLES[finding.verdict])
    line.add_row(verdict, Text(finding.check), Text(finding.sentence))
    stdout().print(line)
