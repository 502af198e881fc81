"""A small service with faults that are planted by its environment; a program of its own, started by the tests.

SLEEP: seconds before it listens. BALLAST: bytes it holds. SPIN: seconds of CPU time for each prediction. FAIL: it ends
at once. DOCUMENT: it serves one. OWN_TOKENS: what another instance gave is refused. PORT: where it listens.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = os.environ.get("HOST", "127.0.0.1")
TOKEN = os.urandom(8).hex() if "OWN_TOKENS" in os.environ else "let-me-in"
DOCUMENT: dict[str, object] = {
    "openapi": "3.1.0",
    "paths": {"/predict": {"post": {}, "parameters": []}, "/ready": {"get": {}}},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/openapi.json" and "DOCUMENT" in os.environ:
            self._answer(200, DOCUMENT)
        else:
            self._answer(200 if self.path == "/ready" else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/login":
            self._answer(200, {"token": TOKEN})
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {})
        else:
            enough = time.thread_time() + float(os.environ.get("SPIN", "0"))
            while time.thread_time() < enough:
                pass
            self._answer(200, {"prediction": sum(body["features"])})

    def _answer(self, status: int, document: dict[str, object]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


if __name__ == "__main__":
    if "FAIL" in os.environ:
        sys.exit("no model to serve")
    ballast = os.urandom(int(os.environ.get("BALLAST", "0")))
    time.sleep(float(os.environ.get("SLEEP", "0")))
    ThreadingHTTPServer((ADDRESS, int(os.environ["PORT"])), Handler).serve_forever()
