"""What a service is sent as JSON, and what its replies say."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.auditing import iqaudit_
from tests.support.pictures import MakePicture
from tests.support.serving import Hours, Server, asks, pixels_of, says

import iqaudit
from iqaudit import VictimError
from iqaudit.victims._spec import VictimSpec


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ('{"error": "no face was found."}', "answered that it failed: no face was found"),
        ('{"score": 0, "error": {"code": 3, "message": "bad image"}}', "failed: bad image"),
        ('{"errors": [{"detail": "too dark"}]}', "failed: too dark"),
        ('{"status": "FAILED", "score": 0, "message": "queue full"}', "failed: queue full"),
        ('{"success": false, "score": 0}', "answered that it failed"),
        ('{"ok": false, "reason": "blank"}', "answered that it failed: blank"),
        ('{"score": null}', 'holds no number at "score"'),
        ('{"score": null, "message": "not ready"}', 'holds no number at "score": not ready'),
        ('{"detail": "no model"}', 'holds nothing at "score": no model'),
        ('{"score": true}', 'holds no number at "score"'),
        ('{"score": "1_000"}', 'holds no number at "score"'),
        ('{"score": "good"}', 'holds no number at "score"'),
        ('{"score": NaN}', "answered nan where a finite score was due"),
        ('{"score": "inf"}', "answered inf where a finite score was due"),
        ('{"score": 1e999}', "answered inf where a finite score was due"),
        ('{"score": [3]}', 'holds no number at "score"'),
    ],
)
def test_a_reply_without_a_score_is_a_failure_in_the_services_words(
    reply: str, sentence: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says(reply)
    with pytest.raises(VictimError) as caught:
        asks(server, hours).score(make_picture(8, 8)[None])
    assert sentence in str(caught.value)
    assert "(asked 3 times)" in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        "[]",
        '[{"label": "good"}]',
        '[{"label": "good", "p": 1}, {"label": "good", "p": 2}]',
        '{"label": "good", "p": 1}',
    ],
)
def test_a_label_that_is_not_one_items_is_no_score(
    reply: str, server: Server, hours: Hours, make_picture: MakePicture
) -> None:
    server.usual = says(reply)
    with pytest.raises(VictimError, match=r'holds nothing at "\[label=good\]\.p"'):
        asks(server, hours, field="[label=good].p").score(make_picture(8, 8)[None])


BODY = '{"inputs": [{"image": "data:image/png;base64,{base64}", "k": [1, 2]}], "key": "{env:KEY}"}'


@pytest.mark.parametrize("body", [BODY, json.loads(BODY)], ids=["text", "mapping"])
def test_a_picture_is_sent_in_json(
    body: object, server: Server, hours: Hours, make_picture: MakePicture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("KEY", 'quote"d')
    server.usual = says('{"score": 3}')
    picture = make_picture(8, 9)
    assert asks(server, hours, body=body).score(picture[None]) == [3]
    [(_, headers, sent)] = server.seen
    assert headers["content-type"] == "application/json"
    document = json.loads(sent)
    kind, coded = document["inputs"][0]["image"].split(",")
    assert document == {"inputs": [{"image": f"{kind},{coded}", "k": [1, 2]}], "key": 'quote"d'}
    png = {"content-type": "image/png"}
    assert np.array_equal(pixels_of(png, base64.b64decode(coded)), picture)


@pytest.mark.slow
def test_a_body_is_one_of_a_string_of_toml_and_of_the_command_line(
    server: Server, make_picture: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "k")
    server.usual = says('[{"label": "good", "score": 3}]')
    field = "[label=good].score"
    iqaudit.write(tmp_path / "p.png", make_picture(8, 9))
    whole = f"{server.url},range=0:20,body={BODY},field={field}"
    spec = VictimSpec.parse(whole)
    assert (spec.spec, spec.options["body"]) == (server.url, BODY)
    said = ["--range", 0, 20, "--field", field]
    for line in (
        ["--victim", whole],
        ["--victim", server.url, *said, "--body", BODY],
    ):
        done = iqaudit_("score", tmp_path / "p.png", *line)
        assert done.exit_code == 0, done.output
    toml = tmp_path / "a.toml"
    table = 'body = {inputs = [{image = "{base64}"}], key = "{env:KEY}"}'
    toml.write_text(
        f'data = {{pictures = ["{tmp_path}/p.png"]}}\nqueries = [4]\n[[victims]]\n'
        f'spec = "{server.url}"\nrange = [0, 20]\nfield = "{field}"\n{table}\n'
    )
    for _ in range(2):  # the second goes on with the same
        done = iqaudit_(
            "audit", "--from", toml, "--out", tmp_path / "run", "--engine", "serial", "--yes"
        )
        assert done.exit_code == 0, done.output
    assert all("base64" not in file.read_text("latin-1")[:2000] for file in
               (tmp_path / "run").rglob("*.json"))  # fmt: skip
