"""A judge behind a chat interface: what is sent, which answers are scores, what tokens cost."""

import base64
import io
import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness
from tests.support.serving import Act, Handler, Hours, Server, fingerprint, says

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._core.picture import Pixels
from iqaudit._runs.schema import load_audit
from iqaudit.victims import Chat, as_victim
from iqaudit.victims._metered.chat import PROMPT

TOKENS = {"prompt_tokens": 990, "completion_tokens": 10, "total_tokens": 1000}


def reply(content: object = "85", usage: object = TOKENS, **others: object) -> str:
    message = {"role": "assistant", "content": content}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    message |= {key: value for key, value in others.items() if key == "refusal"}
    choice |= {key: value for key, value in others.items() if key != "refusal"}
    return json.dumps({"choices": [choice], "usage": usage})


def sent(server: Server) -> tuple[str, dict[str, Any], Pixels]:
    """Return the last request: its path, its JSON, and the picture in it."""
    path, headers, body = server.seen[-1]
    assert headers["content-type"] == "application/json"
    document = json.loads(body)
    address = document["messages"][0]["content"][1]["image_url"]["url"]
    kind, _, coded = address.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(coded)), formats=["PNG"]) as image:
        return path, document, np.array(image)


def judging(handler: Handler) -> None:
    """Answer with the roughness, of 0 to 20, as one of 0 to 100."""
    _, _, picture = sent(handler.server)
    handler.say(reply(f"{5 * float(roughness(picture[None])[0])!r}"))


@pytest.fixture
def url(server: Server) -> str:
    server.usual = judging
    return server.url.removesuffix("score") + "v1"


def chat(url: str, hours: Hours, **options: Any) -> Chat:
    return Chat(url, model="eye-1", clock=hours.clock, **options)


@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
def test_a_picture_is_sent_with_the_question(
    end: str, url: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    picture = make_picture(13, 17)
    [score] = chat(url + end, hours).score(picture[None])
    path, document, pixels = sent(server)
    assert path == "/v1/chat/completions"
    assert np.array_equal(pixels, picture)
    assert score == 5 * roughness(picture[None])[0]
    assert (document["model"], document["temperature"]) == ("eye-1", 0)
    [message] = document["messages"]
    assert message["role"] == "user"
    assert message["content"][0] == {"type": "text", "text": PROMPT}


def test_a_prompt_is_sent_as_its_file_has_it(
    url: str, server: Server, hours: Hours, make_picture: MakePicture, tmp_path: Path
) -> None:
    file = tmp_path / "prompt.txt"
    question = 'From {base64} 1 to "5", {env:HOME} {file:/etc/passwd}\nwie schön? {"a": 1}'
    file.write_text(question + "\n", "utf-8")
    server.usual = says(reply("4.5"))
    victim = chat(url, hours, prompt=str(file), score_range=(1, 5))
    assert victim.score(make_picture(8, 8)[None]) == [4.5]
    assert victim.card.note.startswith("asked by a prompt whose SHA-256 begins with ")
    assert not chat(url, hours).card.note
    assert sent(server)[1]["messages"][0]["content"][0]["text"] == question
    with pytest.raises(InputError, match="range"):
        chat(url, hours, prompt=str(file))


@pytest.mark.parametrize(
    ("content", "score"),
    [
        ("85", 85),
        ("85.5\n", 85.5),
        ("**85**", 85),
        ("Score: 85.", 85),
        ("I would say 85%.", 85),
        ([{"type": "text", "text": "7"}, {"type": "text", "text": "2"}], 72),
    ],
)
def test_an_answer_with_one_number_is_a_score(
    content: object, score: float, url: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says(reply(content))
    assert chat(url, hours).score(make_picture(8, 8)[None]) == [score]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            reply("I'm sorry, I can't help."),
            "answered with no number: \"I'm sorry, I can't help.\"",
        ),
        (reply("85 out of 100"), "answered with more than one number (give a pattern): "),
        (reply("85/100"), 'answered with no plain number: "85/100"'),
        (reply("It is of 4k, so good"), "answered with no plain number"),
        (reply(None, refusal="I won't judge this."), 'refused: "I won\'t judge this."'),
        (reply(""), "answered nothing"),
        (reply(None), "answered nothing"),
        (reply("8", finish_reason="length"), 'broke its answer off at its limit of tokens: "8"'),
        (reply("", finish_reason="content_filter"), "its filter stopped the answer"),
        ('{"choices": []}', 'holds nothing at "choices[0]"'),
        ('{"choices": [{"text": "85"}]}', "holds no message"),
        ('{"error": {"message": "no such model"}}', "answered that it failed: no such model"),
        ("85", 'holds nothing at "choices[0]"'),
        (reply("nan"), "answered nan where a finite score was due"),
    ],
)
def test_an_answer_without_a_score_is_a_failure(
    answer: str,
    sentence: str,
    url: str,
    server: Server,
    hours: Hours,
    make_picture: MakePicture,
) -> None:
    server.usual = says(answer)
    with pytest.raises(VictimError) as failed:
        chat(url, hours).score(make_picture(8, 8)[None])
    assert sentence in str(failed.value)
    assert str(failed.value).startswith(f"chat:eye-1@{url}/chat/completions ")
    assert len(server.seen) == 3  # the same request seldom gets a better one


def test_a_pattern_finds_the_score(
    url: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    victim = chat(url, hours, pattern=r"(\d+) out of 100")
    server.usual = says(reply("Of 3 flaws none is bad: 85 out of 100."))
    assert victim.score(make_picture(8, 8)[None]) == [85]
    server.usual = says(reply("85"))
    with pytest.raises(VictimError, match='the pattern finds no score in: "85"'):
        victim.score(make_picture(8, 9)[None])


def test_what_fails_in_passing_is_asked_again(
    url: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    plan: list[Act] = [says("", 429, Retry_After="7"), says(reply("?")), says(reply("50"))]
    server.plan = plan
    victim = chat(url, hours, price=0.5)
    assert victim.score(make_picture(8, 8)[None]) == [50]
    assert hours.slept[0] >= 8
    assert astuple(victim.account) == (3, 1, 0, 1.0, 2000)  # two of them told of tokens


def test_tokens_are_counted_for_the_price(
    url: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    victim = chat(url, hours, price=0.002, budget_money=0.005)
    parts = {"prompt_tokens": 1400, "completion_tokens": 100}
    server.plan = [says(reply("10")), says(reply("20", usage=parts))]
    pictures = [make_picture(8, 8 + number)[None] for number in range(3)]
    assert [*victim.score(pictures[0]), *victim.score(pictures[1])] == [10, 20]
    assert victim.account.tokens == 2500
    assert victim.account.spent == pytest.approx(0.005)
    with pytest.raises(VictimError, match=r"is spent: 0.005 of 0.005 .* the next costs 0.003"):
        victim.score(pictures[2])
    assert len(server.seen) == 2


def test_a_price_needs_the_services_usage(
    url: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says(reply("50", usage=None))
    assert chat(url, hours).score(make_picture(8, 8)[None]) == [50]
    with pytest.raises(VictimError, match="tells no tokens in usage"):
        chat(url, hours, price=1).score(make_picture(8, 8)[None])
    assert len(server.seen) == 2


def test_a_string_names_a_chat_and_no_file_holds_its_secret(
    url: str, server: Server, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "Bearer sk-123456")
    secret = url.replace("http://", "http://user:pass@").replace("v1", "v1?key=hush")
    names = [f"chat:{url},model=eye-{number},header=X-Key=env:KEY" for number in (1, 2)]
    run = tmp_path / "run"
    done = iqaudit.audit(names, photos, attacks="random", queries=4, out=run, yes=True)
    assert [cell.cell for cell in done.cells] == ["eye-1--random", "eye-2--random"]
    audit = load_audit(run)
    assert [each.name for each in audit.victims] == [
        f"chat:eye-{number}@{url}/chat/completions" for number in (1, 2)
    ]
    assert all(headers["x-key"] == "Bearer sk-123456" for _, headers, _ in server.seen)
    victim = as_victim(f"chat:{secret},model=eye-1")
    server.usual = says(reply("user:pass said hush"))
    with pytest.raises(VictimError, match="no number") as failed:
        victim.score(iqaudit.read(photos / "p0.png").pixels[None])
    written = "".join(
        file.read_text("latin-1") for file in run.rglob("*") if file.suffix in (".json", ".html")
    )
    for each in ("sk-123456", "hush", "pass@", "user:pass"):
        assert each not in written
        assert each not in str(failed.value)


def test_an_attack_through_a_chat_is_the_same_to_the_last_byte(
    url: str, hours: Hours, make_picture: MakePicture
) -> None:
    picture = make_picture(20, 24)
    [direct] = iqaudit.attack(
        picture, lambda pictures: 5 * roughness(pictures), score_range=(0, 100), queries=20
    )
    [through] = iqaudit.attack(picture, chat(url, hours), queries=20)
    assert fingerprint(direct) == fingerprint(through)
    repeated = as_victim(chat(url, hours), repeats=2)
    assert repeated.card.cost == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "A chat needs the model's name"),
        ({"model": "eye-1", "prompt": "none.txt"}, "there is no such file for a prompt"),
        ({"model": "eye-1", "pattern": "x"}, "one group"),
        ({"model": "eye-1", "field": "score"}, "takes no field"),
        ({"model": "eye-1", "body": "{}"}, "takes no body"),
    ],
)
def test_what_a_chat_cannot_use_is_refused(
    options: dict[str, Any], sentence: str, url: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim(f"chat:{url}", **options)
    with pytest.raises(InputError, match="not this machine"):
        as_victim("chat:https://example.org/v1", model="eye-1")
    with pytest.raises(InputError, match="address looks like"):
        as_victim("chat:example.org", model="eye-1")
