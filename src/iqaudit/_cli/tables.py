"""The command tables."""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._analysis.tables.attack_pairs import AttackComparison
from iqaudit._analysis.tables.catalogue import GROUPS, Measure
from iqaudit._analysis.tables.formats import FORMATS
from iqaudit._analysis.tables.optimality import Optimality
from iqaudit._analysis.tables.tables import TableRow, definitions, finite, record
from iqaudit._cli import options
from iqaudit._cli.gate import Gate, exit_code, gate_options
from iqaudit._cli.printing import figure, interval, print_json, print_missing, say, stdout, table
from iqaudit._cli.streams import own
from iqaudit._core.errors import InputError
from iqaudit._core.threat import words


@options.command()
@click.argument("runs", type=options.PATH, nargs=-1, required=True, metavar="RUN...")
@options.in_output(
    "--over-seeds", is_flag=True, help="Average seeds within each picture, a row for all."
)
@options.in_output(
    "--measures", metavar="NAME,...", help="Measures, in this order; srocc is before and after."
)
@options.in_output("--all", "every", is_flag=True, help="Every measure, not those that lead alone.")
@options.in_output(
    "--format",
    "form",
    type=click.Choice((*FORMATS, "csv")),
    help="One table, a row a cell, in this format.",
)
@gate_options
@options.output
def tables(
    *,
    runs: Sequence[Path],
    over_seeds: bool,
    measures: str | None,
    every: bool,
    form: Any,
    gate: Gate,
    output: options.Output,
) -> None:
    """Print the measures of runs, or of audits' cells, with 95 % intervals.

    Those that lead, unless others are named; JSON has them all.

    \b
    Examples:
      iqaudit tables audit
      iqaudit tables audit --measures srocc,rgo --format latex > table.tex
      iqaudit tables audit-of-may audit-of-june --format markdown
      iqaudit tables audit --json --over-seeds
      iqaudit tables audit --fail-if "rgo > 0.3" --fail-if "srocc_after < 0.5" --junit gate.xml
    """
    if every and measures:
        raise InputError("--all and --measures: which measures is said once.")
    if output.as_json and (every or measures or form):
        raise InputError("--json has every measure: leave out --measures, --all and --format.")
    names = "all" if every else measures and [each.strip() for each in measures.split(",")]
    audit = iqaudit.load(*runs)
    judged = gate.judge(audit, over_seeds=over_seeds)
    if output.as_json:
        verdicts = [
            vars(each) | {"rule": each.rule.text, "value": finite(each.value)} for each in judged
        ]
        print_json(
            record(audit.table(over_seeds=over_seeds))
            | {
                "by_queries": audit.by_queries(over_seeds=over_seeds).to_dict(),
                "attacks": [each.to_dict() for each in audit.compare_attacks()],
                "citations": [each.to_dict() for each in audit.citations()],
                "optimality": [each.to_dict() for each in audit.optimality()],
                "missing": list(audit.missing),
                "gate": verdicts,
            }
        )
    elif form and not output.quiet:
        text = audit.table(over_seeds=over_seeds).to_text(form, names or None)
        click.echo(text, file=own("stdout"), nl=False)
        print_missing(audit.missing)
    elif not output.quiet:
        _print(audit, names or None, over_seeds=over_seeds)
    sys.exit(exit_code(judged, silent=output.silent))


def _print(audit: iqaudit.Audit, names: Any, *, over_seeds: bool) -> None:
    """Print a table a cell, the attacks in pairs, their optimality, and a suite's lines."""
    whole, earlier = (make(over_seeds=over_seeds) for make in (audit.table, audit.by_queries))
    chosen = whole.chosen(names)
    for row in {row.cell: row for row in whole.rows}.values():  # the whole budgets
        stdout().print(_table(row, chosen, earlier))
    for each in audit.compare_attacks():
        stdout().print(_pairs(each))
    for shown in _optimality(audit.optimality()):
        stdout().print(shown)
    for sentence in definitions(chosen):
        say(sentence)
    for cited in audit.citations():
        say(cited.text)
    print_missing(audit.missing, err=False)
    if names is None:
        say("iqaudit tables --all prints every measure.")


def _table(row: TableRow, measures: Sequence[Measure], earlier: iqaudit.Table) -> Table:
    """Return one cell's table: a row a measure, a column a budget, the interval last."""
    before = [each for each in earlier.rows if each.cell == row.cell][:-1]
    budgets = [f"*{each.queries:,}" for each in (*before, row)]
    heads = ("queries", *budgets, "*95 % interval", "better for the victim")
    shown = table(*heads, title=_title(row), caption=_caption(row))
    group = None
    for measure in measures:
        estimate = row.values[measure.name]
        if estimate.value is None:
            continue
        if measure.group != group:
            group = measure.group
            shown.add_section()
            shown.add_row(Text(GROUPS[group], style="italic"))
        there = [
            figure(each.values[measure.name].value, measure.form) if measure.by_queries else ""
            for each in before
        ]
        unit = f", {measure.unit}" if measure.unit else ""
        shown.add_row(
            "  " + measure.title + unit,
            *there,
            figure(estimate.value, measure.form),
            _ends(row, measure),
            "higher" if measure.higher_favours == "victim" else "lower",
        )
    return shown


def _ends(row: TableRow, measure: Measure) -> str:
    """Return a figure's interval; where it is infinite, how many pictures make it so."""
    estimate, unmoved = row.values[measure.name], row.values.get("unmoved")
    if estimate.value == math.inf and unmoved is not None and unmoved.value:
        return f"{unmoved.value:.0f} of {row.pictures} did not move"
    return interval(estimate, measure.form)


def _pairs(compared: AttackComparison) -> Table:
    """Return the attacks on a victim in pairs: how much farther the first pushes the pictures."""
    terms = f"{words(compared.levels)} · goal {compared.goal} · {compared.budget}"
    title = f"Attacks in pairs · {compared.victim} · {terms}"
    heads = (
        "attack",
        "against",
        "*pictures",
        "*RGO",
        "*RGO of that",
        "*difference",
        "*95 % interval",
    )
    caption = (
        f"{compared.text}\nOver the pictures that both finished, seeds averaged within each; "
        "pictures are resampled in pairs.\n"
    )
    shown = table(*heads, title=title, caption=caption)
    for pair in compared.pairs:
        figures = (pair.rgo, pair.other_rgo, pair.difference)
        shown.add_row(
            *(Text(pair.first), Text(pair.second), str(pair.pictures)),
            *(figure(each.value, ".3f") for each in figures),
            interval(pair.difference, ".3f"),
        )
    return shown


def _optimality(values: Sequence[Optimality]) -> Iterator[Table]:
    """Yield a table a victim and threat: a row an attack, a column a budget."""
    groups: dict[tuple[str, int, str], dict[str, dict[int, Optimality]]] = {}
    for each in values:
        attacks = groups.setdefault((each.victim, each.levels, each.goal), {})
        attacks.setdefault(each.attack, {})[each.queries] = each
    for (victim, levels, goal), attacks in groups.items():
        budgets = sorted({budget for each in attacks.values() for budget in each})
        shown = table(
            "queries",
            *(f"*{budget:,}" for budget in budgets),
            "*95 % interval",
            title=f"optimality · {victim} · {words(levels)} · goal {goal}",
            caption="The area under RGO against the logarithm of queries, over that under the best "
            "of all these attacks at each number of queries.\n",
        )
        for attack, there in attacks.items():
            shares = [there[at].share.value if at in there else None for at in budgets]
            figures = [figure(each, ".3f") for each in shares]
            shown.add_row(Text(attack), *figures, interval(there[max(there)].share, ".3f"))
        yield shown


def _title(row: TableRow) -> str:
    parts = [row.cell, row.victim, row.attack, *([row.data] if row.data else [])]
    return " · ".join((*parts, words(row.levels), f"goal {row.goal}"))


def _caption(row: TableRow) -> str:
    text = f"{row.pictures} pictures"
    if row.seeds > 1:
        text += f", {row.seeds} seeds averaged within each"
    if row.unfinished:
        text += f", {row.unfinished} more not finished and left out"
    text += f"; {row.rated} with an opinion score" if row.rated else "; none with an opinion score"
    flags = f"[{row.flags}] " if row.flags else ""
    doubt = f"\n{flags}{row.doubt}" if row.doubt else ""
    kind = "percentile bootstrap over pictures; of Wasserstein and energy scores less their bias"
    return f"{text}. Intervals: {kind}.\n{row.scale}{doubt}\n"
