"""Options of the commands: made from typed settings, under headings, gathered into one argument."""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import click

from iqaudit._audit.engines.cluster import ray
from iqaudit._audit.engines.registry import ENGINES
from iqaudit._audit.settings import DATA, SETTINGS
from iqaudit._cli.streams import aside
from iqaudit._core.errors import InputError
from iqaudit._core.paths import located
from iqaudit._core.settings import FLAG, NUMBER, PAIR, WHOLE, Setting, Type
from iqaudit.victims._options import OPTIONS
from iqaudit.victims._spec import VictimSpec

F = TypeVar("F", bound=Callable[..., Any])

HEADINGS = ("Victim", "Attack", "Budget", "Data", "Execution", "Output", "Service", "Other")
"""The parts of ``--help``, in their order."""

WIDEST = 27
"""Characters of an option beside which its help begins; of a longer one, below it."""

TYPES: Mapping[Type, Mapping[str, Any]] = {
    NUMBER: {"type": float},
    WHOLE: {"type": int},
    PAIR: {"type": float, "nargs": 2},
    FLAG: {"is_flag": True},
}
"""The types of settings as click takes them; all others are texts."""


class _Path(click.ParamType):  # type: ignore[type-arg]
    """A path; shells leave the ``~`` of ``--out=~/run`` alone."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        """Return the path of a text."""
        return located(value)


PATH = _Path()
"""The type of options and arguments that are paths."""


class Option(click.Option):
    """An option under a heading of ``--help``."""

    def __init__(self, *arguments: Any, heading: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.heading = heading

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return a value as its type has it; of a service's, no error repeats one."""
        try:
            return super().type_cast_value(ctx, value)
        except click.BadParameter:
            if self.heading != "Service":
                raise
        raise click.BadParameter(f"it is no {self.type.name}.", ctx, self)


class Command(click.Command):
    """A command whose ``--help`` shows its options under their headings.

    While it runs, what is printed by others' code is kept apart from its own words.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with aside(silent=bool(ctx.params.get("quiet"))):
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        rows: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None and isinstance(parameter, click.Option):
                rows[getattr(parameter, "heading", HEADINGS[-1])].append(row)
        names = [len(name) for row in rows.values() for name, _ in row]
        width = max(length for length in names if length <= WIDEST)
        for heading, lines in rows.items():
            if lines:
                with formatter.section(heading):
                    formatter.write_dl(
                        [(name.ljust(width), line) for name, line in lines], col_max=width
                    )


def command(name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Return the decorator that makes a command."""
    return click.command(name, cls=Command)


def option(*names: str, heading: str, **settings: Any) -> Callable[[F], F]:
    """Return the decorator that gives a command an option under a heading."""
    return click.option(*names, cls=Option, heading=heading, **settings)


in_data = partial(option, heading="Data")
in_execution = partial(option, heading="Execution")
in_output = partial(option, heading="Output")


def setting(row: Setting, *, single: bool = False, **changes: Any) -> Callable[[F], F]:
    """Return the decorator that gives a command the option of a setting.

    Parameters
    ----------
    row : Setting
    single : bool
        Whether the option has one value, and the setting's default; otherwise it is passed under
        the setting's name, without a default, so that a command can tell whether it is set.
    **changes
        In place of the setting's, as click takes them.
    """
    usual = {"help": row.help, "metavar": row.metavar or None, **TYPES.get(row.type, {})}
    if row.choices:
        usual["type"] = click.Choice(row.choices)
    if row.alone:
        usual |= {"is_flag": False, "flag_value": row.alone}
    if single:
        usual |= {"default": row.default, "show_default": row.default is not None}
        return option(row.option, heading=row.heading, **usual | changes)
    default = [] if row.default is None else [f"default: {row.default}"]
    many = changes.setdefault("multiple", row.many)
    notes = "; ".join([*default, *(["repeatable"] if many else [])])
    usual |= {"help": f"{row.help}  [{notes}]" if notes else row.help}
    return option(row.option, row.name, heading=row.heading, **usual | changes)


def gathered(
    name: str, build: Callable[..., Any], options: Mapping[str, Callable[[F], F]]
) -> Callable[[F], F]:
    """Return the decorator that gives a command options, gathered into one argument.

    Parameters
    ----------
    name : str
        The argument's.
    build : callable
        From the options' values, as keywords, to the argument's.
    options : mapping
        The options' decorators, by those keywords.
    """

    def decorate(command: F) -> F:
        @wraps(command)
        def call(**arguments: Any) -> Any:
            values = {key: arguments.pop(key) for key in options}
            return command(**{name: build(**values)}, **arguments)

        for add in reversed(tuple(options.values())):
            call = add(cast("F", call))
        return cast("F", call)

    return decorate


def victim(command: F, *, default: str | None = "reference") -> F:
    """Give a command the options of a victim, gathered into its argument `victim`."""
    shown = True if default else "the run's"
    name = setting(SETTINGS["victims"], single=True, default=default, show_default=shown)
    options = {"victim": name} | {key: setting(row) for key, row in OPTIONS.items()}
    return gathered("victim", _spec, options)(command)


def own_victim(command: F) -> F:
    """Give a command the options of a victim that a run brings itself unless one is named."""
    return victim(command, default=None)


trust = option(
    "--trust",
    is_flag=True,
    heading="Victim",
    help="The run is my own: make its victim and attack, whatever that runs; said once.",
)
"""The option of commands that make the victim that a run names."""


def _spec(victim: str | None, **options: Any) -> VictimSpec | None:
    if victim is not None:
        return VictimSpec.parse(victim, options)
    for name, value in options.items():
        if value not in (None, False, ()):
            raise InputError(f"{OPTIONS[name].option} goes with --victim.")
    return None


def _settings(**values: Any) -> dict[str, Any]:
    settings = {
        key: value
        for key, value in values.items()
        if value is not False and value not in (None, ())
    }
    return settings | {"data": {key: settings.pop(key) for key in DATA if key in settings}}


audit = gathered(
    "settings",
    _settings,
    {
        "pictures": click.argument("pictures", nargs=-1, metavar="[PICTURE]..."),
        "file": in_data(
            "--from", "file", type=PATH, metavar="FILE", help="TOML file of the whole audit."
        ),
        **{key: setting(row) for key, row in {**SETTINGS, **DATA}.items() if key != "pictures"},
    },
)
"""The options of an audit, gathered into a command's argument `settings`: `iqaudit.audit`'s."""


class Execution(NamedTuple):
    """The options of an execution."""

    workers: int | None
    batch: int | None
    engine: str | None
    ray_address: str | None
    gpus_per_worker: float | None
    ignore_memory: bool
    strict: bool

    def arguments(self) -> dict[str, Any]:
        """Return them as `iqaudit._audit.execute.run` takes them."""
        engine: Any = self.engine
        if self.engine == "ray":
            engine = ray(self.ray_address, self.gpus_per_worker or 0.0)
        else:
            others = {"--ray-address": self.ray_address, "--gpus-per-worker": self.gpus_per_worker}
            for name, value in others.items():
                if value is not None:
                    raise InputError(f"{name} goes with --engine ray.")
        return {
            "engine": engine,
            "workers": self.workers,
            "batch": self.batch,
            "ignore_memory": self.ignore_memory,
            "strict": self.strict,
        }


strict = in_execution(
    "--strict", is_flag=True, help="Stop at the first picture that cannot be scored."
)

ignore_memory = in_execution(
    "--ignore-memory",
    is_flag=True,
    help="Go on with pictures for which this machine's memory seems too small.",
)

execution = gathered(
    "execution",
    Execution,
    {
        "workers": in_execution(
            "--workers",
            type=int,
            metavar="N",
            help="Parallel worker processes.  [default: one a core]",
        ),
        "batch": in_execution(
            "--batch",
            type=int,
            metavar="N",
            help="Pictures searched together, in one batch of the victim.  [default: the victim's]",
        ),
        "engine": in_execution(
            "--engine",
            type=click.Choice(tuple(ENGINES)),
            help="Execution backend.  [default: processes where that takes less time, or serial]",
        ),
        "ray_address": in_execution(
            "--ray-address",
            metavar="auto|HOST:PORT",
            help="Ray cluster to join with --engine ray; otherwise Ray is started here.",
        ),
        "gpus_per_worker": in_execution(
            "--gpus-per-worker",
            type=float,
            metavar="GPUS",
            help="GPUs (or a part of one) a worker with --engine ray.  [default: 0]",
        ),
        "ignore_memory": ignore_memory,
        "strict": strict,
    },
)
"""The options of an audit's execution, gathered into a command's argument `execution`."""


class Output(NamedTuple):
    """The options on a command's printing."""

    quiet: bool
    as_json: bool

    @property
    def silent(self) -> bool:
        """Whether nothing is printed for people but errors."""
        return self.quiet or self.as_json


recursive = setting(DATA["recursive"])
"""The option of commands that take folders of pictures."""

output = gathered(
    "output",
    Output,
    {
        "quiet": in_output(
            "--quiet", is_flag=True, help="Print errors only; nothing of a victim's."
        ),
        "as_json": in_output("--json", "as_json", is_flag=True, help="Print JSON, nothing else."),
    },
)
"""The options on printing, gathered into a command's argument `output`."""

yes = option(
    "--yes", heading="Service", is_flag=True, help="Ask victims whose scores may cost money."
)

overwrite = in_output("--overwrite", is_flag=True, help="Replace the run that --out holds.")
