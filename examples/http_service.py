"""The attack on a scoring service; a toy one is started here, on loopback."""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
from PIL import Image
from skimage import data

import iqaudit


class Contrast(BaseHTTPRequestHandler):
    """A service that answers a posted PNG with the standard deviation of its pixels."""

    def do_POST(self) -> None:
        """Answer with ``{"score": ...}``."""
        picture = self.rfile.read(int(self.headers["Content-Length"]))
        score = float(np.asarray(Image.open(io.BytesIO(picture))).std())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"score": score}).encode())

    def log_message(self, *_: object) -> None:
        """Print no line a request."""


with HTTPServer(("127.0.0.1", 0), Contrast) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    victim = iqaudit.victims.Http(
        f"http://127.0.0.1:{server.server_port}/score",
        field="score",
        score_range=(0, 128),
    )
    [result] = iqaudit.attack(data.chelsea(), victim, queries=100)
    server.shutdown()

print(f"{result.clean_score:.2f} -> {result.adversarial_score:.2f} in {result.queries} requests")
