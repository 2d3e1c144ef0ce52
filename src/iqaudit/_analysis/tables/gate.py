"""A gate: rules that an audit's figures must not break, for those who train metrics in CI.

A rule says when to fail, as ``rgo > 0.3``, of any measure of the tables, of its interval's ends as
well (``rgo_low > 0.3`` fails where the whole interval is above). A victim that several attacks were
made on is held to every rule once, by the attack that comes nearest to breaking it, which is named.
A figure that does not exist fails, as does one that tells nothing of the victim
(`TableRow.ranked`), whichever attack's it is: nobody may take silence for a pass.

``rgo > baseline + 0.05`` compares with another run: see `iqaudit._analysis.tables.baseline`.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from xml.etree import ElementTree as ET

from iqaudit._analysis.tables.catalogue import MEASURES, Measure
from iqaudit._analysis.tables.tables import Table, TableRow
from iqaudit._core.errors import InputError, naming, unknown
from iqaudit._core.paths import begins, refuse_to_replace
from iqaudit._core.wording import worded

End: TypeAlias = Literal["value", "low", "high"]

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
ENDS: dict[str, End] = {"": "value", "_low": "low", "_high": "high"}
NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RULE = re.compile(
    rf"\s*(\w+)\s*(>=|<=|>|<)\s*(?:([-+]?{NUMBER})|(baseline)\s*(?:([-+])\s*({NUMBER}))?)\s*"
)


@dataclass(frozen=True)
class Rule:
    """When to fail: a measure, or an end of its interval, compared with a number.

    Against a baseline what is compared is the difference, or an end of its interval.
    """

    text: str
    measure: Measure
    end: End
    comparison: str
    number: float
    baseline: bool = False


@dataclass(frozen=True)
class Judgement:
    """A rule held to a victim: to its cell, or to the worst of those of several attacks.

    Parameters
    ----------
    cell : str
        The cell's name, without the attack's where there are several.
    rule : Rule
        A measure, a comparison and a number.
    value : float or None
        The figure, or how far it is above a baseline's; None where it does not exist.
    failed : bool
        Whether the rule is broken, as it also is where the figure does not exist or tells nothing
        of the victim.
    sentence : str
        The figure, or why there is none.
    attack : str
        The attack that it is of; empty where there are no results.
    doubtful : bool
        Whether it tells nothing of the victim.
    """

    cell: str
    rule: Rule
    value: float | None
    failed: bool
    sentence: str
    attack: str = ""
    doubtful: bool = False


def parse(text: str) -> Rule:
    """Return a rule from its text, as ``rgo > 0.3`` or ``srocc_after_low < baseline - 0.1``.

    Raises
    ------
    InputError
        If it is no rule, or there is no such measure.
    """
    parts = RULE.fullmatch(str(text))
    number = math.nan if parts is None else float(parts[3] or f"{parts[5] or ''}{parts[6] or 0}")
    if parts is None or not math.isfinite(number):
        raise InputError(
            f'"{text}" is no rule: say a measure, one of {", ".join(COMPARISONS)}, and a number, '
            'as "rgo > 0.3", or the baseline\'s, as "rgo > baseline + 0.05".'
        )
    ends = {each.name + suffix: (each, end) for each in MEASURES for suffix, end in ENDS.items()}
    if parts[1] not in ends:
        raise unknown("measure", parts[1], (measure.name for measure in MEASURES))
    measure, end = ends[parts[1]]
    return Rule(" ".join(text.split()), measure, end, parts[2], number, bool(parts[4]))


def check(rules: Iterable[Rule], baseline: object) -> None:
    """Refuse rules against a baseline where there is none, and one that no rule is against.

    Raises
    ------
    InputError
        In both cases.
    """
    against = [rule for rule in rules if rule.baseline]
    if against and baseline is None:
        raise InputError(
            f'"{against[0].text}" compares with a run: name it, '
            f"{worded('baseline=RUN', '--baseline RUN')}."
        )
    if baseline is not None and not against:
        raise InputError('A baseline is for rules that name it, as "rgo > baseline + 0.05".')


def unjudged(rules: Iterable[Rule], why: str) -> tuple[Judgement, ...]:
    """Return the verdicts of a run that has not come to its end: none."""
    return tuple(Judgement("iqaudit", rule, None, failed=True, sentence=why) for rule in rules)


def absent(cells: Iterable[str], rules: Sequence[Rule]) -> Iterator[Judgement]:
    """Yield the verdicts of cells that have no results yet: failures."""
    sentence = "This cell has no results yet."
    for cell in cells:
        yield from (Judgement(cell, rule, None, failed=True, sentence=sentence) for rule in rules)


def held(value: float, rule: Rule) -> bool:
    """Tell whether a rule holds of a value, which is a failure."""
    return COMPARISONS[rule.comparison](value, rule.number)


def firmness(value: float | None, rule: Rule, *, ranked: bool) -> tuple[bool, bool, float]:
    """Return a key that is the lower the nearer a figure comes to breaking a rule."""
    if value is None:
        return False, False, 0
    return True, ranked, -value if rule.comparison.startswith(">") else value


def judge(
    table: Table, rules: Sequence[Rule], missing: Iterable[str] = ()
) -> tuple[Judgement, ...]:
    """Hold every victim to every rule, by the worst of its attacks.

    Parameters
    ----------
    table : Table
        Of `iqaudit._analysis.tables.tables.table`, with the rules' measures.
    rules : sequence of Rule
        When to fail.
    missing : iterable of str
        Cells that have no results yet, all of which fail.
    """
    longest: dict[str, int] = {}
    groups: dict[tuple[str, int], list[TableRow]] = {}
    for row in table.rows:
        name = row.group or row.cell
        longest[name] = max(longest.get(name, 0), row.queries)
        groups.setdefault((name, row.queries), []).append(row)
    return (
        *(
            _worst(rows, rule, shorter=queries < longest[name])
            for (name, queries), rows in groups.items()
            for rule in rules
        ),
        *absent(missing, rules),
    )


def junit(judgements: Sequence[Judgement]) -> str:
    """Return judgements as JUnit XML: a test case a victim and rule.

    A broken rule is a failure; a figure that does not exist is an error.
    """
    failures = sum(each.failed and each.value is not None for each in judgements)
    errors = sum(each.value is None for each in judgements)
    tests = str(len(judgements))
    counts = {"tests": tests, "failures": str(failures), "errors": str(errors)}
    root = ET.Element("testsuites", {"name": "iqaudit", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "iqaudit gate", **counts})
    for each in judgements:
        case = ET.SubElement(suite, "testcase", {"classname": each.cell, "name": each.rule.text})
        if each.failed:
            kind = "error" if each.value is None else "failure"
            ET.SubElement(case, kind, {"message": each.sentence, "type": each.rule.measure.name})
        else:
            ET.SubElement(case, "system-out").text = each.sentence
    ET.indent(root, " ")
    return ET.tostring(root, "unicode", xml_declaration=False) + "\n"


def write_junit(file: Path, judgements: Sequence[Judgement]) -> None:
    """Write judgements as a JUnit file.

    Raises
    ------
    InputError
        If it would replace another file than such a one.
    """
    refuse_to_replace(file, "the JUnit file", begins(b'<testsuites name="iqaudit"'))
    with naming(file):
        file.write_text(junit(judgements), "utf-8")


def _worst(rows: Sequence[TableRow], rule: Rule, *, shorter: bool) -> Judgement:
    """Hold the attacks on one victim to a rule by the one that comes nearest to breaking it."""
    worst = min(
        rows,
        key=lambda row: firmness(
            getattr(row.values[rule.measure.name], rule.end), rule, ranked=row.ranked
        ),
    )
    name = worst.group if len(rows) > 1 else worst.cell
    name = f"{name} at {worst.queries:,} queries" if shorter else name
    return _judged(worst, rule, name, of=len(rows))


def _judged(row: TableRow, rule: Rule, name: str, *, of: int) -> Judgement:
    by = f" by {row.attack}, the worst of {of} attacks," if of > 1 else ""
    estimate = row.values[rule.measure.name]
    value: float | None = getattr(estimate, rule.end)
    if value is None:
        sentence = _undefined(row, rule)
        sentence = f"{row.attack}: {sentence}" if of > 1 else sentence
        return Judgement(name, rule, None, failed=True, sentence=sentence, attack=row.attack)
    which = {"value": "", "low": "'s lower end", "high": "'s upper end"}[rule.end]
    between = (
        f", 95 % interval {estimate.low:.4g} to {estimate.high:.4g}"
        if estimate.low is not None and estimate.high is not None
        else ""
    )
    left_out = f", {row.unfinished} not finished" if row.unfinished else ""
    sentence = (
        f"{rule.measure.title}{which}{by} is {value:.4g} "
        f"({row.pictures} pictures{left_out}{between})."
    )
    if row.doubt:
        sentence += f" {row.doubt}"
    failed = held(value, rule) or not row.ranked
    return Judgement(name, rule, value, failed, sentence, row.attack, not row.ranked)


def _undefined(row: TableRow, rule: Rule) -> str:
    if not row.pictures:
        why = "no picture is finished"
    elif rule.measure.group == "people" and row.rated < row.pictures:
        why = f"{row.rated} of {row.pictures} pictures have an opinion score"
    elif rule.end != "value":
        why = f"{row.pictures} pictures give no interval"
    else:
        why = f"{row.pictures} pictures do not tell it"
    return f"{rule.measure.title} does not exist here: {why}."
