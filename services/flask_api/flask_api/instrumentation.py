"""Around every request: its id, timing and metrics, and the checks that come before any endpoint's own."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, g, request
from flask.globals import request_ctx
from gunicorn.http.errors import NoMoreData, ParseException
from serving_core.http.callers import Caller
from serving_core.http.errors import BodyTooLargeError, InvalidRequestError, NotFoundError
from serving_core.http.rules import request_id
from serving_core.runtime.lifecycle import Phase
from serving_core.runtime.logs import current_request_id
from serving_core.runtime.metrics import UNMATCHED
from serving_core.service import Service
from werkzeug.exceptions import MethodNotAllowed

from flask_api.connection import close_connection

_TRACE = "flask_api.trace"


@dataclass
class _Trace:
    """What is known of a request so far."""

    request_id: str
    handler: str = UNMATCHED
    status: int = 500
    began: float = field(default_factory=time.perf_counter)

    def elapsed_seconds(self) -> float:
        return time.perf_counter() - self.began


class Instrumentation:
    """Wraps an application's WSGI callable and hooks into its requests."""

    def __init__(self, app: Flask, service: Service) -> None:
        self._service = service
        self._wsgi_app = app.wsgi_app
        app.wsgi_app = self  # type: ignore[method-assign]
        app.before_request(self._check)
        app.after_request(self._add_headers)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Count the request, whatever becomes of it."""
        environ.pop("HTTP_UPGRADE", None)  # not offered here; the router would refuse what may be answered plainly
        trace = environ[_TRACE] = _Trace(request_id(environ.get("HTTP_X_REQUEST_ID")))
        current_request_id.set(trace.request_id)
        self._service.metrics.requests_in_progress.inc()
        try:
            return self._wsgi_app(environ, start_response)
        finally:
            self._service.metrics.requests_in_progress.dec()
            self._service.observe_request(
                environ["REQUEST_METHOD"], trace.handler, trace.status, trace.elapsed_seconds()
            )
            current_request_id.set(None)

    def _check(self) -> None:
        """Refuse what the contract refuses on any path and method that is there: rate first, then size."""
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFoundError  # the router would take them for one slash
        _trace().handler = _route_template()
        if request.url_rule is None:
            if (request.content_length or 0) > self._service.settings.max_body_bytes:
                close_connection()  # or the server would read on for as long as it has time, and close unannounced
            return
        self._service.check_rate(_caller(), request.url_rule.rule)
        g.body = _read_body(self._service.settings.max_body_bytes)

    def _add_headers(self, response: Response) -> Response:
        trace = _trace()
        trace.status = response.status_code
        response.headers["X-Request-ID"] = trace.request_id
        response.headers["X-Process-Time"] = f"{trace.elapsed_seconds():.6f}"
        response.headers.update(self._service.cors.response_headers(request.headers.get("Origin")))
        if self._service.lifecycle.phase is Phase.DRAINING or response.status_code == BodyTooLargeError.status:
            close_connection()
        return response


def _trace() -> _Trace:
    trace: _Trace = request.environ[_TRACE]
    return trace


def _caller() -> Caller:
    headers = request.headers
    return Caller(request.remote_addr or "", headers.get("X-Forwarded-For"), headers.get("Authorization"))


def _read_body(max_bytes: int) -> bytes:
    """The body, with or without a declared length.

    Raises:
        BodyTooLargeError: it says or turns out to be larger than `max_bytes`.
        InvalidRequestError: it is said to come in chunks, and they are none.
    """
    if (request.content_length or 0) > max_bytes:
        raise BodyTooLargeError
    # Of the server's own stream, which ends where the body does: werkzeug's would cut a chunked body off at the limit.
    try:
        body: bytes = request.environ["wsgi.input"].read(max_bytes + 1)
    except (ParseException, NoMoreData) as error:
        close_connection()  # where the next request would begin, nobody knows
        raise InvalidRequestError("Malformed JSON") from error
    if len(body) > max_bytes:
        raise BodyTooLargeError
    return body


def _route_template() -> str:
    """The route that the path belongs to, also where the method is not one of its own."""
    if request.url_rule:
        return request.url_rule.rule
    error = request.routing_exception
    if isinstance(error, MethodNotAllowed) and error.valid_methods and request_ctx.url_adapter:
        rule, _ = request_ctx.url_adapter.match(method=next(iter(error.valid_methods)), return_rule=True)
        return rule.rule
    return UNMATCHED
