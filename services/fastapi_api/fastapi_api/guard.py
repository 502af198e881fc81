"""The checks of the contract that come before FastAPI's own handling, once a route is found."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from serving_core.http import messages
from serving_core.http.callers import Caller
from serving_core.http.errors import InvalidRequestError
from serving_core.http.rules import check_content_type, decode_object
from starlette.routing import Match
from starlette.types import Scope

from fastapi_api.calls import call
from fastapi_api.dependencies import FOUND, Session, TokenBearer, service_of
from fastapi_api.headers import combined


class GuardedRoute(APIRoute):
    """A route that checks rate, size, token, content type and JSON, in this order; then FastAPI checks the fields.

    FastAPI alone would parse the body before any dependency is asked, the token's among them.
    """

    @property
    def has_one_path(self) -> bool:
        """Whether no part of the path varies."""
        return not self.param_convertors

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the whole path; the pattern of the router would accept a line break at the end."""
        if scope["path"].endswith("\n") or (self.has_one_path and scope["path"] != self.path):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the checks that the endpoint asks for, by what it declares, before FastAPI's own handling."""
        handle = self._handler()
        path = self.path
        asks_for_token = any(isinstance(each.call, TokenBearer) for each in self.dependant.dependencies)
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            service = service_of(request)
            caller = caller_of(request.scope)
            await call(service, service.check_rate, caller, path)
            body = await _read_body(request, service.settings.max_body_bytes)
            if asks_for_token:
                request.scope["session"] = Session(service, service.authenticate(caller.authorization))
            if takes_body:
                request._json = _decoded(request, body)  # FastAPI takes it from there
            return await handle(request)

        return guarded

    def _handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handling of body and answer, with what the request has by then.

        FastAPI would resolve a dependency as if it might be anything, which takes as long as the model.
        """
        declared = self.dependant
        found = {each.name or "": FOUND[each.call] for each in declared.dependencies if each.call in FOUND}
        has_others = len(found) < len(declared.dependencies) or declared.request_param_name
        if not found or has_others or not iscoroutinefunction(self.endpoint):
            return super().get_route_handler()
        call = _given(self.endpoint, found)
        self.dependant = replace(declared, dependencies=[], call=call, request_param_name="request")
        handle = super().get_route_handler()
        self.dependant = declared  # which is documented
        return handle


def _given(
    endpoint: Callable[..., Coroutine[Any, Any, object]], found: Mapping[str, Callable[[Request], object]]
) -> Callable[..., Coroutine[Any, Any, object]]:
    """An endpoint whose parameters of these names are found in the request."""

    @wraps(endpoint)
    async def call(request: Request, **others: object) -> object:
        return await endpoint(**others, **{name: find(request) for name, find in found.items()})

    return call


def caller_of(scope: Scope) -> Caller:
    """The sender of a request or of the handshake of a WebSocket."""
    client = scope["client"]
    return Caller(client[0] if client else "", combined(scope, b"x-forwarded-for"), combined(scope, b"authorization"))


async def _read_body(request: Request, max_bytes: int) -> bytes:
    """Read the body, which the request then keeps.

    Raises:
        HTTPException: 413, the declared or the actual size is larger than `max_bytes`.
        InvalidRequestError: the client disconnected before the end of the body.
    """
    declared = combined(request.scope, b"content-length")
    if declared is None and combined(request.scope, b"transfer-encoding") is None:
        return b""
    if declared and declared.isdecimal() and int(declared) > max_bytes:
        raise HTTPException(413)
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            # Nobody reads this answer, but it is counted as a 400.
            raise InvalidRequestError(messages.MALFORMED_JSON)
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise HTTPException(413)
        chunks.append(chunk)
        more = message.get("more_body", False)
    request._body = b"".join(chunks)
    return request._body


def _decoded(request: Request, body: bytes) -> dict[str, object]:
    check_content_type(request.headers.get("Content-Type"))
    return decode_object(body)
