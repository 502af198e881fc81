"""Closing a connection after the answer: gunicorn leaves out a Connection header that the application sets."""

from contextvars import ContextVar

from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

_request: ContextVar[Request] = ContextVar("gunicorn_request")


def remember_request(worker: Worker, request: Request) -> None:  # noqa: ARG001
    """Gunicorn's pre_request hook, on the thread that then answers."""
    _request.set(request)


def close_connection() -> None:
    """Say `Connection: close` with the answer to this thread's request, and do it."""
    _request.get().force_close()
