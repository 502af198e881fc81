"""The checks that come before any endpoint's own, once its route is found: rate first, then size."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from serving_core.http import messages
from serving_core.http.callers import Caller
from serving_core.http.errors import InvalidRequestError
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.routing import Match
from starlette.types import Scope

from fastapi_api.calls import call
from fastapi_api.dependencies import service_of
from fastapi_api.headers import combined


class GuardedRoute(APIRoute):
    """A route whose requests are counted against the rate limit and read up to the largest body allowed."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the whole path; the pattern of the router would accept a line break at the end."""
        return (Match.NONE, {}) if scope["path"].endswith("\n") else super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the checks before FastAPI's own handling."""
        handle = super().get_route_handler()
        path = self.path

        async def guarded(request: Request) -> Response:
            service = service_of(request)
            await call(service, service.check_rate, caller_of(request), path)
            if "Content-Length" in request.headers or "Transfer-Encoding" in request.headers:
                await _read_body(request, service.settings.max_body_bytes)
            return await handle(request)

        return guarded


def caller_of(connection: HTTPConnection) -> Caller:
    """The sender of a request or of the handshake of a WebSocket."""
    headers = connection.headers
    return Caller(
        connection.client.host if connection.client else "",
        combined(headers, "X-Forwarded-For"),
        combined(headers, "Authorization"),
    )


async def _read_body(request: Request, max_bytes: int) -> None:
    """Read the body, which the request then keeps.

    Raises:
        HTTPException: 413, the declared or the actual size is larger than `max_bytes`.
        InvalidRequestError: the client disconnected before the end of the body.
    """
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise HTTPException(413)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_bytes:
                raise HTTPException(413)
            chunks.append(chunk)
    except ClientDisconnect as error:
        # Nobody reads this answer, but it is counted as a 400.
        raise InvalidRequestError(messages.MALFORMED_JSON) from error
    request._body = b"".join(chunks)
