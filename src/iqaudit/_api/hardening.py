"""A hardening under way: prepared, made, and compared with its base; all of it can be taken up."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

from iqaudit._analysis.analyse import Watch
from iqaudit._analysis.findings.pairs import pairs
from iqaudit._analysis.scorers import label_of
from iqaudit._api.audit import Audit, audit
from iqaudit._api.settings import audit_settings
from iqaudit._assess.cost import duration
from iqaudit._audit.estimate import estimate
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import Data
from iqaudit._core.errors import InputError, real_number, unknown, whole_number
from iqaudit._core.paths import refuse_unwritable
from iqaudit._core.picture import Pixels
from iqaudit._core.threads import cores, one_thread
from iqaudit._harden import closed, scales, trained
from iqaudit._harden.base import Base
from iqaudit._harden.card import card
from iqaudit._harden.features import BLOCKS
from iqaudit._harden.records import (
    AUDIT,
    BEFORE,
    CARD,
    FORMAT,
    HARDEN,
    METHODS,
    SCALE,
    WEIGHTS,
    AskedRecord,
    HardenRecord,
)
from iqaudit._harden.sets import ATTACKED, listed, split
from iqaudit._harden.trained import PASSES, Tell
from iqaudit._runs import schema
from iqaudit._runs.checksums import file_sha256
from iqaudit._runs.store import versions, write_record, write_whole
from iqaudit._search.driver import check_sizes
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._scoring import score
from iqaudit.victims._spec import VictimSpec, unasked

Observing: TypeAlias = Callable[[], AbstractContextManager[Observer | None]]
"""Called before each audit; its context gives the observer."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked of a hardening, and how it is to be executed.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    method: str
    rounds: int
    loss: float
    epochs: int
    licence: str
    levels: int
    seed: int
    settings: Mapping[str, Any]
    how: Mapping[str, Any]
    tell: Tell
    watch: Watch
    observing: Observing

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise unknown("method of hardening", self.method, METHODS)
        if whole_number("rounds", self.rounds) < 1:
            raise InputError(f"Hardening takes at least 1 round, not {self.rounds}.")
        if whole_number("epochs", self.epochs) < 1:
            raise InputError(f"Training takes at least 1 epoch, not {self.epochs}.")
        if not 0 <= real_number("A loss of SROCC", self.loss) < 1:
            raise InputError(f"A loss of SROCC runs from 0 to below 1, not {self.loss}.")


class Hardening:
    """A hardening, checked as far as it can be before its directory is touched.

    Parameters
    ----------
    root : Path
        Its directory.
    base : Base
        The victim.
    data, test : Data
        The pictures to fit on, and others; None where some of the first are held out.
    wish : Wish

    Raises
    ------
    InputError
        If something cannot be used.
    VictimError
        If the victim fails.
    """

    def __init__(self, root: Path, base: Base, data: Data, test: Data | None, wish: Wish) -> None:
        self.root, self.base, self.wish = root, base, wish
        self._data, self._test = data, test
        self._spec = self.after if base.spec.base is None else None
        if not self._is_named():
            raise InputError(f"{root}: no victim's string can name files there; take another name.")
        self.part, self.tested = split(data, test, root, wish.seed)
        for each in (self.part, self.tested):
            check_sizes(base.victim, each.pictures)
        base.refuse_unless_loaded(self.part.pictures[0].pixels)
        if wish.method == "train":
            trained.refuse(base, self.part)
        self._head = None if wish.method == "train" else closed.head(base, self.part)

    def _is_named(self) -> bool:
        """Tell whether the hardened victim's string is read as it is meant."""
        with suppress(InputError):
            return self._spec is None or VictimSpec.parse(self.spec) == self._spec
        return False

    @property
    def spec(self) -> str:
        """The hardened victim's string; of an object, its options."""
        if self._spec is not None:
            return label_of(self._spec.spec, self._spec.options)
        return ",".join(f"{key}={value}" for key, value in self.options.items())

    @property
    def options(self) -> dict[str, str]:
        """The options that make the hardened victim of its base, in place of a scale of its own."""
        name = f"{self.base.label}+{self.wish.method}"
        files = {"checkpoint": WEIGHTS, "scale": SCALE}
        return {**{key: str(self.root / file) for key, file in files.items()}, "name": name}

    @cached_property
    def asked(self) -> AskedRecord:
        """The record of what was asked."""
        base, wish = self.base, self.wish
        campaign = audit_settings(
            victims=[base.spec], data=_keys(self._other, self.root / "test.txt"), **wish.settings
        )
        with one_thread():
            scores = fingerprint(base.victim)
        keys = {
            "victim": base.spec.spec,
            "victim_options": base.spec.public,
            "fingerprint": scores,
            "campaign": campaign.record([base.label]),
        }
        return AskedRecord(
            **json.loads(json.dumps(keys)) | {"fingerprint": scores},
            method=wish.method,
            rounds=wish.rounds,
            loss=wish.loss,
            epochs=wish.epochs,
            levels=wish.levels,
            seed=wish.seed,
            data=self.part.record,
            test=self.tested.record,
        )

    @property
    def _other(self) -> Data:
        return self._data if self._test is None else self._test

    def taken_up(self) -> HardenRecord | None:
        """Return the record of the same hardening; None where the directory is free.

        Raises
        ------
        InputError
            If it holds something else, or another hardening, or cannot be written.
        """
        record = schema.read(self.root / HARDEN, FORMAT, HardenRecord)
        if record is None:
            refuse_unwritable(self.root)
            with suppress(FileNotFoundError, NotADirectoryError):
                if any(self.root.iterdir()):
                    raise InputError(f"{self.root}: this is not empty, and no hardening.")
            return None
        for name, value in vars(self.asked).items():
            if getattr(record.asked, name) != value:
                raise InputError(
                    f"{self.root}: this hardening was begun with another {name}; name another "
                    "folder."
                )
        return record

    def plan(self) -> str:
        """Return a sentence on what it takes, and about how long."""
        settings = self.wish.settings
        cells = audit_settings(victims=[self.base.spec], data=_keys(self._other, None), **settings)
        made = estimate(cells, self.wish.how.get("workers"))
        share, each = made.shares[0], made.shares[0].queries / max(1, made.pictures)
        rounds = self.wish.rounds if self.wish.method == "attacked" else 0
        drawn = min(ATTACKED, len(self.part.pictures))
        queries = round(each * (2 * len(self.tested.pictures) + rounds * drawn))
        pictures, pace = len(self.part.pictures), (share.seconds or 0.0) / max(1, share.queries)
        of_method = {"slopes": len(BLOCKS), "train": PASSES * self.wish.epochs}
        passes = pictures * (2 + of_method.get(self.wish.method, 0))
        seconds = queries * pace / made.workers + passes * self._pass()
        held = "" if self._test else f", held out of {self._data.spec or 'the pictures'}"
        return (
            f"{pictures} pictures to fit on, {len(self.tested.pictures)} to test"
            f"{held}; about {passes:,} passes and at most {queries:,} queries, "
            f"about {duration(seconds)}."
        )

    def _pass(self) -> float:
        """Return the seconds of a dense pass, on all cores where the method's passes are."""
        pixels, at_once = self.part.pictures[0].pixels, 1
        if self.wish.method == "train":
            pixels, at_once = trained.cut(self.base, pixels), cores()
        with one_thread():
            begun = time.perf_counter()
            score(self.base.victim, pixels)
            return (time.perf_counter() - begun) / at_once

    def run(self, record: HardenRecord | None) -> HardenRecord:
        """Make the weights, then the table; return the finished record."""
        self.root.mkdir(parents=True, exist_ok=True)
        if record is None:
            made = {**versions(), "scipy": version("scipy")}
            record = HardenRecord(versions=made, asked=self.asked)
            write_record(self.root / HARDEN, FORMAT, record)
        weights = self.root / WEIGHTS
        if not (record.spec and weights.exists() and file_sha256(weights) == record.weights_sha256):
            record = self._weights(record)
        closed.forget(self.root)
        trained.forget(self.root)
        done = self._audited(self.tested_data(), AUDIT, self.before, self.after)
        done.compare_defences(self.wish.watch)
        record = replace(record, table=done.defences)  # without the seconds, which are of now
        text = card(record, self.base.victim.card.note, self.wish.licence)
        write_whole(self.root / CARD, text.encode())
        write_record(self.root / HARDEN, FORMAT, record)
        return record

    def tested_data(self) -> Data:
        """Return the data of the audit before and after."""
        if self._test is not None:
            return self._test
        return listed(self._data, self.tested, self.root / "test.txt")

    @property
    def before(self) -> VictimSpec:
        """The base victim, with a scale fitted as the hardened one's is."""
        return self.base.scaled(self.root / BEFORE, name=self.base.label)

    @property
    def after(self) -> VictimSpec:
        """The hardened victim."""
        options = self.options
        return self.base.scaled(Path(options.pop("scale")), **options)

    def _weights(self, record: HardenRecord) -> HardenRecord:
        """Write the weights and their scale, and the record of them."""
        given = self.base, self.part, self.asked, self.root, self.wish.watch
        if self._head is None:
            made, epochs = trained.harden(*given, self.wish.tell)
            record = replace(record, epochs=epochs)
        else:
            made, fits = closed.harden(*given, self._head, self._attacked)
            record = replace(record, fits=fits)
        file = write_whole(self.root / WEIGHTS, made)
        hardened = unasked(self.base.other(checkpoint=str(file)))
        scales.ask(self.root / SCALE, hardened, self.part, self.wish.watch)
        record = replace(record, spec=self.spec, weights_sha256=file_sha256(file), table=None)
        write_record(self.root / HARDEN, FORMAT, record)
        return record

    def _attacked(self, number: int, victim: VictimSpec) -> Iterator[tuple[Pixels, Pixels]]:
        """Attack a victim on pictures of a round, and yield each clean and attacked."""
        drawn = self.part.drawn(min(ATTACKED, len(self.part.pictures)), self.wish.seed + number)
        (self.root / closed.ROUNDS).mkdir(exist_ok=True)
        names = self.root / closed.ROUNDS / f"{number}.txt"
        data = listed(self._data, self.part.taken(drawn), names)
        done = self._audited(data, f"{closed.ROUNDS}/{number}", victim)
        for cell in schema.runs(done.path):
            for pair in pairs(cell.resolve(), schema.load(cell)):
                yield pair.clean(), pair.attacked()

    def _audited(self, data: Data, name: str, *victims: VictimSpec) -> Audit:
        """Audit victims into a folder of the directory."""
        with self.wish.observing() as observer:
            return audit(
                list(victims),
                _keys(data, None),
                **self.wish.settings,
                **self.wish.how,
                out=self.root / name,
                analyses=False,
                observer=observer,
            )


def _keys(data: Data, subset: Path | None) -> dict[str, Any]:
    """Return data as `iqaudit.audit` takes it, or a part of it that a file lists."""
    drawing = data.drawing
    keys = {
        "spec": data.spec or None,
        "pictures": data.pictures or None,
        "opinion_range": data.opinion_range,
        "recursive": data.recursive or None,
        "subset": drawing.subset if subset is None else str(subset),
        "sample": drawing.count,
        "stratify": drawing.stratify,
        "seed": drawing.seed,
    }
    return {key: value for key, value in keys.items() if value is not None}
