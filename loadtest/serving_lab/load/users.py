"""What a user of a prediction service does: log in, ask, and check every answer against the contract."""

import json
import random
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import gevent
from locust import FastHttpUser, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment

from serving_lab.load import answers
from serving_lab.load.answers import Consistency, WrongAnswer
from serving_lab.load.features import FeatureSource, Vector
from serving_lab.load.settings import LoadSettings

BATCH_ROWS = (5, 20)
# A token is renewed after nine tenths of its lifetime, less a second: a JWT's times are whole seconds, cut off.
RENEW_AFTER = 0.9
RENEW_MARGIN_SECONDS = 1.0
LOGIN_RETRY_SECONDS = 1.0

Answer = TypeVar("Answer")
Judge = Callable[[object], Answer]


class ServiceUser(FastHttpUser):
    """A user who is signed in at one service.

    A subclass says which service, where it is, and what the users share. Requests are named ``<service> <path>``; an
    answer that breaks the contract is a failure.
    """

    abstract = True
    connection_timeout = 10.0
    network_timeout = 30.0

    service: ClassVar[str]
    base_url: ClassVar[str]
    settings: ClassVar[LoadSettings]
    features: ClassVar[FeatureSource]
    consistency: ClassVar[Consistency]

    def __init__(self, environment: Environment) -> None:
        # Locust's one host field would send the users of both services to one of them, under two names.
        self.host = self.base_url
        super().__init__(environment)
        self._token: str | None = None
        self._renew_at = 0.0

    def wait_time(self) -> float:
        """Think time in seconds."""
        return random.uniform(self.settings.think_time_min_seconds, self.settings.think_time_max_seconds)  # noqa: S311

    def on_start(self) -> None:
        """Log in before the first task."""
        self._log_in()

    def _log_in(self) -> bool:
        """Fetch a token and say whether there is one; without one, pause before the service is asked again."""
        asked_at = time.monotonic()
        credentials = {"username": self.settings.username, "password": self.settings.password}
        with self._send("POST", "/login", credentials) as response:
            grant = _judge(response, lambda body: answers.check(body, answers.LOGIN))
        if grant is None:
            self._token, self._renew_at = None, 0.0
            gevent.sleep(LOGIN_RETRY_SECONDS)
            return False
        self._token = grant["token"]
        self._renew_at = asked_at + RENEW_AFTER * grant["expires_in"] - RENEW_MARGIN_SECONDS
        return True

    def _send(self, method: str, path: str, body: object = None, token: str | None = None) -> ResponseContextManager:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        payload: dict[str, Any] = {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload["data"] = json.dumps(body)
        return self.client.request(
            method, path, name=f"{self.service} {path}", headers=headers, catch_response=True, **payload
        )


class PredictionUser(ServiceUser):
    """Asks for 70% single predictions, 20% batches of 5 to 20 rows, 7% model information, 3% health."""

    abstract = True

    @task(70)
    def predict(self) -> None:
        """Ask for one prediction."""
        vector = self.features.draw()

        def judge(body: object) -> None:
            answer = answers.check(body, answers.PREDICTION)
            self.consistency.check([vector], [answer["prediction"]], answer["model_version"])

        self._post_with_token("/predict", {"features": vector}, judge)

    @task(20)
    def batch_predict(self) -> None:
        """Ask for the predictions of several rows at once."""
        vectors: list[Vector] = [self.features.draw() for _ in range(random.randint(*BATCH_ROWS))]  # noqa: S311

        def judge(body: object) -> None:
            answer = answers.check(body, answers.batch(len(vectors)))
            self.consistency.check(vectors, answer["predictions"], answer["model_version"])

        self._post_with_token("/batch-predict", {"samples": vectors}, judge)

    @task(7)
    def model_info(self) -> None:
        """Ask which model answers."""
        with self._send("GET", "/model-info") as response:
            _judge(response, lambda body: answers.check(body, answers.MODEL_INFO))

    @task(3)
    def health(self) -> None:
        """Ask how the service is."""
        with self._send("GET", "/health") as response:
            _judge(response, lambda body: answers.check(body, answers.HEALTH))

    def _post_with_token(self, path: str, body: object, judge: Judge[None]) -> None:
        """Send a request that needs a token; where the token is refused, log in afresh and repeat it once."""
        if time.monotonic() >= self._renew_at and not self._log_in():
            return
        with self._send("POST", path, body, self._token) as response:
            refused = response.status_code == 401
            if refused:
                response.success()  # the repeated request is the one that counts for or against the service
            else:
                _judge(response, judge)
        if refused and self._log_in():
            with self._send("POST", path, body, self._token) as response:
                _judge(response, judge)


def _judge(response: ResponseContextManager, judge: Judge[Answer]) -> Answer | None:
    """Return what the judge makes of the body, or None where the response is reported as a failure."""
    if response.headers is None:
        return None  # no response at all: Locust reports the connection's own error
    try:
        if response.status_code != 200:
            raise WrongAnswer(f"status {response.status_code}{answers.error_message(response.content)}")
        answers.check_headers(response.headers.get)
        return judge(answers.parse(response.content))
    except WrongAnswer as wrong:
        response.failure(str(wrong))
        return None
