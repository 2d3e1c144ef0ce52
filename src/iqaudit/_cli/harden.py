"""The command harden."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

import iqaudit
from iqaudit._audit.settings import DATA, SETTINGS
from iqaudit._cli import options
from iqaudit._cli.defences import print_table
from iqaudit._cli.printing import say, stderr, unscored_code
from iqaudit._cli.progress import Progress, watched
from iqaudit._harden.records import EPOCHS, HARDEN, METHODS
from iqaudit._runs.schema import load, runs
from iqaudit._search.trial import on_unscored
from iqaudit.victims._spec import VictimSpec

in_victim = partial(options.option, heading="Victim")


@options.command()
@options.victim
@in_victim(
    "--method",
    type=click.Choice(tuple(METHODS)),
    default="slopes",
    show_default=True,
    help="New head firm along random signs, or along attacks; or train the network.",
)
@in_victim(
    "--loss",
    type=float,
    metavar="SROCC",
    default=0.01,
    show_default=True,
    help="SROCC, of pictures held out, that the new weights may cost.",
)
@in_victim(
    "--rounds",
    type=int,
    metavar="N",
    default=3,
    show_default=True,
    help="Rounds of attacks of --method attacked, each on the head before.",
)
@in_victim(
    "--epochs",
    type=int,
    metavar="N",
    default=EPOCHS,
    show_default=True,
    help="Epochs of --method train, at the most.",
)
@options.setting(DATA["spec"], help="Pictures to fit on: a data set; rated ones, if some are.")
@options.setting(DATA["pictures"])
@options.recursive
@options.setting(DATA["opinion_range"])
@options.setting(DATA["subset"])
@options.in_data(
    "--test", metavar="SPEC", help="Data set of the table.  [default: a fifth of the data]"
)
@options.setting(SETTINGS["attacks"], default=["guided"], help="Attack, on the new weights afresh.")
@options.setting(SETTINGS["levels"], single=True)
@options.setting(SETTINGS["seeds"], single=True)
@options.setting(SETTINGS["queries"], single=True, default=1000)
@options.execution
@options.in_output(
    "--out", required=True, type=options.PATH, metavar="DIR", help="Directory to write."
)
@options.in_output("--licence", metavar="TEXT", default="", help="Licence, for the model card.")
@options.output
def harden(
    *,
    victim: VictimSpec,
    execution: options.Execution,
    out: Path,
    output: options.Output,
    spec: str | None,
    test: str | None,
    **settings: Any,
) -> None:
    """Make weights for a torch victim that are harder to push, and the table before and after.

    The same command again goes on where it was stopped.

    \b
    Examples:
      iqaudit harden --victim reference --data csv:scores.csv --test csv:test.csv --out hard
      iqaudit harden --victim python:my:net,range=0:1 --data csv:scores.csv --method attacked \\
                     --out hard
    """
    data = {"spec": spec, **{key: settings.pop(key) for key in DATA if key in settings}}
    if not output.silent:
        settings["tell"] = partial(say, err=True)
    progress = Progress(stderr(), quiet=output.silent)
    try:
        done = iqaudit.harden(
            out,
            victim,
            {key: value for key, value in data.items() if value},
            test,
            attacks=list(settings.pop("attacks")),
            **settings,
            **execution.arguments(),
            watch=watched(silent=output.silent),
            observing=lambda: progress,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on.") from None
    if output.as_json:
        say((done.path / HARDEN).read_text("utf-8"))
    elif not output.quiet:
        print_table(done.table)
        say(
            f"\nWith 95 % intervals and all other figures: iqaudit defences {done.audit.path} --all"
        )
        say(f"\nweights  {done.weights}\ncard     {done.card}\nvictim   {done.spec}")
    audit = done.audit
    page = audit.report()
    if not output.silent:
        say(f"report   {page}")
    left_out = {run.name: load(run).left_out for run in runs(audit.path)}
    left_out["defences"] = on_unscored(done.table.unscored)
    if code := unscored_code(left_out, told=False):
        sys.exit(code)
