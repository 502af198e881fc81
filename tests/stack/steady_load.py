"""Asks a service a bounded number of times a second until it refuses connections, and says what became of each request.

It runs inside a container on the stack's network, with the standard library alone: a port published on the host would
put Docker's proxy in between, which accepts connections that the service no longer does.
Usage: steady_load.py HOST PORT USERNAME PASSWORD SECONDS ANSWERS
It prints "loading" when every client has had an answer and there were ANSWERS in all, and at its end one line of JSON.
"""

import http.client
import json
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

CLIENTS_EACH = 4  # as many keep their connection as open a new one for each request
PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 15.0
FEATURES = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]


@dataclass
class Outcome:
    """What the clients saw; times are seconds since the start."""

    answered: int = 0
    lost: list[str] = field(default_factory=list)
    predictions: list[float] = field(default_factory=list)
    ready: list[tuple[float, int]] = field(default_factory=list)
    last_answer: float = 0.0
    refused: float | None = None


class Load:
    """All clients of one service."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        # Resolved once: a stopped container has no name any more, and that would not say that it refuses.
        self.address = (socket.gethostbyname(host), port)
        self.outcome = Outcome()
        self._started = time.monotonic()
        self._deadline = self._started + seconds
        self._lock = threading.Lock()

    def request(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, object]:
        """Send one request on a connection of its own."""
        connection = self._connect()
        try:
            return _exchange(connection, method, path, body, token)
        finally:
            connection.close()

    def predict(self, token: str, warm: threading.Barrier, *, keep_alive: bool) -> None:
        """Ask for predictions until the service refuses a connection or the time is over."""
        connection: http.client.HTTPConnection | None = None
        body = {"features": FEATURES}
        first = True
        while time.monotonic() < self._deadline:
            if connection is None or connection.sock is None:  # http.client closes where the answer says close
                try:
                    connection = self._connect()
                except OSError:
                    self._note_refusal()
                    return
            try:
                status, answer = _exchange(connection, "POST", "/predict", body, token)
            except (OSError, http.client.HTTPException, ValueError) as error:
                with self._lock:
                    kind = "kept" if keep_alive else "fresh"
                    self.outcome.lost.append(f"{self._now():.3f} {kind} connection: {error!r}")
                connection.close()
                connection = None
            else:
                self._note_answer(status, answer)
                if not keep_alive:
                    connection.close()
                    connection = None
            if first:
                warm.wait()
                first = False
            time.sleep(PAUSE_SECONDS)

    def watch_ready(self) -> None:
        """Ask /ready until the service refuses a connection or the time is over."""
        while time.monotonic() < self._deadline:
            try:
                status, _ = self.request("GET", "/ready")
            except (OSError, http.client.HTTPException):
                return
            self.outcome.ready.append((self._now(), status))
            time.sleep(PAUSE_SECONDS)

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT_SECONDS)
        connection.connect()
        return connection

    def _note_answer(self, status: int, answer: object) -> None:
        with self._lock:
            if status == 200 and isinstance(answer, dict):
                self.outcome.answered += 1
                self.outcome.last_answer = self._now()
                if answer["prediction"] not in self.outcome.predictions:
                    self.outcome.predictions.append(answer["prediction"])
            else:
                self.outcome.lost.append(f"{self._now():.3f} answered {status} {answer}")

    def _note_refusal(self) -> None:
        with self._lock:
            self.outcome.refused = self.outcome.refused or self._now()

    def _now(self) -> float:
        return time.monotonic() - self._started


def _exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: object, token: str
) -> tuple[int, object]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def main(host: str, port: str, username: str, password: str, seconds: str, answers: str) -> None:
    """Load the service and print the outcome."""
    load = Load(host, int(port), float(seconds))
    _, answer = load.request("POST", "/login", {"username": username, "password": password})
    assert isinstance(answer, dict)
    warm = threading.Barrier(2 * CLIENTS_EACH + 1)
    clients = [
        threading.Thread(target=load.predict, args=(answer["token"], warm), kwargs={"keep_alive": keep_alive})
        for keep_alive in (True, False)
        for _ in range(CLIENTS_EACH)
    ]
    clients.append(threading.Thread(target=load.watch_ready))
    for client in clients:
        client.start()
    warm.wait()
    while load.outcome.answered < int(answers) and any(client.is_alive() for client in clients):
        time.sleep(PAUSE_SECONDS)
    sys.stdout.write("loading\n")
    sys.stdout.flush()
    for client in clients:
        client.join()
    sys.stdout.write(json.dumps(asdict(load.outcome)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
