"""Closing a connection after the answer: gunicorn drops a Connection header that the application sets."""

from contextvars import ContextVar

from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

_request: ContextVar[Request] = ContextVar("gunicorn_request")


def remember_request(worker: Worker, request: Request) -> None:  # noqa: ARG001
    """Gunicorn's pre_request hook; it runs on the thread that answers the request."""
    _request.set(request)


def close_connection() -> None:
    """Close the connection of this thread's request after the answer, and announce it with `Connection: close`."""
    _request.get().force_close()
