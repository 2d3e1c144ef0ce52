"""The registry of defences: every one that a string can name."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from iqaudit._core.errors import InputError, unknown, whole_number
from iqaudit._core.importing import import_object
from iqaudit._core.picture import Pixels
from iqaudit.defences import _answers, _pictures
from iqaudit.defences._base import Defence, Draw, Scores, Standard

BETWEEN = "@"
"""Stands between two numbers of a defence's string."""

PYTHON = "python"

DEFENCES = MappingProxyType(
    {
        "jpeg": _pictures.Jpeg,
        "webp": _pictures.Webp,
        "blur": _pictures.Blur,
        "median": _pictures.Median,
        "bits": _pictures.Bits,
        "resize": _pictures.Resize,
        "denoise": _pictures.Denoise,
        "mirror-mean": _pictures.MirrorMean,
        "noise": _pictures.Noise,
        "crop": _pictures.Crop,
        "smooth": _pictures.Smooth,
        "median-crops": _pictures.MedianCrops,
        "round": _answers.Round,
        "sawtooth": _answers.Sawtooth,
        "stairs": _answers.Stairs,
    }
)
"""Every defence's class, by the name that a string has for it."""


def named(text: str) -> Standard:
    """Return the defence of a string, as ``"jpeg:75"``, ``"smooth:50@8"``, ``"mirror-mean"``.

    Parameters
    ----------
    text : str
        A name of `DEFENCES` and the class's numbers in order, or ``python:package.module:name`` for
        one of your own. Numbers that are left out are the usual ones.

    Raises
    ------
    InputError
        If there is no such defence, or a number is missing, surplus or of no use.
    """
    name, _, rest = text.partition(":")
    if name == PYTHON:
        return standard(import_object(text), text)
    if name not in DEFENCES:
        raise unknown("defence", name, [*DEFENCES, f"{PYTHON}:MODULE:NAME"])
    made_by: Any = DEFENCES[name]
    takes = fields(made_by)
    given = rest.split(BETWEEN) if rest else []
    read: dict[Any, Any] = {int: int, float: float}
    try:
        if len(given) > len(takes):
            raise ValueError  # noqa: TRY301 (the sentence below is about it)
        values = [read[each.type](value) for each, value in zip(takes, given, strict=False)]
        made: Standard = made_by(*values)
    except InputError as error:
        raise InputError(f'The defence "{text}": {error}') from None
    except (TypeError, ValueError):
        raise InputError(f'The defence "{text}" is not of the form {form(name)}.') from None
    return made


def form(name: str) -> str:
    """Return the form of a defence's string, as ``smooth:COPIES@SIGMA``."""
    made_by: Any = DEFENCES[name]
    return ":".join(
        filter(None, (name, BETWEEN.join(each.name.upper() for each in fields(made_by))))
    )


def line(name: str) -> str:
    """Return a line on a defence."""
    return (DEFENCES[name].__doc__ or "").partition("\n")[0].rstrip(".")


def spec(defence: Standard) -> str:
    """Return a defence's string, with all its numbers; of one's own, its class's name."""
    if isinstance(defence, Own):
        return defence.spec
    known: Any = defence  # a dataclass, where it is in the table
    for name, made_by in DEFENCES.items():
        if type(defence) is made_by:
            numbers = BETWEEN.join(f"{vars(defence)[each.name]:g}" for each in fields(known))
            return ":".join(filter(None, (name, numbers)))
    return type(defence).__name__


@dataclass(frozen=True)
class Own(Standard):
    """A defence of one's own, whose pictures and answers are looked at."""

    defence: Defence
    spec: str

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether it draws random numbers."""
        return bool(getattr(self.defence, "draws", False))

    @property
    def reach(self) -> int | None:  # type: ignore[override]
        """How many pixels away those lie that a pixel depends on."""
        reach = getattr(self.defence, "reach", None)
        return None if reach is None else whole_number("reach", reach, 0)

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:
        """Return the pictures that are scored in a picture's place; see `Defence`."""
        pictures = np.asarray(self.defence.pictures(picture.copy(), draw))
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3:] != (3,):  # noqa: PLR2004
            raise InputError(
                f'The defence "{self.spec}" gave {pictures.dtype} of shape {pictures.shape} where '
                "uint8 of shape (n, height, width, 3) is due."
            )
        if not pictures.size:
            raise InputError(f'The defence "{self.spec}" gave no picture.')
        return pictures

    def answer(self, scores: Scores) -> float:
        """Return the answer that is given for their scores; see `Defence`."""
        return float(self.defence.answer(scores.copy()))


def standard(defence: Any, text: str = "") -> Standard:
    """Return a defence of one's own as one of ours; one of ours as it is.

    Raises
    ------
    InputError
        If it is no defence.
    """
    if isinstance(defence, type):
        defence = defence()
    if isinstance(defence, Standard):
        return defence
    if not isinstance(defence, Defence):
        raise InputError(
            f"{text or type(defence).__name__}: a defence has two functions, pictures(picture, "
            "draw) and answer(scores); see iqaudit.defences.Defence."
        )
    return Own(defence, text or type(defence).__name__)


def chain(defences: Iterable[str | Defence]) -> tuple[Standard, ...]:
    """Return defences by their strings, or as they are."""
    return tuple(named(each) if isinstance(each, str) else standard(each) for each in defences)


def written(defence: Any) -> Any:
    """Return the whole string of a defence, by its string or itself; of one's own, itself.

    A string that names a module stays as it is, and nothing is imported.

    Raises
    ------
    InputError
        If there is no such defence.
    """
    if isinstance(defence, str) and defence.partition(":")[0] == PYTHON:
        return defence
    made = named(defence) if isinstance(defence, str) else standard(defence)
    return spec(made) if type(made) in DEFENCES.values() else defence
