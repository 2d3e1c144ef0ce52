"""AuditSpecs read from a TOML file, or from the same keys of the command line."""

import os
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from iqaudit._audit.settings import DATA, OF_DATA, PAPERS, SETTINGS
from iqaudit._audit.spec import PAPER, AuditSpec, Data
from iqaudit._core import goal
from iqaudit._core.errors import InputError, unknown
from iqaudit._core.paths import located
from iqaudit._core.scale import DECLARED
from iqaudit._core.settings import Setting
from iqaudit._core.wording import worded
from iqaudit._runs.suites import NAMES, SUITES
from iqaudit._search.stop import Stop
from iqaudit.datasets import Drawing
from iqaudit.victims._spec import VictimSpec

MODELS = ("dbcnn", "unique", "tres", "liqe")
"""The paper's victims."""

PROTOCOL: Mapping[str, Any] = MappingProxyType(
    {"attacks": (PAPER,), "levels": (3,), "goals": ("bidirectional",), "queries": 10_000}
)
"""The paper's protocol (arXiv 2402.17533) but for its pictures."""

PICTURES = 50
"""Of each data set, in the paper."""

OF_SUITE = frozenset(SETTINGS) - {"victims", "suite", "light"}
"""The settings that are a suite's; a victim and its options are the user's."""

DRAWN = ("subset", "sample", "stratify", "seed", "or_all")
"""Those of the data that are."""

STOPS = MappingProxyType({"early_stop": "rgo", "until_plateau": "plateau", "fresh": "fresh"})
"""The settings that make a `Stop`, with its names for them."""


def read(path: str | os.PathLike[str]) -> AuditSpec:
    """Read an audit's TOML file.

    Raises
    ------
    InputError
        If it is missing, is no TOML, or is refused by `audit_spec`.
    """
    try:
        settings = tomllib.loads(located(path).read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: this is no TOML file ({error}).") from None
    try:
        return audit_spec(settings)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def audit_spec(settings: Mapping[str, Any]) -> AuditSpec:
    """Return the audit of some settings; of the others, the usual values.

    Parameters
    ----------
    settings : mapping
        By the keys of `SETTINGS`, strictly; ``data`` by those of `DATA`, or a data set's string.
        Where a list is due, one value will do. ``paper`` sets the rest to the paper's protocol,
        ``suite`` all but victims and pictures.

    Raises
    ------
    InputError
        If a key is unknown, a value is not of its key's type, or one is said beside a suite.
    """
    values = _of_suite(_values(settings, SETTINGS, "key", "data"))
    data, paper = values.pop("data", {}), values.pop("paper", None)
    if paper is not None:
        if paper not in (*PAPERS, OF_DATA):
            raise unknown("data set of the paper's", paper, PAPERS)
        values = {**PROTOCOL, **values}
        paper = _kind(data) if paper == OF_DATA else paper
    victims = tuple(_victim(each, paper) for each in values.pop("victims", ()))
    if (scale := values.pop("scale", None)) is not None:
        if scale != DECLARED:
            raise InputError(f'scale is "{DECLARED}"; a fitted one is a victim\'s: scale=FILE.')
        victims = tuple(each.declared() for each in victims)
    if "suite" in values and any(each.is_declared for each in victims):
        raise InputError("A suite fits the scales that nobody knows: leave out scale=declared.")
    stop = Stop(**{rule: values.pop(key) for key, rule in STOPS.items() if key in values})
    if "goals" in values:
        values["goals"] = tuple(map(goal.named, values["goals"]))
    return AuditSpec(victims, _data(data, paper), stop=stop, **values)


def _of_suite(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings with those of the suite that they name; without one, as they are."""
    light = values.pop("light", False)
    if "suite" not in values:
        if light:
            raise InputError(f"{worded('light')} goes with a suite: {', '.join(NAMES)}.")
        return values
    name = values["suite"]
    if name not in NAMES:
        raise unknown("suite", name, NAMES)
    suite = SUITES[f"{name} light" if light else name]
    data = values.get("data", {})
    data = {"spec": data} if isinstance(data, str) else data
    if isinstance(data, Mapping):
        drawn = {key for key in DRAWN if data.get(key) is not None}
        data = {**data, **suite.data}
    else:  # refused where it is read
        drawn = set()
    if more := sorted(drawn | (OF_SUITE & values.keys())):
        raise InputError(f"The suite {name} says {', '.join(more)}: leave out one or the other.")
    return {**values, **suite.settings, "suite": suite.name, "data": data}


def _victim(victim: Any, paper: str | None) -> VictimSpec:
    """Return a victim's spec; one of the paper's with its constants for the paper's data set."""
    if not isinstance(victim, Mapping):
        spec = VictimSpec.of(victim)
    elif isinstance(victim.get("spec"), str):
        options = {key: value for key, value in victim.items() if key != "spec"}
        spec = VictimSpec(victim["spec"], options)
    else:
        raise InputError('A victim\'s table has a key "spec", its string.')
    scaled = {"dataset", "scale", "score_range"} & spec.options.keys()
    if paper is None or spec.spec not in MODELS or scaled:
        return spec
    return VictimSpec(spec.spec, {**spec.options, "dataset": paper})


def _kind(data: Any) -> str | None:
    """Return which of the paper's data sets some data are; None where they are others."""
    spec = data.get("spec") if isinstance(data, Mapping) else data
    kind = spec.partition(":")[0] if isinstance(spec, str) else None
    return kind if kind in PAPERS else None


def _data(data: Any, paper: str | None) -> Data:
    data = {"spec": data} if isinstance(data, str) else data
    if not isinstance(data, Mapping):
        raise InputError("data is a data set's string or a table.")
    values = _values(data, DATA, "key of data")
    spec = values.get("spec", "")
    kind = spec.partition(":")[0]
    if paper and kind in PAPERS and kind != paper:
        raise InputError(f"The paper's protocol for {paper} was asked for, on the data of {kind}.")
    subset, count = values.get("subset"), values.get("sample")
    if paper and spec and subset is None and count is None:
        count = PICTURES
    drawn = values.get("stratify"), values.get("seed"), values.get("or_all", False)
    drawing = Drawing(subset, count, *drawn)
    pictures, recursive = values.get("pictures", ()), values.get("recursive", False)
    return Data(spec, pictures, values.get("opinion_range"), drawing, recursive)


def _values(
    settings: Mapping[str, Any], known: Mapping[str, Setting], kind: str, *others: str
) -> dict[str, Any]:
    """Return settings as their types have them; of others, the values as they are."""
    values = {}
    for key, value in settings.items():
        if key not in (*known, *others):
            raise unknown(kind, key, (*known, *others))
        if value is not None:
            values[key] = known[key].read(value, f"{key} takes") if key in known else value
    return values
