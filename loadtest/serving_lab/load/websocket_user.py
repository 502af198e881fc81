"""What a user of a service's WebSocket does: keep a connection, send messages, and check every answer."""

import contextlib
import time

import websocket
from locust import task
from locust.env import Environment

from serving_lab.api.description import Call
from serving_lab.load.drafts import Drawn
from serving_lab.load.users import ServiceUser, WrongAnswer, error_message

# A pause this long is not for the server to judge, which closes what is idle, or answers no ping in a pause.
LONGEST_PAUSE_SECONDS = 15.0
_OF_A_BODY = "content-type"


class WebSocketUser(ServiceUser):
    """Sends the messages of a mix, by their weights, on one connection as long as what the sign-in gave holds.

    Messages are requests of type WS, named ``<service> <path>``; to open a connection is one of type GET, named
    ``<service> <path> (handshake)``.
    """

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._connection: websocket.WebSocket | None = None
        self._asked_at = 0.0

    def on_stop(self) -> None:
        """Say goodbye."""
        self._hang_up()

    @task
    def ask(self) -> None:
        """Send a message and wait for its answer."""
        messages = self.profile.messages
        (name,) = self._chance.choices(list(messages), list(messages.values()))
        call = self.profile.api.requests[name]
        if not self._is_reliable(call):
            self._hang_up()
            if call.signed_in and not self._is_signed_in():
                return
        drawn = self._draft(call).draw(self._chance)
        connection = self._connection or self._connect(call, drawn)
        if connection is not None:
            self._connection = connection
            self._exchange(connection, call, drawn)

    def _exchange(self, connection: websocket.WebSocket, call: Call, drawn: Drawn) -> None:
        self._asked_at = began = time.monotonic()
        content = b""
        failure: Exception | None = None
        try:
            connection.send(drawn.body)
            opcode, content = connection.recv_data()
            took = time.monotonic() - began
            if opcode != websocket.ABNF.OPCODE_TEXT:
                raise WrongAnswer(f"closed with {int.from_bytes(content[:2], 'big')}")
            self._judge_message(call, drawn, content)
        except (WrongAnswer, websocket.WebSocketException, OSError) as error:
            took = time.monotonic() - began
            failure = error
            self._hang_up()
        self._report("WS", call.request.target, took, len(content), failure)

    def _judge_message(self, call: Call, drawn: Drawn, content: bytes) -> None:
        """Raise WrongAnswer where the answer is not what is expected, or another than an earlier one."""
        if message := error_message(self.profile, content):
            raise WrongAnswer(message)
        # A message has no status: it is as good as the first that is expected.
        status = call.expectation.statuses[0]
        wrong = call.expectation.checker.knowing(drawn.sent).wrong(status, content)
        if wrong := wrong or self.consistency.wrong(call, drawn.sent, content):
            raise WrongAnswer(wrong)

    def _is_reliable(self, call: Call) -> bool:
        """Whether the next message can be sent as things are: not signed in for too long, and not idle for too long."""
        now = time.monotonic()
        if call.signed_in and now >= self._renew_at:
            return False
        return self._connection is None or now - self._asked_at <= LONGEST_PAUSE_SECONDS

    def _connect(self, call: Call, drawn: Drawn) -> websocket.WebSocket | None:
        began = time.monotonic()
        connection, failure = None, None
        try:
            connection = websocket.create_connection(
                f"ws{self.base_url.removeprefix('http')}{drawn.path}",
                timeout=self.network_timeout,
                header=[f"{name}: {value}" for name, value in drawn.headers.items() if name.lower() != _OF_A_BODY],
                suppress_origin=True,
                http_no_proxy=["*"],
            )
        except (websocket.WebSocketException, OSError) as error:
            failure = error
        self._report("GET", f"{call.request.target} (handshake)", time.monotonic() - began, 0, failure)
        return connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            # Not close(), which takes the end of its greenlet for an error, and forgets it: the user would never end.
            with contextlib.suppress(websocket.WebSocketException, OSError):
                connection.send_close()
            connection.shutdown()  # type: ignore[no-untyped-call]

    def _report(self, kind: str, what: str, seconds: float, size: int, failure: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=f"{self.service} {what}",
            response_time=seconds * 1000,
            response_length=size,
            exception=failure,
            context={},
        )
