"""One request and its answer, on a connection of its own."""

import contextlib
from collections.abc import Mapping

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.wire.connection import TIMEOUT_SECONDS
from serving_lab.wire.message import Answer
from serving_lab.wire.received import BrokenOffError, ClosedError, Received
from serving_lab.wire.response import Patience, read_answer

_WORDS: Mapping[type[Exception], str] = {
    ClosedError: "it closed the connection",
    BrokenOffError: "its answer broke off",
    TimeoutError: "no answer in time",
}


def send(endpoint: Endpoint, request: Request, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """The answer to a request, whose variables are already filled in.

    Args:
        endpoint: where the service answers.
        request: what is sent; Host and Content-Length are added where they are missing.
        timeout_seconds: how long to wait for the connection, and for each read.

    Raises:
        LabError: there is no answer.
    """
    return send_encoded(endpoint, request.encode(endpoint.host, endpoint.prefix), request.method, timeout_seconds)


def send_encoded(endpoint: Endpoint, content: bytes, method: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """The answer to a request that is already encoded; `method` is its method, because HEAD has no body in return.

    Raises:
        LabError: there is no answer.
    """
    try:
        with contextlib.closing(endpoint.connect(timeout_seconds)) as connection:
            connection.sendall(content)
            patience = Patience(timeout_seconds, timeout_seconds)
            answer, _ = read_answer(Received(connection, timeout_seconds), method, patience)
            if answer.cut:
                raise TimeoutError(f"its answer does not end: {len(answer.body):,} bytes so far")
            return answer
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or _WORDS.get(type(error), type(error).__name__)
        raise LabError(
            f"{endpoint.url} does not answer: {reason}",
            hint="is it up, and is the address right?",
        ) from error
