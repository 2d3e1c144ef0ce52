"""An attack of a user's own, named as ``python:tests.support.attacking:Signs``."""

from dataclasses import dataclass

from iqaudit.attacks import RandomSigns


@dataclass(frozen=True)
class Signs(RandomSigns):
    """Random signs, by another name."""
