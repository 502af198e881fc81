"""Clients of all kinds that ask without a pause that matters, and count exactly what failed.

Some keep their connection, some open one for each request, one sends its request slowly, and one has a WebSocket.
"""

import contextlib
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support import websocket
from support.services import wait_until

ROW = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]
GOING_AWAY = 1001
_PAUSE_SECONDS, _PIECE_SECONDS = 0.02, 0.1
_TIMEOUT_SECONDS = 30.0
_AT_MOST_SECONDS = 1800.0
_BODY = json.dumps({"features": ROW}).encode()


@dataclass
class Clients:
    """Clients of one address, and what they have seen."""

    url: str
    token: str
    with_websocket: bool = False
    answered: Counter[str] = field(default_factory=Counter)
    """Right answers, by the kind of client."""
    told_to_move: int = 0
    """How often a WebSocket was closed with 1001."""
    failed: list[str] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        kinds: list[Callable[[], None]] = [self._keep, self._keep, self._keep, self._renew, self._dawdle]
        kinds += [self._talk] * self.with_websocket
        self._threads += [threading.Thread(target=self._run, args=(kind,)) for kind in kinds]
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int = 5) -> None:
        """Wait until each kind of client has had so many more right answers."""
        before = Counter(self.answered)
        kinds = ["keep", "renew", "dawdle", *(["talk"] if self.with_websocket else [])]
        wait_until(
            lambda: bool(self.failed) or all(self.answered[kind] >= before[kind] + count for kind in kinds),
            "every client is answered",
            seconds=60,
        )

    def _run(self, kind: Callable[[], None]) -> None:
        try:
            kind()
        except (OSError, http.client.HTTPException, ConnectionClosed, ValueError) as error:
            self._fail(f"{kind.__name__}: {error!r}")

    def _keep(self) -> None:
        connection = self._connection()
        for _ in self._turns():
            self._ask(connection, "keep")

    def _renew(self) -> None:
        for _ in self._turns():
            with contextlib.closing(self._connection()) as connection:
                self._ask(connection, "renew")

    def _dawdle(self) -> None:
        """Send the body in pieces."""
        for _ in self._turns():
            with contextlib.closing(self._connection()) as connection:
                connection.putrequest("POST", "/predict")
                for name, value in {**self._headers, "Content-Length": str(len(_BODY))}.items():
                    connection.putheader(name, value)
                connection.endheaders()
                for start in range(0, len(_BODY), 20):
                    connection.send(_BODY[start : start + 20])
                    time.sleep(_PIECE_SECONDS)
                self._check(connection, "dawdle")

    def _talk(self) -> None:
        address = f"ws://{urlsplit(self.url).netloc}{websocket.PATH}"
        options: dict[str, Any] = {
            "compression": None,
            "proxy": None,
            "ping_interval": None,
            "open_timeout": _TIMEOUT_SECONDS,
        }
        headers = {"Authorization": self._headers["Authorization"]}
        while not self._stopped.is_set():
            with connect(address, additional_headers=headers, legacy=False, **options) as connection:
                try:
                    for _ in self._turns():
                        connection.send(_BODY.decode())
                        answer = json.loads(connection.recv(timeout=_TIMEOUT_SECONDS))
                        self._note("talk", "prediction" in answer, str(answer))
                except ConnectionClosed as closed:
                    if not closed.rcvd or closed.rcvd.code != GOING_AWAY:
                        raise
                    self.told_to_move += 1

    def _turns(self) -> Iterator[None]:
        deadline = time.monotonic() + _AT_MOST_SECONDS
        while not self._stopped.is_set() and time.monotonic() < deadline:
            yield
            time.sleep(_PAUSE_SECONDS)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=_TIMEOUT_SECONDS)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}

    def _ask(self, connection: http.client.HTTPConnection, kind: str) -> None:
        connection.request("POST", "/predict", _BODY, self._headers)
        self._check(connection, kind)

    def _check(self, connection: http.client.HTTPConnection, kind: str) -> None:
        answer = connection.getresponse()
        body = answer.read()
        self._note(kind, answer.status == http.client.OK and b'"prediction"' in body, f"{answer.status} {body[:80]!r}")

    def _note(self, kind: str, right: bool, answer: str) -> None:
        if right:
            with self._lock:
                self.answered[kind] += 1
        else:
            self._fail(f"{kind}: {answer}")

    def _fail(self, what: str) -> None:
        with self._lock:
            self.failed.append(what)
