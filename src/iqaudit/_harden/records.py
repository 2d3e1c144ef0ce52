"""The record of a hardening, harden.json: what was asked, what was chosen, what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iqaudit._analysis.defences.records import DefenceTable
from iqaudit._runs.figures import IF_ANY

HARDEN, FORMAT = "harden.json", "iqaudit hardening, version 1"
WEIGHTS, SCALE, BEFORE, CARD, AUDIT, TRAINING = (
    "weights.safetensors",
    "scale.toml",
    "before.toml",
    "card.md",
    "audit",
    "training",
)
"""The files of a hardening, and the folders of its audit and, until that, of its training."""

EPOCHS = 18
"""Of a training, at the most, unless said."""

METHODS = {
    "slopes": "A new linear head, in closed form: it fits clean scores, and moves little along "
    "random sign patterns.",
    "attacked": "A new linear head, in closed form: it fits clean scores, and moves little along "
    "the changes of attacks, each made afresh on the head before.",
    "train": "The whole network, trained: its squared error falls, and so does the square of how "
    "far three gradient steps within the threat move it.",
}
"""The ways to harden, each with a sentence."""


@dataclass(frozen=True, kw_only=True)
class SetRecord:
    """Pictures: how many, how many of them people rated, and the hash of their pixels' hashes.

    What they are called decides nothing.
    """

    name: str = field(compare=False)
    pictures: int
    rated: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class AskedRecord:
    """What was asked: where it is the same, a later start goes on.

    Attributes
    ----------
    victim : str
    victim_options : mapping
        The base victim's, as an audit's manifest has them.
    fingerprint : tuple of float
        Its scores of two fixed pictures.
    method : str
        Of `METHODS`.
    rounds : int
        Attacks on heads, each on the one before.
    loss : float
        Of SROCC, of held-out pictures, that may be paid.
    epochs : int
        Of a training, at the most.
    levels, seed : int
    campaign : mapping
        The audit before and after.
    data, test : SetRecord
        The pictures that were fitted on, and those of the audit.
    """

    victim: str
    victim_options: Mapping[str, Any]
    fingerprint: tuple[float, float]
    method: str
    rounds: int
    loss: float
    epochs: int
    levels: int
    seed: int
    campaign: Mapping[str, Any]
    data: SetRecord
    test: SetRecord


@dataclass(frozen=True, kw_only=True)
class FitRecord:
    """A head that was fitted.

    Attributes
    ----------
    rows : int
        Differences of features that it moves little along.
    ridge, penalty : float
        The weights that were chosen: toward the old head, and against movement.
    srocc_before, srocc, srocc_best : float
        With the targets: of the old head; of pictures held out in turn, with the weights that were
        chosen and with the best.
    moved_before, moved : float
        The root mean square of the movement along the rows, over the deviation of clean outputs: of
        the old head; of pictures held out in turn, with the weights that were chosen.
    cosine : float
        Of the new head to the old.
    """

    rows: int
    ridge: float
    penalty: float
    srocc_before: float
    srocc: float
    srocc_best: float
    moved_before: float
    moved: float
    cosine: float


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """An epoch of a training.

    Attributes
    ----------
    error, movement : float
        Root mean squares, on 0-10: of quality to opinion scores, and of how far it was moved.
    srocc : float
        With the opinion scores of the pictures held out, of the mean of the latest weights.
    """

    error: float
    movement: float
    srocc: float


@dataclass(frozen=True, kw_only=True)
class HardenRecord:
    """A hardening: harden.json.

    Attributes
    ----------
    spec : str
        The hardened victim's string; of an object its options alone. Empty until it is made.
    fits : tuple of FitRecord
        One a round; none of training.
    epochs : tuple of EpochRecord
        Of training.
    table : DefenceTable or None
        Before and after, once the audit is finished.
    """

    versions: Mapping[str, str]
    asked: AskedRecord
    spec: str = ""
    weights_sha256: str = ""
    fits: tuple[FitRecord, ...] = field(default=(), metadata=IF_ANY)
    epochs: tuple[EpochRecord, ...] = field(default=(), metadata=IF_ANY)
    table: DefenceTable | None = None
