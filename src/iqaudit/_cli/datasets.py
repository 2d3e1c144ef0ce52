"""The command that looks at data sets, and the options that name one and draw from it."""

import json
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import numpy as np

from iqaudit import datasets
from iqaudit._cli import tables
from iqaudit._cli.console import output_options, stdout
from iqaudit._core.errors import InputError
from iqaudit._core.scale import QUALITY_MAX
from iqaudit.datasets import KINDS, DataSet, Drawing

F = TypeVar("F", bound=Callable[..., Any])

BARS = "▁▂▃▄▅▆▇█"


def drawing_options(command: F) -> F:
    """Give a command the options on a part of a data set, gathered into its argument `drawing`."""

    @wraps(command)
    def gathered(**arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in Drawing.__dataclass_fields__}
        return command(drawing=Drawing(**given), **arguments)

    for option in (
        click.option("--seed", type=int, help="Of --sample; 0 by default."),
        click.option(
            "--stratify",
            type=click.Choice(("type", "score")),
            help="Draw equal shares of the distortion types, or of the tenths of the scores.",
        ),
        click.option("--sample", "count", type=int, help="Draw so many pictures.", metavar="N"),
        click.option("--subset", help="A list of names, one a line, of the pictures to take."),
        click.option(
            "--opinion-range",
            type=float,
            nargs=2,
            metavar="WORST BEST",
            help="The ends of a CSV's opinion scores.",
        ),
    ):
        gathered = option(gathered)
    return cast("F", gathered)


@click.command("datasets")
@click.argument("spec", required=False)
@drawing_options
@click.option("--write", type=Path, help="Write the pictures' names, for --subset to take.")
@output_options
def datasets_(
    *,
    spec: str | None,
    drawing: Drawing,
    opinion_range: tuple[float, float] | None,
    write: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show the kinds of data sets or, where one is named, what is found of it on disk.

    \b
    Examples:
      iqaudit datasets
      iqaudit datasets live:databaserelease2
      iqaudit datasets csiq:CSIQ --sample 50 --stratify type --seed 1 --write fifty.txt
      iqaudit datasets csiq:CSIQ --subset fifty.txt
    """
    if spec is None:
        if write or opinion_range or drawing != Drawing():
            raise InputError("Name a data set, as iqaudit datasets live:DIR.")
        _list_kinds(as_json=as_json, quiet=quiet)
        return
    found = drawing.draw(datasets.load(spec, opinion_range=opinion_range))
    if write:
        datasets.write_names(write, found, f"{found.name}: {drawing.description() or 'all'}")
    if as_json:
        click.echo(json.dumps(_record(found), indent=1, allow_nan=False))
    elif not quiet:
        _print_found(found, drawing)
        if write:
            click.echo(f"\nnames written to {write}")


COMMANDS = (datasets_,)


def _list_kinds(*, as_json: bool, quiet: bool) -> None:
    kinds = {kind.spec: kind.line for kind in KINDS.values()}
    if as_json:
        click.echo(json.dumps(kinds, indent=1))
    elif not quiet:
        stdout().print(tables.lines(kinds.items()))


def _print_found(found: DataSet, drawing: Drawing) -> None:
    said = drawing.description()
    click.echo(f"{found.name}: {len(found.samples)} pictures{said and f' ({said})'}")
    rows = [("in", str(found.folder))]
    if types := _types(found):
        rows.append(("types", ", ".join(f"{name} {count}" for name, count in types.items())))
    label = found.label
    if label is None:
        rows.append(("scores", "none"))
    else:
        rows.append(
            ("label", f"{label.name}, {label.worst:.7g} (worst) to {label.best:.7g} (best)")
        )
        rows.append(("source", label.source))
        counts = _histogram(found)
        bars = "".join(BARS[-(-count * (len(BARS) - 1) // max(counts))] for count in counts)
        rows.append(("opinions", f"{_range(found)} on 0-10, higher is better  {bars}"))
    stdout().print(tables.lines(rows))


def _record(found: DataSet) -> dict[str, Any]:
    label = found.label
    record: dict[str, Any] = {
        "name": found.name,
        "folder": str(found.folder),
        "count": len(found.samples),
        "types": _types(found),
        "label": label and vars(label) | {"lower_is_better": label.lower_is_better},
        "histogram": _histogram(found),
    }
    columns = ("name", "label", "opinion", "distortion", "reference")
    return record | {
        "pictures": [{key: getattr(each, key) for key in columns} for each in found.samples]
    }


def _types(found: DataSet) -> dict[str, int]:
    return dict(Counter(each.distortion for each in found.samples if each.distortion))


def _opinions(found: DataSet) -> list[float]:
    return [each.opinion for each in found.samples if each.opinion is not None]


def _range(found: DataSet) -> str:
    opinions = _opinions(found)
    return f"{min(opinions):.2f} to {max(opinions):.2f}"


def _histogram(found: DataSet) -> list[int]:
    """Count the opinions of 0-1, 1-2, ... 9-10; LIVE's few beyond 10 count with the last."""
    inside = np.clip(_opinions(found), 0, QUALITY_MAX)
    counts, _ = np.histogram(inside, bins=int(QUALITY_MAX), range=(0, QUALITY_MAX))
    return [int(count) for count in counts]
