"""The gate: rules on figures, their options, and their exit code."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from iqaudit import Audit
from iqaudit._analysis.tables.gate import Judgement, check, parse, unjudged, write_junit
from iqaudit._cli import options
from iqaudit._cli.printing import say
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import runs

FAILED = 3
"""The exit code where a rule was broken."""

UNJUDGED = "The command did not come to its end, so nothing was judged: its output says why."


class Gate(NamedTuple):
    """Rules on cells' figures, the JUnit file of their verdicts, and the run they compare with."""

    rules: Sequence[str]
    junit: Path | None
    baseline: Path | None

    def judge(self, audit: Audit, *, over_seeds: bool = False) -> tuple[Judgement, ...]:
        """Judge a run's or an audit's cells; nothing is read where there are no rules."""
        if not self.rules:
            return ()
        return audit.gate(
            self.rules, junit=self.junit, over_seeds=over_seeds, baseline=self.baseline
        )

    def exit_code(self, path: Path, *, silent: bool = False) -> int:
        """Judge a run or an audit when all is written, and return the exit code."""
        return exit_code(self.judge(Audit(path)), silent=silent)


def exit_code(judged: Sequence[Judgement], *, silent: bool = False) -> int:
    """Print broken rules on stderr, and what was compared with a baseline; return the exit code."""
    failed = [each for each in judged if each.failed]
    for each in judged:
        if each.failed:
            say(f"{each.cell}: {each.rule.text}: {each.sentence}", err=True)
        elif each.rule.baseline and not silent:
            say(f"{each.cell}: not {each.rule.text}: {each.sentence}", err=True)
    return FAILED if failed else 0


def _gate(*, fail_if: Sequence[str], junit: Path | None, baseline: Path | None) -> Gate:
    if junit is not None and not fail_if:
        raise InputError("--junit holds what --fail-if's rules say: give a rule.")
    # All of it is refused now, not after the audit.
    rules = [parse(text) for text in fail_if]
    if junit is not None:  # an earlier start's verdicts must not outlive one that ends otherwise
        write_junit(junit, unjudged(rules, UNJUDGED))
    check(rules, baseline)
    if baseline is not None:
        runs(baseline)
    return Gate(fail_if, junit, baseline)


gate_options = options.gathered(
    "gate",
    _gate,
    {
        "fail_if": options.in_output(
            "--fail-if",
            multiple=True,
            metavar="RULE",
            help='Exit with 3 where this holds of the worst attack: "rgo > 0.3", '
            '"rgo_low > baseline + 0.05".  [repeatable]',
        ),
        "baseline": options.in_output(
            "--baseline", type=options.PATH, metavar="RUN", help="Run that rules compare with."
        ),
        "junit": options.in_output(
            "--junit", type=options.PATH, metavar="FILE", help="JUnit file of the rules, for CI."
        ),
    },
)
"""The options of a gate, gathered into a command's argument `gate`."""
