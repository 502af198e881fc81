"""From exceptions to answers: errors of the contract and errors of the framework.

Unexpected exceptions are answered in middleware.py: there every response gets its headers.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from serving_core.http.errors import (
    ApiError,
    BodyTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
)

from fastapi_api.dependencies import service_of
from fastapi_api.headers import combined
from fastapi_api.validation import message_of


async def _answer_refusal(request: Request, error: ApiError) -> Response:  # noqa: ARG001
    return JSONResponse(error.body(), error.status, error.headers)


async def _answer_invalid(request: Request, error: RequestValidationError) -> Response:
    """Refuse a body with the contract's message for the first error in order."""
    first = error.errors()[0]
    _, *place = first["loc"]
    return await _answer_refusal(request, InvalidRequestError(message_of(first["type"], *place)))


async def _answer_not_found(request: Request, error: HTTPException) -> Response:  # noqa: ARG001
    return await _answer_refusal(request, NotFoundError())


async def _answer_too_large(request: Request, error: HTTPException) -> Response:  # noqa: ARG001
    return await _answer_refusal(request, BodyTooLargeError())


async def _answer_method_not_allowed(request: Request, error: HTTPException) -> Response:
    """Refuse a method, or answer the preflight request of a page that may call the API."""
    allowed = {method.strip() for method in (error.headers or {})["Allow"].split(",")}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    return _preflight(request, allowed) or await _answer_refusal(request, MethodNotAllowedError(allowed))


def _preflight(request: Request, allowed: set[str]) -> Response | None:
    if request.method != "OPTIONS":
        return None
    headers = service_of(request).cors.preflight_headers(
        combined(request.scope, b"origin"), request.headers.get("Access-Control-Request-Method"), allowed
    )
    return Response(status_code=204, headers=headers) if headers else None


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    ApiError: _answer_refusal,
    RequestValidationError: _answer_invalid,
    404: _answer_not_found,
    405: _answer_method_not_allowed,
    413: _answer_too_large,
}
