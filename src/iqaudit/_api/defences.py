"""Defences compared: an audit of victims with each and without, and its table."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from iqaudit._analysis.analyse import Watch, unwatched
from iqaudit._analysis.defences.certificates import most_asked
from iqaudit._analysis.defences.records import DefenceTable
from iqaudit._api.audit import audit, load
from iqaudit._audit.estimate import Plan
from iqaudit._core.errors import InputError
from iqaudit._core.settings import several
from iqaudit.defences._registry import chain
from iqaudit.victims._defended import exact
from iqaudit.victims._spec import VictimSpec

CHAIN = "+"
"""Stands between the defences of one candidate."""


def with_defences(victims: Sequence[Any], defences: Sequence[Any]) -> list[VictimSpec]:
    """Return each victim undefended, and behind each of some defences.

    Parameters
    ----------
    victims : sequence of str, Victim, torch.nn.Module or callable
    defences : sequence of str, Defence or sequence of them
        Each a candidate; several in order are joined by ``+`` in a string, or a sequence.

    Raises
    ------
    InputError
        If a victim or a defence cannot be used.
    """
    return [
        each
        for victim in several(victims)
        for each in _with(VictimSpec.of(victim), several(defences))
    ]


def _with(victim: VictimSpec, defences: Sequence[Any]) -> Iterator[VictimSpec]:
    yield victim
    if "defences" in victim.options:
        raise InputError(
            f'The victim "{victim.label}" is defended already; name it without, and all of its '
            "defences beside it."
        )
    for candidate in defences:
        several = candidate.split(CHAIN) if isinstance(candidate, str) else candidate
        each = tuple(several) if isinstance(several, list | tuple) else (several,)
        if not each:
            raise InputError("A candidate has a defence at least; each victim is undefended, too.")
        options = dict(victim.options)
        if "name" in options:
            options["name"] += CHAIN + CHAIN.join(map(str, each))
        undefended = victim.base or VictimSpec(victim.spec)
        yield VictimSpec.of(undefended, {**options, "defences": each})


GRADIENT = 3
"""Scores that take as long as a gradient, about."""


class Comparison(NamedTuple):
    """What defences are asked once their audit is made.

    Attributes
    ----------
    scores, certificates : int
        Scores at most: of yesterday's pictures, and for certificates.
    seconds : float
        About how long that takes with the measures of the pictures; 0 where no score was timed.
    price : float
        Money that it may cost.
    """

    scores: int
    certificates: int
    seconds: float
    price: float


def to_compare(victims: Sequence[VictimSpec], plan: Plan) -> Comparison:
    """Return what comes after an audit of `with_defences`' victims, by its plan."""
    scores = certified = 0
    seconds, price, plain = 0.0, 0.0, plan.shares[0]
    for victim, share in zip(victims, plan.shares, strict=True):
        if not victim.options.get("defences"):
            plain = share
            continue
        defences = chain(victim.options["defences"])
        needed = plan.pictures * most_asked(defences)
        scores, certified = scores + share.trials, certified + needed
        price += victim.options.get("price", 0.0) * (share.trials * share.passes + needed)
        if plain.need is not None and share.need is not None:
            each = share.need.seconds + plan.measures
            seconds += share.trials * each + needed * plain.need.seconds
            if exact(defences):  # a gradient of each, where the victim has one
                both = share.need.seconds + plain.need.seconds
                seconds += GRADIENT * plan.pictures * both
    return Comparison(scores, certified, seconds, price)


def compare_defences(
    path: str | os.PathLike[str],
    defences: Sequence[Any] = (),
    victims: Sequence[Any] | None = None,
    data: Any = None,
    *,
    yes: bool = False,
    trust: bool = False,
    watch: Watch = unwatched,
    **settings: Any,
) -> DefenceTable:
    """Attack victims with defences and without, and tell what each keeps, stops and costs.

    The same call again goes on where it was stopped; no score is asked twice.

    Parameters
    ----------
    path : path
        The audit's directory. Where nothing else is said, an audit that is there, of victims with
        defences and without.
    defences : sequence of str, Defence or sequence of them
        Each a candidate, as ``"jpeg:75"``; of several in order ``"median:3+jpeg:75"``, or a
        sequence.
    victims : sequence of str, Victim, torch.nn.Module or callable, optional
        As `iqaudit.audit` takes them; each is attacked undefended, and behind each candidate.
    data : str, path, array, Picture, a sequence of them, or mapping, optional
        Likewise.
    yes : bool
        That victims whose scores may be paid for are to be asked.
    trust : bool
        Whether the directory is your own; see `iqaudit.verify`.
    watch : callable
        As `iqaudit.transfer` takes it.
    **settings
        The other settings of `iqaudit.audit` but for `file` and `analyses`.

    Returns
    -------
    DefenceTable
        Also `Audit.defences` from then on.

    Raises
    ------
    InputError
        If a setting cannot be used, or an audit has no victim with a defence and without.
    VictimError
        If a victim fails; the answers are kept.
    """
    defences = several(defences)
    said = {"victims": victims, "data": data, **settings}
    if defences:
        said["victims"] = with_defences(() if victims is None else victims, defences) or None
        done = audit(**said, out=path, yes=yes, analyses=False)
    elif given := [name for name, value in said.items() if value]:
        raise InputError(f"{', '.join(given)}: name the defences that are to be compared.")
    else:
        done = load(path)
    return done.compare_defences(watch, yes=yes, trust=trust)
