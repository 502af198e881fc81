"""WebSocket as a client speaks it, over real sockets."""

import json
from contextlib import AbstractContextManager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_to

from support.services import RunningService

PATH = "/ws/predict"
WAIT_SECONDS = 20.0


def connect(
    service: RunningService,
    token: str | None = None,
    *headers: tuple[str, str],
    target: str = PATH,
    **options: Any,  # noqa: ANN401 - of the client
) -> AbstractContextManager[ClientConnection]:
    """A connection for a `with` statement, with a token in its handshake where there is one."""
    host, port = service.address
    authorization = [("Authorization", f"Bearer {token}")] if token else []
    defaults: dict[str, Any] = {"compression": None, "proxy": None, "ping_interval": None, "max_size": None}
    return connect_to(
        f"ws://{host}:{port}{target}",
        additional_headers=[*authorization, *headers],
        open_timeout=WAIT_SECONDS,
        close_timeout=WAIT_SECONDS,
        legacy=False,
        **defaults | options,
    )


def ask(connection: ClientConnection, message: bytes | str | dict[str, Any]) -> dict[str, Any]:
    """Send a message, as binary where it is no UTF-8, and return what is answered."""
    answer = json.loads(ask_for_text(connection, message))
    assert isinstance(answer, dict)
    return answer


def ask_for_text(connection: ClientConnection, message: bytes | str | dict[str, Any]) -> str:
    """Send a message and return the answer as it was written."""
    if isinstance(message, dict):
        message = json.dumps(message)
    elif isinstance(message, bytes) and is_text(message):
        message = message.decode()
    connection.send(message)
    answer = connection.recv(timeout=WAIT_SECONDS)
    assert isinstance(answer, str), "answers are text"
    return answer


def is_text(message: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


def farewell(connection: ClientConnection) -> tuple[int, str]:
    """Wait for the server to close without another word, and return its code and reason."""
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=WAIT_SECONDS)
    frame = closed.value.rcvd
    assert frame, f"no close frame: {closed.value}"
    return int(frame.code), frame.reason
