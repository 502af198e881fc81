"""Servers that answer what a test decides: pytest-httpserver, with one function for all requests.

They close the connection after each answer, as werkzeug does. Fakes that must break HTTP, or keep connections, are
programs of their own: support/subject.py and footprint/service.py, or sockets.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler

_ANY = re.compile("")


@dataclass(frozen=True)
class Asked:
    """A request as the server read it; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The object in its body, empty where it has none."""
        decoded = json.loads(self.body or b"{}")
        assert isinstance(decoded, dict)
        return decoded


@dataclass(frozen=True)
class Says:
    """An answer; a body that is not bytes is sent as JSON."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FakeServer:
    """A server that runs."""

    base_url: str
    _server: HTTPServer

    @property
    def asked(self) -> Counter[str]:
        """How often each path was asked."""
        return Counter(request.path for request, _ in self._server.log)

    @property
    def requests(self) -> list[Asked]:
        """What was asked, in order."""
        return [_read(request) for request, _ in self._server.log]


@contextlib.contextmanager
def fake_server(respond: Callable[[Asked], Says], port: int = 0) -> Iterator[FakeServer]:
    """Answer every request as `respond` says, on a free port or this one."""

    def handle(request: Request) -> Response:
        says = respond(_read(request))
        content = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
        # werkzeug would shout the phrase.
        status = f"{says.status} {HTTPStatus(says.status).phrase}"
        return Response(content, status, {"Content-Type": "application/json"} | says.headers)

    with _Server("127.0.0.1", port, threaded=True) as server:
        server.expect_request(_ANY).respond_with_handler(handle)
        yield FakeServer(server.url_for("").rstrip("/"), server)
        server.check()


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without Server and Date: nothing but what a test decides may vary."""
        self.send_response_only(code, message)

    def log_request(self, *_: object) -> None:
        """Keep quiet."""


class _Server(HTTPServer):
    def thread_target(self) -> None:
        assert self.server is not None
        self.server.RequestHandlerClass = _Handler
        self.server.serve_forever(poll_interval=0.02)  # which is how long its end takes


def _read(request: Request) -> Asked:
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(request.method, request.path + query, headers, request.get_data())
