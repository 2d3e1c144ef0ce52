"""A server that misbehaves as told, and a clock that does not wait."""

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image
from tests.support.scorers import roughness

import iqaudit
from iqaudit._core.picture import Pixels
from iqaudit.victims import Http
from iqaudit.victims._metered.base import Clock

RANGE = (0.0, 20.0)


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's plan says, then, when that is used up, with the roughness."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = headers, body
        self.server.seen.append((self.path, headers, body))
        act = self.server.plan.pop(0) if self.server.plan else self.server.usual
        act(self)

    def score(self) -> float:
        return float(roughness(pixels_of(*self.asked)[None])[0])

    def say(self, body: bytes | str, status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


Act = Callable[[Handler], object]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/score"
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.plan: list[Act] = []
        self.usual: Act = good

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what is tested."""


def good(handler: Handler) -> None:
    handler.say(json.dumps({"score": handler.score()}))


def says(body: bytes | str, status: int = 200, **headers: str) -> Act:
    return lambda handler: handler.say(body, status, **headers)


class Gathering:
    """Holds requests until several are there, and counts them; alone, one waits a while."""

    def __init__(self, several: int) -> None:
        self.most = self._there = 0
        self._several, self._changed = several, threading.Condition()

    def __call__(self, handler: Handler) -> None:
        with self._changed:
            self._there += 1
            self.most = max(self.most, self._there)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._several, 0.2)
        good(handler)
        with self._changed:
            self._there -= 1


def drop(handler: Handler) -> None:
    handler.close_connection = True


def cut(handler: Handler) -> None:
    """Promise more bytes than are sent; what is sent is a score."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"score": 7}')
    handler.close_connection = True


def silent(_: Handler) -> None:
    time.sleep(1)


def drip(head: bytes, between: bytes) -> Act:
    """Send one byte after the other, each well within any time-out of a single read."""

    def act(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        with contextlib.suppress(OSError):
            for _ in range(40):
                handler.wfile.write(between)
                time.sleep(0.1)

    return act


def pixels_of(headers: dict[str, str], body: bytes) -> Pixels:
    kind = headers["content-type"]
    if kind.startswith("multipart/form-data"):
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        [_, part] = form.walk()
        kind, content = part.get_content_type(), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        body = content
    assert kind == "image/png"
    with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
        assert image.mode == "RGB"
        assert not image.info
        return np.array(image)


class Hours:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


def asks(server: Server, hours: Hours, **options: Any) -> Http:
    return Http(server.url, score_range=RANGE, clock=hours.clock, **options)


def fingerprint(result: iqaudit.TrialResult) -> tuple[bytes, bytes, object]:
    return result.adversarial.tobytes(), result.scores.tobytes(), result.trace


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Run a server in a thread."""
    with Server() as server:
        # Its poll is how long a shutdown waits.
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
