"""The checks that come before any endpoint's own, once its route is found: rate first, then size."""

from wsgiref.types import WSGIEnvironment

from flask import Request
from gunicorn.http.errors import NoMoreData, ParseException
from serving_core.http import messages
from serving_core.http.callers import Caller
from serving_core.http.errors import InvalidRequestError
from serving_core.service import Service
from werkzeug.exceptions import RequestEntityTooLarge

from flask_api.connection import close_connection

BODY = "flask_api.body"
"""The key of the environment under which views find the body."""


def check_request(service: Service, request: Request) -> None:
    """Count a request against the rate limit and read its body up to the largest size allowed.

    Raises:
        TooManyRequestsError: the caller's window is full.
        RequestEntityTooLarge: the body is larger than allowed.
        InvalidRequestError: the body breaks off, or its chunks are not valid.
    """
    environ, max_bytes = request.environ, service.settings.max_body_bytes
    if request.url_rule is None:
        if _declared_bytes(environ) > max_bytes:
            close_connection()  # else the server reads on until a timeout and closes without announcing it
        return
    service.check_rate(_caller(environ), request.url_rule.rule)
    environ[BODY] = _read_body(environ, max_bytes)


def _caller(environ: WSGIEnvironment) -> Caller:
    return Caller(
        environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR"), environ.get("HTTP_AUTHORIZATION")
    )


def _declared_bytes(environ: WSGIEnvironment) -> int:
    length = environ.get("CONTENT_LENGTH", "")
    return int(length) if length.isdecimal() else 0


def _read_body(environ: WSGIEnvironment, max_bytes: int) -> bytes:
    """The body, with or without a declared length.

    Raises:
        RequestEntityTooLarge: the declared or the actual size is larger than `max_bytes`.
        InvalidRequestError: the body breaks off, or its chunks are not valid.
    """
    if _declared_bytes(environ) > max_bytes:
        raise RequestEntityTooLarge
    # From the server's stream, which ends with the body; werkzeug's would cut off a chunked body at the limit.
    try:
        body: bytes = environ["wsgi.input"].read(max_bytes + 1)
    except (ParseException, NoMoreData, OSError) as error:
        close_connection()  # the start of the next request is unknown
        raise InvalidRequestError(messages.MALFORMED_JSON) from error
    if len(body) > max_bytes:
        raise RequestEntityTooLarge
    return body
