"""Who scores: a run's own victim made again from what its directory says, or others by name."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit.analysis.answers import Scorer
from iqaudit.errors import InputError
from iqaudit.record import load, manifest, scale_record
from iqaudit.victims import KINDS, Victim, as_victim


def label(spec: str, options: Mapping[str, Any]) -> str:
    """Return what a victim is called: its string, and its options behind commas."""
    said = (
        key if value is True else f"{key}={value}"
        for key, value in sorted(options.items())
        if value is not None and value is not False and value not in ((), [])
    )
    return ",".join((spec, *said))


def said_of(run: Path) -> Mapping[str, Any] | None:
    """Return what an audit's manifest says of a run that is its cell; None of one on its own."""
    whole = manifest(run.parent)
    cells = [] if whole is None else whole["cells"]
    return next((cell for cell in cells if cell["folder"] == run.name), None)


def own_label(run: Path) -> str:
    """Return what a run's own victim is called."""
    said = said_of(run)
    if said is None:
        name: str = load(run)["victim"]["name"]
        return name
    return label(said["victim"], said.get("victim_options") or {})


def own(run: Path) -> Scorer:
    """Make a run's own victim again.

    Raises
    ------
    InputError
        If the run does not say how.
    """
    said = said_of(run)
    if said is not None:
        options = dict(said.get("victim_options") or {})
        return Scorer(own_label(run), as_victim(said["victim"], **options))
    record = load(run)
    name, cost = record["victim"]["name"], record["victim"].get("cost", 1)
    if name not in KINDS:
        raise InputError(f'The run\'s victim "{name}" has no name here; give the victim.')
    return Scorer(name, as_victim(name, repeats=cost if cost > 1 else None))


def refuse_another(run: Path, victim: Victim) -> None:
    """Raise an `InputError` where a victim's scale is not that of a run's own.

    Its answers are compared where they are asked: see `iqaudit.analysis.answers.Answers.check`.
    """
    said = load(run)["victim"]
    if scale_record(victim.card.scale) != said["scale"]:
        raise InputError(
            f'The score scale of "{victim.card.name}" is not that of the victim of {run}, '
            f'"{said["name"]}"; give the run\'s victim.'
        )


def owns(runs: Sequence[Path]) -> tuple[Scorer, ...]:
    """Make the victims of runs again, each once."""
    made: dict[str, Scorer] = {}
    for run in runs:
        name = own_label(run)
        if name not in made:
            made[name] = own(run)
    return tuple(made.values())


def named(said: str) -> Scorer:
    """Make a victim of ``SPEC[,OPTION[=VALUE]...]``.

    Options are those of `iqaudit.victims.as_victim`, with ``range=LOW:HIGH`` for its `score_range`.
    """
    spec, *rest = said.split(",")
    options: dict[str, Any] = {}
    for option in rest:
        key, sign, value = option.partition("=")
        key = key.replace("-", "_")
        if key == "range":
            low, _, high = value.partition(":")
            options["score_range"] = (_number(low, option), _number(high, option))
        elif key == "repeats":
            options[key] = int(_number(value, option))
        else:
            options[key] = value if sign else True
    return Scorer(said, as_victim(spec, **options))


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f'"{option}": this is no number; a range is said as range=0:10.') from None


def path_of(run: str | os.PathLike[str]) -> Path:
    """Return a run's path, whole: a cell's manifest lies in the folder above."""
    return Path(run).resolve()
