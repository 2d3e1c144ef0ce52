"""The gate: rules on figures, their options, and their exit code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from iqaudit import _analysis
from iqaudit._analysis import CellData, Judgement, Rule
from iqaudit._cli.options import gathered, in_output
from iqaudit._core.errors import InputError

FAILED = 3
"""The exit code where a rule was broken."""


@dataclass(frozen=True)
class Gate:
    """Rules on cells' figures, and the JUnit file of their verdicts."""

    rules: tuple[Rule, ...]
    junit: Path | None

    def judge(
        self, cells: Sequence[CellData], missing: Sequence[str], *, over_seeds: bool = False
    ) -> tuple[Judgement, ...]:
        """Hold cells to the rules, and write the JUnit file where one was asked for."""
        measures = tuple(dict.fromkeys(rule.measure for rule in self.rules))
        table = _analysis.table(cells, measures, over_seeds=over_seeds)
        judged = _analysis.judge(table, self.rules, missing)
        if self.junit is not None:
            self.junit.write_text(_analysis.junit(judged), "utf-8")
        return judged

    def exit_code(self, path: Path) -> int:
        """Judge a run or an audit, print broken rules on stderr, and return the exit code.

        A command calls it when all is written. Nothing is read where there are no rules.
        """
        if not self.rules:
            return 0
        return report(self.judge(_analysis.load(path), _analysis.missing(path)))


def report(judged: Sequence[Judgement]) -> int:
    """Print broken rules on stderr, and return the exit code."""
    failed = [each for each in judged if each.failed]
    for each in failed:
        click.echo(f"{each.cell}: {each.rule.text}: {each.sentence}", err=True)
    return FAILED if failed else 0


def _gate(*, fail_if: Sequence[str], junit: Path | None) -> Gate:
    if junit is not None and not fail_if:
        raise InputError("--junit holds what --fail-if's rules say: give a rule.")
    return Gate(tuple(_analysis.parse(text) for text in fail_if), junit)


gate_options = gathered(
    "gate",
    _gate,
    {
        "fail_if": in_output(
            "--fail-if",
            multiple=True,
            metavar="RULE",
            help='Exit with code 3 where this holds of a cell, as "rgo > 0.3".  [repeatable]',
        ),
        "junit": in_output(
            "--junit", type=Path, metavar="FILE", help="JUnit file of the rules, for CI."
        ),
    },
)
"""The options of a gate, gathered into a command's argument `gate`."""
