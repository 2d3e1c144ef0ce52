"""The gate: rules on figures, their options, and their exit code."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from iqaudit import Audit
from iqaudit._analysis.tables.gate import Judgement, parse
from iqaudit._cli import options
from iqaudit._cli.printing import say
from iqaudit._core.errors import InputError

FAILED = 3
"""The exit code where a rule was broken."""


class Gate(NamedTuple):
    """Rules on cells' figures, and the JUnit file of their verdicts."""

    rules: Sequence[str]
    junit: Path | None

    def judge(self, audit: Audit, *, over_seeds: bool = False) -> tuple[Judgement, ...]:
        """Judge a run's or an audit's cells; nothing is read where there are no rules."""
        if not self.rules:
            return ()
        return audit.gate(self.rules, junit=self.junit, over_seeds=over_seeds)

    def exit_code(self, path: Path) -> int:
        """Judge a run or an audit when all is written, and return the exit code."""
        return exit_code(self.judge(Audit(path)))


def exit_code(judged: Sequence[Judgement]) -> int:
    """Print broken rules on stderr, and return the exit code."""
    failed = [each for each in judged if each.failed]
    for each in failed:
        say(f"{each.cell}: {each.rule.text}: {each.sentence}", err=True)
    return FAILED if failed else 0


def _gate(*, fail_if: Sequence[str], junit: Path | None) -> Gate:
    if junit is not None and not fail_if:
        raise InputError("--junit holds what --fail-if's rules say: give a rule.")
    for text in fail_if:
        parse(text)  # refused now, not after the audit
    return Gate(fail_if, junit)


gate_options = options.gathered(
    "gate",
    _gate,
    {
        "fail_if": options.in_output(
            "--fail-if",
            multiple=True,
            metavar="RULE",
            help='Exit with 3 where this holds of the worst attack: "rgo > 0.3".  [repeatable]',
        ),
        "junit": options.in_output(
            "--junit", type=options.PATH, metavar="FILE", help="JUnit file of the rules, for CI."
        ),
    },
)
"""The options of a gate, options.gathered into a command's argument `gate`."""
