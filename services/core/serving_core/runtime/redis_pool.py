"""Connections to the Redis at CACHE_URL: the settings check the URL with them, the store uses them."""

import re
from typing import Any
from urllib.parse import urlsplit

from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry


def connection_pool(url: str, timeout_seconds: float) -> ConnectionPool:
    """A pool of connections to a URL, none of them open yet; the URL may hold options of redis-py's connections.

    Raises:
        ValueError: the URL is not valid. The text of the error may contain a part of the password.
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
        # Skip the commands that a new connection would send first: each is a round trip.
        "protocol": 2,
        "driver_info": None,
    }
    pool = ConnectionPool(**options)
    try:
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, RedisError) as error:
        raise ValueError("unknown option") from error
    return pool
