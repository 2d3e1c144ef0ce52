"""The commands on one victim, and the list of all: score, check, calibrate, list."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import click

from iqaudit._assess import calibration, check
from iqaudit._audit.settings import DATA
from iqaudit._cli import tables
from iqaudit._cli.console import print_note, print_notes, stdout
from iqaudit._cli.options import (
    command,
    in_data,
    in_output,
    make_victim,
    output_options,
    setting,
    victim_options,
)
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Picture, collect
from iqaudit._core.scale import QUALITY_MAX
from iqaudit.attacks import ATTACKS
from iqaudit.victims._base import Victim
from iqaudit.victims._registry import KINDS
from iqaudit.victims._scale_file import save_scale
from iqaudit.victims._scoring import score as score_one
from iqaudit.victims._spec import VictimSpec

USUAL_RANGE = (0.0, 100.0)
"""Of opinion scores, unless --opinion-range is given."""

ScoreRow: TypeAlias = tuple[str, int, int, float, float]
"""A picture's name, width and height, native score and quality."""


@command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@victim_options
@output_options
def score(*, pictures: Sequence[str], victim: VictimSpec, quiet: bool, as_json: bool) -> None:
    """Score pictures (files, or folders of them).

    \b
    Example:
      iqaudit score photo.png photos/
    """
    collected = collect(pictures)
    scorer = make_victim(victim, collected)
    print_notes(collected, quiet=quiet or as_json)
    if not quiet:
        print_note(scorer)
    rows: list[ScoreRow] = []
    try:
        _score(rows, scorer, collected)
    finally:  # the answers may have been paid for
        _print_scores(rows, quiet=quiet, as_json=as_json)


def _score(rows: list[ScoreRow], scorer: Victim, pictures: Sequence[Picture]) -> None:
    """Add pictures' scores to the rows, one by one: a failure loses none."""
    for picture in pictures:
        native = score_one(scorer, picture.pixels)
        quality = scorer.card.scale.quality(native)
        rows.append((picture.name, picture.width, picture.height, native, quality))


def _print_scores(rows: Sequence[ScoreRow], *, quiet: bool, as_json: bool) -> None:
    if as_json:
        keys = ("name", "width", "height", "score", "quality")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1))
    elif rows and not quiet:
        stdout().print(tables.scores(rows))


@command("check")
@victim_options
@setting(DATA["pictures"], help="Good photographs, or folders of them.  [repeatable]")
@output_options
def check_(*, victim: VictimSpec, pictures: Sequence[str], quiet: bool, as_json: bool) -> None:
    """Check that a victim is fit to be audited, with about a hundred scores.

    \b
    Examples:
      iqaudit check --victim reference
      iqaudit check --victim python:my.module:scorer --range 0 10 --price 0.001
    """
    collected = collect(pictures) if pictures else None
    price = victim.options.get("price")
    if "budget_money" not in victim.options:
        # A price without a ceiling is for the cost alone, and most victims take none.
        victim = replace(victim, options={**victim.options, "price": None})
    findings = []
    for finding in check.check(make_victim(victim), collected, price=price):
        findings.append(finding)
        if not (quiet or as_json):
            stdout().print(tables.finding(finding))
    if as_json:
        rows = [vars(each) | {"verdict": each.verdict.value} for each in findings]
        click.echo(json.dumps(rows, indent=1))
    sys.exit(any(each.verdict is check.Verdict.FAIL for each in findings))


@command("calibrate")
@victim_options
@setting(DATA["pictures"], required=True)
@in_data("--scores", type=Path, metavar="FILE", help="CSV of image,mos: opinion scores.")
@setting(DATA["opinion_range"], help="Ends of the opinion scores.  [default: 0 100]")
@in_output("--out", required=True, type=Path, metavar="FILE", help="TOML file to write.")
@output_options
def calibrate_(
    *,
    victim: VictimSpec,
    pictures: Sequence[str],
    scores: Path | None,
    opinion_range: tuple[float, float] | None,
    out: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fit a victim's score scale, for --scale of later runs.

    \b
    Examples:
      iqaudit calibrate --victim onnx:net.onnx --range 0 1 --pictures photos/ --out net.toml
      iqaudit attack photo.png --victim onnx:net.onnx --scale net.toml --out audit
    """
    collected = collect(pictures)
    opinions = None
    if scores is not None:
        opinions = calibration.read_opinions(scores, collected, opinion_range or USUAL_RANGE)
        if opinion_range is None and max(opinions) <= QUALITY_MAX / 10:
            raise InputError(
                f"{scores}: no score is above {USUAL_RANGE[1] / 10:g}; say on which range they "
                "are, as --opinion-range 1 5."
            )
    if out.exists():
        raise InputError(f"{out}: this is there already; name another file.")
    if not os.access(out.parent, os.W_OK):
        raise InputError(f"{out}: this cannot be written.")
    calibration.check_count(len(collected))
    scorer = make_victim(victim, collected)
    print_notes(collected, quiet=quiet or as_json)
    rows: list[ScoreRow] = []
    try:
        _score(rows, scorer, collected)
        lower = scorer.card.scale.lower_is_better
        answers = [native for *_, native, _ in rows]
        fitted = calibration.fit(answers, lower_is_better=lower, opinions=opinions)
        save_scale(out, fitted, scorer, collected)
    except BaseException:  # the answers may have been paid for
        _print_scores(rows, quiet=False, as_json=as_json)
        raise
    if as_json:
        click.echo(json.dumps(vars(fitted), indent=1))
    elif not quiet:
        click.echo(f"C = {fitted.center:.6g}, S = {fitted.spread:.6g}: {fitted.source}")
        click.echo(f"range {fitted.low:.6g} to {fitted.high:.6g}; written to {out}")


@command("list")
@in_output("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
def list_(*, as_json: bool) -> None:
    """List victims and attacks.

    \b
    Example:
      iqaudit list
    """
    victims = {kind.spec: kind.line for kind in KINDS.values()}
    attacks = {name: line for name, (_, line) in ATTACKS.items()}
    if as_json:
        click.echo(json.dumps({"victims": victims, "attacks": attacks}, indent=1))
        return
    console = stdout()
    console.print("Victims (--victim)")
    console.print(tables.lines(victims.items()))
    console.print("\nAttacks (--attack)")
    console.print(tables.lines(attacks.items()))


COMMANDS = (score, check_, calibrate_, list_)
