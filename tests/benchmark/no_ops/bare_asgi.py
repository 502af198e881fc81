"""ASGI without a framework."""

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope

worker_class = "benchmark.no_ops.worker.Worker"

_BODY = b'{"prediction":152.5,"cached":false,"model_version":"1.0.0"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def app(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": False})
    await send({"type": "http.response.body", "body": _BODY, "more_body": False})
