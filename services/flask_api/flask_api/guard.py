"""The checks that come before any endpoint's own, once its route is found: rate first, then size."""

from flask import g, request
from gunicorn.http.errors import NoMoreData, ParseException
from serving_core.http import messages
from serving_core.http.callers import Caller
from serving_core.http.errors import InvalidRequestError
from serving_core.service import Service
from werkzeug.exceptions import RequestEntityTooLarge

from flask_api.connection import close_connection


def check_request(service: Service) -> None:
    """Count the current request against the rate limit and read its body up to the largest size allowed.

    Raises:
        TooManyRequestsError: the caller's window is full.
        RequestEntityTooLarge: the body is larger than allowed.
        InvalidRequestError: the chunks of the body are not valid.
    """
    if request.url_rule is None:
        if (request.content_length or 0) > service.settings.max_body_bytes:
            close_connection()  # else the server reads on until a timeout and closes without announcing it
        return
    service.check_rate(_caller(), request.url_rule.rule)
    g.body = _read_body(service.settings.max_body_bytes)


def _caller() -> Caller:
    headers = request.headers
    return Caller(request.remote_addr or "", headers.get("X-Forwarded-For"), headers.get("Authorization"))


def _read_body(max_bytes: int) -> bytes:
    """The body, with or without a declared length.

    Raises:
        RequestEntityTooLarge: the declared or the actual size is larger than `max_bytes`.
        InvalidRequestError: the chunks of the body are not valid.
    """
    if (request.content_length or 0) > max_bytes:
        raise RequestEntityTooLarge
    # From the server's stream, which ends with the body; werkzeug's would cut off a chunked body at the limit.
    try:
        body: bytes = request.environ["wsgi.input"].read(max_bytes + 1)
    except (ParseException, NoMoreData) as error:
        close_connection()  # the start of the next request is unknown
        raise InvalidRequestError(messages.MALFORMED_JSON) from error
    if len(body) > max_bytes:
        raise RequestEntityTooLarge
    return body
