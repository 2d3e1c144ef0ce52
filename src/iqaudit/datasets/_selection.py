"""Parts of a data set: those that a list names, or a seeded draw.

A draw depends on the seed and on the pictures' names alone (and their opinion scores or
distortions, where it is stratified): not on the order of files or tables, the machine, or NumPy's
version, since it takes the raw 64-bit numbers of Philox, which NumPy keeps as they are. A draw of
more pictures with the same seed begins with the smaller one, unless its strata are others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from iqaudit._core.errors import InputError, naming, refuse_unless, some, unknown, whole_number
from iqaudit._core.paths import located
from iqaudit._core.settings import several
from iqaudit._core.wording import worded
from iqaudit.datasets._base import DataSet, Sample
from iqaudit.datasets._score_table import fold

Stratify = Literal["type", "score"]

QUANTILES = 10
"""Strata of the opinion scores: tenths of the data set."""


@dataclass(frozen=True)
class Drawing:
    """The part of a data set that is taken.

    Parameters
    ----------
    subset : str, optional
        A list of names as `read_names` reads it.
    count : int, optional
        Pictures to draw; all unless given.
    stratify : {"type", "score"}, optional
        As `sample` takes it.
    seed : int, optional
        Of the draw; 0 unless given.
    or_all : bool
        Whether a data set with fewer pictures is taken whole; it is refused otherwise.

    Raises
    ------
    InputError
        If a rule of the draw is given without a count.
    """

    subset: str | None = None
    count: int | None = None
    stratify: Stratify | None = None
    seed: int | None = None
    or_all: bool = False

    def __post_init__(self) -> None:
        if self.count is None and (self.stratify, self.seed, self.or_all) != (None, None, False):
            raise InputError(
                "How to stratify, the draw's seed and whether all will do go with "
                f"{worded('sample')}, which says how many."
            )

    def draw(self, dataset: DataSet) -> DataSet:
        """Return the data set, or the part of it that is taken.

        Parameters
        ----------
        dataset : DataSet
            The whole.
        """
        if self.subset is not None:
            dataset = subset(dataset, read_names(self.subset))
        if self.count is None or (self.or_all and len(dataset.samples) <= self.count):
            return dataset
        return sample(dataset, self.count, stratify=self.stratify, seed=self.seed or 0)

    def description(self) -> str:
        """Return the rule of the draw in words; empty for the whole data set."""
        rules = [f"of the list {Path(self.subset).name}"] if self.subset else []
        if self.count is not None:
            by = f" by {self.stratify}" if self.stratify else ""
            most = "at most " if self.or_all else ""
            rules.append(f"{most}{self.count} drawn{by}, seed {self.seed or 0}")
        return ", ".join(rules)


def subset(dataset: DataSet, names: Iterable[str]) -> DataSet:
    """Return the pictures that a list names, in its order.

    Parameters
    ----------
    dataset : DataSet
        The whole.
    names : iterable of str
        Samples' names; case aside, and with further folders before them, as other programs' lists
        have: ``dst_imgs/awgn/1600.AWGN.1.png`` is ``awgn/1600.AWGN.1.png``.

    Raises
    ------
    InputError
        If a name is none of the data set's, comes twice, or there is none.
    """
    known = {sample.name: sample for sample in dataset.samples}
    folded: dict[str, list[Sample]] = {}
    for each in dataset.samples:
        folded.setdefault(fold(each.name), []).append(each)
    chosen: dict[str, Sample] = {}
    strange = []
    for name in several(names):
        sample = known.get(name) or _behind_folders(name, folded)
        if sample is None:
            strange.append(name)
        elif sample.name in chosen:
            raise InputError(f"The list names {sample.name} twice.")
        else:
            chosen[sample.name] = sample
    if strange:
        raise InputError(
            f"{dataset.name} has no picture called {some(strange)}; its own are called as "
            f"{some([sample.name for sample in dataset.samples])}."
        )
    if not chosen:
        raise InputError("The list names no picture.")
    return replace(dataset, samples=tuple(chosen.values()))


def _behind_folders(listed: str, folded: dict[str, list[Sample]]) -> Sample | None:
    name = fold(listed)
    while name not in folded:
        _, slash, name = name.partition("/")
        if not slash:
            return None
    sample, *others = folded[name]
    if others:
        raise InputError(
            f"The list's {listed} may be {sample.name} or {others[0].name}: name the one exactly."
        )
    return sample


def sample(
    dataset: DataSet, count: int, *, stratify: Stratify | None = None, seed: int = 0
) -> DataSet:
    """Draw pictures, without any twice; they come by name.

    Parameters
    ----------
    dataset : DataSet
        The whole.
    count : int
        How many.
    stratify : {"type", "score"}, optional
        Equal shares of the distortion types, or of the tenths of the opinion scores (of fewer
        pictures than ten, as many quantiles). Where the count does not divide, strata in an order
        that is drawn, too, give one more each; where one is exhausted, the others give more.
    seed : int
        Of the draw, 0 or more.

    Raises
    ------
    InputError
        If the data set has fewer pictures, or nothing to stratify by.
    """
    count, seed = whole_number("A sample's count", count), whole_number("A sample's seed", seed)
    there = len(dataset.samples)
    rule = f"From the {there} pictures of {dataset.name}, 1 to {there} can be drawn"
    refuse_unless(1 <= count <= there, rule, count)
    refuse_unless(seed >= 0, "A sample's seed is 0 or more", seed)
    strata = _strata(dataset, count, stratify)
    # One number for every picture, by name, and then one for every stratum.
    draws = np.random.Philox(seed).random_raw(there + len(strata)).tolist()
    by_name = sorted(each.name for each in dataset.samples)
    rank = dict(zip(by_name, draws, strict=False))
    order = np.argsort(draws[there:], kind="stable")
    queues = [sorted(strata[index], key=lambda each: rank[each.name]) for index in order]
    rounds = range(max(map(len, queues)))
    dealt = [queue[turn] for turn in rounds for queue in queues if turn < len(queue)]
    return replace(dataset, samples=tuple(sorted(dealt[:count], key=lambda each: each.name)))


def _strata(dataset: DataSet, count: int, stratify: Stratify | None) -> Sequence[Sequence[Sample]]:
    """Return a data set's pictures in the groups that share a draw equally."""
    if stratify is None:
        return [dataset.samples]
    if stratify == "type":
        kinds: dict[str, list[Sample]] = {}
        for each in sorted(dataset.samples, key=lambda each: each.name):
            if each.distortion is None:
                raise InputError(f"{dataset.name} has no distortion types to stratify by.")
            kinds.setdefault(each.distortion, []).append(each)
        return [kinds[kind] for kind in sorted(kinds)]
    if stratify == "score":
        scored = []
        for each in dataset.samples:
            if each.opinion is None:
                raise InputError(f"{dataset.name} has no opinion scores to stratify by.")
            scored.append((each.opinion, each.name, each))
        worst_first = [each for _, _, each in sorted(scored, key=lambda each: each[:2])]
        groups, size = min(QUANTILES, count), len(scored)
        ends = [group * size // groups for group in range(groups + 1)]
        return [worst_first[start:stop] for start, stop in pairwise(ends)]
    raise unknown("way to stratify", str(stratify), get_args(Stratify))


def read_names(path: str | PathLike[str]) -> list[str]:
    """Read a list of names: one a line, up to a tab where there is one; # begins a comment line.

    Parameters
    ----------
    path : path
        A text file in UTF-8.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        lines = located(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: this list of names cannot be read ({error}).") from None
    names = (line.partition("\t")[0].strip() for line in lines if not line.startswith("#"))
    return [name for name in names if name]


def write_names(path: str | PathLike[str], dataset: DataSet, note: str = "") -> None:
    """Write a data set's names as a list that `read_names` takes, under a comment.

    Parameters
    ----------
    path : path
        A file that is not there yet.
    dataset : DataSet
        The pictures to name.
    note : str
        The comment of the first line; none if empty.

    Raises
    ------
    InputError
        If the file is there already.
    """
    comment = [f"# {note}"] if note else []
    # What begins as a comment or with a space does not behind a folder.
    names = (each.name for each in dataset.samples)
    lines = [*comment, *(f"./{name}" if name[:1] in "# " else name for name in names), ""]
    try:
        with naming(path), located(path).open("x", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines))
    except FileExistsError:
        raise InputError(f"{path}: this is there already; name another file.") from None
