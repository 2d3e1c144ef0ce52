"""The command datasets."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

import iqaudit
from iqaudit._audit.settings import DATA
from iqaudit._cli import options
from iqaudit._cli.printing import lines, print_json, print_skipped, say, stdout
from iqaudit._core.errors import InputError
from iqaudit._core.scale import QUALITY_MAX
from iqaudit.datasets import DataSet, Drawing

BARS = "▁▂▃▄▅▆▇█"


def _drawing(*, sample: int | None, **others: Any) -> Drawing:
    return Drawing(count=sample, **others)


DRAWING = {key: options.setting(DATA[key]) for key in ("subset", "sample", "stratify")}
SEED = replace(DATA["seed"], flag="--seed")


@options.command()
@click.argument("spec", required=False)
@options.setting(DATA["opinion_range"])
@options.recursive
@options.gathered("drawing", _drawing, DRAWING | {"seed": options.setting(SEED)})
@options.in_output(
    "--write",
    type=options.PATH,
    metavar="FILE",
    help="List of the pictures' names to write, for --subset.",
)
@options.output
def datasets(
    *,
    spec: str | None,
    drawing: Drawing,
    opinion_range: tuple[float, float] | None,
    recursive: bool,
    write: Path | None,
    output: options.Output,
) -> None:
    """Show the kinds of data sets or, where one is named, its pictures and scores on disk.

    \b
    Examples:
      iqaudit datasets
      iqaudit datasets live:databaserelease2
      iqaudit datasets csiq:CSIQ --sample 50 --stratify type --seed 1 --write fifty.txt
      iqaudit datasets csiq:CSIQ --subset fifty.txt
    """
    if spec is None:
        if write or opinion_range or recursive or drawing != Drawing():
            raise InputError("Name a data set, as iqaudit datasets live:DIR.")
        kinds = iqaudit.list_datasets()
        if output.as_json:
            print_json(kinds)
        elif not output.quiet:
            stdout().print(lines(kinds.items()))
        return
    whole = iqaudit.datasets.load(spec, opinion_range=opinion_range, recursive=recursive)
    dataset = drawing.draw(whole)
    if not output.silent:
        print_skipped(dataset.skipped)
    if write:
        title = f"{dataset.name}: {drawing.description() or 'all'}"
        iqaudit.datasets.write_names(write, dataset, title)
    if output.as_json:
        print_json(_record(dataset))
    elif not output.quiet:
        _print_dataset(dataset, drawing)
        if write:
            say(f"\nnames written to {write}")


def _print_dataset(dataset: DataSet, drawing: Drawing) -> None:
    drawn = drawing.description()
    say(f"{dataset.name}: {len(dataset.samples)} pictures{drawn and f' ({drawn})'}")
    rows = [("in", str(dataset.folder))]
    if types := _types(dataset):
        rows.append(("types", ", ".join(f"{name} {count}" for name, count in types.items())))
    label = dataset.label
    if label is None:
        rows.append(("scores", "none"))
    else:
        rows.append(
            ("label", f"{label.name}, {label.worst:.7g} (worst) to {label.best:.7g} (best)")
        )
        rows.append(("source", label.source))
        counts = _histogram(dataset)
        bars = "".join(BARS[-(-count * (len(BARS) - 1) // max(counts))] for count in counts)
        opinions = _opinions(dataset)
        ends = f"{min(opinions):.2f} to {max(opinions):.2f}"
        rows.append(("opinions", f"{ends} on 0-10, higher is better  {bars}"))
    stdout().print(lines(rows))


def _record(dataset: DataSet) -> dict[str, Any]:
    label = dataset.label
    record: dict[str, Any] = {
        "name": dataset.name,
        "folder": str(dataset.folder),
        "count": len(dataset.samples),
        "types": _types(dataset),
        "label": label and vars(label) | {"lower_is_better": label.lower_is_better},
        "histogram": _histogram(dataset),
    }
    columns = ("name", "label", "opinion", "distortion", "reference")
    return record | {
        "pictures": [{key: getattr(each, key) for key in columns} for each in dataset.samples]
    }


def _types(dataset: DataSet) -> dict[str, int]:
    return dict(Counter(each.distortion for each in dataset.samples if each.distortion))


def _opinions(dataset: DataSet) -> list[float]:
    return [each.opinion for each in dataset.samples if each.opinion is not None]


def _histogram(dataset: DataSet) -> list[int]:
    """Count the opinions of 0-1, 1-2, ... 9-10; LIVE's few beyond 10 count with the last."""
    inside = np.clip(_opinions(dataset), 0, QUALITY_MAX)
    counts, _ = np.histogram(inside, bins=int(QUALITY_MAX), range=(0, QUALITY_MAX))
    return [int(count) for count in counts]
