"""The closed-form methods: a new head, from features of clean, changed and attacked pictures."""

import shutil
from collections.abc import Callable, Iterable
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from iqaudit._analysis.analyse import Watch
from iqaudit._analysis.scorers import Scorer
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.threads import one_thread
from iqaudit._harden import scales
from iqaudit._harden.base import Base
from iqaudit._harden.features import BLOCKS, Features, changed
from iqaudit._harden.fit import Fitted, Problem, fit, targets
from iqaudit._harden.head import Head, Seen, find, is_monotone, no_head
from iqaudit._harden.records import BEFORE, AskedRecord, FitRecord
from iqaudit._harden.sets import Part
from iqaudit._harden.weights import content, replaced
from iqaudit._runs.store import write_whole
from iqaudit.measures._arrays import Floats
from iqaudit.victims._spec import VictimSpec, unasked

PROBED = 12
"""Pictures by which a head is found; all of them confirm it."""

FEATURES, ROUNDS = "features", "rounds"
"""Folders: what the network was asked, until the weights are there; the attacks of each round."""

Attacked: TypeAlias = Callable[[int, VictimSpec], Iterable[tuple[Pixels, Pixels]]]
"""From a round and the victim that it attacks to the pictures, clean and attacked."""


@one_thread()
def head(base: Base, part: Part) -> Head:
    """Return the head of a victim's network, which can be replaced.

    Raises
    ------
    InputError
        If there is none.
    VictimError
        If the victim fails.
    """
    found = find(base.victim, base.module, [each.pixels for each in part.pictures[:PROBED]])
    replaced(base.weights, found, Fitted(found.weight, found.bias or 0.0))
    return found


def harden(
    base: Base,
    part: Part,
    asked: AskedRecord,
    root: Path,
    watch: Watch,
    head: Head,
    attacked: Attacked,
) -> tuple[bytes, tuple[FitRecord, ...]]:
    """Return the weights with a new head, as a file's content, and the fits that led there.

    Writes the scale before.

    Raises
    ------
    InputError
        If a picture shows that it is no head, or nothing can be fitted.
    VictimError
        If the victim fails; its answers are kept.
    """
    with one_thread():
        features = Features(base.victim, head, root / FEATURES)
        clean, rows, owners = _seen(base, part, asked, features, watch)
    known, natives = np.stack([each.features for each in clean]), [each.score for each in clean]
    old = _Old(base, head, part, known, np.array(natives))
    scales.save(root / BEFORE, base.victim, natives, part)
    spec, fits, made = base.scaled(root / BEFORE), list[FitRecord](), b""
    rounds = 1 if asked.method == "slopes" else asked.rounds
    for number in range(1, rounds + 1):
        if asked.method != "slopes":
            pairs = list(attacked(number, spec))
            share = Scorer(base.label, base.victim), len(pairs)
            with one_thread(), watch([share], "at most ") as count:
                seen = features.each((after for _, after in pairs), count)
                for (before, _), each in zip(pairs, seen, strict=True):
                    owners.append(part.hashes.index(pixels_sha256(before)))
                    rows.append(each.features - known[owners[-1]])
        problem = Problem(
            known, old.targets, np.array(rows), np.array(owners), head.bias is not None
        )
        fitted, record = fit(problem, head, asked.loss, asked.seed)
        fits.append(record)
        made = content(replaced(base.weights, head, fitted))
        if number < rounds:
            spec = old.between(root / ROUNDS, number, made, fitted)
    return made, tuple(fits)


def _seen(
    base: Base, part: Part, asked: AskedRecord, features: Features, watch: Watch
) -> tuple[list[Seen], list[Floats], list[int]]:
    """Return what is seen of the pictures, and rows along sign patterns with their owners."""
    count = len(part.pictures)
    owners = [at for at in range(count) for _ in BLOCKS if asked.method == "slopes"]
    pictures = chain(
        (each.pixels for each in part.pictures),
        (
            pixels
            for each in part.pictures[: count if owners else 0]
            for pixels in changed(each.pixels, asked.levels, asked.seed)
        ),
    )
    share = Scorer(base.label, base.victim), count + len(owners)
    with watch([share], "at most ") as progress:
        seen = features.each(pictures, progress)
        clean = list(islice(seen, count))
        rows = [
            (each.features - clean[at].features) / asked.levels
            for at, each in zip(owners, seen, strict=True)
        ]
    return clean, rows, owners


class _Old:
    """The old head, and what came of it: what a new one is fitted to, and what it would score.

    Raises an `InputError` where the scores are no monotone function of its outputs.
    """

    def __init__(self, base: Base, head: Head, part: Part, known: Floats, natives: Floats) -> None:
        self._base, self._part, self._known, self._natives = base, part, known, natives
        self._outputs, opinions = head.outputs(known), part.opinions
        if not is_monotone(self._outputs, natives):
            raise no_head(base.victim)
        self.targets = self._outputs
        if opinions is not None:
            falls = self._outputs[natives.argmax()] < self._outputs[natives.argmin()]
            falling = bool(falls) is not base.victim.card.scale.lower_is_better
            self.targets = targets(self._outputs, opinions, falling=falling)

    def between(self, folder: Path, number: int, made: bytes, fitted: Fitted) -> VictimSpec:
        """Write the weights of a round, and return the victim that has them.

        Its scale is that of the scores which it must give, by what followed the old outputs.
        """
        folder.mkdir(exist_ok=True)
        file, scale = (folder / f"{number}.{end}" for end in ("safetensors", "toml"))
        write_whole(file, made)
        order = np.argsort(self._outputs, kind="stable")
        now = self._known @ fitted.weight + fitted.bias
        natives = np.interp(now, self._outputs[order], self._natives[order])
        scales.save(scale, unasked(self._base.other(checkpoint=str(file))), natives, self._part)
        name = f"{self._base.label}+round-{number}"
        return self._base.scaled(scale, checkpoint=str(file), name=name)


def forget(root: Path) -> None:
    """Remove the features, once the weights are there."""
    shutil.rmtree(root / FEATURES, ignore_errors=True)
