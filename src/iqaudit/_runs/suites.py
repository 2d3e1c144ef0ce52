"""Suites: settings of an audit under a name that a paper can cite.

A suite never changes, since figures were published under its name: what is better has another. A
golden file of the tests holds each, with the attacks' hyper-parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

LIGHT = 1_000
"""The largest budget of a suite's light form."""


@dataclass(frozen=True)
class Suite:
    """A suite.

    Attributes
    ----------
    name : str
        As it is cited.
    settings, data : mapping
        The keys of an audit's file that it sets, and of its table ``data``.
    at_each, at_last : tuple of str
        The measures that are cited at each budget, and at the largest alone.
    """

    name: str
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    at_each: tuple[str, ...]
    at_last: tuple[str, ...]

    def light(self) -> "Suite":
        """Return its light form: the same, with the smaller budgets alone."""
        queries = tuple(each for each in self.settings["queries"] if each <= LIGHT)
        settings = MappingProxyType({**self.settings, "queries": queries})
        return replace(self, name=f"{self.name} light", settings=settings)


STANDARD_1 = Suite(
    name="standard-1",
    settings=MappingProxyType(
        {
            "attacks": ("bidirectional", "guided,budget=queries", "square", "random"),
            "levels": (3,),
            "goals": ("bidirectional",),
            "seeds": (0,),
            "queries": (100, 1_000, 10_000),
            "fresh": 8,
        }
    ),
    data=MappingProxyType({"sample": 50, "seed": 0, "or_all": True}),
    at_each=("rgo",),
    at_last=("srocc_after",),
)

_WHOLE = (STANDARD_1,)

NAMES = tuple(each.name for each in _WHOLE)
"""The suites, without their light forms."""

SUITES: Mapping[str, Suite] = MappingProxyType(
    {each.name: each for whole in _WHOLE for each in (whole, whole.light())}
)
"""By the names that records have."""


def whole(name: str) -> str:
    """Return the name of the suite that one is the light form of; its own where it is none."""
    return next((each.name for each in _WHOLE if each.light().name == name), name)
