"""Calls of the registry's REST interface: each has a bound in time and in bytes, whatever the registry does."""

import contextlib
import http.client
import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.registry.reasons import Reason
from serving_lab.text.phrases import visible
from serving_lab.wire.message import Answer
from serving_lab.wire.received import Received
from serving_lab.wire.response import Patience, read_answer

T = TypeVar("T")

_API = "/api/2.0/mlflow/"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
_MOST_JSON_BYTES = 4 << 20
_QUOTED = 300
"""How much is shown of what the registry says of an error."""


class RegistryError(LabError):
    """The registry did not do what it was asked."""

    def __init__(self, reason: Reason, message: str, *, hint: str | None = None, code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.code = code
        """MLflow's word for it, such as RESOURCE_DOES_NOT_EXIST; empty where it gave none."""


class Calls:
    """Sends one request on a connection of its own at a time."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        """Take where the registry answers, and how long each of connection, head and body may take in all, in seconds.

        Raises:
            LabError: that is no valid base URL.
        """
        self._endpoint = Endpoint.parse(url)
        self._timeout_seconds = timeout_seconds

    @property
    def url(self) -> str:
        """Where the registry answers."""
        return self._endpoint.url

    def get(self, path: str, form: type[T], **query: str) -> T:
        """What it answers to a question.

        Raises:
            RegistryError: it does not answer, or not with this form.
        """
        answer = self._send(Request("GET", f"{_API}{path}?{urlencode(query)}"), _MOST_JSON_BYTES)
        return _decoded(answer, form, path)

    def post(self, path: str, form: type[T], content: Mapping[str, Any], method: str = "POST") -> T:
        """What it answers to a change.

        Raises:
            RegistryError: it does not answer, or not with this form.
        """
        body = json.dumps(content).encode()
        request = Request(method, f"{_API}{path}", (("Content-Type", "application/json"),), body)
        return _decoded(self._send(request, _MOST_JSON_BYTES), form, path)

    def upload(self, path: str, content: bytes) -> None:
        """Store a file.

        Raises:
            RegistryError: it does not take it.
        """
        headers = (("Content-Type", "application/octet-stream"),)
        self._send(Request("PUT", f"{_ARTIFACTS}{quote(path)}", headers, content), _MOST_JSON_BYTES)

    def download(self, path: str, most_bytes: int) -> bytes:
        """Return a file.

        Raises:
            RegistryError: it does not send all of it in time, or more than that.
        """
        answer = self._send(Request("GET", f"{_ARTIFACTS}{quote(path)}"), most_bytes)
        return answer.body

    def _send(self, request: Request, most_bytes: int) -> Answer:
        path = request.target.partition("?")[0]
        try:
            answer = self._answer(request, most_bytes)
        except ValueError as error:
            raise RegistryError(Reason.ANSWER, f"what answers at {self.url} is no registry: {error}") from error
        except TimeoutError as error:
            raise self._silent(Reason.SLOW, f"nothing within {self._timeout_seconds:g} s") from error
        except OSError as error:
            why = error.strerror or "it broke the connection off"
            raise self._silent(Reason.UNREACHABLE, why) from error
        if answer.status != http.client.OK:
            raise _refusal(path, answer)
        if len(answer.body) > most_bytes:
            raise RegistryError(Reason.SIZE, f"{path} is longer than {most_bytes:,} bytes")
        if answer.cut:
            took = f"{len(answer.body):,} bytes within {self._timeout_seconds:g} s"
            raise RegistryError(Reason.SLOW, f"the registry at {self.url} is slow: of {path} came {took}")
        return answer

    def _silent(self, reason: Reason, why: str) -> RegistryError:
        return RegistryError(
            reason,
            f"the registry at {self.url} does not answer: {why}",
            hint="COMPOSE_PROFILES=registry in .env, then make up: that starts the lab's own",
        )

    def _answer(self, request: Request, most_bytes: int) -> Answer:
        seconds = self._timeout_seconds
        with contextlib.closing(self._endpoint.connect(seconds)) as connection:
            connection.sendall(request.encode(self._endpoint.host, self._endpoint.prefix))
            # One byte more, so that a file of exactly this length is not taken for a longer one.
            patience = Patience(seconds, seconds, stream_seconds=seconds, most_bytes=most_bytes + 1)
            return read_answer(Received(connection, seconds), request.method, patience)[0]


class _Problem(msgspec.Struct, frozen=True):
    error_code: str = ""
    message: str = ""


def _refusal(path: str, answer: Answer) -> RegistryError:
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem(message=answer.body.decode("utf-8", "replace"))
    said = visible(problem.message)[:_QUOTED]
    return RegistryError(
        Reason.ANSWER, f"the registry refuses {path} with {answer.status}: {said}", code=problem.error_code
    )


def _decoded(answer: Answer, form: type[T], path: str) -> T:
    try:
        return msgspec.json.decode(answer.body, type=form)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RegistryError(Reason.ANSWER, f"the registry answers {path} with something else: {error}") from error
