"""What is billed counts over all starts of an audit, however they ended, and is kept."""

from pathlib import Path

import pytest
from tests.support.auditing import contents, iqaudit_
from tests.support.pictures import MakePicture
from tests.support.serving import Handler, Server, drop

import iqaudit
from iqaudit import Cost


@pytest.fixture
def photos(tmp_path: Path, make_picture: MakePicture) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        iqaudit.write(folder / f"p{number}.png", make_picture(12, 12, number))
    return folder


def line(command: str, photos: Path, run: Path, victim: str, *more: object) -> list[object]:
    start = [command, photos, "--victim", victim, "--attack", "random", "--queries", 8]
    return [*start, "--out", run, *(["--yes"] if command == "audit" else []), *more]


@pytest.fixture
def priced(server: Server) -> str:
    return f"{server.url},range=0:300,price=1"


def bytes_of(run: Path) -> dict[str, str]:
    return {
        name: each
        for name, each in contents(run).items()
        if name not in ("costs.jsonl", "audit.json")  # which has the ceiling
    }


@pytest.mark.parametrize("command", ["audit", "attack"])
def test_a_ceiling_is_one_for_all_starts(
    command: str, server: Server, priced: str, photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert iqaudit_(*line(command, photos, tmp_path / "whole", priced)).exit_code == 0
    server.seen.clear()
    for _ in range(2):  # the second asks nothing
        ended = iqaudit_(*line(command, photos, run, f"{priced},budget-money=11"))
        assert ended.exit_code == 2
        assert "11 of 11 went on 11 requests, and the next costs 1." in ended.stderr
        assert len(server.seen) == 11
        assert iqaudit.load(run).costs == (Cost(server.url, 11, 0, 11.0),)
    ended = iqaudit_(*line(command, photos, run, f"{priced},budget-money=30"))
    assert ended.exit_code == 0, ended.stderr
    asked = 2 * 2 + 2 * 8  # two fingerprints, and every answer once
    assert len(server.seen) == asked
    assert f"in all starts: {asked} requests billed, {asked} spent." in ended.stderr
    assert iqaudit.load(run).costs == (Cost(server.url, asked, 0, float(asked)),)
    assert bytes_of(run) == bytes_of(tmp_path / "whole")
    assert (
        f"in all starts: {asked} requests billed, {asked} spent" in iqaudit_("status", run).output
    )


def test_failed_requests_and_fingerprints_count_and_a_new_audit_begins_at_nothing(
    server: Server, priced: str, photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    server.plan = [drop] * 20
    down = iqaudit_(*line("audit", photos, run, f"{priced},retries=0"))
    assert down.exit_code == 2
    assert not run.exists()  # nothing was answered
    server.plan.clear()
    assert iqaudit_(*line("audit", photos, run, priced)).exit_code == 0
    assert iqaudit.load(run).costs == (Cost(server.url, 18, 0, 18.0),)
    assert iqaudit_(*line("audit", photos, run, priced)).exit_code == 0
    assert iqaudit.load(run).costs == (Cost(server.url, 20, 0, 20.0),)
    server.plan = [drop]
    again = iqaudit_(*line("audit", photos, run, f"{priced},retries=0"))
    assert again.exit_code == 2
    assert iqaudit.load(run).costs == (Cost(server.url, 21, 0, 21.0),)
    assert iqaudit_(*line("audit", photos, run, priced, "--overwrite")).exit_code == 0
    assert iqaudit.load(run).costs == (Cost(server.url, 18, 0, 18.0),)


def test_a_chats_tokens_are_counted_and_the_dearest_is_remembered(
    server: Server, photos: Path, tmp_path: Path
) -> None:
    def say(handler: Handler) -> None:
        score = 40 + handler.server.seen.__len__() % 7
        handler.say(
            f'{{"choices": [{{"message": {{"content": "{score}"}}}}], "usage": '
            '{"prompt_tokens": 400, "completion_tokens": 100}}'
        )

    server.usual = say
    run = tmp_path / "run"
    start = line("audit", photos, run, f"chat:{server.url},model=m,price=2,budget-money=5")
    ended = iqaudit_(*start)
    assert ended.exit_code == 2
    assert "5 of 5 went on 5 requests, and the next costs 1." in ended.stderr
    [cost] = iqaudit.load(run).costs
    assert cost[1:] == (5, 2500, 5.0)
    assert iqaudit_(*start).exit_code == 2
    assert len(server.seen) == 5, "a later start knew no price, and asked"


def test_an_audit_that_pays_nobody_has_no_file_of_costs(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    victim = "python:tests.support.audited:rough"
    arguments = ["audit", photos, "--victim", victim, "--attack", "random", "--queries", 4]
    assert iqaudit_(*arguments, "--out", run).exit_code == 0
    assert not (run / "costs.jsonl").exists()
    assert iqaudit.load(run).costs == ()
