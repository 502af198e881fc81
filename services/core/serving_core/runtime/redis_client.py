"""The Redis at CACHE_URL: the settings check the URL with its connections, the store asks it."""

import re
from typing import Any
from urllib.parse import urlsplit

from redis import ConnectionError as RedisConnectionError
from redis import ConnectionPool, Redis, RedisError
from redis import TimeoutError as RedisTimeoutError
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import MovedError
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


class RedisClient(Redis):
    """Asks the Redis of a URL; if that is a node of a cluster, the one node that has all keys of this client.

    redis-py's own client for clusters would ask for all nodes and slots first, with waits of its own.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        """`pool` connects to the URL; a node that it names is asked with the same options."""
        super().__init__(connection_pool=pool)
        self._home = pool

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the signature of redis-py
        """Send a command, and once more if another node has the key.

        Raises:
            RedisError: it failed.
        """
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except MovedError as moved:
            self._follow(moved)
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (RedisConnectionError, RedisTimeoutError):
            self.connection_pool = self._home  # that node knows which one took over
            raise

    def _follow(self, moved: MovedError) -> None:
        options = self._home.connection_kwargs
        if "host" not in options:  # a socket in the file system
            raise moved
        host = moved.host or self.connection_pool.connection_kwargs["host"]  # "" means the one that says it
        self.connection_pool = ConnectionPool(
            self._home.connection_class, **options | {"host": host, "port": moved.port}
        )
