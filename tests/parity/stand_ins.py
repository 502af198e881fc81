"""Small services whose every byte a test decides, and comparisons whose progress nobody looks at."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from serving_lab.parity.reporting.records import result_of
from serving_lab.parity.run import run
from support.quiet import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from serving_lab.parity.plan import ParityPlan
    from serving_lab.parity.result import ParityResult
    from serving_lab.text.progress import Progress


@dataclass(frozen=True)
class Asked:
    """A request as the service read it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Says:
    """An answer; a body that is not bytes is sent as JSON."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def result_of_comparing(plan: ParityPlan, progress: Progress | None = None) -> ParityResult:
    """Compare as the command does, and write no file."""
    return result_of(run(plan, progress or Quiet()))


@contextlib.contextmanager
def service(behaviour: Callable[[Asked], Says]) -> Iterator[str]:
    """Run a service that answers every request as `behaviour` says, and yield its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two would wait for each other's acknowledgement

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            says = behaviour(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            content = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | says.headers
            self.send_response_only(says.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
