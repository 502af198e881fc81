"""gunicorn's worker that runs the application on uvicorn's event loop."""

from typing import Any, ClassVar

import uvloop  # noqa: F401 - before the fork: workers share it, and start sooner
from serving_core import uvicorn_worker

from fastapi_api.protocols import HttpProtocol, WebSocketProtocol


class Worker(uvicorn_worker.Worker):
    """uvicorn with its fast implementations, and without what the other services do not have."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
        "ws_per_message_deflate": False,  # messages are small, and compression needs memory per connection
        "lifespan": "on",  # a worker whose startup fails must not answer
        "access_log": False,  # the service writes it, in the same form for all services
        "server_header": False,
        "proxy_headers": False,  # TRUSTED_PROXIES does this, for all services
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own signature
        super().__init__(*args, **kwargs)
        self.config.ws_max_size = self.app.service.settings.max_body_bytes
