"""What a user of a service's WebSocket does: keep a connection, ask, and check every answer against the contract."""

import contextlib
import json
import random
import time
from itertools import count

import websocket
from locust import task
from locust.env import Environment

from serving_lab.load import answers
from serving_lab.load.answers import Shape, WrongAnswer
from serving_lab.load.features import Vector
from serving_lab.load.users import BATCH_ROWS, ServiceUser

PATH = "/ws/predict"
# A pause this long is not for the server to judge, which closes what is idle, or answers no ping in a pause.
LONGEST_PAUSE_SECONDS = 15.0


class WebSocketUser(ServiceUser):
    """Asks for 80% single predictions and 20% batches of 5 to 20 rows, on one connection as long as its token holds.

    Messages are requests of type WS, named ``<service> /ws/predict``; to open a connection is one of type GET, named
    ``<service> /ws/predict (handshake)``.
    """

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._connection: websocket.WebSocket | None = None
        self._asked_at = 0.0
        self._ids = count(1)

    def on_stop(self) -> None:
        """Say goodbye."""
        self._hang_up()

    @task(80)
    def predict(self) -> None:
        """Ask for one prediction."""
        vector = self.features.draw()
        self._ask({"features": vector}, [vector], answers.PREDICTION)

    @task(20)
    def batch_predict(self) -> None:
        """Ask for the predictions of several rows at once."""
        vectors: list[Vector] = [self.features.draw() for _ in range(random.randint(*BATCH_ROWS))]  # noqa: S311
        self._ask({"samples": vectors}, vectors, answers.batch(len(vectors)))

    def _ask(self, question: dict[str, object], vectors: list[Vector], shape: Shape) -> None:
        connection = self._connected()
        if connection is None:
            return
        message_id = next(self._ids)
        payload = json.dumps(question | {"id": message_id})
        self._asked_at = began = time.monotonic()
        content = b""
        failure: Exception | None = None
        try:
            connection.send(payload)
            opcode, content = connection.recv_data()
            took = time.monotonic() - began
            if opcode != websocket.ABNF.OPCODE_TEXT:
                raise WrongAnswer(f"closed with {int.from_bytes(content[:2], 'big')}")
            self._judge(answers.parse(content), answers.identified(shape, message_id), vectors)
        except (WrongAnswer, websocket.WebSocketException, OSError) as error:
            took = time.monotonic() - began
            failure = error
            self._hang_up()
        self._report("WS", PATH, took, len(content), failure)

    def _judge(self, answer: object, shape: Shape, vectors: list[Vector]) -> None:
        """Raise WrongAnswer where the answer is none, or another than an earlier one."""
        if isinstance(answer, dict) and isinstance(answer.get("error"), str):
            raise WrongAnswer(answer["error"])
        found = answers.check(answer, shape)
        predictions = found["predictions"] if "predictions" in found else [found["prediction"]]
        self.consistency.check(vectors, predictions, found["model_version"])

    def _connected(self) -> websocket.WebSocket | None:
        """The connection, a new one where there is none to rely on; none where it cannot be had."""
        now = time.monotonic()
        if now >= self._renew_at:
            self._hang_up()
            if not self._log_in():
                return None
        elif now - self._asked_at > LONGEST_PAUSE_SECONDS:
            self._hang_up()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> websocket.WebSocket | None:
        began = time.monotonic()
        connection, failure = None, None
        try:
            connection = websocket.create_connection(
                f"ws{self.base_url.removeprefix('http')}{PATH}",
                timeout=self.network_timeout,
                header=[f"Authorization: Bearer {self._token}"],
                suppress_origin=True,
                http_no_proxy=["*"],
            )
        except (websocket.WebSocketException, OSError) as error:
            failure = error
        self._report("GET", f"{PATH} (handshake)", time.monotonic() - began, 0, failure)
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
