"""Score scales in TOML files, with the pictures and the victim that they were fitted to."""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import numpy as np

from iqaudit._core.errors import InputError, naming
from iqaudit._core.paths import located
from iqaudit._core.picture import Picture
from iqaudit._core.scale import Scale
from iqaudit.victims._base import ELSEWHERE, Victim
from iqaudit.victims._fingerprint import EDITION, NOISE_TOLERANCE, fingerprint

SAME = 0.01
"""Share of S by which a victim's fingerprint may differ from the one that a scale was fitted to: no
quality then moves by more than 0.025. Noise comes on top."""


def save_scale(
    path: str | os.PathLike[str],
    scale: Scale,
    victim: Victim,
    pictures: Sequence[Picture],
    how: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a scale with its pictures' hash and its victim's fingerprint: two scores more.

    Parameters
    ----------
    path : path
        The TOML file.
    scale : Scale
        The fitted scale.
    victim : Victim
        Its victim, of which the file has the name and the fingerprint.
    pictures : sequence of Picture
        Its pictures, of which the file has their number and a hash of their hashes.
    how : mapping
        What else tells how the scale was made, for people.
    """
    together = hashlib.sha256("".join(sorted(each.sha256 for each in pictures)).encode())
    # JSON's strings, numbers and booleans are TOML's.
    values = {
        "victim": victim.card.name,
        "fingerprint": fingerprint(victim),
        "fingerprint_edition": EDITION,
        **{name: value for name, value in asdict(scale).items() if name != "fitted"},
        "pictures": len(pictures),
        "pictures_sha256": together.hexdigest(),
        **how,
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    with naming(path):
        located(path).write_text("\n".join(lines) + "\n", "utf-8")


def load_scale(path: str | os.PathLike[str]) -> Scale:
    """Read a scale's file.

    Raises
    ------
    InputError
        If it is missing, or is not one.
    """
    values = _read(path)
    try:
        center, spread = float(values["center"]), float(values["spread"])
        low, high = float(values["low"]), float(values["high"])
        lower, source = bool(values["lower_is_better"]), f"{values['source']} ({values['victim']})"
        return Scale(center, spread, low, high, lower, source, fitted=True)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise InputError(f"{path}: this is no scale file ({error}).") from None


def refuse_another(path: str | os.PathLike[str], victim: Victim) -> None:
    """Raise an `InputError` where a scale's file was fitted to a victim that scores otherwise.

    Asks for the two scores of a fingerprint; for none where the file holds no fingerprint, or the
    victim is a service, whose scores may be paid for.
    """
    values = _read(path)
    if "fingerprint" not in values or victim.card.device == ELSEWHERE:
        return
    try:
        expected = plain, noisy = tuple(float(score) for score in values["fingerprint"])
        edition = int(values.get("fingerprint_edition", 0))
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: this is no scale file (fingerprint: {error}).") from None
    scores = fingerprint(victim, edition)
    allowed = SAME * victim.card.scale.spread + NOISE_TOLERANCE * victim.card.noise
    if not np.allclose(scores, expected, rtol=0, atol=allowed):
        raise InputError(
            f'{path}: this scale was fitted to "{values["victim"]}" when that scored two fixed '
            f'pictures {plain:.6g} and {noisy:.6g}; "{victim.card.name}" scores them '
            f"{scores[0]:.6g} and {scores[1]:.6g}: it is another, or answers at random. Calibrate "
            'again or, to take the scale all the same, remove the line "fingerprint" from the file.'
        )


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(located(path).read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such scale file.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: this is no scale file ({error}).") from None
