"""The victims that score: a run's own, made again from its directory, or others by name."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from iqaudit._analysis.score_cache import Scorer
from iqaudit._core.errors import InputError
from iqaudit._runs.records import AuditRecord, CellRecord
from iqaudit._runs.schema import load, manifest
from iqaudit._runs.verify import unnamed
from iqaudit.victims._base import ELSEWHERE, Victim
from iqaudit.victims._registry import KINDS
from iqaudit.victims._spec import Victims, VictimSpec, held_spec, ready, unasked


def own_label(run: Path) -> str:
    """Return the label of a run's own victim."""
    planned = _planned(run)
    if planned is None:
        return load(run).victim.name
    return _label(planned[1].victim, planned[1].victim_options)


def own(run: Path, *, may_ask: bool = False, objects: Iterable[VictimSpec] = ()) -> Scorer:
    """Make a run's own victim again.

    Parameters
    ----------
    run : Path
        The run's directory; whole, since an audit's manifest lies in the folder above.
    may_ask : bool
        Whether making it may ask a service, as measuring the noise of its answers does.
    objects : iterable of VictimSpec
        Victims that exist in this process alone: an audit's record cannot make them again.

    Raises
    ------
    InputError
        If the run does not say how, or a service would have to be asked.
    """
    if planned := _planned(run):
        audit, cell = planned
        spec = held_spec(run, cell.victim, cell.victim_options, objects)
        return Scorer(own_label(run), Victims().get(spec, audit.victim_of(cell).noise))
    victim = load(run).victim
    name, cost = victim.name, victim.cost
    if victim.spec is not None:
        spec = VictimSpec(victim.spec, victim.options or {})
        return Scorer(name, Victims().get(spec, victim.noise))
    if name not in KINDS:
        raise unnamed(name)
    spec = VictimSpec(name, {"repeats": cost} if cost > 1 else {})
    return Scorer(name, asked(spec, may_ask=may_ask))


def owns(
    runs: Sequence[Path], *, may_ask: bool = False, objects: Iterable[VictimSpec] = ()
) -> tuple[Scorer, ...]:
    """Make the victims of runs again, each once; see `own`."""
    made: dict[str, Scorer] = {}
    for run in runs:
        name = own_label(run)
        if name not in made:
            made[name] = own(run, may_ask=may_ask, objects=objects)
    return tuple(made.values())


def is_own(run: Path, scorer: Scorer) -> bool:
    """Tell whether a victim is the one that a run attacked.

    By its label; of a run by itself, which has the card's name alone, by that and the scale.
    """
    if scorer.label == own_label(run):
        return True
    victim, card = load(run).victim, scorer.victim.card
    alike = card.name == victim.name and victim.scale.agrees(card.scale)
    return _planned(run) is None and alike


def refuse_another(run: Path, victim: Victim) -> None:
    """Raise an `InputError` where a victim's scale is not that of a run's own.

    Its answers are compared where they are asked: see `ScoreCache.check`.
    """
    recorded = load(run).victim
    if not recorded.scale.agrees(victim.card.scale):
        raise InputError(
            f'The score scale of "{victim.card.name}" is not that of the victim of {run}, '
            f'"{recorded.name}"; give the run\'s victim.'
        )


def named(text: str, *, may_ask: bool = False) -> Scorer:
    """Make a victim of ``SPEC[,OPTION[=VALUE]...]``; see `VictimSpec.parse`."""
    spec = VictimSpec.parse(text)
    victim = asked(spec, may_ask=may_ask)
    options = spec.record(victim.card.name)
    return Scorer(_label(options.pop("spec"), options), victim)


def asked(spec: VictimSpec, *, may_ask: bool) -> Victim:
    """Make a victim, whose noise, where its answers are averaged, is measured now.

    Raises
    ------
    InputError
        If that would ask a service that may not be asked.
    """
    base = unasked(spec)
    if "repeats" in spec.options and not may_ask and base.card.device == ELSEWHERE:
        raise InputError(
            f'The victim "{base.card.name}" may cost money, and measuring the noise of its '
            "answers asks for 16 of them: say --yes to have it asked."
        )
    return ready(spec, base)


def _planned(run: Path) -> tuple[AuditRecord, CellRecord] | None:
    """Return the manifest of the audit that a run is a cell of, and the cell there."""
    audit = manifest(run.parent)
    cell = None if audit is None else audit.cell(run.name)
    return None if audit is None or cell is None else (audit, cell)


def _label(spec: str, options: Mapping[str, Any]) -> str:
    """Return the label of a victim: its string, and its options behind commas."""
    parts = [spec]
    for key, value in sorted(options.items()):
        if key == "score_range":
            parts.append("range=" + ":".join(f"{end:g}" for end in value))
        else:
            parts.append(key if value is True else f"{key}={value}")
    return ",".join(parts)
