"""One scorer in four forms, named on the command line: the same trajectory from each."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit import _cli
from iqaudit._runs.schema import load_answers

SCORER = """
import numpy as np

def roughness(pictures):
    wide = pictures.astype(np.int64)
    return np.abs(np.diff(wide, axis=2)).sum(axis=(1, 2, 3)) / wide[0].size

if __name__ == "__main__":
    import sys
    from PIL import Image
    for line in open(sys.argv[1]):
        picture = np.asarray(Image.open(line.strip()))
        print(float(roughness(picture[None])[0]))
"""


class _Service(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        picture = np.asarray(Image.open(BytesIO(body)))
        reply = json.dumps({"quality": {"scores": [float(roughness(picture[None])[0])]}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/score"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_four_forms_of_one_scorer_go_the_same_way(
    address: str, tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scorer_of_the_forms.py").write_text(SCORER)
    iqaudit.write(tmp_path / "photo.png", make_picture(30, 40))
    monkeypatch.syspath_prepend(str(tmp_path))
    command = f"{sys.executable} {tmp_path / 'scorer_of_the_forms.py'} {{pictures}}"
    forms = {
        "python": ["--victim", "python:scorer_of_the_forms:roughness", "--range", "0", "20"],
        "http": ["--victim", address, "--field", "quality.scores[0]", "--range", "0", "20"],
        "command": ["--victim", f"command:{command}", "--range", "0", "20"],
        "replay": ["--victim", f"replay:{tmp_path / 'python'}"],
    }
    answers = {}
    for form, victim in forms.items():
        run = ["attack", str(tmp_path / "photo.png"), *victim, "--queries", "12"]
        result = CliRunner().invoke(_cli.main, [*run, "--out", str(tmp_path / form)])
        assert result.exit_code == 0, result.output
        # Two of them tell the victim from another.
        billed = "14 requests billed, 14 pictures answered" in result.stderr
        assert billed is (form in ("http", "command")), result.stderr
        answers[form] = load_answers(tmp_path / form, "photo").tobytes()
        verified = CliRunner().invoke(_cli.main, ["verify", str(tmp_path / form), *victim])
        assert verified.exit_code == 0, verified.output
    assert len(set(answers.values())) == 1
