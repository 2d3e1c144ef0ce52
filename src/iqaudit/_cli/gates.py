"""The gate: options for every command that has figures, and what comes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from iqaudit import _analysis
from iqaudit._analysis import CellData, Judgement, Rule
from iqaudit._core.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])

FAILED = 3
"""The exit code where a rule was broken."""


@dataclass(frozen=True)
class Gate:
    """The rules that were given, and where to write what they say."""

    rules: tuple[Rule, ...]
    junit: Path | None

    def judge(self, cells: Sequence[CellData], missing: Sequence[str]) -> tuple[Judgement, ...]:
        """Hold cells to the rules, and write the JUnit file where one was asked for."""
        measures = tuple(dict.fromkeys(rule.measure for rule in self.rules))
        judged = _analysis.judge(_analysis.table(cells, measures), self.rules, missing)
        if self.junit is not None:
            self.junit.write_text(_analysis.junit(judged), "utf-8")
        return judged

    def exit_code(self, path: Path) -> int:
        """Judge a run or an audit, say on stderr what broke, and return the exit code.

        What a command calls when all is written: nothing is read where there are no rules.
        """
        if not self.rules:
            return 0
        return report(self.judge(_analysis.load(path), _analysis.missing(path)))


def report(judged: Sequence[Judgement]) -> int:
    """Say on stderr which rules were broken, and return the exit code."""
    failed = [each for each in judged if each.failed]
    for each in failed:
        click.echo(f"{each.cell}: {each.rule.text}: {each.sentence}", err=True)
    return FAILED if failed else 0


def gate_options(command: F) -> F:
    """Give a command the options of a gate, gathered into its one argument `gate`."""

    @wraps(command)
    def gathered(**arguments: Any) -> Any:
        texts, junit = arguments.pop("fail_if"), arguments.pop("junit")
        if junit is not None and not texts:
            raise InputError("--junit holds what --fail-if's rules say: give a rule.")
        rules = tuple(_analysis.parse(text) for text in texts)
        return command(gate=Gate(rules, junit), **arguments)

    for option in (
        click.option(
            "--junit", type=Path, metavar="FILE", help="Write what the rules say, for CI."
        ),
        click.option(
            "--fail-if",
            multiple=True,
            metavar="RULE",
            help='Exit with 3 where this holds of a cell, as "rgo > 0.3"; repeatable.',
        ),
    ):
        gathered = option(gathered)
    return cast("F", gathered)
