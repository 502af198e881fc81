"""Middleware: around the whole application, and between its router and the handlers."""

import time
from typing import Any, cast

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType
from litestar.exceptions import InternalServerException, MethodNotAllowedException
from litestar.middleware import AbstractAuthenticationMiddleware, ASGIMiddleware, AuthenticationResult
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from serving_core.http import messages
from serving_core.http.callers import Caller
from serving_core.http.errors import InvalidRequestError
from serving_core.http.rules import request_id
from serving_core.runtime.logs import current_request_id
from serving_core.runtime.metrics import UNMATCHED
from serving_core.service import Service

from litestar_api.calls import call
from litestar_api.errors import answer_not_found
from litestar_api.headers import combined


class ContractMiddleware:
    """Outermost: counts every request, gives every response the contract's headers, and takes paths literally.

    Litestar's own middleware does not see requests that match no route.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        service, method, status = self._service, scope["method"], 500
        identifier = request_id(combined(scope, b"x-request-id"))
        current_request_id.set(identifier)
        if method == HttpMethod.HEAD:
            # The router finds the GET handler, and the server leaves the body out.
            scope = {**scope, "method": HttpMethod.GET.value}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableScopeHeaders(message)
                headers["X-Request-ID"] = identifier
                headers["X-Process-Time"] = f"{time.perf_counter() - began:.6f}"
                headers.update(service.cors.response_headers(combined(scope, b"origin")))
                if service.lifecycle.is_draining:
                    headers["Connection"] = "close"
            await send(message)

        service.metrics.requests_in_progress.inc()
        try:
            await self._answer(scope, receive, send_with_headers)
        finally:
            service.metrics.requests_in_progress.dec()
            handler = scope.get("path_template", UNMATCHED)
            service.observe_request(method, handler, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.endswith("/") or "//" in path:  # the router would leave these slashes out
            await answer_not_found(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Admission(ASGIMiddleware):
    """Refuses what the contract refuses on every path: a method (OPTIONS), too many requests, a large body."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Check one request; its body is kept for the handler."""
        if cast("HTTPScope", scope)["method"] == HttpMethod.OPTIONS:
            raise MethodNotAllowedException  # Litestar adds a handler for it to every path
        service = self._service
        await call(service, service.check_rate, _caller(scope), scope["path_template"])
        try:
            await Request(scope, receive).body()
        except InternalServerException as error:
            # The client left before the end: nobody reads this answer, but it is counted as the client's fault.
            raise InvalidRequestError(messages.MALFORMED_JSON) from error
        await next_app(scope, receive, send)


class TokenAuthentication(AbstractAuthenticationMiddleware):
    """Sets `request.user` to the user of the token, for every handler without `exclude_from_auth`."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Check the token."""
        service: Service = connection.app.state.service
        return AuthenticationResult(user=service.authenticate(combined(connection.scope, b"authorization")), auth=None)


def _caller(scope: Scope) -> Caller:
    client = scope["client"]
    return Caller(client[0] if client else "", combined(scope, b"x-forwarded-for"), combined(scope, b"authorization"))
