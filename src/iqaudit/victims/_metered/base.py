"""The meter of victims that are services: a request costs, may fail, and is never made twice."""

import io
import math
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from iqaudit._core.errors import InputError, VictimError, shown, whole_number
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.scale import Scale
from iqaudit.victims._base import ELSEWHERE, Card
from iqaudit.victims._options import Declared

ANSWER_RETRIES = 2
"""The most for an answer without a usable score: the same request seldom gets a better one."""

BREAKER = 10
"""Failed requests in a row, whatever the pictures, after which no more are sent; times as many as
are asked at once."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the first repetition, doubled for each, plus up to one second at random."""


class RequestError(Exception):
    """One request failed.

    Parameters
    ----------
    sentence : str
        The failure in words, without anything that may be secret.
    again : int
        How often at most it is worth making again.
    wait : float
        Seconds that the service asks to be left alone, on top of the usual wait.
    """

    def __init__(self, sentence: str, *, again: int = sys.maxsize, wait: float = 0) -> None:
        super().__init__(sentence)
        self.again, self.wait = again, wait


class Clock(NamedTuple):
    """The source of the time; tests give one that does not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM = Clock()


@dataclass(frozen=True)
class Account:
    """The account of a service: requests, pictures and money.

    Parameters
    ----------
    billed : int
        Requests begun, failed ones and repetitions included, as a provider may bill them.
    unique : int
        Distinct pictures answered.
    cached : int
        Answers given again without a request.
    spent : float
        Money: `billed` times the price, or that of the tokens.
    tokens : int
        Those that a chat told of in its answers.
    """

    billed: int
    unique: int
    cached: int
    spent: float
    tokens: int = 0


class Cost(NamedTuple):
    """The cost of a victim whose scores may be paid for.

    Parameters
    ----------
    victim : str
        Its name.
    requests : int
        Those that were begun, as a provider may bill them.
    tokens : int
        Those that a chat told of.
    money : float
        At the prices that were said then.
    """

    victim: str
    requests: int
    tokens: int
    money: float


@dataclass(frozen=True)
class Policy:
    """The policy by which a service is asked.

    Parameters
    ----------
    timeout : float
        Seconds for one request, its whole answer included.
    retries : int
        How often a failed request is made again.
    rate : float, optional
        The most requests a second, evenly spaced.
    price : float
        Money a request.
    budget_money : float, optional
        The ceiling: the request that would pass it is not made.
    concurrency : int
        Pictures that are asked about at once, at the most.
    clock : Clock
        The source of the time.
    """

    timeout: float = 60.0
    retries: int = 5  # with the waits above, half a minute
    rate: float | None = None
    price: float = 0
    budget_money: float | None = None
    concurrency: int = 1
    clock: Clock = SYSTEM

    def __post_init__(self) -> None:
        for name in ("timeout", "rate", "price", "budget_money"):
            value = getattr(self, name)
            if value is None and name in ("rate", "budget_money"):
                continue
            zero = name in ("price", "budget_money")
            if not _is_amount(value) or (value == 0 and not zero):
                least = "of at least 0" if zero else "above 0"
                raise InputError(f"{name} must be a finite number {least}, not {shown(value)}.")
        whole_number("retries", self.retries, 0)
        whole_number("concurrency", self.concurrency, 1)
        if self.budget_money is not None and not self.price:
            raise InputError("A ceiling in money, budget_money, needs the price of a request.")


class Asking(TypedDict, total=False):
    """The keywords of a `Policy`."""

    timeout: float
    retries: int
    rate: float | None
    price: float
    budget_money: float | None
    concurrency: int
    clock: Clock


class Asked(Declared, Asking, total=False):
    """The keywords that every service takes."""


class Meter:
    """A meter between a victim and its service: a policy, an account, and the scores so far.

    Parameters
    ----------
    name : str
        The victim's; begins the sentence of an error.
    whose : str
        Begins the sentence of an error where no scale is declared.
    ask : callable
        Makes one request for scores of pictures; raises `RequestError`.
    together : bool
        Whether one request may carry several pictures.
    score_range, lower_is_better, unbounded, scale : optional
        As `Scale.declared` reads them.
    **asking
        The `Policy`: retries, rate and money; the time-out is for `ask` to keep. Several threads
        may ask at once.

    Raises
    ------
    InputError
        If a number cannot be used, or one request carries several pictures and several at once are
        asked for besides.
    """

    def __init__(
        self,
        name: str,
        whose: str,
        ask: Callable[[Sequence[Pixels]], Sequence[float]],
        *,
        together: bool = False,
        score_range: tuple[float, float] | None = None,
        lower_is_better: bool = False,
        unbounded: bool = False,
        scale: Scale | None = None,
        **asking: Unpack[Asking],
    ) -> None:
        self._policy = Policy(**asking)
        scale = Scale.declared(
            whose,
            score_range=score_range,
            lower_is_better=lower_is_better,
            unbounded=unbounded,
            scale=scale,
        )
        most = self._policy.concurrency
        if together and most > 1:
            raise InputError(
                "concurrency is for services that take one picture a request; this one takes "
                "several already."
            )
        self.card = Card(
            name,
            scale,
            largest_batch=None if together else 1,
            batch=most,
            concurrency=most,
            device=ELSEWHERE,
        )
        self._name, self._answer, self._together = name, ask, together
        self._answers: dict[str, float] = {}
        self._billed = self._unique = self._cached = self._under_way = 0
        self._failures = 0
        self._not_before = -math.inf
        self._earlier = Cost(name, 0, 0, 0.0)
        self._keep: Callable[[Cost], object] = _unkept
        self._counts, self._slots = threading.RLock(), threading.Lock()
        self._asking: set[str] = set()
        self._answered = threading.Condition(self._counts)

    @contextmanager
    def counting(self, earlier: Sequence[Cost], keep: Callable[[Cost], object]) -> Iterator[None]:
        """Count what is billed from now on to that of earlier starts, for the ceiling.

        Parameters
        ----------
        earlier : sequence of Cost
            What was billed.
        keep : callable
            Called with what is billed as it comes, before a request is made.
        """
        self._earlier, self._keep = total(self._name, earlier), keep
        self._recall(earlier)
        try:
            yield
        finally:
            self._earlier, self._keep = total(self._name, ()), _unkept

    @property
    def account(self) -> Account:
        """The account so far."""
        return Account(self._billed, self._unique, self._cached, self._billed * self._policy.price)

    def forget(self) -> None:
        """Ask again for pictures that were answered, as a test for a random scorer must."""
        self._answers.clear()

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3), each distinct one by at most one answer.

        Raises
        ------
        VictimError
            If a request failed for good, too many did in a row, or the money is spent. Scores
            answered before stay and are not asked again.
        """
        hashes = [pixels_sha256(picture) for picture in pictures]
        with self._alone(hashes) as known:
            answers = dict(known)
            pairs = zip(hashes, pictures, strict=True)
            new = {key: picture for key, picture in pairs if key not in known}
            for keys in [list(new)] if self._together and new else [[key] for key in new]:
                scores = self._request([new[key] for key in keys])
                answers |= zip(keys, scores, strict=True)
                with self._counts:
                    self._answers |= {key: answers[key] for key in keys}
                    self._unique += len(keys)
        with self._counts:
            self._cached += len(hashes) - len(new)
        return np.array([answers[key] for key in hashes], np.float64)

    @contextmanager
    def _alone(self, keys: Sequence[str]) -> Iterator[dict[str, float]]:
        """Let one thread at a time ask about a picture; yield the answers that are known of some.

        Another that asks the same waits for the answer: it is paid for once.
        """
        with self._answered:
            self._answered.wait_for(lambda: self._asking.isdisjoint(keys))
            self._asking.update(keys)
            known = {key: self._answers[key] for key in keys if key in self._answers}
        try:
            yield known
        finally:
            with self._answered:
                self._asking.difference_update(keys)
                self._answered.notify_all()

    def _request(self, pictures: Sequence[Pixels]) -> Sequence[float]:
        tries, wait = 0, FIRST_WAIT
        while True:
            tries += 1
            try:
                return self._once(pictures)
            except RequestError as error:
                sentence, again, pause = str(error), error.again, error.wait
            if self._broken or tries > min(self._policy.retries, again):
                break
            jitter = random.uniform(0, 1)  # noqa: S311 (no secret)
            self._policy.clock.sleep(min(wait + jitter, LONGEST_WAIT) + pause)
            wait *= 2
        # Raised out here, so that the error's chain ends with it: the error beneath, in a library's
        # words or the server's, may carry secrets.
        times = f" (asked {tries} times)" if tries > 1 else ""
        stop = (
            f"; {self._most_failures} requests in a row failed, no more are sent"
            if self._broken
            else ""
        )
        raise VictimError(f"{self._name} {sentence}{times}{stop}.")

    def _once(self, pictures: Sequence[Pixels]) -> Sequence[float]:
        with self._slots:  # requests begin one after the other
            self._refuse()
            self._pace()
            with self._counts:
                self._billed += 1
                self._under_way += 1
                self._keep(Cost(self._name, 1, 0, self._request_price()))
        try:
            scores = self._answer(pictures)
            if bad := [score for score in scores if not math.isfinite(score)]:
                raise RequestError(  # noqa: TRY301 (a failed request like any other)
                    f"answered {bad[0]} where a finite score was due", again=ANSWER_RETRIES
                )
        except RequestError:
            with self._counts:
                self._failures += 1
            raise
        finally:
            with self._counts:
                self._under_way -= 1
        self._failures = 0
        return scores

    @property
    def _most_failures(self) -> int:
        return BREAKER * self._policy.concurrency

    @property
    def _broken(self) -> bool:
        return self._failures >= self._most_failures

    def _refuse(self) -> None:
        if self._broken:
            raise VictimError(
                f"{self._most_failures} requests to {self._name} in a row failed; no more are sent."
            )
        with self._counts:
            limit, price = self._policy.budget_money, self._next_price()
            spent = self.account.spent + self._earlier.money + self._committed()
        # A billionth more, lest ten times 0.1 pass 1.
        if limit is not None and spent + price > limit * (1 + 1e-9):
            raise VictimError(
                f"The money for {self._name} is spent: {spent:.10g} of {limit:.10g} "
                f"went on {self._billed + self._earlier.requests} requests, and the next costs "
                f"{price:.10g}."
            )

    def _next_price(self) -> float:
        """Return what the next request may cost."""
        return self._policy.price

    def _committed(self) -> float:
        """Return what requests under way may cost that is not counted yet."""
        return 0.0

    def _request_price(self) -> float:
        """Return what a request costs, whatever comes of it."""
        return self._policy.price

    def _recall(self, earlier: Sequence[Cost]) -> None:
        """Take in what earlier starts tell of the price of a request."""

    def _pace(self) -> None:
        if self._policy.rate is None:
            return
        now = self._policy.clock.now()
        if now < self._not_before:
            self._policy.clock.sleep(self._not_before - now)
            now = self._policy.clock.now()
        self._not_before = max(now, self._not_before) + 1 / self._policy.rate


def meter_of(victim: Any) -> Meter | None:
    """Return the meter of a victim, behind whatever stands before it; None where there is none."""
    while victim is not None and not isinstance(victim, Meter):
        victim = getattr(victim, "_victim", None)
    return victim


def total(victim: str, costs: Sequence[Cost]) -> Cost:
    """Return the sum of a victim's costs."""
    sums = (sum(each) for each in zip(*(cost[1:] for cost in costs), strict=True))
    return Cost(victim, *sums) if costs else Cost(victim, 0, 0, 0.0)


def _unkept(_: Cost) -> None:
    """Keep nothing of what is billed."""


def png(pixels: Pixels) -> bytes:
    """Return a picture as a PNG file's bytes, without loss and without metadata."""
    file = io.BytesIO()
    # Each is sent once: packing it tighter takes longer than it saves.
    Image.fromarray(pixels, "RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
