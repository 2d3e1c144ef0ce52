"""The victim that is hardened, and the same with other weights."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from iqaudit._core.errors import InputError
from iqaudit._core.picture import Pixels
from iqaudit._harden.weights import content
from iqaudit.victims._base import Victim
from iqaudit.victims._defended import defences_of
from iqaudit.victims._fingerprint import tolerance
from iqaudit.victims._options import Declared
from iqaudit.victims._scoring import score
from iqaudit.victims._spec import VictimSpec, unasked

SCALES = {*Declared.__annotations__, "dataset"}
"""Options that say a scale."""


class Base:
    """A victim with weights of torch's, made without asking it anything.

    Parameters
    ----------
    victim : str, VictimSpec or torch.nn.Module
    options : mapping
        As `iqaudit.victims.as_victim` takes them.

    Raises
    ------
    InputError
        If it has no such weights, or stands behind defences.
    """

    def __init__(self, victim: Any, options: Mapping[str, Any]) -> None:
        self._object, self._options = victim, options
        self.spec = VictimSpec.of(victim, options)
        self.victim: Victim = unasked(self.spec)
        self.label = self.victim.card.name if self.spec.base else self.spec.label
        weights = getattr(self.victim, "weights", None)
        if not isinstance(weights, nn.Module):
            raise InputError(
                f'The victim "{self.label}" shows no weights of a torch network: reference, a '
                "torch module, a published model with its checkpoint can be hardened."
            )
        if defences_of(self.victim) or "repeats" in self.spec.options:
            raise InputError(
                f'The victim "{self.label}" is defended, or its answers are averaged: harden it '
                "without, and put the defence before what comes of it."
            )
        self.weights = weights

    @property
    def module(self) -> nn.Module:
        """The whole network."""
        module: nn.Module = self.victim.module  # type: ignore[attr-defined]
        return module

    def other(self, *, without: frozenset[str] = frozenset(), **options: Any) -> VictimSpec:
        """Return the victim with other options, and without some."""
        said = self._options if self.spec.base else self.spec.options
        without |= options.keys() | ({"untrained"} if "checkpoint" in options else set())
        kept = {key: value for key, value in said.items() if key not in without}
        if self.spec.base is None:
            return VictimSpec(self.spec.spec, {**kept, **options})
        return VictimSpec.of(self._object, {**kept, **options})

    def scaled(self, scale: Path, **options: Any) -> VictimSpec:
        """Return the victim with the scale of a file, in place of its own, and other options."""
        return self.other(without=frozenset(SCALES), scale=str(scale), **options)

    def refuse_unless_loaded(self, pixels: Pixels) -> None:
        """Refuse a victim that takes no checkpoint, or scores by more than what one holds.

        Raises
        ------
        InputError
            If its own weights, saved and loaded, score a picture otherwise.
        VictimError
            If it fails.
        """
        saved = content(self.weights.state_dict())
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weights.safetensors"
            file.write_bytes(saved)
            again = unasked(self.other(checkpoint=str(file)))
            before, after = (score(each, pixels) for each in (self.victim, again))
        if abs(after - before) > tolerance(self.victim.card):
            raise InputError(
                f'The victim "{self.label}" scores by more than its state dict, which a file of '
                "weights holds: it cannot be hardened."
            )
