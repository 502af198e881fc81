"""gunicorn's worker that runs the application on uvicorn's event loop."""

from typing import Any, ClassVar

import uvloop  # noqa: F401 - before the fork: workers share it, and start sooner
from serving_core.uvicorn_protocol import HttpProtocol
from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc] # ships no types
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
