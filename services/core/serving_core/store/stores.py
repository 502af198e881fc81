"""The stores for cache and rate limits: the service's own memory, or a server that several instances share."""

from typing import Protocol

from serving_core.runtime.metrics import Metrics
from serving_core.runtime.settings import Settings
from serving_core.store.cache import PredictionCache, SharedMemoryCache
from serving_core.store.rate_limits import RateLimiter, SharedMemoryStorage


class Store(Protocol):
    """Creates caches and limiters, before the fork."""

    is_remote: bool
    """Whether calls to its caches and limiters wait for a server."""

    def cache(self, max_entries: int, model_sha256: str) -> PredictionCache:
        """A cache for the predictions of a model."""

    def limiter(self, name: str, rate: str) -> RateLimiter:
        """A limiter for a rate such as `100/minute`."""


class SharedMemoryStore:
    """Memory that the workers of this service share."""

    is_remote = False

    def __init__(self) -> None:
        self._windows = SharedMemoryStorage()

    def cache(self, max_entries: int, model_sha256: str) -> PredictionCache:
        """A cache for the predictions of a model."""
        return SharedMemoryCache(max_entries, model_sha256)

    def limiter(self, name: str, rate: str) -> RateLimiter:
        """A limiter for a rate such as `100/minute`."""
        return RateLimiter(name, rate, self._windows)


def open_store(settings: Settings, service_name: str, metrics: Metrics) -> Store:
    """The Redis of CACHE_URL, else shared memory; does not connect yet."""
    if not settings.cache_url:
        return SharedMemoryStore()
    from serving_core.store.redis_store import RedisStore  # imported lazily: only users of Redis pay for it

    return RedisStore(settings, service_name, metrics)
