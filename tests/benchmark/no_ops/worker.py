"""The worker of the ASGI services, without what belongs to a service."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc] # ships no types
    """uvicorn with the settings of the services that cost or save time for each request."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
    }
