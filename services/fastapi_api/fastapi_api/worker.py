"""gunicorn's worker that runs the application on uvicorn's event loop."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc] # ships no types
    """uvicorn with its fast parts, and without what the other service has not."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",  # a worker whose start fails must not answer
        "access_log": False,  # written by the service itself, the same for both
        "server_header": False,
        "proxy_headers": False,  # trusting them is a setting of its own, for both services
    }
