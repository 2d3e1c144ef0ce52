"""The command calibrate."""

import sys
from collections.abc import Sequence
from pathlib import Path

import iqaudit
from iqaudit._audit.settings import DATA
from iqaudit._cli import options
from iqaudit._cli.printing import noted, print_json, say
from iqaudit._cli.score import print_scores, print_unscored
from iqaudit._core.collection import collect
from iqaudit.victims._spec import VictimSpec


@options.command()
@options.victim
@options.setting(DATA["pictures"], required=True)
@options.recursive
@options.ignore_memory
@options.strict
@options.in_data(
    "--scores", type=options.PATH, metavar="FILE", help="CSV of image,mos: opinion scores."
)
@options.setting(DATA["opinion_range"], help="Ends of the opinion scores.  [default: 0 100]")
@options.in_output(
    "--out", required=True, type=options.PATH, metavar="FILE", help="TOML file to write."
)
@options.output
def calibrate(
    *,
    victim: VictimSpec,
    pictures: Sequence[str],
    recursive: bool,
    ignore_memory: bool,
    strict: bool,
    scores: Path | None,
    opinion_range: tuple[float, float] | None,
    out: Path,
    output: options.Output,
) -> None:
    """Fit a victim's score scale, for --scale of later runs.

    \b
    Examples:
      iqaudit calibrate --victim onnx:net.onnx --range 0 1 --pictures photos/ --out net.toml
      iqaudit attack photo.png --victim onnx:net.onnx --scale net.toml --out audit
    """
    collected = collect(pictures, recursive=recursive)
    for _ in noted(collected, silent=output.silent):
        pass
    answers: list[iqaudit.Score] = []
    try:
        scale = iqaudit.calibrate(
            victim,
            collected,
            opinions=scores,
            opinion_range=opinion_range,
            out=out,
            ignore_memory=ignore_memory,
            strict=strict,
            progress=answers.append,
        )
    except BaseException:  # the answers may have been paid for
        if answers:
            print_scores(answers, output._replace(quiet=False))
        raise
    if output.as_json:
        print_json(vars(scale))
    elif not output.quiet:
        say(f"C = {scale.center:.6g}, S = {scale.spread:.6g}: {scale.source}")
        say(f"range {scale.low:.6g} to {scale.high:.6g}; written to {out}")
    if code := print_unscored(answers):
        sys.exit(code)
