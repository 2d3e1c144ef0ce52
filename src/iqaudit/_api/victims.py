"""Victims outside an audit: scores, checks, scales, and the lists of the names that there are."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple, TypeVar

from iqaudit import datasets
from iqaudit._api.pictures import gathered, warn
from iqaudit._assess import calibration
from iqaudit._assess.check import Finding
from iqaudit._assess.check import check as find
from iqaudit._assess.memory import refuse_too_large
from iqaudit._core.collection import Pictures, Source
from iqaudit._core.errors import InputError, NoScaleError, VictimError, many, real_number
from iqaudit._core.paths import absolute, located
from iqaudit._core.picture import Picture
from iqaudit._core.scale import Scale
from iqaudit._core.settings import several
from iqaudit._core.threads import one_thread
from iqaudit._search.driver import check_sizes
from iqaudit._search.trial import Unscored, on_unscored, refuse_nothing
from iqaudit.attacks import ATTACKS
from iqaudit.datasets._lists import opinions as read_opinions
from iqaudit.defences._registry import DEFENCES, form, line
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import refuse_if_down
from iqaudit.victims._registry import KINDS
from iqaudit.victims._scale_file import save_scale
from iqaudit.victims._scoring import score as score_one
from iqaudit.victims._spec import VictimSpec, ready, unasked

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
    unscored : str
        The reason why the victim could not score it, and both are NaN; else empty.
    """

    name: str
    width: int
    height: int
    score: float
    quality: float
    unscored: str = ""


def made(
    victim: Any, pictures: Iterable[Picture] = (), *, ignore_memory: bool = False, **options: Any
) -> Victim:
    """Return a victim, ready to be asked about pictures.

    Nothing is asked of it, as its noise may be, where a picture does not fit it.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        As `iqaudit.attack` takes it.
    pictures : iterable of Picture
        The pictures, read once each.
    ignore_memory : bool
        Whether pictures are let through for which this machine's memory seems too small.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Raises
    ------
    InputError
        If an option, a scale's file or a picture is not for it.
    """
    spec = VictimSpec.of(victim, options)
    base = unasked(spec)
    largest = check_sizes(base, pictures)
    if not ignore_memory:
        refuse_too_large(base, *largest)
    return ready(spec, base)


def _scores(victim: Victim, pictures: Sequence[Picture], *, strict: bool) -> Iterator[Score]:
    for picture in pictures:
        about = picture.name, picture.width, picture.height
        try:
            native = score_one(victim, picture.pixels)
        except VictimError as error:
            refuse_if_down(victim, error)
            if strict or len(pictures) == 1:
                raise
            yield Score(*about, math.nan, math.nan, str(error))
        else:
            yield Score(*about, native, victim.card.scale.quality(native))


def _scored(scores: Sequence[Score], *, known: bool) -> list[Score]:
    """Return the scores that there are; warn of pictures that have none, unless that is known."""
    unscored = [Unscored(each.name, each.unscored) for each in scores if each.unscored]
    refuse_nothing(unscored, len(scores))
    warn([on_unscored(unscored, len(scores))] if unscored and not known else [])
    return [each for each in scores if not each.unscored]


def _told(values: Iterable[T], progress: Callable[[T], None] | None) -> tuple[T, ...]:
    """Return values, each told of as it comes."""
    told = []
    for value in values:
        told.append(value)
        if progress is not None:
            progress(value)
    return tuple(told)


@one_thread()
def score(
    pictures: Sequence[Source] | Source,
    victim: Any,
    *,
    recursive: bool = False,
    ignore_memory: bool = False,
    strict: bool = False,
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
    recursive : bool
        Whether folders in folders are searched, too.
    ignore_memory : bool
        Whether pictures are scored for which this machine's memory seems too small.
    strict : bool
        Whether the first picture that the victim cannot score ends all.
    progress : callable, optional
        Called with each score when it is answered, so that a failure loses none.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Returns
    -------
    tuple of Score
        One for each picture, in order; of one that the victim cannot score, which is warned of, the
        reason.

    Raises
    ------
    InputError
        If an argument cannot be used; before the first query.
    VictimError
        If the victim is down, or can score no picture.
    """
    collected = gathered(pictures, recursive=recursive)
    scorer = made(victim, collected, ignore_memory=ignore_memory, **options)
    scores = _told(_scores(scorer, collected, strict=strict), progress)
    _scored(scores, known=collected is pictures)
    return scores


@one_thread()
def check(
    victim: Any,
    pictures: Sequence[Source] | Source | None = None,
    *,
    recursive: bool = False,
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
    recursive : bool
        Whether folders in folders are searched, too.
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
    collected = None if pictures is None else gathered(pictures, recursive=recursive)

    def other(more: Mapping[str, Any]) -> Victim:
        if twice := options.keys() & more.keys():
            raise InputError(f"{', '.join(sorted(twice))} is said already.")
        return unasked(VictimSpec.of(victim, {**options, **more}))

    scorer = made(victim, **options)
    return _told(find(scorer, collected, price=price, others=other), progress)


@one_thread()
def calibrate(
    victim: Any,
    pictures: Sequence[Source] | Source,
    *,
    recursive: bool = False,
    ignore_memory: bool = False,
    opinions: Sequence[float] | str | os.PathLike[str] | None = None,
    opinion_range: tuple[float, float] | None = None,
    out: str | os.PathLike[str] | None = None,
    strict: bool = False,
    progress: Callable[[Score], None] | None = None,
    **options: Any,
) -> Scale:
    """Fit a victim's score scale to its scores of pictures: C, S and the native range.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        As `iqaudit.attack` takes it; no range need be known, which is what comes of it.
    pictures : path, array, Picture, or a sequence of them
        At least ten.
    recursive : bool
        Whether folders in folders are searched, too.
    ignore_memory : bool
        Whether pictures are scored for which this machine's memory seems too small.
    opinions : sequence of float, or path, optional
        Their opinion scores on 0-10, higher is better, which the logistic is fitted to; or a CSV
        file of ``image,mos``.
    opinion_range : (worst, best), optional
        The ends of the file's scores; 0 and 100 unless given.
    out : path, optional
        A TOML file for the scale, which `scale=` takes, with how it was made; it must not be there
        yet.
    strict : bool
        Whether the first picture that the victim cannot score ends all. Otherwise it is left out of
        the fit, and warned of.
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
        If the victim is down, or can score no picture.
    """
    collected = gathered(pictures, recursive=recursive)
    own = None if opinions is None else _opinions(opinions, opinion_range, collected)
    out = None if out is None else located(out)
    if out is not None and out.exists():
        raise InputError(f"{out}: this is there already; name another file.")
    if out is not None and not os.access(absolute(out).parent, os.W_OK):
        raise InputError(f"{out}: this cannot be written.")
    calibration.check_count(len(collected))
    try:
        spec = VictimSpec.of(victim, options)
        scorer = made(spec, collected, ignore_memory=ignore_memory)
    except NoScaleError:  # a range is what comes of it
        spec = VictimSpec.of(victim, {**options, "score_range": (0, 1), "unbounded": True})
        scorer = made(spec, collected, ignore_memory=ignore_memory)
    scores = _told(_scores(scorer, collected, strict=strict), progress)
    natives = [each.score for each in _scored(scores, known=collected is pictures)]
    if own is not None:
        own = [each for each, score in zip(own, scores, strict=True) if not score.unscored]
    lower = scorer.card.scale.lower_is_better
    scale = calibration.fit(natives, lower_is_better=lower, opinions=own)
    if out is not None:
        rated = _rated(opinions, opinion_range)
        how = {"named_by": spec.written, "opinions": rated, "made_by": f"iqaudit {_version()}"}
        save_scale(out, scale, scorer, collected, how)
    return scale


def _opinions(
    opinions: Any, ends: tuple[float, float] | None, pictures: Pictures
) -> Sequence[float]:
    """Return pictures' opinion scores on 0-10, from their file or as they are."""
    if isinstance(opinions, str | os.PathLike):
        return read_opinions(located(opinions), pictures.paths, ends)
    found = [real_number("An opinion score", each) for each in several(opinions)]
    if len(found) != len(pictures):
        counts = f"{many(len(found), 'opinion score')} for {many(len(pictures), 'picture')}"
        raise InputError(f"Each picture has one opinion score; here are {counts}.")
    return found


def _rated(opinions: Any, ends: tuple[float, float] | None) -> str:
    """Say where opinion scores come from."""
    if isinstance(opinions, str | os.PathLike):
        worst, best = ends or (0, 100)
        return f"{os.fspath(opinions)}, {worst:g} to {best:g}"
    return "none" if opinions is None else "given as numbers from 0 to 10"


def _version() -> str:
    return version("iqaudit")


def list_victims() -> Mapping[str, str]:
    """Return the forms of victims' strings, each with a line on it."""
    return {kind.spec: kind.line for kind in KINDS.values()}


def list_attacks() -> Mapping[str, str]:
    """Return the names of attacks, each with a line on it."""
    return {name: line for name, (_, line) in ATTACKS.items()}


def list_defences() -> Mapping[str, str]:
    """Return the forms of defences' strings, each with a line on it."""
    return {form(name): line(name) for name in DEFENCES}


def list_datasets() -> Mapping[str, str]:
    """Return the forms of data sets' strings, each with a line on it."""
    return {kind.spec: kind.line for kind in datasets.KINDS.values()}
