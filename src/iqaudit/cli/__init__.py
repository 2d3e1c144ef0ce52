"""The command line: arguments, progress, exit codes; everything else is the library's.

Exit codes: 0 done; 1 `verify` found a difference; 2 something given cannot be used, or the victim
failed; 130 interrupted. What was finished is kept in every case.
"""

import ctypes
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from rich.console import Console

import iqaudit
from iqaudit import calibration, checks, oracle
from iqaudit.attacks import ATTACKS
from iqaudit.audit import Plan, check_sizes, run
from iqaudit.cli import tables
from iqaudit.cli.options import VictimOptions, own_victim_options, victim_options
from iqaudit.cli.progress import Watcher
from iqaudit.directory import RunDirectory
from iqaudit.errors import InputError, IqauditError, VictimError
from iqaudit.goal import Goal
from iqaudit.images import Picture, collect
from iqaudit.record import RESULTS
from iqaudit.threat import Linf
from iqaudit.victims import KINDS, Victim, as_victim

INTERRUPTED = 130
"""The shell's exit code for a command that Ctrl-C ended."""

F = TypeVar("F", bound=Callable[..., Any])


class _Failure(click.ClickException):
    exit_code = 2


class _Group(click.Group):
    """A group whose commands' own errors end in one sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IqauditError as error:
            raise _Failure(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            raise  # whoever read our output has gone: click ends quietly
        except OSError as error:
            raise _Failure(f"{error.filename or 'writing'}: {error.strerror or error}.") from error


def _output_options(command: F) -> F:
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")(
        command
    )
    return click.option("--quiet", is_flag=True, help="Print errors only.")(command)


def _run_options(command: F) -> F:
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace the run that --out holds."),
        click.option("--seed", default=0, show_default=True, help="Of every random number."),
    ):
        command = option(command)
    return _output_options(command)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(iqaudit.__version__, prog_name="iqaudit")
def main() -> None:
    """Show how far an image-quality score can be pushed by a change nobody sees.

    \b
    Examples:
      iqaudit demo
      iqaudit attack photo.png --queries 1000 --out audit
      iqaudit verify audit
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Latin-1 pipe has no arrow: a "?" stands there
            stream.reconfigure(errors="replace")
    _keep_memory()


@main.command()
@click.option(
    "--out", default="iqaudit-demo", show_default=True, type=Path, help="Folder to write."
)
@click.option(
    "--queries", type=int, help="Budget a picture; by default what took three minutes on two cores."
)
@_run_options
def demo(
    *, out: Path, queries: int | None, seed: int, overwrite: bool, quiet: bool, as_json: bool
) -> None:
    """Attack the bundled victim on eight photographs, with the paper's attack at 3/255.

    \b
    Examples:
      iqaudit demo
      iqaudit demo --queries 50 --out quick
    """
    from iqaudit import demo as pictures  # scikit-image's pictures take a second to load

    plan = Plan(
        as_victim("reference"),
        ATTACKS["bidirectional"][0],
        queries=pictures.QUERIES if queries is None else queries,
        seed=seed,
    )
    output = _Output(out, overwrite, quiet, as_json)
    _audit(plan, pictures.pictures(), output)


@main.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@victim_options
@click.option("--attack", default="bidirectional", show_default=True, help="Who proposes.")
@click.option("--levels", default=3, show_default=True, help="Largest change, in levels of 255.")
@click.option("--queries", default=500, show_default=True, help="Budget: scores a picture.")
@click.option(
    "--goal",
    type=click.Choice([goal.value for goal in Goal]),
    default=Goal.BIDIRECTIONAL.value,
    show_default=True,
    help="Push good pictures down and bad ones up, or all one way.",
)
@click.option("--out", required=True, type=Path, help="Folder to write.")
@click.option("--batch", default=1, show_default=True, help="Pictures attacked side by side.")
@_run_options
def attack(
    *,
    pictures: Sequence[str],
    victim: VictimOptions,
    attack: str,
    levels: int,
    queries: int,
    goal: str,
    out: Path,
    batch: int,
    seed: int,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Push the scores of pictures (files, or folders of them) as far as they go.

    \b
    Examples:
      iqaudit attack photo.png --out audit
      iqaudit attack photos/ --levels 2 --queries 2000 --goal lower --out audit
    """
    proposer = iqaudit.attacks.named(attack)
    threat = Linf(levels)
    plan = Plan(victim.make(), proposer, threat, Goal(goal), queries, seed, batch)
    _audit(plan, collect(pictures), _Output(out, overwrite, quiet, as_json))


@main.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@victim_options
@_output_options
def score(*, pictures: Sequence[str], victim: VictimOptions, quiet: bool, as_json: bool) -> None:
    """Score pictures (files, or folders of them).

    \b
    Example:
      iqaudit score photo.png photos/
    """
    collected = collect(pictures)
    scorer = victim.make()
    check_sizes(scorer, collected)
    _print_notes(collected, quiet=quiet or as_json)
    if not quiet:
        _print_note(scorer)
    rows = []
    for picture in collected:
        native = oracle.score(scorer, picture.pixels)
        quality = scorer.card.scale.quality(native)
        rows.append((picture.name, picture.width, picture.height, native, quality))
    if as_json:
        keys = ("name", "width", "height", "score", "quality")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1))
    elif not quiet:
        _stdout().print(tables.scores(rows))


@main.command("check")
@victim_options
@click.option("--pictures", multiple=True, help="Good photographs to ask about; repeatable.")
@_output_options
def check_(*, victim: VictimOptions, pictures: Sequence[str], quiet: bool, as_json: bool) -> None:
    """Tell whether a scorer is fit to be audited; asks it about a hundred scores.

    \b
    Examples:
      iqaudit check --victim reference
      iqaudit check --victim python:my.module:scorer --range 0 10
    """
    collected = collect(pictures) if pictures else None
    found = []
    for finding in checks.check(victim.make(), collected, price=victim.given.get("price")):
        found.append(finding)
        if not (quiet or as_json):
            _stdout().print(tables.finding(finding))
    if as_json:
        rows = [vars(each) | {"verdict": each.verdict.value} for each in found]
        click.echo(json.dumps(rows, indent=1))
    sys.exit(any(each.verdict is checks.Verdict.FAIL for each in found))


@main.command("calibrate")
@victim_options
@click.option("--pictures", multiple=True, required=True, help="Files or folders; repeatable.")
@click.option("--scores", type=Path, help="A CSV of image,mos with the pictures' opinion scores.")
@click.option(
    "--opinion-range",
    type=float,
    nargs=2,
    metavar="WORST BEST",
    default=(0, 100),
    show_default=True,
    help="The ends of the opinion scores.",
)
@click.option("--out", required=True, type=Path, help="The scale's file (TOML).")
@_output_options
def calibrate_(
    *,
    victim: VictimOptions,
    pictures: Sequence[str],
    scores: Path | None,
    opinion_range: tuple[float, float],
    out: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fit a victim's score scale, for later runs to take with --scale.

    \b
    Examples:
      iqaudit calibrate --victim onnx:net.onnx --range 0 1 --pictures photos/ --out net.toml
      iqaudit attack photo.png --victim onnx:net.onnx --scale net.toml --out audit
    """
    collected = collect(pictures)
    opinions = None
    if scores is not None:
        opinions = calibration.read_opinions(scores, collected, opinion_range)
    if out.exists():
        raise InputError(f"{out}: this is there already; name another file.")
    scorer = victim.make()
    check_sizes(scorer, collected)
    _print_notes(collected, quiet=quiet or as_json)
    answers = [oracle.score(scorer, picture.pixels) for picture in collected]
    lower = scorer.card.scale.lower_is_better
    fitted = calibration.fit(answers, lower_is_better=lower, opinions=opinions)
    calibration.save(out, fitted, scorer.card.name, collected)
    if as_json:
        click.echo(json.dumps(vars(fitted), indent=1))
    elif not quiet:
        click.echo(f"C = {fitted.center:.6g}, S = {fitted.spread:.6g}: {fitted.source}")
        click.echo(f"range {fitted.low:.6g} to {fitted.high:.6g}; written to {out}")


@main.command()
@click.argument("directory", type=Path)
@own_victim_options
@_output_options
def verify(*, directory: Path, victim: VictimOptions, quiet: bool, as_json: bool) -> None:
    """Read a run's files back, measure and score them afresh, and compare with results.json.

    \b
    Example:
      iqaudit verify iqaudit-demo
    """
    found = iqaudit.verify(directory, victim.make() if victim.spec else None)
    wrong = sum(bool(check.wrong) for check in found)
    if as_json:
        click.echo(json.dumps([check.__dict__ for check in found], indent=1))
    elif not quiet:
        _stdout().print(tables.checks(found))
        _stdout().print(f"{len(found) - wrong} of {len(found)} pictures are as recorded.")
    sys.exit(1 if wrong else 0)


@main.command()
@click.argument("directory", type=Path)
def report(*, directory: Path) -> None:
    """Write a run's report.html again, from its files.

    \b
    Example:
      iqaudit report iqaudit-demo
    """
    from iqaudit.report import write_report

    click.echo(write_report(directory))


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
def list_(*, as_json: bool) -> None:
    """Show victims and attacks.

    \b
    Example:
      iqaudit list
    """
    victims = {kind.spec: kind.line for kind in KINDS.values()}
    attacks = {name: line for name, (_, line) in ATTACKS.items()}
    if as_json:
        click.echo(json.dumps({"victims": victims, "attacks": attacks}, indent=1))
        return
    console = _stdout()
    console.print("Victims (--victim)")
    console.print(tables.lines(victims.items()))
    console.print("\nAttacks (--attack)")
    console.print(tables.lines(attacks.items()))


class _Output(NamedTuple):
    """Where a run's results go, and what of them is printed."""

    path: Path
    overwrite: bool
    quiet: bool
    as_json: bool


def _audit(plan: Plan, pictures: Sequence[Picture], output: _Output) -> None:
    """Run a plan into a directory, and print what came out; every end keeps what was found."""
    silent = output.quiet or output.as_json
    check_sizes(plan.victim, pictures)
    _print_notes(pictures, quiet=silent)
    if not silent:
        _print_note(plan.victim)
    failure: BaseException | None = None
    watcher = Watcher(_stderr(), len(pictures), plan.queries, quiet=silent)
    with RunDirectory(output.path, plan, overwrite=output.overwrite) as directory:
        with watcher:
            try:
                for result in run(plan, pictures, watcher):
                    directory.add(result)
            except (KeyboardInterrupt, VictimError) as error:
                failure = error
        if directory.rows:
            _print_results(directory, output, failed=failure is not None)
    if failure is None:
        return
    unfinished = directory.summary.unfinished
    kept = (
        f"{len(directory.rows) - unfinished} of {len(pictures)} pictures finished"
        + (f", {unfinished} begun" if unfinished else "")
        + (f"; kept in {output.path}." if directory.rows else ".")
    )
    if isinstance(failure, VictimError):
        raise VictimError(f"{failure} {kept}")
    click.echo(f"Interrupted: {kept}", err=True)
    sys.exit(INTERRUPTED)


def _print_results(directory: RunDirectory, output: _Output, *, failed: bool) -> None:
    """Print the figures first: the page takes seconds, and they must not be lost with it."""
    from iqaudit.report import write_report  # matplotlib takes seconds to load

    silent = output.quiet or output.as_json
    if output.as_json:
        click.echo(json.dumps(directory.record(), indent=1, allow_nan=False))
    if not silent:
        _stdout().print(tables.results(directory.rows, directory.summary))
        if failed:
            click.echo("* not finished; left out of the means")
        click.echo(f"\nattacked pictures  {directory.path / 'attacked'}")
        click.echo(f"figures            {directory.path / RESULTS}")
    page = write_report(directory.path)
    if not silent:
        click.echo(f"report             {page}")
        account = getattr(directory.victim, "account", None)
        if account is not None:
            click.echo(
                f"asked              {account.billed} requests billed, {account.unique} pictures "
                f"answered, {account.cached} answers from the cache, {account.spent:g} spent"
            )


def _print_note(victim: Victim) -> None:
    """Say what whoever cites a score must know."""
    if victim.card.note:
        click.echo(f"{victim.card.name}: {victim.card.note}", err=True)


def _print_notes(pictures: Sequence[Picture], *, quiet: bool) -> None:
    for picture in pictures:
        for note in picture.notes:
            if not quiet:
                click.echo(f"{picture.name}: {note}", err=True)


def _stdout() -> Console:
    return _console(Console())


def _stderr() -> Console:
    return _console(Console(stderr=True))


def _console(console: Console) -> Console:
    if not console.is_terminal:
        console.width = 110  # a file or a pipe has no width of its own
    return console


def _keep_memory() -> None:
    """Ask glibc to keep freed memory: a network's activations otherwise cost page faults anew.

    1.5 to 2 times the queries a second on the reference victim at 512 x 512 on two cores. Set for
    this process only, and not at all where the C library is another.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4  # malloc.h
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
    mallopt(m_top_pad, 64 * 2**20)
