"""A service that fails in every way: what is asked again, what is counted, what is kept."""

import itertools
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness
from tests.support.serving import (
    RANGE,
    Act,
    Handler,
    Hours,
    Server,
    asks,
    cut,
    drip,
    drop,
    fingerprint,
    good,
    pixels_of,
    running,
    says,
    silent,
)

import iqaudit
from iqaudit import VictimError
from iqaudit.victims import Http, as_victim
from iqaudit.victims._metered.base import BREAKER


@pytest.mark.parametrize("form", ["raw", "multipart", "multipart:image"])
def test_both_forms_carry_exactly_the_pixels(
    form: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    picture = make_picture(13, 17)
    [score] = asks(server, hours, form=form).score(picture[None])
    [(path, headers, body)] = server.seen
    assert path == "/score"
    assert np.array_equal(pixels_of(headers, body), picture)
    assert score == roughness(picture[None])[0]
    if form == "multipart:image":
        assert b'name="image"; filename=' in body


@pytest.mark.parametrize(
    ("field", "reply", "expected"),
    [
        ("score", '{"score": 3}', 3),
        ("result.scores[1]", '{"result": {"scores": [1, 2.5]}}', 2.5),
        ("[0][1].mos", '[[0, {"mos": "7.25"}]]', 7.25),
        ("score", '{"score": 0.1234567890123456}', 0.1234567890123456),
        ("$", "7.25", 7.25),
        ("$", ' "7.25"\n', 7.25),
        ("$[1]", "[1, 2.5]", 2.5),
        ("$.score", '{"score": 3, "error": null, "status": "ok", "success": true}', 3),
        (
            "[label=good].score",
            '[{"label": "bad", "score": 0.1}, {"label": "good", "score": 2}]',
            2,
        ),
        (
            "predictions[class=1].scores[0]",
            '{"predictions": [{"class": 0, "scores": [1]}, {"class": 1, "scores": [4]}]}',
            4,
        ),
        ("result[name=very good].p", '{"result": [{"name": "very good", "p": "1e0"}, 7]}', 1),
        ("score", '{"score": 3, "error": 0.02, "errors": []}', 3),
    ],
)
def test_the_score_is_read_where_the_field_says(
    field: str, reply: str, expected: float, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says(reply)
    assert asks(server, hours, field=field).score(make_picture(8, 8)[None]) == [expected]


@pytest.mark.parametrize("form", ["raw", "multipart"])
def test_an_attack_through_http_is_the_same_to_the_last_byte(
    form: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    pictures = [make_picture(20, 24, seed) for seed in range(2)]
    direct = iqaudit.attack(pictures, roughness, score_range=RANGE, queries=30, seed=5)
    victim = asks(server, hours, form=form)
    through = iqaudit.attack(pictures, victim, queries=30, seed=5, batch=2)
    assert [fingerprint(result) for result in direct] == [fingerprint(result) for result in through]
    assert victim.account.billed == victim.account.unique == len(server.seen) == 60


def test_a_string_names_a_service(server: Server, make_picture: MakePicture) -> None:
    victim = as_victim(server.url, score_range=RANGE, retries=0, field="score")
    assert victim.card.name == server.url
    assert victim.card.largest_batch == 1
    server.usual = says("", 503)
    with pytest.raises(VictimError, match=r"answered 503 Service Unavailable\.$"):
        victim.score(make_picture(8, 8)[None])
    assert len(server.seen) == 1  # a zero that is said counts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (says("busy", 500), "answered 500 Internal Server Error"),
        (says("busy", 502), "answered 502"),
        (says("busy", 503), "answered 503"),
        (says("busy", 504), "answered 504"),
        (says("busy", 429), "answered 429 Too Many Requests"),
        (drop, "was not reached or broke off"),
        (cut, "was not reached or broke off"),
        (silent, "gave no whole reply in 0.5 s"),
        (drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"), "gave no whole reply"),
        (drip(b"HTTP/1.0 200 OK\r\n\r\n7", b"1"), "gave no whole reply"),
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b" "), "gave no whole reply"),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n7\r\n"), "no whole"),
        (says("{"), "answered what is not JSON"),
        (says("[" * 200_000), "answered what is not JSON"),
        (says('{"scores": 3}'), 'answered JSON that holds nothing at "score"'),
        (says("[3]"), "holds nothing at"),
        (says('{"score": null}'), "holds no number"),
        (says('{"score": true}'), "holds no number"),
        (says('{"score": "good"}'), "holds no number"),
        (says('{"score": NaN}'), "answered nan where"),
        (says('{"score": 1e999}'), "answered inf where"),
        (says(b" " * (3 << 20) + b'{"score": 3}'), "answered more than 1 MiB"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n"), "was not reached or broke off"),
    ],
)
def test_a_fault_that_passes_is_asked_again_and_one_that_stays_is_said(
    act: Act, sentence: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    began = time.monotonic()
    picture = make_picture(9, 9)[None]
    server.plan = [act]
    victim = asks(server, hours, timeout=0.5, retries=1)
    assert victim.score(picture) == roughness(picture)
    assert astuple(victim.account)[:2] == (2, 1)

    server.plan = [act, act]
    victim = asks(server, hours, timeout=0.5, retries=1)
    with pytest.raises(VictimError, match=sentence) as caught:
        victim.score(picture)
    assert str(caught.value).startswith(server.url)
    assert str(caught.value).endswith("(asked 2 times).")
    assert astuple(victim.account)[:2] == (2, 0)
    assert time.monotonic() - began < 6  # three requests, each of which would take four seconds


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413])
def test_a_refusal_is_not_asked_again(
    status: int, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says("no", status)
    with pytest.raises(VictimError, match=f"answered {status}"):
        asks(server, hours).score(make_picture(8, 8)[None])
    assert len(server.seen) == 1
    assert not hours.slept


def test_a_redirect_is_not_followed(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    with running() as elsewhere:
        server.usual = says("", 307, Location=elsewhere.url)
        with pytest.raises(VictimError, match="redirects are not followed"):
            asks(server, hours).score(make_picture(8, 8)[None])
        assert not elsewhere.seen


def test_the_environments_proxies_are_not_used(
    server: Server, hours: Hours, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(asks(server, hours).score(make_picture(8, 8)[None])) == 1


def test_a_host_where_nothing_listens_is_a_sentence(
    hours: Hours, make_picture: MakePicture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        victim = Http(url, score_range=RANGE, retries=0, clock=hours.clock)
        with pytest.raises(
            VictimError, match=r"was not reached or broke off \(ConnectionRefusedError\)"
        ):
            victim.score(make_picture(8, 8)[None])


def test_a_kept_connection_that_the_host_closed_is_opened_again(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    def good_then_close(handler: Handler) -> None:
        good(handler)
        handler.close_connection = True

    server.usual = good_then_close
    victim = asks(server, hours, retries=0)
    for seed in range(3):
        victim.score(make_picture(8, 8, seed)[None])
        time.sleep(0.05)
    assert victim.account.billed == 3


def test_the_waits_grow_and_keep_what_the_service_asks_for(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.plan = [
        says("", 500),
        says("", 500),
        says("", 429, Retry_After="30"),
        says("", 503, Retry_After=date),
        says("", 503, Retry_After="soon"),
    ]
    asks(server, hours).score(make_picture(8, 8)[None])
    least = [1, 2, 4 + 30, 8 + 85, 16]
    assert all(a <= b <= a + 7 for a, b in zip(least, hours.slept, strict=True)), hours.slept
    assert len({wait % 1 for wait in hours.slept}) == 5  # jitter


def test_a_service_that_asks_for_an_hour_is_left_alone(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says("", 429, Retry_After="3600")
    with pytest.raises(VictimError, match="left alone for 3600 s"):
        asks(server, hours).score(make_picture(8, 8)[None])
    assert len(server.seen) == 1


def test_an_unusable_answer_is_asked_for_less_often(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says("{}")
    with pytest.raises(VictimError, match="asked 3 times"):
        asks(server, hours, retries=9).score(make_picture(8, 8)[None])


def test_what_was_answered_is_never_asked_again(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    one, two, three = (make_picture(8, 8, seed) for seed in range(3))
    victim = asks(server, hours, price=0.5)
    server.plan = [good, good, says("", 400)]
    with pytest.raises(VictimError):
        victim.score(np.stack([one, two, three]))
    assert astuple(victim.account) == (3, 2, 0, 1.5, 0)
    batch = np.stack([one, three, two, one, three])
    assert np.array_equal(victim.score(batch), roughness(batch))
    assert astuple(victim.account) == (4, 3, 4, 2.0, 0)
    assert len(server.seen) == 4
    victim.forget()
    victim.score(one[None])
    assert len(server.seen) == 5


def test_a_failing_service_loses_no_answer(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    picture = make_picture(20, 20)
    server.plan = [good] * 7 + [says("", 404)]
    victim = asks(server, hours)
    with pytest.raises(VictimError, match="answered 404") as caught:
        iqaudit.attack(picture, victim, queries=20)
    [begun] = caught.value.results
    assert begun.queries == 7
    [whole] = iqaudit.attack(picture, victim, queries=20)
    assert np.array_equal(begun.scores, whole.scores[:7])
    assert astuple(victim.account)[:3] == (22, 21, 7)  # one sees whether it is down


def test_requests_keep_the_rate_without_a_burst(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    at = []

    def note(handler: Handler) -> None:
        at.append(hours.time)
        good(handler)

    server.usual = note
    victim = asks(server, hours, rate=4)
    for seed in range(4):
        victim.score(make_picture(8, 8, seed)[None])
    hours.time += 100  # a pause earns nothing
    victim.score(np.stack([make_picture(8, 8, seed) for seed in range(4, 8)]))
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert gaps == pytest.approx([0.25] * 3 + [100] + [0.25] * 3)


def test_the_ceiling_in_money_is_never_passed(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.plan = [says("", 500)] * 2
    victim = asks(server, hours, price=0.1, budget_money=1.0)
    with pytest.raises(
        VictimError, match=r"spent: 1 of 1 went on 10 requests.*costs 0\.1"
    ) as caught:
        iqaudit.attack(make_picture(20, 20), victim, queries=20)
    assert len(server.seen) == 10
    assert caught.value.results[0].queries == 8
    assert victim.account.spent == pytest.approx(1)


def test_a_breaker_stops_what_keeps_failing(
    server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    first = make_picture(8, 8)[None]
    victim = asks(server, hours, retries=50)
    expected = victim.score(first)
    server.usual = says("", 500)
    with pytest.raises(VictimError, match="10 requests in a row failed, no more are sent"):
        victim.score(make_picture(8, 8, 1)[None])
    with pytest.raises(VictimError, match="in a row failed"):
        victim.score(make_picture(8, 8, 2)[None])
    assert len(server.seen) == 1 + BREAKER
    assert victim.score(first) == expected


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_is_checked(
    server: Server,
    hours: Hours,
    make_picture: MakePicture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test"
    names = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run([*make.split(), *names], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = server.url.replace("http:", "https:")
    picture = make_picture(8, 8)[None]
    with pytest.raises(VictimError, match=r"a certificate that does not hold\.$"):
        asks(server, hours).score(picture)
    assert not server.seen
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    victim = asks(server, hours)
    assert victim.score(picture) == roughness(picture)
    server.plan = [says("", 503), cut]
    assert victim.score(make_picture(8, 8, 1)[None]) == roughness(make_picture(8, 8, 1)[None])
    assert victim.account.billed == 4


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_takes_calls_and_says_nothing_is_left(
    scheme: str, hours: Hours, make_picture: MakePicture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
        victim = Http(url, score_range=RANGE, timeout=0.2, retries=0, clock=hours.clock)
        with pytest.raises(VictimError, match=r"gave no whole reply in 0\.2 s"):
            victim.score(make_picture(8, 8)[None])
