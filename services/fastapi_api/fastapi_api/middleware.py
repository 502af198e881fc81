"""ASGI middleware around every request."""

import logging
import time

from serving_core.http.errors import ApiError
from serving_core.http.rules import request_id
from serving_core.runtime.logs import current_request_id
from serving_core.service import Service
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_api.headers import combined

_logger = logging.getLogger(__name__)

_RESPONSE_STARTS = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept"})


class ContractMiddleware:
    """Outermost: adds the contract's headers to every response, also of handshakes and failed requests."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        identifier = request_id(combined(scope, b"x-request-id"))
        current_request_id.set(identifier)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] in _RESPONSE_STARTS:
                started = True
                # Not Starlette's `MutableHeaders`, which searches all headers for each one that is added.
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", identifier.encode()),
                    (b"x-process-time", b"%.6f" % (time.perf_counter() - began)),
                    *self._cors_headers(scope),
                ]
                if scope["type"] == "http" and self._service.lifecycle.is_draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            _logger.exception("request failed")
            if started:
                raise
            refusal = ApiError()
            await JSONResponse(refusal.body(), refusal.status)(scope, receive, send_with_headers)

    def _cors_headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        headers = self._service.cors.response_headers(combined(scope, b"origin"))
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


class HeadAsGet:
    """Innermost: the router uses the GET route for a HEAD request; the server omits the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
