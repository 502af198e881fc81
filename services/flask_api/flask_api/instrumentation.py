"""Around every request: its id, timing, metrics and headers."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request
from flask.globals import request_ctx
from serving_core.http.errors import BodyTooLargeError
from serving_core.http.rules import request_id
from serving_core.runtime.logs import current_request_id
from serving_core.runtime.metrics import UNMATCHED
from serving_core.service import Service
from werkzeug.exceptions import MethodNotAllowed, NotFound

from flask_api.connection import close_connection
from flask_api.guard import check_request

_TRACE = "flask_api.trace"
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None


@dataclass
class _Trace:
    """What is known about a request so far."""

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
        app.before_request(self._begin)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Count the request, whatever its outcome."""
        # The router would refuse an offer of an upgrade, which can be answered as plain HTTP, and fail at an odd Host.
        environ.pop("HTTP_UPGRADE", None)
        environ.pop("HTTP_HOST", None)
        trace = environ[_TRACE] = _Trace(request_id(environ.get("HTTP_X_REQUEST_ID")))
        current_request_id.set(trace.request_id)
        self._service.metrics.requests_in_progress.inc()
        try:
            return self._wsgi_app(environ, self._with_headers(start_response, environ, trace))
        finally:
            self._service.metrics.requests_in_progress.dec()
            self._service.observe_request(
                environ["REQUEST_METHOD"], trace.handler, trace.status, trace.elapsed_seconds()
            )
            current_request_id.set(None)

    def _begin(self) -> None:
        """Find the route, then make the checks of every route."""
        request = request_ctx.request  # itself: each access through the proxy of the same name finds it again
        environ = request.environ
        if environ["PATH_INFO"].startswith("//"):
            raise NotFound  # the router would treat them as one slash
        trace: _Trace = environ[_TRACE]
        trace.handler = _route_template(request)
        check_request(self._service, request)

    def _with_headers(self, start_response: StartResponse, environ: WSGIEnvironment, trace: _Trace) -> StartResponse:
        """Note the status and add the contract's headers, each for a tenth of what it costs in Flask's own hooks."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo = None) -> Callable[[bytes], object]:
            trace.status = int(status[:3])
            headers.append(("X-Request-ID", trace.request_id))
            headers.append(("X-Process-Time", f"{trace.elapsed_seconds():.6f}"))
            headers.extend(self._service.cors.response_headers(environ.get("HTTP_ORIGIN")).items())
            if self._service.lifecycle.is_draining or trace.status == BodyTooLargeError.status:
                close_connection()
            return start_response(status, headers, exc_info)

        return start


def _route_template(request: Request) -> str:
    """The route of the path, also if it does not have the method."""
    if request.url_rule:
        return request.url_rule.rule
    error = request.routing_exception
    if isinstance(error, MethodNotAllowed) and error.valid_methods and request_ctx.url_adapter:
        rule, _ = request_ctx.url_adapter.match(method=next(iter(error.valid_methods)), return_rule=True)
        return rule.rule
    return UNMATCHED
