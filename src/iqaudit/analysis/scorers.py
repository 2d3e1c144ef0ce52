"""Who scores: a run's own victim made again from what its directory says, or others by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit.analysis.answers import Scorer
from iqaudit.errors import InputError
from iqaudit.record import load, manifest, scale_record
from iqaudit.victims import KINDS, Victim, as_victim
from iqaudit.victims.contract import ELSEWHERE


def own_label(run: Path) -> str:
    """Return what a run's own victim is called."""
    said, name = _said_of(run), str(load(run)["victim"]["name"])
    if said is None:
        return name
    return _label(said["victim"], said.get("victim_options") or {}, name)


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
    said = _said_of(run)
    if said is not None:
        options = dict(said.get("victim_options") or {})
        return Scorer(own_label(run), make(said["victim"], options, may_ask=may_ask))
    record = load(run)
    name, cost = record["victim"]["name"], record["victim"].get("cost", 1)
    if name not in KINDS:
        raise InputError(f'The run\'s victim "{name}" has no name here; give the victim.')
    return Scorer(name, make(name, {"repeats": cost} if cost > 1 else {}, may_ask=may_ask))


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
    alike = (card.name, scale_record(card.scale)) == (said["name"], said["scale"])
    return _said_of(run) is None and alike


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


def named(said: str, *, may_ask: bool = False) -> Scorer:
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
    victim = make(spec, options, may_ask=may_ask)
    return Scorer(_label(spec, options, victim.card.name), victim)


def make(spec: "str | Victim", options: Mapping[str, Any], *, may_ask: bool) -> Victim:
    """Make a victim, whose noise, where its answers are averaged, is measured now.

    Raises
    ------
    InputError
        If that would ask a service that may not be asked.
    """
    given = dict(options)
    repeats = given.pop("repeats", None)
    plain = as_victim(spec, **given)
    if repeats is None:
        return plain
    if plain.card.device == ELSEWHERE and not may_ask:
        raise InputError(
            f'The victim "{plain.card.name}" may cost money, and measuring the noise of its '
            "answers asks for 16 of them: say --yes to have it asked."
        )
    return as_victim(plain, repeats=repeats)


def _said_of(run: Path) -> Mapping[str, Any] | None:
    """Return what an audit's manifest says of a run that is its cell; None of one on its own."""
    whole = manifest(run.parent)
    cells = [] if whole is None else whole["cells"]
    return next((cell for cell in cells if cell["folder"] == run.name), None)


def _label(spec: str, options: Mapping[str, Any], name: str) -> str:
    """Return what a victim is called: its string, and its options behind commas.

    In place of an address, which may hold a password, the card's name.
    """
    parts = [name if "://" in spec else spec]
    for key, value in sorted(options.items()):
        if value is None or value is False or value in ((), []):
            continue
        if key == "score_range":
            parts.append("range=" + ":".join(f"{end:g}" for end in value))
        else:
            parts.append(key if value is True else f"{key}={value}")
    return ",".join(parts)


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f'"{option}": this is no number; a range is said as range=0:10.') from None
