"""Victims outside an audit: scores, checks, scales, and the lists of the names that there are."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from iqaudit import datasets
from iqaudit._assess import calibration
from iqaudit._assess.check import Finding
from iqaudit._assess.check import check as find
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Picture, Source, collect
from iqaudit._core.scale import QUALITY_MAX, Scale
from iqaudit._search.driver import check_sizes
from iqaudit.attacks import ATTACKS
from iqaudit.victims._base import Victim
from iqaudit.victims._registry import KINDS
from iqaudit.victims._scale_file import save_scale
from iqaudit.victims._scoring import score as score_one
from iqaudit.victims._spec import VictimSpec, ready, unasked

USUAL_RANGE = (0.0, 100.0)
"""Of opinion scores in a file, unless another is given."""

T = TypeVar("T")


class Score(NamedTuple):
    """A picture's score.

    Parameters
    ----------
    name : str
        The picture's.
    width, height : int
        Its, in pixels.
    score : float
        The native score.
    quality : float
        The same on 0-10, higher is better.
    """

    name: str
    width: int
    height: int
    score: float
    quality: float


def made(victim: Any, pictures: Sequence[Picture] = (), **options: Any) -> Victim:
    """Return a victim, ready to be asked about pictures.

    Nothing is asked of it, as its noise may be, where a picture does not fit it.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        As `iqaudit.attack` takes it.
    pictures : sequence of Picture
        The pictures.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Raises
    ------
    InputError
        If an option, a scale's file or a picture is not for it.
    """
    spec = VictimSpec.of(victim, options)
    base = unasked(spec)
    check_sizes(base, pictures)
    return ready(spec, base)


def _scores(victim: Victim, pictures: Sequence[Picture]) -> Iterator[Score]:
    for picture in pictures:
        native = score_one(victim, picture.pixels)
        quality = victim.card.scale.quality(native)
        yield Score(picture.name, picture.width, picture.height, native, quality)


def _told(values: Iterable[T], progress: Callable[[T], None] | None) -> tuple[T, ...]:
    """Return values, each told of as it comes."""
    told = []
    for value in values:
        told.append(value)
        if progress is not None:
            progress(value)
    return tuple(told)


def score(
    pictures: Sequence[Source] | Source,
    victim: Any,
    *,
    progress: Callable[[Score], None] | None = None,
    **options: Any,
) -> tuple[Score, ...]:
    """Score pictures.

    Parameters
    ----------
    pictures : path, uint8 array (height, width, 3), Picture, or a sequence of them
        Of any sizes; a folder stands for the pictures in it.
    victim : str, Victim, torch.nn.Module or callable
        As `iqaudit.attack` takes it.
    progress : callable, optional
        Called with each score when it is answered, so that a failure loses none.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Returns
    -------
    tuple of Score
        One for each picture, in order.

    Raises
    ------
    InputError
        If an argument cannot be used; before the first query.
    VictimError
        If the victim fails.
    """
    collected = collect(pictures)
    return _told(_scores(made(victim, collected, **options), collected), progress)


def check(
    victim: Any,
    pictures: Sequence[Source] | Source | None = None,
    *,
    price: float | None = None,
    progress: Callable[[Finding], None] | None = None,
    **options: Any,
) -> tuple[Finding, ...]:
    """Check whether a victim is fit to be audited, by about a hundred scores.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        As `iqaudit.attack` takes it.
    pictures : path, array, Picture, or a sequence of them, optional
        Good photographs; two of scikit-image's unless given.
    price : float, optional
        Money a query, for the cost of a budget.
    progress : callable, optional
        Called with each finding when it is made.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Returns
    -------
    tuple of Finding
        Each a check's name, its verdict and a sentence. A victim that fails is a finding, too.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """
    collected = None if pictures is None else collect(pictures)
    return _told(find(made(victim, **options), collected, price=price), progress)


def calibrate(
    victim: Any,
    pictures: Sequence[Source] | Source,
    *,
    opinions: Sequence[float] | str | os.PathLike[str] | None = None,
    opinion_range: tuple[float, float] | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: Callable[[Score], None] | None = None,
    **options: Any,
) -> Scale:
    """Fit a victim's score scale to its scores of pictures: C, S and the native range.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        As `iqaudit.attack` takes it.
    pictures : path, array, Picture, or a sequence of them
        At least ten.
    opinions : sequence of float, or path, optional
        Their opinion scores on 0-10, higher is better, which the logistic is fitted to; or a CSV
        file of ``image,mos``.
    opinion_range : (worst, best), optional
        The ends of the file's scores; 0 and 100 unless given.
    out : path, optional
        A TOML file for the scale, which `scale=` takes; it must not be there yet.
    progress : callable, optional
        Called with each score when it is answered, so that a failure loses none.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Returns
    -------
    Scale
        The fit.

    Raises
    ------
    InputError
        If an argument cannot be used, or nothing can be fitted.
    VictimError
        If the victim fails.
    """
    collected = collect(pictures)
    if isinstance(opinions, str | os.PathLike):
        opinions = _read_opinions(opinions, collected, opinion_range)
    if out is not None and Path(out).exists():
        raise InputError(f"{out}: this is there already; name another file.")
    if out is not None and not os.access(Path(out).parent, os.W_OK):
        raise InputError(f"{out}: this cannot be written.")
    calibration.check_count(len(collected))
    scorer = made(victim, collected, **options)
    natives = [each.score for each in _told(_scores(scorer, collected), progress)]
    lower = scorer.card.scale.lower_is_better
    scale = calibration.fit(natives, lower_is_better=lower, opinions=opinions)
    if out is not None:
        save_scale(out, scale, scorer, collected)
    return scale


def _read_opinions(
    file: str | os.PathLike[str],
    pictures: Sequence[Picture],
    opinion_range: tuple[float, float] | None,
) -> list[float]:
    opinions = calibration.read_opinions(file, pictures, opinion_range or USUAL_RANGE)
    if opinion_range is None and max(opinions) <= QUALITY_MAX / 10:
        raise InputError(
            f"{file}: no score is above {USUAL_RANGE[1] / 10:g}; say on which range they "
            "are, as opinion_range=(1, 5) or --opinion-range 1 5."
        )
    return opinions


def list_victims() -> Mapping[str, str]:
    """Return the forms of victims' strings, each with a line on it."""
    return {kind.spec: kind.line for kind in KINDS.values()}


def list_attacks() -> Mapping[str, str]:
    """Return the names of attacks, each with a line on it."""
    return {name: line for name, (_, line) in ATTACKS.items()}


def list_datasets() -> Mapping[str, str]:
    """Return the forms of data sets' strings, each with a line on it."""
    return {kind.spec: kind.line for kind in datasets.KINDS.values()}
