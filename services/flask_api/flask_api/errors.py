"""From exceptions to answers: errors of the contract, errors of the framework, and unexpected exceptions."""

import logging

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from serving_core.http.errors import ApiError, BodyTooLargeError, MethodNotAllowedError, NotFoundError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from flask_api.context import current_service

_logger = logging.getLogger(__name__)


def answer_refusal(error: ApiError) -> ResponseReturnValue:
    """Answer with an error of the contract."""
    return jsonify(error.body()), error.status, error.headers


def answer_http_exception(error: HTTPException) -> ResponseReturnValue:
    """Answer the framework's own errors with the contract's messages."""
    match error:
        case MethodNotAllowed():
            allowed = set(error.valid_methods or ())
            return _preflight(allowed) or answer_refusal(MethodNotAllowedError(allowed))
        case NotFound():
            return answer_refusal(NotFoundError())
        case RequestEntityTooLarge():
            return answer_refusal(BodyTooLargeError())
        case _:
            return answer_crash(error)


def answer_crash(error: Exception) -> ResponseReturnValue:
    """Log an unexpected exception, and do not tell the client its text."""
    _logger.error("request failed", exc_info=error)
    return answer_refusal(ApiError())


def _preflight(allowed: set[str]) -> Response | None:
    if request.method != "OPTIONS":
        return None
    headers = current_service().cors.preflight_headers(
        request.headers.get("Origin"), request.headers.get("Access-Control-Request-Method"), allowed
    )
    if headers is None:
        return None
    response = Response(status=204, headers=headers)
    del response.headers["Content-Type"]  # there is no content
    return response
