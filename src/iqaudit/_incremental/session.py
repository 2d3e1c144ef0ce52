"""Searches on pictures whose scores are kept up to date: the base, the lanes, the checks."""

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Barrier
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from iqaudit._core.patches import Change, Patch
from iqaudit._core.picture import Pixels
from iqaudit._core.process import give_freed_memory_back
from iqaudit._incremental.activations import Activations
from iqaudit._incremental.network import Network, NotExportableError, read

TOLERANCE = 1e-4
"""The largest difference to a dense pass, relative to the score or, if larger, to `Rescorer.unit`:
beyond, incremental scoring ends for good."""

CHECK_EVERY = 500
"""Scores between two comparisons with a dense pass, on average; their moments are drawn."""

MOST_BYTES = 4 * 2**30
"""Pictures whose maps would take more are scored densely."""

SIZES = 2
"""Picture sizes whose networks are kept; reading one takes seconds."""

CORES_A_LANE = 4
"""On two cores one score at a time with both was faster than two side by side with one each: what
is proposed ahead is computed in vain where the proposal before it is accepted."""

REMEMBERED = 64
"""Changes of which one may become the base without a dense pass."""


class Rescorer:
    """Incremental scoring of one module's pictures, of any sizes.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 3, height, width) in [0, 1] to n scores; in eval mode.
    like : Tensor
        Of the module's device and type.
    unit : float
        A difference of scores that matters, in native units.
    on_fault : callable
        Told why incremental scoring was left, when it is.
    """

    def __init__(
        self, module: nn.Module, like: Tensor, unit: float, on_fault: Callable[[str], None]
    ) -> None:
        self.module, self.like, self.unit = module, like, unit
        # On a CPU a lane is a thread with cores of its own: a score's last bits then depend neither
        # on the other lanes nor on how many there are.
        on_cpu = like.device.type == "cpu"
        self.lanes = max(1, torch.get_num_threads() // CORES_A_LANE) if on_cpu else 1
        self.fault = ""
        """Why incremental scoring was left, where it was."""
        self.on_fault = on_fault
        self.compared: set[tuple[int, ...]] = set()
        """The kinds of change, by their pictures' and windows' sizes, that were compared once."""
        self._networks: dict[tuple[int, int], Network | str] = {}
        self._channels_first: set[torch.Size] = set()

    def network(self, height: int, width: int) -> Network | str:
        """Return the module's network for pictures of a size, or why there is none."""
        size = (height, width)
        if size not in self._networks:
            if len(self._networks) >= SIZES:  # each holds the weights in its own layout
                del self._networks[next(iter(self._networks))]
            example = torch.zeros((1, 3, height, width), dtype=self.like.dtype)
            try:
                self._networks[size] = read(self.module, example.to(self.like.device))
            except NotExportableError as error:
                self._networks[size] = str(error)
            except Exception as error:  # noqa: BLE001 (a graph that is read wrongly stops no audit)
                self._networks[size] = f"reading it failed, {type(error).__name__}: {error}"
        return self._networks[size]

    def told(self, height: int, width: int) -> str:
        """Tell how much of the module's work on a picture of a size is incremental, and why so."""
        session = self._begun(height, width)
        if isinstance(session, str):
            return f"Every query is a dense pass: {session}."
        network = session.network
        without = f"; dense from {', '.join(network.dense)} on" if network.dense else ""
        return (
            f"{network.share:.1%} of a pass's arithmetic is done again only where a query can "
            f"change it{without}."
        )

    def open(self, height: int, width: int) -> "Session | None":
        """Begin a search on a picture of a size; None where it can only be scored densely."""
        session = self._begun(height, width)
        return None if isinstance(session, str) else session

    def _begun(self, height: int, width: int) -> "Session | str":
        """Return a search on a picture of a size, or why there can be none."""
        if self.fault:
            return self.fault
        network = self.network(height, width)
        if isinstance(network, str):
            return f"there is no graph of it ({network})"
        if not network.steps:
            return "none of its operators knows windows"
        try:
            session = Session(self, network)
        except Exception as error:  # noqa: BLE001 (a graph that is read wrongly stops no audit)
            return f"its windows cannot be followed, {type(error).__name__}: {error}"
        if session.bytes > MOST_BYTES:
            return f"a picture's maps would take {session.bytes / 1e9:.1f} GB"
        return session

    def dense(self, pixels: Pixels) -> float:
        """Return a picture's score by a dense pass."""
        with torch.inference_mode():
            return _number(self.answer(self.tensor(pixels[None])))

    def answer(self, pictures: Tensor) -> Any:
        """Return what the module answers to pictures, as `tensor` makes them."""
        if pictures.shape in self._channels_first:
            return self.module(pictures.contiguous())
        try:
            return self.module(pictures)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:  # some take for granted how their maps lie in memory, as `view` does
            found = self.module(pictures.contiguous())
            self._channels_first.add(pictures.shape)  # other sizes' last bits must not hang on it
            return found

    def tensor(self, pixels: Pixels) -> Tensor:
        """Return pictures (n, height, width, 3) as the module takes them, channels last."""
        batch = torch.from_numpy(np.array(pixels, order="C")).to(self.like.device)
        return batch.permute(0, 3, 1, 2).to(self.like.dtype) / 255

    def leave(self, why: str) -> None:
        """Score densely from now on, and have it said."""
        if not self.fault:
            self.fault = f"incremental scoring was left: {why}"
            self.on_fault(self.fault)

    def leave_for(self, change: Change, error: Exception) -> float:
        """Leave incremental scoring because a step failed; return the change's score."""
        self.leave(f"a step failed, {type(error).__name__}: {error}")
        return self.dense(change.picture())

    def run(self, jobs: Sequence[Callable[[], float]]) -> list[float]:
        """Return what jobs return, as many at a time as there are lanes."""
        if self.lanes == 1:
            return [job() for job in jobs]
        if len(jobs) > 1:
            return [future.result() for future in [self._pool.submit(job) for job in jobs]]
        threads = torch.get_num_threads()
        torch.set_num_threads(self._cores)  # as in a lane, to the last bit
        try:
            return [job() for job in jobs]
        finally:
            torch.set_num_threads(threads)

    @property
    def _cores(self) -> int:
        """How many cores a lane has."""
        return max(1, torch.get_num_threads() // self.lanes)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        threads, cores = torch.get_num_threads(), self._cores
        all_there = Barrier(self.lanes)
        pool = ThreadPoolExecutor(self.lanes, "lane")

        def take_cores() -> None:
            torch.get_num_threads()  # a thread's first question sets its number: ask, then set it
            torch.set_num_threads(cores)
            all_there.wait()

        for future in [pool.submit(take_cores) for _ in range(self.lanes)]:
            future.result()
        torch.set_num_threads(threads)  # what a thread sets holds for the others, but for its own
        return pool


@dataclass
class _Tried:
    """A change of the base that was scored, and the lane that still holds it."""

    change: Change
    lane: int | None


class Session:
    """A search on one picture.

    Its base is the picture that the changes are said upon. When a change is said upon another one,
    that is taken as the base: at the price of a copy where it is the base with a change that was
    just scored, of a dense pass otherwise.
    """

    def __init__(self, rescorer: Rescorer, network: Network) -> None:
        self.rescorer, self.network = rescorer, network
        self._activations = Activations(network, rescorer.lanes, rescorer.like)
        self._base: Pixels | None = None
        self._canvas: Pixels = np.empty((0, 0, 3), np.uint8)
        self._tried: list[_Tried] = []
        self._moments: np.random.Generator | None = None
        self._next_check = self._scored = 0

    @property
    def lanes(self) -> int:
        """How many changes are best scored at once."""
        return self.rescorer.lanes

    @property
    def bytes(self) -> int:
        """What the picture's maps hold."""
        return self._activations.bytes

    @staticmethod
    def scores(requests: Sequence[tuple["Session", Change]]) -> list[float]:
        """Return the scores of changes, of pictures of one victim."""
        rescorer = requests[0][0].rescorer
        known = rescorer.fault
        found: dict[int, float] = {}
        waiting = dict(enumerate(requests))
        while waiting:
            jobs: dict[int, Callable[[], float]] = {}
            used: dict[Session, int] = {}
            for index, (session, change) in list(waiting.items()):
                try:
                    follows = session.follows(change)
                    if follows and len(jobs) < rescorer.lanes:
                        lane = used.get(session, 0)
                        used[session] = lane + 1
                        jobs[index] = session.job(change, lane)
                except Exception as error:  # noqa: BLE001 (a step that fails stops no audit)
                    found[index] = rescorer.leave_for(change, error)
                else:
                    if not follows:
                        found[index] = session.whole(change)  # with all cores
                    elif index not in jobs:
                        continue
                del waiting[index]
            found |= dict(zip(jobs, rescorer.run(list(jobs.values())), strict=True))
        answers = [
            session.checked(change, found[index])
            for index, (session, change) in enumerate(requests)
        ]
        if rescorer.fault and not known:  # those beside the one that told may be as far off
            return [rescorer.dense(change.picture()) for _, change in requests]
        return answers

    def recall(self, change: Change) -> None:
        """Take note of a change that was scored in an earlier search.

        It is scored again only where it becomes the base, so that the maps go the very way that
        they went then.
        """
        try:
            if self.follows(change):
                self._rebase(change.base)
                self._tried = [*self._tried[-REMEMBERED:], _Tried(change, None)]
        except Exception as error:  # noqa: BLE001 (as where it is scored)
            self.rescorer.leave(f"a step failed, {type(error).__name__}: {error}")
        self._due(change)

    def close(self) -> None:
        """Compare the base with a dense pass: every answer is there, so nothing may fail now."""
        if self._base is not None and not self.rescorer.fault:
            corner = Change(self._base, (Patch(0, 0, self._base[:1, :1]),))
            try:
                self._compare(self._score(corner, 0)(), self._base)
            except Exception as error:  # noqa: BLE001 (whatever a foreign module's code raises)
                self.rescorer.leave(f"its last check failed, {type(error).__name__}: {error}")
        self._base = None

    def follows(self, change: Change) -> bool:
        """Whether a change is scored incrementally."""
        return (
            not self.rescorer.fault
            and bool(change.patches)
            and self._activations.fits(len(change.patches), *_size(change))
        )

    def whole(self, change: Change) -> float:
        """Return the score of a change that is too large to be followed."""
        if self.rescorer.fault or not change.patches:
            return self.rescorer.dense(change.picture())
        return self._safely(change, self._activations.whole, change.picture()[None])

    def job(self, change: Change, lane: int) -> Callable[[], float]:
        """Prepare a change to be scored in a lane."""
        self._rebase(change.base)
        for tried in self._tried:
            if tried.lane == lane:
                tried.lane = None
        self._tried = [*self._tried[-REMEMBERED:], _Tried(change, lane)]
        return self._score(change, lane)

    def _score(self, change: Change, lane: int) -> Callable[[], float]:
        height, width = _size(change)
        rows, columns = change.base.shape[0] - height, change.base.shape[1] - width
        places = [(min(p.top, rows), min(p.left, columns)) for p in change.patches]
        for patch in change.patches:
            self._canvas[patch.window] = patch.pixels
        windows = np.stack(
            [self._canvas[top : top + height, left : left + width] for top, left in places]
        )
        for patch in change.patches:
            self._canvas[patch.window] = change.base[patch.window]

        return lambda: self._safely(change, partial(self._activations.score, lane, places), windows)

    def _safely(self, change: Change, score: Callable[[Tensor], Tensor], pictures: Pixels) -> float:
        """Return a change's score from pictures or windows; densely where a step fails."""
        try:
            with torch.inference_mode():
                return _number(score(self.rescorer.tensor(pictures)))
        except Exception as error:  # noqa: BLE001 (a step that fails stops no audit)
            return self.rescorer.leave_for(change, error)

    def _rebase(self, base: Pixels) -> None:
        """Take a picture as the base."""
        if base is self._base:
            return
        for tried in self._tried:
            if tried.change.was(base):
                if tried.lane is None:  # its lane was needed by another
                    tried.lane = 0
                    self.rescorer.run([self._score(tried.change, 0)])
                with torch.inference_mode():
                    self._activations.accept(tried.lane)
                break
        else:
            with torch.inference_mode():
                self._activations.anchor(self.rescorer.tensor(base[None]))
        self._base, self._canvas, self._tried = base, base.copy(), []

    def checked(self, change: Change, answer: float) -> float:
        """Compare a score with a dense pass when its moment has come."""
        due = self._due(change)
        if self.rescorer.fault or not change.patches:
            return answer  # a dense pass's, or one of those that `scores` asks for again
        # Sizes within a factor of two are of one kind: some attacks draw them freely.
        sizes = (side.bit_length() for side in _size(change))
        kind = (*change.base.shape[:2], min(len(change.patches), 2), *sizes)
        if kind in self.rescorer.compared and not due:
            return answer
        self.rescorer.compared.add(kind)
        return self._compare(answer, change.picture())

    def _due(self, change: Change) -> bool:
        """Count a score, and tell whether its moment to be compared has come."""
        self._scored += 1
        if self._moments is None:  # the picture's own: no two are compared at the same ones
            self._moments = np.random.default_rng(zlib.crc32(change.picture().tobytes()))
        elif self._scored < self._next_check:
            return False
        self._next_check = self._scored + int(self._moments.integers(1, 2 * CHECK_EVERY))
        return True

    def _compare(self, answer: float, pixels: Pixels) -> float:
        give_freed_memory_back()
        dense = self.rescorer.dense(pixels)
        apart = abs(answer - dense)
        if not apart <= TOLERANCE * max(abs(dense), self.rescorer.unit):
            self.rescorer.leave(
                f"after {self._scored} scores of a picture, {answer:.9g} where a dense pass gives "
                f"{dense:.9g}"
            )
            return dense
        return answer


def _size(change: Change) -> tuple[int, int]:
    """Return the size of windows that hold any of a change's patches."""
    shapes = [patch.pixels.shape for patch in change.patches]
    return max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)


def _number(answer: Tensor) -> float:
    if answer.numel() != 1:
        raise TypeError(f"the module must return a score a picture, not {tuple(answer.shape)}")
    return float(answer.reshape(()).double().cpu())
