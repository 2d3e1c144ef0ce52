"""The options that name a victim, the same for every command that asks one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from iqaudit._core.picture import Picture
from iqaudit._search.driver import check_sizes
from iqaudit.victims._base import Victim
from iqaudit.victims._spec import VictimSpec, ready, unasked

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Callable[[Any], Any]] = {
    "checkpoint": click.option(
        "--checkpoint", type=Path, help="The model's weights, as published."
    ),
    "untrained": click.option("--untrained", is_flag=True, help="Random weights, for benchmarks."),
    "dataset": click.option(
        "--dataset", help="What the checkpoint was trained on: live, csiq or tid2013."
    ),
    "score_range": click.option(
        "--range",
        "score_range",
        type=float,
        nargs=2,
        help="The native score range.",
        metavar="LOW HIGH",
    ),
    "lower_is_better": click.option(
        "--lower-is-better", is_flag=True, help="A lower score means better quality."
    ),
    "scale": click.option(
        "--scale", type=Path, help="A score scale that `iqaudit calibrate` wrote, for --range."
    ),
    "field": click.option("--field", help="Where in the JSON the score is, as result.scores[0]."),
    "pattern": click.option("--pattern", help="Regular expression whose one group is the score."),
    "form": click.option("--form", help="How a picture is posted: raw, multipart[:NAME]."),
    "headers": click.option(
        "--header", "headers", multiple=True, help="NAME=env:VARIABLE or NAME=file:PATH."
    ),
    "authorised": click.option(
        "--authorised", is_flag=True, help="The service's owner allows this audit."
    ),
    "timeout": click.option("--timeout", type=float, help="Seconds for one request."),
    "retries": click.option("--retries", type=int, help="How often a failed one is made again."),
    "rate": click.option("--rate", type=float, help="The most requests a second."),
    "price": click.option(
        "--price", type=float, help="Money a request; `check` takes it for every victim."
    ),
    "budget_money": click.option("--budget-money", type=float, help="Ceiling in money."),
    "repeats": click.option(
        "--repeats", type=int, help="Answers averaged into a score, each a query."
    ),
    "exact": click.option(
        "--exact",
        type=click.Choice(("incremental", "dense")),
        help="How a network's searches score: again only what a query changes (as they do unless "
        "told otherwise), or whole pictures.",
    ),
    "device": click.option("--device", help="Where a network computes: cpu, cuda, cuda:1."),
}
"""Every option, by the keyword that `as_victim` knows it under."""


@dataclass(frozen=True)
class VictimOptions:
    """What the command line said of a victim; made when asked, since that may take seconds."""

    spec: str | None
    given: dict[str, Any]

    @property
    def named(self) -> VictimSpec:
        """The victim as it was named; an `InputError` where an option is not for it."""
        return VictimSpec(str(self.spec), self.given)

    def make(self, pictures: Sequence[Picture] = ()) -> Victim:
        """Return the victim; an `InputError` where an option, or a scale's file, is not for it.

        Nothing is asked of it, as its noise may be, where a picture does not fit it.
        """
        made = unasked(self.named)
        check_sizes(made, pictures)
        return ready(self.named, made)


def victim_options(command: F, *, default: str | None = "reference") -> F:
    """Give a command the options, gathered into its one argument `victim`."""

    @wraps(command)
    def gathered(**arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in OPTIONS}
        return command(victim=VictimOptions(arguments.pop("victim"), given), **arguments)

    for add in reversed(OPTIONS.values()):
        gathered = add(gathered)
    line = "Who scores; `iqaudit list` shows the forms."
    if default is None:
        line = "Who scores; the run's own by default."
    option = click.option("--victim", default=default, show_default=default is not None, help=line)
    return cast("F", option(gathered))


def own_victim_options(command: F) -> F:
    """Give a command the options of a victim that a run brings itself unless one is named."""
    return victim_options(command, default=None)
