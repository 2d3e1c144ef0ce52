"""The meter of victims that are services: a request costs, may fail, and is never made twice."""

import io
import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict, Unpack

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
"""Failed requests in a row, whatever the pictures, after which no more are sent."""

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
    clock : Clock
        The source of the time.
    """

    timeout: float = 60.0
    retries: int = 5  # with the waits above, half a minute
    rate: float | None = None
    price: float = 0
    budget_money: float | None = None
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
        if self.budget_money is not None and not self.price:
            raise InputError("A ceiling in money, budget_money, needs the price of a request.")


class Asking(TypedDict, total=False):
    """The keywords of a `Policy`."""

    timeout: float
    retries: int
    rate: float | None
    price: float
    budget_money: float | None
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
        The `Policy`: retries, rate and money; the time-out is for `ask` to keep.
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
        self.card = Card(name, scale, largest_batch=None if together else 1, device=ELSEWHERE)
        self._name, self._answer, self._together = name, ask, together
        self._answers: dict[str, float] = {}
        self._billed = self._unique = self._cached = 0
        self._failures = 0
        self._not_before = -math.inf

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
        new = {
            key: picture
            for key, picture in zip(hashes, pictures, strict=True)
            if key not in self._answers
        }
        for keys in [list(new)] if self._together and new else [[key] for key in new]:
            scores = self._request([new[key] for key in keys])
            self._answers.update(zip(keys, scores, strict=True))
            self._unique += len(keys)
        self._cached += len(hashes) - len(new)
        return np.array([self._answers[key] for key in hashes], np.float64)

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
        stop = f"; {BREAKER} requests in a row failed, no more are sent" if self._broken else ""
        raise VictimError(f"{self._name} {sentence}{times}{stop}.")

    def _once(self, pictures: Sequence[Pixels]) -> Sequence[float]:
        self._refuse()
        self._pace()
        self._billed += 1
        try:
            scores = self._answer(pictures)
            if bad := [score for score in scores if not math.isfinite(score)]:
                raise RequestError(  # noqa: TRY301 (a failed request like any other)
                    f"answered {bad[0]} where a finite score was due", again=ANSWER_RETRIES
                )
        except RequestError:
            self._failures += 1
            raise
        self._failures = 0
        return scores

    @property
    def _broken(self) -> bool:
        return self._failures >= BREAKER

    def _refuse(self) -> None:
        if self._broken:
            raise VictimError(
                f"{BREAKER} requests to {self._name} in a row failed; no more are sent."
            )
        limit, spent, price = self._policy.budget_money, self.account.spent, self._next_price()
        # A billionth more, lest ten times 0.1 pass 1.
        if limit is not None and spent + price > limit * (1 + 1e-9):
            raise VictimError(
                f"The money for {self._name} is spent: {spent:.10g} of {limit:.10g} "
                f"went on {self._billed} requests, and the next costs {price:.10g}."
            )

    def _next_price(self) -> float:
        """Return what the next request may cost."""
        return self._policy.price

    def _pace(self) -> None:
        if self._policy.rate is None:
            return
        now = self._policy.clock.now()
        if now < self._not_before:
            self._policy.clock.sleep(self._not_before - now)
            now = self._policy.clock.now()
        self._not_before = max(now, self._not_before) + 1 / self._policy.rate


def png(pixels: Pixels) -> bytes:
    """Return a picture as a PNG file's bytes, without loss and without metadata."""
    file = io.BytesIO()
    # Each is sent once: packing it tighter takes longer than it saves.
    Image.fromarray(pixels, "RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
