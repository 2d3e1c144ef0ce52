"""Where a service's secrets go, and who may be asked."""

import base64
import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from tests.support.auditing import iqaudit_
from tests.support.pictures import MakePicture
from tests.support.serving import (
    RANGE,
    Act,
    Handler,
    Hours,
    Server,
    drop,
    good,
)

import iqaudit
from iqaudit import InputError, IqauditError, VictimError
from iqaudit._audit.parse import audit_spec
from iqaudit.victims import Http, as_victim
from iqaudit.victims._options import OPTIONS
from iqaudit.victims._spec import VictimSpec, unasked

SECRETS = ("tok-7f3a91", "pass-55d2", "query-8c1e")


def test_secrets_reach_the_service_and_nobody_else(
    server: Server,
    hours: Hours,
    make_picture: MakePicture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    token, password, query = SECRETS
    monkeypatch.setenv("SCORER_TOKEN", token)
    (tmp_path / "key").write_text(f"{token}-2\n")
    host = server.url.removeprefix("http://")
    victim = Http(
        f"http://me:{password}@{host}?key={query}",
        headers=["X-Token=env:SCORER_TOKEN", f"X-Key=file:{tmp_path / 'key'}"],
        score_range=RANGE,
        clock=hours.clock,
        retries=1,
    )

    def echo(status: int) -> Act:
        def act(handler: Handler) -> None:
            path, headers, _ = handler.server.seen[-1]
            leak = json.dumps([path, headers, *SECRETS])
            handler.say(leak, status, X=token, Location=leak)

        return act

    def garble(handler: Handler) -> None:
        handler.wfile.write(f"HTTP/{token} {query}\r\n {password}\r\n\r\n".encode())
        handler.close_connection = True

    server.plan = [good] * 5
    run = tmp_path / "run"
    said: list[str] = []
    for plan in ([echo(500)] * 2, [echo(302)], [echo(200)] * 2, [garble] * 2, [drop] * 2):
        server.plan = [*server.plan, *plan]
        with pytest.raises(VictimError) as caught:
            iqaudit.attack(make_picture(12, 12, len(said)), victim, queries=30)
        assert not server.plan
        said.append("".join(traceback.format_exception(caught.value)))
        assert caught.value.__context__ is None  # what lies beneath holds the reply
        link: BaseException | None = caught.value
        while link:
            said.append(repr(link.args))
            link = link.__cause__ or link.__context__

    path, headers, _ = server.seen[0]
    login = base64.b64encode(f"me:{password}".encode()).decode()
    assert path == f"/score?key={query}"
    assert headers["x-token"] == token
    assert headers["x-key"] == f"{token}-2"
    assert headers["authorization"] == f"Basic {login}"

    iqaudit.attack(make_picture(12, 12, 77), victim, queries=3, out=run)
    said += [file.read_bytes().decode("latin-1") for file in run.rglob("*") if file.is_file()]
    said += [
        repr(victim),
        repr(victim.card),
        *(repr(vars(each)) for each in victim._idle),
        caplog.text,
    ]
    said += list(capfd.readouterr())
    assert victim.card.name == server.url
    for secret in (*SECRETS, login):
        assert not [text for text in said if secret in text]


@pytest.mark.parametrize(
    "header",
    [
        f"Authorization: Bearer {SECRETS[0]}",
        f"Authorization=Bearer {SECRETS[0]}",
        f"Authorization=env:{SECRETS[0]}",
        "Authorization=env:NOT_SET_ANYWHERE",
        "Authorization=file:nowhere/to/be/found",
        "Content-Length=env:HOME",
        "X=env:TWO_LINES",
    ],
)
def test_a_header_that_cannot_be_used_is_refused_without_its_value(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWO_LINES", f"{SECRETS[0]}\r\nX-Other: 1")
    with pytest.raises(InputError, match=r"Header 1 must be|header \w+ is missing") as caught:
        Http("http://localhost/", headers=[header], score_range=RANGE)
    assert SECRETS[0] not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        f"htp://me:{SECRETS[0]}@localhost/",
        f"http:/me:{SECRETS[0]}@localhost/",
        f"http://me:{SECRETS[0]}@localhost:port/",
        f"http://me:{SECRETS[0]}@[::1/",
        f"https://?key={SECRETS[0]}",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(InputError) as caught:
        as_victim(url, score_range=RANGE)
    assert SECRETS[0] not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "host",
    ["example.org", "192.0.2.7", "[2001:db8::1]", "127.0.0.1.example.org", "10.1"],
)
def test_a_host_elsewhere_needs_its_owners_permission(host: str) -> None:
    with pytest.raises(InputError, match=r"owner's permission.*authorised=True"):
        as_victim(f"https://me:secret@{host}/score", score_range=RANGE)
    made = as_victim(f"https://{host}/score", score_range=RANGE, authorised=True)
    assert made.card.name == f"https://{host}/score"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "127.3.2.1", "[::1]:8080"])
def test_this_machine_needs_no_permission(host: str) -> None:
    assert (
        as_victim(f"http://{host}/a%20b?c", score_range=RANGE).card.name == f"http://{host}/a%20b"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"score_range": None}, "A service needs its score range"),
        ({"timeout": 0}, "timeout must be a finite number above 0"),
        ({"timeout": "5"}, "timeout must be"),
        ({"rate": -1}, "rate must be"),
        ({"rate": 0}, "rate must be"),
        ({"price": float("nan")}, "price must be a finite number of at least 0"),
        ({"budget_money": 5}, "needs the price"),
        ({"retries": -1}, "retries must be at least 0"),
        ({"retries": 1.5}, "retries must be a whole number"),
        ({"form": "json"}, "form is"),
        ({"form": "multipart:a b"}, "form is"),
        ({"field": "a..b"}, "no path to a score"),
        ({"field": "a[x]"}, "no path to a score"),
        ({"pattern": "x"}, "takes no pattern"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim("http://localhost/", **{"score_range": RANGE, **options})


@pytest.mark.parametrize(
    "text",
    [
        "https://user:SECRET@host.example/score?key=SECRET,authorised,rate=5,rate=6",
        "host.example/score?key=SECRET,range=0:1",
        "API_KEY=SECRET,range=0:1",
        "command:API_KEY=SECRET python score.py {picture},range=0:1",
        "command:python score.py --key CREDENTIAL {picture},timeout=1,timeout=2",
    ],
)
def test_a_victim_that_is_named_wrongly_is_refused_without_its_secrets(text: str) -> None:
    with pytest.raises(InputError) as caught:
        unasked(VictimSpec.parse(text))
    assert "SECRET" not in str(caught.value)


CREDENTIAL = "sk-5e1f00c4"

OF_A_SERVICE = [name for name, each in OPTIONS.items() if each.heading == "Service"]


@pytest.mark.parametrize("name", OF_A_SERVICE)
def test_no_options_value_is_repeated(
    name: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is said, and of whatever type it is."""
    monkeypatch.delenv(CREDENTIAL, raising=False)
    said = []
    wrong: tuple[Any, ...] = (
        CREDENTIAL, f"{CREDENTIAL}[", f"({CREDENTIAL}", [CREDENTIAL], [[CREDENTIAL]],
        {"Authorization": CREDENTIAL}, (CREDENTIAL,),
    )  # fmt: skip
    for value in wrong:
        for make in (
            lambda value: as_victim("http://localhost/", score_range=RANGE, **{name: value}),
            lambda value: unasked(VictimSpec("http://localhost/", {"range": RANGE, name: value})),
            lambda value: audit_spec({"victims": [{"spec": "http://localhost/", name: value}]}),
        ):
            try:
                make(value)
            except IqauditError as error:
                said.append("".join(traceback.format_exception(error)))
    for text in (CREDENTIAL, f"{CREDENTIAL}["):
        once = "" if name == "retries" else ",retries=0"
        victim = f"http://localhost:1/,range=0:20{once},{name}={text}"
        said.append(iqaudit_("score", photos, "--victim", victim).output)
        option = OPTIONS[name].option
        flag = [option] if OPTIONS[name].metavar == "" else [option, text]
        line = ["score", photos, "--victim", f"http://localhost:1/{once}", "--range", 0, 20]
        said.append(iqaudit_(*line, *flag).output)
    assert said
    assert not [text for text in said if CREDENTIAL in text]


def test_a_toml_that_is_wrong_repeats_no_secret(tmp_path: Path) -> None:
    url = f"http://me:{CREDENTIAL}@localhost/?key={CREDENTIAL}"
    for text in (
        f'victims = [["{url}"]]',
        f'victims = {{"{url}" = 1}}',
        f'[[victims]]\nurl = "{url}"',
        f'[[victims]]\nspec = "http://localhost/"\nheaders = {{A = "Bearer {CREDENTIAL}"}}',
        f'[[victims]]\nspec = "http://localhost/"\n"header: {CREDENTIAL}" = true',
        f'[[victims]]\nspec = "{url}"\nrange = "{CREDENTIAL[:2]}"',
        f'victims = ["{url},range=0:1,range=0:2"]',
        f'victims = ["{url}"]\nqueries = 1',
        f'victims = ["{url}',
    ):
        (tmp_path / "a.toml").write_text(text + "\n")
        done = iqaudit_("plan", "--from", tmp_path / "a.toml")
        assert done.exit_code == 2
        assert CREDENTIAL not in done.output, text


def test_a_services_words_repeat_nothing_that_it_was_sent(
    server: Server, hours: Hours, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    token, password, query = SECRETS
    monkeypatch.setenv("TOKEN", f"Bearer {token}")
    (tmp_path / "key").write_text(CREDENTIAL)
    victim = Http(
        f"http://me:{password}@{server.url.removeprefix('http://')}?k={query}%20x",
        headers=["X=env:TOKEN"],
        body='{"image": "{base64}", "key": "{file:' + str(tmp_path / "key") + '}"}',
        score_range=RANGE,
        clock=hours.clock,
    )
    sent = f"no key {CREDENTIAL} {token} {password} {query} x, k={query}%20x, me"
    server.usual = lambda handler: handler.say(json.dumps({"error": sent}))
    with pytest.raises(VictimError, match=r"failed: no key … … … …") as caught:
        victim.score(make_picture(8, 8)[None])
    assert not [each for each in (*SECRETS, CREDENTIAL) if each in str(caught.value)]


def test_a_bodys_literals_are_in_no_file(
    server: Server, make_picture: MakePicture, tmp_path: Path
) -> None:
    run, body = tmp_path / "run", json.dumps({"image": "{base64}", "key": CREDENTIAL})
    how: dict[str, Any] = {"score_range": RANGE, "queries": 3, "engine": "serial", "out": run}
    server.usual = lambda handler: handler.say('{"score": 7}')
    for _ in range(2):
        iqaudit.attack(make_picture(12, 12), server.url, body=body, **how)
    with pytest.raises(InputError, match="body") as caught:
        iqaudit.attack(make_picture(12, 12), server.url, body=body.replace("sk", "ks"), **how)
    said = [file.read_bytes().decode("latin-1") for file in run.rglob("*") if file.is_file()]
    assert not [text for text in (*said, str(caught.value)) if CREDENTIAL in text]


def test_a_programs_last_words_are_one_line_without_secrets(make_picture: MakePicture) -> None:
    complaint = (
        f"echo 'cannot log in: https://me:{CREDENTIAL}@host/ token={CREDENTIAL}' >&2; exit 3"
    )
    victim = as_victim(f'command:sh -c "{complaint}" {{picture}}', score_range=RANGE, retries=0)
    with pytest.raises(VictimError, match="cannot log in: https://…@host/") as caught:
        victim.score(make_picture(8, 8)[None])
    assert CREDENTIAL not in str(caught.value)
