"""WSGI without a framework."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

worker_class = "gthread"

_BODY = b'{"prediction":152.5,"cached":false,"model_version":"1.0.0"}'
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", _HEADERS)
    return [_BODY]
