"""Services asked several at a time: as many as allowed, and results as one by one."""

import _thread
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.auditing import contents
from tests.support.serving import RANGE, Gathering, Handler, Hours, Server, asks, good, says

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._core.picture import Picture
from iqaudit._core.threads import at_once
from iqaudit.victims import Command, Http


def pictures(count: int = 6) -> list[Picture]:
    rng = np.random.default_rng(3)
    return [
        Picture(f"p{number}", rng.integers(110, 140, (14 + number % 3, 16, 3), np.uint8))
        for number in range(count)
    ]


def audit(out: Path, server: Server, **options: object) -> dict[str, str]:
    victim = f"{server.url},range=0:20," + ",".join(f"{k}={v}" for k, v in options.items())
    iqaudit.audit(
        [victim.rstrip(",")],
        pictures(12),
        attacks=["square", "random"],
        queries=8,
        out=out,
        yes=True,
        analyses=False,
    )
    return {name: each for name, each in contents(out).items() if name != "costs.jsonl"}


def test_results_are_those_of_one_by_one_and_as_many_are_asked_at_once(
    server: Server, tmp_path: Path
) -> None:
    single = audit(tmp_path / "one", server)
    asked = len(server.seen)
    server.usual = gathering = Gathering(4)
    several = audit(tmp_path / "several", server, concurrency=4)
    assert gathering.most == 4
    assert len(server.seen) == 2 * asked
    assert several == single


@pytest.mark.slow
@pytest.mark.parametrize("behind", ["defence=noise:2", "defence=smooth:2@3", "repeats=2"])
def test_so_are_those_of_one_that_draws_or_is_averaged(
    server: Server, tmp_path: Path, behind: str
) -> None:
    def run(at_once: int) -> dict[str, str]:
        out, victim = tmp_path / str(at_once), f"{server.url},range=0:20,concurrency={at_once}"
        how: dict[str, Any] = {"queries": 8, "attacks": ["square"], "yes": True, "analyses": False}
        iqaudit.audit([f"{victim},{behind}"], pictures(3), out=out, **how)
        return {name: each for name, each in contents(out).items() if name != "costs.jsonl"}

    assert run(3) == run(1)


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes_whatever_is_asked_at_once(
    server: Server, tmp_path: Path
) -> None:
    whole = audit(tmp_path / "whole", server)
    left = iter(range(60))

    def failing(handler: Handler) -> None:
        says("", 403)(handler) if next(left, None) is None else good(handler)

    server.usual = failing
    with pytest.raises(VictimError, match="answered 403"):
        audit(tmp_path / "run", server, concurrency=5)
    server.usual, asked = good, len(server.seen)
    assert audit(tmp_path / "run", server, concurrency=3) == whole
    kept = 60 - 2  # its fingerprint is asked again
    assert len(server.seen) - asked == 2 + 12 * 16 - 12 - kept


def test_identical_pictures_are_asked_about_once(server: Server) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.02)  # its twin comes meanwhile
        good(handler)

    server.usual = slow
    service = asks(server, Hours(), concurrency=4)
    [one] = pictures(1)
    twins = [one, Picture("twin", one.pixels.copy())]
    iqaudit.attack(twins, service, attack="random", queries=5)
    assert len(server.seen) == service.account.billed == service.account.unique == 5
    assert service.account.cached == 5


def test_a_rate_holds_for_all_together(server: Server) -> None:
    begun: list[float] = []

    def timed(handler: Handler) -> None:
        begun.append(time.monotonic())
        time.sleep(0.05)
        good(handler)

    server.usual = timed
    service = Http(server.url, score_range=RANGE, concurrency=4, rate=50)
    iqaudit.attack(pictures(4), service, attack="random", queries=3)
    assert len(begun) == 12
    assert max(begun) - min(begun) >= 11 / 50 - 0.03


def test_a_ceiling_holds_for_all_together(server: Server) -> None:
    server.usual = Gathering(4)
    service = asks(server, Hours(), concurrency=4, price=1, budget_money=10)
    with pytest.raises(VictimError, match="10 of 10 went on 10 requests"):
        iqaudit.attack(pictures(4), service, attack="random", queries=9)
    assert len(server.seen) == service.account.billed == 10


def test_a_picture_that_fails_ends_alone(server: Server) -> None:
    service, images = asks(server, Hours(), concurrency=3, retries=0), pictures(3)
    bad = images[1].pixels.tobytes()
    score = service.score

    def failing(batch: np.ndarray) -> np.ndarray:
        if batch[0].tobytes() == bad:
            raise VictimError("no")
        return score(batch)

    service.score = failing  # type: ignore[assignment, method-assign]
    with pytest.warns(UserWarning, match="1 of 3 pictures could not be scored"):
        found = iqaudit.attack(images, service, attack="random", queries=4)
    assert [each.picture.name for each in found] == ["p0", "p2"]
    assert [each.name for each in found.unscored] == ["p1"]


@pytest.mark.parametrize("number", [0, -1, 1.5, "many"])
def test_a_number_at_once_is_a_whole_one(number: object) -> None:
    with pytest.raises(InputError, match="concurrency must be"):
        Http("http://localhost/", score_range=RANGE, concurrency=number)  # type: ignore[arg-type]


def test_a_program_that_takes_several_is_not_asked_several_times_at_once() -> None:
    with pytest.raises(InputError, match="takes several already"):
        Command("cat {pictures}", score_range=RANGE, concurrency=2)


@pytest.mark.parametrize("most", [1, 3])
def test_the_first_call_that_fails_is_raised_when_none_is_under_way(most: int) -> None:
    done: list[int] = []

    def call(number: int) -> Callable[[], None]:
        def run() -> None:
            if number in (1, 2):
                raise ValueError(number)
            time.sleep(0.01)
            done.append(number)

        return run

    with pytest.raises(ValueError, match="1"):
        at_once([call(number) for number in range(5)], most)
    assert sorted(done) == ([0] if most == 1 else [0, 3, 4])


def test_an_interruption_waits_for_what_is_under_way_and_asks_no_more() -> None:
    done: list[int] = []

    def call(number: int) -> None:
        if number == 1:
            _thread.interrupt_main()
        time.sleep(0.1)
        done.append(number)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's &
    try:
        with pytest.raises(KeyboardInterrupt):
            at_once([partial(call, number) for number in range(40)], 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert set(done) >= {0, 1}, "an answer that may be paid for was lost"
    assert len(done) < 10
