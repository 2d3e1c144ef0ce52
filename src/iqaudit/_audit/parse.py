"""A campaign read from what was given: a TOML file, or the same keys from the command line."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from iqaudit._audit.spec import PAPER, Campaign, Data
from iqaudit._core.errors import InputError, unknown
from iqaudit._core.goal import Goal
from iqaudit._search.stop import Stop
from iqaudit.datasets import Drawing
from iqaudit.victims._spec import VictimSpec

MODELS = ("dbcnn", "unique", "tres", "liqe")
"""The paper's victims."""

PAPERS = ("live", "csiq", "tid2013")
"""The paper's data sets."""

PROTOCOL: Mapping[str, Any] = MappingProxyType(
    {"attacks": (PAPER,), "levels": (3,), "goals": ("bidirectional",), "queries": 10_000}
)
"""The paper's protocol (arXiv 2402.17533) but for its pictures."""

PICTURES = 50
"""Of each data set, in the paper."""

KEYS = (
    *("paper", "victims", "data", "attacks", "levels", "goals", "seeds"),
    *("queries", "early_stop", "until_plateau"),
)

DATA_KEYS = ("spec", "pictures", "opinion_range", "subset", "sample", "stratify", "seed")


def read(path: str | os.PathLike[str]) -> Campaign:
    """Read a campaign's TOML file.

    Raises
    ------
    InputError
        If it is missing, is no TOML, or holds what `campaign` refuses.
    """
    try:
        given = tomllib.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: this is no TOML file ({error}).") from None
    try:
        return campaign(given)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def campaign(given: Mapping[str, Any]) -> Campaign:
    """Return the campaign that keys and values say; where one is not given, a usual value.

    Parameters
    ----------
    given : mapping
        Of `KEYS`, strictly; ``data`` of `DATA_KEYS`, or a data set's string. Where a list is due,
        one value will do. ``paper`` sets what is not given to the paper's protocol.

    Raises
    ------
    InputError
        If a key is unknown, or a value is not what its key takes.
    """
    _refuse_unknown("key", given, KEYS)
    paper = given.get("paper")
    if paper is not None and paper not in PAPERS:
        raise unknown("data set of the paper's", str(paper), PAPERS)
    said = {**PROTOCOL, **given} if paper else given
    victims = [_victim(each) for each in _list("victims", said, (str, Mapping))]
    others: dict[str, Any] = {
        "attacks": _list("attacks", said, (str,)),
        "levels": _list("levels", said, (int,)),
        "goals": tuple(map(_goal, _list("goals", said, (str,)))),
        "seeds": _list("seeds", said, (int,)),
        "queries": _one("queries", said, (int,)),
    }
    return Campaign(
        tuple(_with_scale(victim, paper) if paper else victim for victim in victims),
        _data(said.get("data", {}), paper),
        stop=Stop(_one("early_stop", said, (int, float)), _one("until_plateau", said, (int,))),
        **{name: value for name, value in others.items() if value not in (None, ())},
    )


def _victim(said: str | Mapping[str, Any]) -> VictimSpec:
    if isinstance(said, str):
        return VictimSpec.parse(said)
    if not isinstance(said.get("spec"), str):
        raise InputError('A victim\'s table has a key "spec", its string.')
    return VictimSpec(said["spec"], {key: value for key, value in said.items() if key != "spec"})


def _with_scale(victim: VictimSpec, paper: str) -> VictimSpec:
    """Give one of the paper's victims the constants that were fitted on the data set."""
    own = {"dataset", "scale", "score_range"} & victim.options.keys()
    if victim.spec not in MODELS or own:
        return victim
    return VictimSpec(victim.spec, {**victim.options, "dataset": paper})


def _data(said: Any, paper: str | None) -> Data:
    said = {"spec": said} if isinstance(said, str) else said
    if not isinstance(said, Mapping):
        raise InputError("data is a data set's string or a table.")
    _refuse_unknown("key of data", said, DATA_KEYS)
    spec = _one("spec", said, (str,)) or ""
    kind = spec.partition(":")[0]
    if paper and kind in PAPERS and kind != paper:
        raise InputError(f"The paper's protocol for {paper} was asked for, on the data of {kind}.")
    subset, count = _one("subset", said, (str,)), _one("sample", said, (int,))
    if paper and subset is None and count is None:
        count = PICTURES
    ends = _list("opinion_range", said, (int, float))
    if ends and len(ends) != 2:  # noqa: PLR2004 (a range's)
        raise InputError("opinion_range is two numbers, the worst and the best.")
    return Data(
        spec,
        _list("pictures", said, (str,)),
        (float(ends[0]), float(ends[1])) if ends else None,
        Drawing(
            subset, count, cast("Any", _one("stratify", said, (str,))), _one("seed", said, (int,))
        ),
    )


def _goal(name: str) -> Goal:
    goals = {goal.value: goal for goal in Goal}
    if name not in goals:
        raise unknown("goal", name, goals)
    return goals[name]


def _refuse_unknown(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            raise unknown(kind, key, known)


def _list(key: str, said: Mapping[str, Any], kinds: tuple[type, ...]) -> tuple[Any, ...]:
    """Return a key's values; none where it is not said."""
    value = said.get(key)
    if value is None:
        return ()
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    if isinstance(value, list | tuple) and not values:
        raise InputError(f"{key} is an empty list.")
    for each in values:
        _check(key, each, kinds)
    return values


def _one(key: str, said: Mapping[str, Any], kinds: tuple[type, ...]) -> Any:
    """Return a key's value; None where it is not said."""
    value = said.get(key)
    if value is not None:
        _check(key, value, kinds)
    return value


WORDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    Mapping: "a table",
}


def _check(key: str, value: Any, kinds: tuple[type, ...]) -> None:
    if isinstance(value, bool) or not isinstance(value, kinds):
        what = "a number" if float in kinds else " or ".join(WORDS[kind] for kind in kinds)
        raise InputError(f"{key} takes {what}, not {value!r}.")
