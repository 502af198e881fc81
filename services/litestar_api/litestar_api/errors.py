"""From exceptions to answers: the service's refusals, what Litestar itself refuses, and crashes."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import ClientException, MethodNotAllowedException, NotFoundException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.response.base import ASGIResponse
from litestar.serialization import encode_json
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send
from serving_core.http.errors import (
    ApiError,
    BodyTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
)

from litestar_api.headers import combined, first

_logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
Answer = Response[dict[str, str | None] | None]


async def answer_not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that answers every request alike."""
    error = NotFoundError()
    await ASGIResponse(body=encode_json(error.body()), status_code=error.status)(scope, receive, send)


def _refuse(_: AnyRequest, error: ApiError) -> Answer:
    return Response(error.body(), status_code=error.status, headers=error.headers)


def _not_found(request: AnyRequest, _: NotFoundException) -> Answer:
    return _refuse(request, NotFoundError())


def _body_too_large(request: AnyRequest, _: RequestEntityTooLarge) -> Answer:
    return _refuse(request, BodyTooLargeError())


def _bad_host(request: AnyRequest, error: ClientException) -> Answer:
    return _refuse(request, InvalidRequestError(error.detail))


def _method_not_allowed(request: AnyRequest, _: MethodNotAllowedException) -> Answer:
    """Refuse a method, or answer the preflight request of a page that may call."""
    scope = request.scope
    path = scope["path_template"] = scope["path"]  # which the router does not say; no path has parameters
    methods = next(route.methods for route in request.app.routes if route.path == path)
    allowed = {str(method) for method in methods} - {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return _preflight(request, allowed) or _refuse(request, MethodNotAllowedError(allowed))


def _preflight(request: AnyRequest, allowed: set[str]) -> Answer | None:
    scope = request.scope
    if scope["method"] != "OPTIONS":
        return None
    headers = request.app.state.service.cors.preflight_headers(
        combined(scope, b"origin"), first(scope, b"access-control-request-method"), allowed
    )
    return Response(None, status_code=204, headers=headers) if headers else None


def _crash(request: AnyRequest, error: Exception) -> Answer:
    _logger.error("request failed", exc_info=error)
    return _refuse(request, ApiError())


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    ApiError: _refuse,
    NotFoundException: _not_found,
    MethodNotAllowedException: _method_not_allowed,
    RequestEntityTooLarge: _body_too_large,
    ClientException: _bad_host,
    Exception: _crash,
}
