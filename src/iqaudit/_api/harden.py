"""Hardening: weights that are harder to push, and the table before and after."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iqaudit import datasets
from iqaudit._analysis.analyse import Watch, unwatched
from iqaudit._analysis.defences.records import DefenceTable
from iqaudit._api.audit import Audit
from iqaudit._api.settings import audit_settings
from iqaudit._audit.engines.registry import Engine
from iqaudit._audit.spec import Data
from iqaudit._core.errors import InputError
from iqaudit._core.paths import located
from iqaudit._core.settings import several
from iqaudit._harden.records import AUDIT, CARD, EPOCHS, SCALE, WEIGHTS
from iqaudit._runs.store import exclusive, tidied, writing
from iqaudit.attacks._base import Attack, is_white_box


@dataclass(frozen=True)
class Hardened:
    """A hardened victim on disk.

    Attributes
    ----------
    path : Path
        The directory.
    spec : str
        Its string, which every command takes; of an object the options alone.
    options : mapping
        What makes it of its base victim, in place of the base's own scale:
        ``iqaudit.attack(pictures, module, **hardened.options)``.
    table : DefenceTable
        Before and after.
    """

    path: Path
    spec: str
    options: Mapping[str, Any]
    table: DefenceTable

    @property
    def weights(self) -> Path:
        """The file of its weights, of safetensors."""
        return self.path / WEIGHTS

    @property
    def scale(self) -> Path:
        """The file of its score scale."""
        return self.path / SCALE

    @property
    def card(self) -> Path:
        """Its model card."""
        return self.path / CARD

    @property
    def audit(self) -> Audit:
        """The audit before and after."""
        return Audit(self.path / AUDIT)


def unheard(_sentence: str) -> None:
    """Tell nobody."""


def harden(
    out: str | os.PathLike[str],
    victim: Any,
    data: Any,
    test: Any = None,
    *,
    method: str = "slopes",
    rounds: int = 3,
    loss: float = 0.01,
    epochs: int = EPOCHS,
    attacks: Sequence[Attack[Any] | str] = ("guided",),
    queries: int = 1000,
    levels: int = 3,
    seed: int = 0,
    licence: str = "",
    recursive: bool = False,
    engine: str | Engine | None = None,
    workers: int | None = None,
    batch: int | None = None,
    ignore_memory: bool = False,
    strict: bool = False,
    tell: Callable[[str], None] = unheard,
    watch: Watch = unwatched,
    observing: Callable[[], Any] = nullcontext,
    **options: Any,
) -> Hardened:
    """Make weights for a torch victim that are harder to push, and the table before and after.

    The same call goes on where an earlier one was stopped. A module that is handed over keeps its
    weights.

    Parameters
    ----------
    out : path
        The directory to write.
    victim : str or torch.nn.Module
        As `iqaudit.attack` takes it.
    data : str, path, array, Picture, a sequence of them, or mapping
        The pictures to fit on, as `iqaudit.audit` takes them; those that people rated, where there
        are some.
    test : str, path, array, Picture, a sequence of them, or mapping, optional
        The pictures of the table, on which nothing is fitted; a fifth of the data is held out
        unless given.
    method : {"slopes", "attacked", "train"}
        A new linear head that moves little along random sign patterns, or along the changes of
        attacks; or the whole network, trained.
    rounds : int
        Of attacks, each on the head before, for ``"attacked"``.
    loss : float
        Of SROCC, of pictures held out, that the new weights may cost.
    epochs : int
        Of training, at the most: how often each picture is seen.
    attacks : sequence of Attack or str
        They start afresh on the new weights.
    queries : int
        The budget a picture.
    levels : int
        The largest change of a channel, in levels of 255.
    seed : int
        Of all draws.
    licence : str
        For the model card.
    recursive : bool
        Whether folders in folders are searched, too.
    engine : {"serial", "processes", "ray"} or Engine, optional
        As `iqaudit.audit` takes it.
    workers, batch : int, optional
        Likewise.
    ignore_memory, strict : bool
        Likewise.
    tell : callable, optional
        Called with a sentence: before it begins on what it takes, and after each epoch.
    watch : callable
        As `iqaudit.transfer` takes it.
    observing : callable
        Called before each audit; its context gives an `Observer`, or None.
    **options
        Options of the victim, as `iqaudit.attack` takes them.

    Returns
    -------
    Hardened
        Its string, its files and the table.

    Raises
    ------
    InputError
        If an argument cannot be used, the victim has no weights of torch's, its network no linear
        head and the method needs one, or `out` holds something else.
    VictimError
        If the victim fails; its answers are kept.
    KeyboardInterrupt
        If it was stopped, likewise.
    """
    from iqaudit._api.hardening import Hardening, Wish  # torch takes seconds to load
    from iqaudit._harden.base import Base

    attacks = list(several(attacks))
    settings: dict[str, Any] = {
        "attacks": attacks,
        "queries": queries,
        "levels": [levels],
        "seeds": [seed],
    }
    wish = Wish(
        method=method,
        rounds=rounds,
        loss=loss,
        epochs=epochs,
        licence=licence,
        levels=levels,
        seed=seed,
        settings=settings,
        how={
            "engine": engine,
            "workers": workers,
            "batch": batch,
            "ignore_memory": ignore_memory,
            "strict": strict,
        },
        tell=tell,
        watch=watch,
        observing=observing,
    )
    root, base = located(out), Base(victim, options)
    known = audit_settings(victims=[base.spec], data=data, recursive=recursive, **settings)
    work = Hardening(root, base, known.data, _test(test, known.data, base.spec), wish)
    if all(is_white_box(each.attack) for each in known.attacks):
        raise InputError(
            "Before and after are compared by an attack that asks for scores alone; name one "
            "besides, as guided."
        )
    with writing(root), tidied(root), ExitStack() as stack:
        record = work.taken_up()
        if tell is not unheard and record is None:  # which is timed
            tell(work.plan())
        root.mkdir(parents=True, exist_ok=True)
        stack.enter_context(exclusive(root))
        done = work.run(record)
    assert done.table is not None  # noqa: S101 (it is finished)
    return Hardened(root, done.spec, work.options, done.table)


def _test(test: Any, data: Data, victim: Any) -> Data | None:
    """Return the test's pictures; a table of the data's kind has the data's range of opinions."""
    if test is None:
        return None
    kind = test.partition(":")[0] if isinstance(test, str) else ""
    if kind in datasets.KINDS and datasets.KINDS[kind].ranged and data.opinion_range:
        test = {"spec": test, "opinion_range": data.opinion_range}
    return audit_settings(victims=[victim], data=test).data
