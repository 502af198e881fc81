"""gunicorn's worker that runs the application on uvicorn's event loop."""

from typing import Any, ClassVar

import uvloop  # noqa: F401 - before the fork: workers share it, and start sooner
from serving_core import uvicorn_worker
from serving_core.uvicorn_protocol import HttpProtocol


class Worker(uvicorn_worker.Worker):
    """uvicorn with the settings that the FastAPI service has."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": HttpProtocol,
        "ws": "none",
        "lifespan": "on",  # a worker whose start fails must not answer
        "access_log": False,  # written by the service itself, the same for all
        "server_header": False,
        "proxy_headers": False,  # which proxies are trusted is a setting of the service
    }
