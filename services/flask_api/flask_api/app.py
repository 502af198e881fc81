"""The application factory."""

import logging

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from serving_core.http.errors import ApiError, MethodNotAllowedError, NotFoundError
from serving_core.service import Service
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from flask_api.context import service
from flask_api.instrumentation import Instrumentation
from flask_api.routes import blueprint

_logger = logging.getLogger(__name__)


def create_app(for_service: Service) -> Flask:
    """Build the WSGI application around a service."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # a doubled slash makes another path: 404, no redirect
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.extensions["service"] = for_service
    app.register_blueprint(blueprint)
    app.register_error_handler(ApiError, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_crash)
    Instrumentation(app, for_service)
    return app


def _answer_refusal(error: ApiError) -> ResponseReturnValue:
    return jsonify(error.body()), error.status, error.headers


def _answer_http_exception(error: HTTPException) -> ResponseReturnValue:
    """Answer the framework's own errors with the contract's messages."""
    match error:
        case MethodNotAllowed():
            allowed = set(error.valid_methods or ())
            return _preflight(allowed) or _answer_refusal(MethodNotAllowedError(allowed))
        case NotFound():
            return _answer_refusal(NotFoundError())
        case _:
            return _answer_crash(error)


def _preflight(allowed: set[str]) -> Response | None:
    if request.method != "OPTIONS":
        return None
    headers = service.cors.preflight_headers(
        request.headers.get("Origin"), request.headers.get("Access-Control-Request-Method"), allowed
    )
    if headers is None:
        return None
    response = Response(status=204, headers=headers)
    del response.headers["Content-Type"]  # there is no content
    return response


def _answer_crash(error: Exception) -> ResponseReturnValue:
    _logger.error("request failed", exc_info=error)
    return _answer_refusal(ApiError())
