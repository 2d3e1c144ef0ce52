"""Records of runs and audits: the values that their JSON files hold.

Keys are written in the order of the fields, those of a base class first. A field with a default is
a key that an older version did not write, or that a writer may leave out.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

import msgspec

from iqaudit._core import goal
from iqaudit._core.errors import InputError
from iqaudit._core.goal import AnyGoal, Direction, Place
from iqaudit._core.scale import Scale
from iqaudit._runs.figures import IF_ANY, Likeness, Row, Summary
from iqaudit._search.stop import Outcome
from iqaudit._search.trial import Unscored, on_unscored
from iqaudit.victims._base import Card

MOST_QUERIES = 2**53
"""Beyond which a float, as figures are, tells one number from the next no longer."""

OMITTED: Any = msgspec.UNSET
"""The value of an optional key that a record does not write."""

FLAT = "."
"""The folder of the one cell of a flat audit: the audit's own."""


@dataclass(frozen=True, kw_only=True)
class ScaleRecord:
    """A score scale; null for an end that is infinite."""

    center: float
    spread: float
    low: float | None
    high: float | None
    lower_is_better: bool
    source: str
    fitted: bool = False
    basis: str = field(default="", metadata=IF_ANY)

    @classmethod
    def of(cls, scale: Scale) -> Self:
        """Return the record of a scale."""
        ends = (end if math.isfinite(end) else None for end in (scale.low, scale.high))
        return cls(**(asdict(scale) | dict(zip(("low", "high"), ends, strict=True))))

    def scale(self) -> Scale:
        """Return the scale."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return Scale(**(asdict(self) | {"low": low, "high": high}))

    def agrees(self, scale: Scale) -> bool:
        """Tell whether a scale maps scores as this one does; `fitted` and `basis` map none."""
        return replace(self, fitted=scale.fitted, basis=scale.basis) == ScaleRecord.of(scale)


@dataclass(frozen=True, kw_only=True)
class CardRecord:
    """A victim's card."""

    name: str
    note: str
    device: str
    cost: int = 1
    noise: float = 0.0
    incremental: bool = field(default=False, metadata=IF_ANY)
    scale: ScaleRecord

    @classmethod
    def of(cls, card: Card, **others: Any) -> Self:
        """Return the record of a card, with a subclass's other keys."""
        keys = {each.name: getattr(card, each.name) for each in fields(CardRecord)}
        return cls(**keys | {"scale": ScaleRecord.of(card.scale)}, **others)


@dataclass(frozen=True, kw_only=True)
class VictimRecord(CardRecord):
    """A run's victim; its string and its options, by which it is made again, where they are known.

    They are left out of a victim that was given as an object, and of a service, whose string may be
    secret.
    """

    spec: str | None = None
    options: Mapping[str, Any] | None = None


class AttackRecord:
    """An attack's class, and its hyper-parameters: free keys beside `name`.

    A class that is not bundled has its module in its name, ``python:MODULE:CLASS``.
    `white_box` is among them, as true, where it follows the victim's gradient, and `shared` where
    it makes one change for many pictures.
    """

    __slots__ = ("name", "settings")

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name, self.settings = name, settings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttackRecord) and self.keys() == other.keys()

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, keys: Mapping[str, Any]) -> Self:
        """Return the record of its keys and values in JSON."""
        settings = dict(keys)
        return cls(settings.pop("name"), settings)

    def keys(self) -> dict[str, Any]:
        """Return its keys and values in JSON."""
        return {"name": self.name, **self.settings}


@dataclass(frozen=True, kw_only=True)
class PictureRecord(Row):
    """A picture of a run: its figures, where it was read from, hashes, and the opinion of people.

    `trace` has the query and the native score of each step that was better than all before it;
    `checkpoints` has the likeness of the best picture at budgets that the search went beyond;
    `fresh` the native scores whose mean `attacked_score` is; `place`, where an order was to be
    broken, the native score to come near to, how near, the answers before which the search did
    not end, and its budget; `edits` the sizes of the edits that made the attacked picture, where
    its attack names them; `steepness` by how much a change of one level moves the clean native
    score at the most, as the gradient foretells that a white box followed. The last three keys are
    an audit's, null where its data set does not say.
    """

    file: str | None = None
    notes: tuple[str, ...] = ()
    clean_pixels_sha256: str
    attacked_file_sha256: str
    clean_file_sha256: str = field(default="", metadata=IF_ANY)
    scores_file_sha256: str = field(default="", metadata=IF_ANY)
    trace: tuple[tuple[int, float], ...]
    checkpoints: tuple[Likeness, ...] = field(default=(), metadata=IF_ANY)
    fresh: tuple[float, ...] = field(default=(), metadata=IF_ANY)
    place: tuple[float, float, int, int] | None = field(default=None, metadata=IF_ANY)
    edits: Mapping[str, float] = field(default_factory=dict, metadata=IF_ANY)
    steepness: float | None = field(default=None, metadata=IF_ANY)
    opinion: float | None = None
    distortion: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        if self.outcome.upper() not in Outcome.__members__:
            raise ValueError(f"{self.outcome!r} is not a valid Outcome")
        Direction(self.direction)

    @property
    def figures(self) -> Row:
        """The figures alone."""
        return Row(**{each.name: getattr(self, each.name) for each in fields(Row)})


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run: results.json.

    `unscored` are pictures that the victim could not score; of one whose search had begun,
    `pictures` has the best until then.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    victim: VictimRecord
    attack: AttackRecord
    levels: int
    goal: str
    queries: int
    early_stop: float | None = None
    until_plateau: int | None = None
    seed: int
    summary: Summary
    pictures: tuple[PictureRecord, ...]
    unscored: tuple[Unscored, ...] = field(default=(), metadata=IF_ANY)

    @property
    def shared(self) -> bool:
        """Whether its attack made one change for many pictures."""
        return bool(self.attack.settings.get("shared"))

    @property
    def for_others(self) -> range:
        """The places, from 0, of answers that were asked for the change of other pictures."""
        return range(1, self.queries // self.victim.cost - 1) if self.shared else range(0)

    def goal_of(self, picture: PictureRecord) -> AnyGoal | Place:
        """Return the goal of a picture's search."""
        return goal.named(self.goal) if picture.place is None else Place(*picture.place)

    def budget_of(self, picture: PictureRecord) -> int:
        """Return the budget of a picture's search."""
        return self.queries if picture.place is None else picture.place[-1]

    @property
    def left_out(self) -> str:
        """The sentence on the pictures that the victim could not score; empty without any."""
        names = {each.name for each in self.pictures} | {each.name for each in self.unscored}
        return on_unscored(self.unscored, len(names))

    def __post_init__(self) -> None:
        try:
            goal.named(self.goal)
        except InputError:
            raise ValueError(f"{self.goal!r} is not a valid Goal") from None
        refuse_doubles(each.name for each in self.pictures)
        if not 0 < self.queries <= MOST_QUERIES:
            raise ValueError(f"Expected queries from 1 to {MOST_QUERIES:,}")


def refuse_doubles(names: Iterable[str]) -> None:
    """Raise a ValueError where a name is there twice."""
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"{twice[0]!r} is there twice")


@dataclass(frozen=True, kw_only=True)
class SampleRecord:
    """A picture of an audit, before any attack."""

    name: str
    file: str | None
    height: int
    width: int
    sha256: str
    opinion: float | None = None
    distortion: str | None = None
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """The pictures of an audit; `label` is the data set's kind of opinion score."""

    name: str
    folder: str = ""
    label: Mapping[str, Any] | None = None
    pictures: tuple[str, ...]
    samples: tuple[SampleRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Named:
    """The string and the options that a victim was named by."""

    victim: str
    victim_options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AuditVictim(CardRecord, _Named):
    """A victim of an audit, and its scores of two fixed pictures, of which there are editions."""

    fingerprint: tuple[float, float]
    fingerprint_edition: int = field(default=0, metadata=IF_ANY)

    def is_of(self, cell: "CellRecord") -> bool:
        """Tell whether a cell is this victim's."""
        return (self.victim, self.victim_options) == (cell.victim, cell.victim_options)


@dataclass(frozen=True, kw_only=True)
class AttackVersion:
    """An attack of an audit: its name, its hyper-parameters, and a digest of its code.

    The digest is null where there is no source.
    """

    name: str
    settings: AttackRecord
    code: str | None


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """A cell of an audit, as it was planned; `shorter` are the budgets read off its searches."""

    folder: str
    victim: str
    victim_options: Mapping[str, Any]
    attack: str
    levels: int
    goal: str
    seed: int
    queries: int
    shorter: tuple[int, ...] = field(default=(), metadata=IF_ANY)


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """An audit's manifest: audit.json.

    `protocol` is raised where the same settings come to other answers; `libraries` are those that
    victims may read and resize pictures with; `campaign` has the settings as they were given.
    """

    protocol: int
    versions: Mapping[str, str]
    hardware: Mapping[str, Any] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict, metadata=IF_ANY)
    campaign: Mapping[str, Any]
    attacks: tuple[AttackVersion, ...] = field(default=(), metadata=IF_ANY)
    data: DataRecord
    victims: tuple[AuditVictim, ...]
    cells: tuple[CellRecord, ...]

    def __post_init__(self) -> None:
        refuse_doubles(each.folder for each in self.cells)
        refuse_doubles(self.data.pictures)

    @property
    def suite(self) -> str:
        """The name of the suite that its settings are of; empty without one."""
        name = self.campaign.get("suite")
        return name if isinstance(name, str) else ""

    @property
    def flat(self) -> bool:
        """Whether the one cell lies in the audit's own folder."""
        return [cell.folder for cell in self.cells] == [FLAT]

    def victim_of(self, cell: CellRecord) -> AuditVictim:
        """Return a cell's victim."""
        return next(each for each in self.victims if each.is_of(cell))

    def cell(self, folder: str) -> CellRecord | None:
        """Return the cell of a folder's name; None where there is none."""
        return next((each for each in self.cells if each.folder == folder), None)
