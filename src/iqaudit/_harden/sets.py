"""The pictures of a hardening: those that are fitted on, and others to report on."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from iqaudit import datasets
from iqaudit._audit.data import Found, find
from iqaudit._audit.spec import Data
from iqaudit._core.collection import Pictures
from iqaudit._core.errors import InputError
from iqaudit._core.wording import worded
from iqaudit._harden.records import SetRecord
from iqaudit.datasets import Drawing
from iqaudit.measures._arrays import Floats

HELD_OUT = 5
"""Of so many pictures one is held out, where no test pictures are given."""

FEWEST = 10
"""Pictures to fit on, as for a scale."""

STOPPED_BY = 10, 5
"""Of so many pictures to train with one is held out to stop by; at least so many are."""

ATTACKED = 50
"""Pictures that are attacked a round, at the most."""


@dataclass(frozen=True)
class Part:
    """Pictures of a hardening; each is read when it is asked for."""

    found: Found

    @property
    def pictures(self) -> Pictures:
        """The pictures."""
        return self.found.pictures

    @property
    def opinions(self) -> Floats | None:
        """Their opinion scores on 0-10, (n,); None where one has none."""
        opinions = [each.opinion for each in self.found.dataset.samples]
        return None if None in opinions else np.array(opinions, np.float64)

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """The pictures' hashes."""
        return tuple(each.sha256 for each in self.pictures)

    @property
    def record(self) -> SetRecord:
        """The record of them."""
        opinions = [each.opinion for each in self.found.dataset.samples]
        together = hashlib.sha256("".join(sorted(self.hashes)).encode())
        return SetRecord(
            name=self.found.dataset.name,
            pictures=len(opinions),
            rated=len(opinions) - opinions.count(None),
            sha256=together.hexdigest(),
        )

    def taken(self, places: Iterable[int]) -> "Part":
        """Return those at some places."""
        samples, pictures, places = self.found.dataset.samples, self.pictures, list(places)
        return Part(
            Found(
                replace(self.found.dataset, samples=tuple(samples[at] for at in places)),
                Pictures(
                    [pictures.sources[at] for at in places],
                    tuple(pictures.names[at] for at in places),
                    pictures.listings,
                ),
            )
        )

    def drawn(self, count: int, seed: int) -> list[int]:
        """Return the places of so many that are drawn."""
        drawn = datasets.sample(self.found.dataset, count, seed=seed).samples
        names = {each.name for each in drawn}
        samples = self.found.dataset.samples
        return [at for at, each in enumerate(samples) if each.name in names]


def stopped_by(part: Part, seed: int) -> tuple[Part, Part]:
    """Return the pictures to train with, and those to stop by."""
    share, fewest = STOPPED_BY
    count = len(part.pictures)
    held = set(part.drawn(max(fewest, round(count / share)), seed))
    return part.taken(at for at in range(count) if at not in held), part.taken(sorted(held))


def split(data: Data, test: Data | None, out: Path, seed: int) -> tuple[Part, Part]:
    """Return the pictures to fit on, and those to report on.

    Parameters
    ----------
    data : Data
        Of them those are fitted on that people rated; all where they rated none.
    test : Data or None
        The others; where none are given, a fifth of the data is held out.
    out : Path
        The hardening's directory, which must not lie among the pictures.
    seed : int
        Of the draw.

    Raises
    ------
    InputError
        If there are too few, or a picture is on both sides.
    """
    whole = Part(find(data, out))
    samples = whole.found.dataset.samples
    rated = [at for at, each in enumerate(samples) if each.opinion is not None]
    usable = whole.taken(rated) if rated else whole
    if test is not None:
        parts = usable, Part(find(test, out))
    else:
        count = len(usable.pictures)
        held = set(usable.drawn(max(1, round(count / HELD_OUT)), seed))
        kept = [at for at in range(count) if at not in held]
        parts = usable.taken(kept), usable.taken(sorted(held))
    fitted, tested = parts
    if len(fitted.pictures) < FEWEST:
        raise InputError(
            f"Hardening needs at least {FEWEST} pictures to fit on, not {len(fitted.pictures)}; "
            f"where no others are given to test ({worded('test')}), one of {HELD_OUT} is held out."
        )
    if both := _both(fitted, tested):
        raise InputError(
            f"{both[0]} is the same picture as {both[1]}, which is to be fitted on: a picture that "
            "was fitted on shows nothing. Leave it out on one side."
        )
    return parts


def _both(fitted: Part, tested: Part) -> Sequence[str]:
    """Return the names of a picture that is on both sides, in the test's first."""
    known = dict(zip(fitted.hashes, fitted.pictures.names, strict=True))
    for name, sha256 in zip(tested.pictures.names, tested.hashes, strict=True):
        if sha256 in known:
            return name, known[sha256]
    return ()


def listed(data: Data, part: Part, file: Path) -> Data:
    """Return the data of a part of a data set, whose names are written to a file."""
    if not file.exists():
        part_file = file.with_name(file.name + ".part")
        part_file.unlink(missing_ok=True)
        datasets.write_names(part_file, part.found.dataset)
        part_file.replace(file)
    return replace(data, drawing=Drawing(subset=str(file)))
