"""One request and its answer, on a connection of its own."""

import contextlib
import http.client

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.wire.connection import TIMEOUT_SECONDS
from serving_lab.wire.message import Answer
from serving_lab.wire.response import read_answer


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
            return read_answer(connection, method)[0]
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise LabError(
            f"{endpoint.url} does not answer: {reason}",
            hint="is it up, and is the address right?",
        ) from error
