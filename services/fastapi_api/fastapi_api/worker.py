"""gunicorn's worker that runs the application on uvicorn's event loop."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from fastapi_api.protocols import HttpProtocol, WebSocketProtocol


class Worker(UvicornWorker):  # type: ignore[misc] # ships no types
    """uvicorn with its fast parts, and without what the other service has not."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
        "ws_per_message_deflate": False,  # messages are small, and each connection would keep a window
        "lifespan": "on",  # a worker whose start fails must not answer
        "access_log": False,  # written by the service itself, the same for both
        "server_header": False,
        "proxy_headers": False,  # trusting them is a setting of its own, for both services
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own signature
        super().__init__(*args, **kwargs)
        self.config.ws_max_size = self.app.service.settings.max_body_bytes
