"""Connections to the Redis of CACHE_URL: settings check the URL with them, the store asks through them."""

import re
from typing import Any
from urllib.parse import urlsplit

from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry


def connection_pool(url: str, timeout_seconds: float) -> ConnectionPool:
    """Connections to a URL, none of them open; options in it are those of the package's connections.

    Raises:
        ValueError: the URL makes no sense. Its text may hold a part of the password.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        complete = parts.path.startswith("/")
    else:
        complete = bool((parts.hostname or "").encode("idna")) and re.fullmatch("(/[0-9]*)?", parts.path) is not None
    if not complete:
        raise ValueError("incomplete")
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    options |= {
        "socket_connect_timeout": timeout_seconds,
        "socket_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        # Not what a new connection would ask and say first, each a wait of its own.
        "protocol": 2,
        "driver_info": None,
    }
    pool = ConnectionPool(**options)
    try:
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, RedisError) as error:
        raise ValueError("unknown option") from error
    return pool
