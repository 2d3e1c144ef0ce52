"""Who scores: a run's own victim made again from what its directory says, or others by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit._analysis.score_cache import Scorer
from iqaudit._audit.manifest import victim_of
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import load, manifest, same_scale
from iqaudit._runs.verify import unnamed
from iqaudit.victims._base import ELSEWHERE, Victim
from iqaudit.victims._registry import KINDS
from iqaudit.victims._spec import Victims, VictimSpec, held_spec, make, unasked


def own_label(run: Path) -> str:
    """Return what a run's own victim is called."""
    said = _said_of(run)
    if said is None:
        return str(load(run)["victim"]["name"])
    return _label(said[1]["victim"], said[1]["victim_options"])


def own(run: Path, *, may_ask: bool = False) -> Scorer:
    """Make a run's own victim again.

    Parameters
    ----------
    run : Path
        The run's directory; whole, since an audit's manifest lies in the folder above.
    may_ask : bool
        Whether making it may ask a service, as measuring the noise of its answers does.

    Raises
    ------
    InputError
        If the run does not say how, or a service would have to be asked.
    """
    if said := _said_of(run):
        whole, cell = said
        spec, noise = held_spec(run, cell), victim_of(whole, cell)["noise"]
        return Scorer(own_label(run), Victims().get(spec, noise))
    victim = load(run)["victim"]
    name, cost = victim["name"], victim.get("cost", 1)
    if "spec" in victim:
        spec = VictimSpec(victim["spec"], victim["options"])
        return Scorer(name, Victims().get(spec, victim["noise"]))
    if name not in KINDS:
        raise unnamed(name)
    spec = VictimSpec(name, {"repeats": cost} if cost > 1 else {})
    return Scorer(name, asked(spec, may_ask=may_ask))


def owns(runs: Sequence[Path], *, may_ask: bool = False) -> tuple[Scorer, ...]:
    """Make the victims of runs again, each once; see `own`."""
    made: dict[str, Scorer] = {}
    for run in runs:
        name = own_label(run)
        if name not in made:
            made[name] = own(run, may_ask=may_ask)
    return tuple(made.values())


def is_own(run: Path, scorer: Scorer) -> bool:
    """Tell whether a victim is the one that a run attacked.

    By its label; of a run by itself, which has the card's name alone, by that and the scale.
    """
    if scorer.label == own_label(run):
        return True
    said, card = load(run)["victim"], scorer.victim.card
    alike = card.name == said["name"] and same_scale(said["scale"], card.scale)
    return _said_of(run) is None and alike


def refuse_another(run: Path, victim: Victim) -> None:
    """Raise an `InputError` where a victim's scale is not that of a run's own.

    Its answers are compared where they are asked: see `ScoreCache.check`.
    """
    said = load(run)["victim"]
    if not same_scale(said["scale"], victim.card.scale):
        raise InputError(
            f'The score scale of "{victim.card.name}" is not that of the victim of {run}, '
            f'"{said["name"]}"; give the run\'s victim.'
        )


def named(said: str, *, may_ask: bool = False) -> Scorer:
    """Make a victim of ``SPEC[,OPTION[=VALUE]...]``; see `VictimSpec.parse`."""
    spec = VictimSpec.parse(said)
    victim = asked(spec, may_ask=may_ask)
    held = spec.record(victim.card.name)
    return Scorer(_label(held.pop("spec"), held), victim)


def asked(spec: VictimSpec, *, may_ask: bool) -> Victim:
    """Make a victim, whose noise, where its answers are averaged, is measured now.

    Raises
    ------
    InputError
        If that would ask a service that may not be asked.
    """
    if "repeats" in spec.options and not may_ask:
        card = unasked(spec).card
        if card.device == ELSEWHERE:
            raise InputError(
                f'The victim "{card.name}" may cost money, and measuring the noise of its '
                "answers asks for 16 of them: say --yes to have it asked."
            )
    return make(spec)


def _said_of(run: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return the manifest of the audit that a run is a cell of, and what it says of the cell."""
    whole = manifest(run.parent) or {"cells": ()}
    return next(((whole, cell) for cell in whole["cells"] if cell["folder"] == run.name), None)


def _label(spec: str, options: Mapping[str, Any]) -> str:
    """Return what a victim is called: its string, and its options behind commas."""
    parts = [spec]
    for key, value in sorted(options.items()):
        if key == "score_range":
            parts.append("range=" + ":".join(f"{end:g}" for end in value))
        else:
            parts.append(key if value is True else f"{key}={value}")
    return ",".join(parts)
