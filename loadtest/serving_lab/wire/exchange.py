"""One request and its answer, on a connection of its own."""

import contextlib
import http.client
from typing import NamedTuple

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError

TIMEOUT_SECONDS = 10.0


class Answer(NamedTuple):
    """What a service said."""

    status: int
    body: bytes


def send(endpoint: Endpoint, request: Request, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """Send a request, whose variables are filled in by now, and return the answer.

    Raises:
        LabError: there is none.
    """
    return send_encoded(endpoint, request.encode(endpoint.host, endpoint.prefix), request.method, timeout_seconds)


def send_encoded(endpoint: Endpoint, content: bytes, method: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """Send a request that is bytes already, and return the answer.

    Raises:
        LabError: there is none.
    """
    try:
        with contextlib.closing(endpoint.connect(timeout_seconds)) as connection:
            connection.sendall(content)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise LabError(
            f"{endpoint.url} does not answer: {reason}",
            hint="is it up, and is the address right?",
        ) from error
