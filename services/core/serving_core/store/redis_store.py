"""Redis as the store of cache and rate limits: shared by all instances of a service, none of which depends on it.

Each wait is limited to CACHE_TIMEOUT_SECONDS, nothing is retried, and a circuit breaker stops calls after failures.
Each worker opens connections when it needs them; redis-py opens new ones after a fork. All keys of a service have one
hash tag, so that a cluster keeps them together, where scripts can use them.
"""

import struct
import time
from collections.abc import Callable
from typing import Any

from limits.storage import RedisStorage, Storage
from redis import RedisError, ResponseError

from serving_core.http.errors import UnavailableError
from serving_core.runtime.metrics import Metrics
from serving_core.runtime.redis_client import RedisClient, connection_pool
from serving_core.runtime.settings import Settings
from serving_core.runtime.shared_memory import SharedTable
from serving_core.store.cache import EVICTIONS, HITS, MISSES, PredictionCache
from serving_core.store.circuit import Circuit, StoreError
from serving_core.store.rate_limits import RateLimiter

_number = struct.Struct("<d")

# A cache is a hash of values and a sorted set of the same digests. The scores are the order of use: the most recently
# used has the highest. A cache that was not used for a day expires, such as that of a model that was replaced.
_TOUCH = """
local function touch(digest)
    local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
    if newest[1] ~= digest then
        redis.call('ZADD', KEYS[2], (newest[2] or 0) + 1, digest)
    end
    redis.call('EXPIRE', KEYS[1], 86400)
    redis.call('EXPIRE', KEYS[2], 86400)
end
"""
_GET = f"""{_TOUCH}
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value then
    touch(ARGV[1])
end
return value
"""
_PUT = f"""{_TOUCH}
-- A Redis that is configured to evict keys has removed one of the two.
if redis.call('HLEN', KEYS[1]) ~= redis.call('ZCARD', KEYS[2]) then
    redis.call('UNLINK', KEYS[1], KEYS[2])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
touch(ARGV[1])
local evicted = 0
while redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) do
    redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
    evicted = evicted + 1
end
return evicted
"""
_CLEAR = """
local entries = redis.call('HLEN', KEYS[1])
redis.call('UNLINK', KEYS[1], KEYS[2])
return entries
"""
# Fails as the scripts above do: if a key has another type, or if the Redis is full, still loading, or a replica.
_PROBE = """
redis.call('HLEN', KEYS[1])
redis.call('ZCARD', KEYS[2])
redis.call('SET', KEYS[3], '', 'EX', 1)
"""


class RedisStore:
    """Caches and limiters in one Redis, under keys that start with the name of the service."""

    is_remote = True

    def __init__(self, settings: Settings, service_name: str, metrics: Metrics) -> None:
        self._metrics = metrics
        self._prefix = f"{{serving-lab:{service_name}}}"
        self._client = RedisClient(connection_pool(settings.cache_url, settings.cache_timeout_seconds))
        self._limits_circuit = _circuit("limits", self._probe_limits, metrics)

    def cache(self, max_entries: int, model_sha256: str) -> PredictionCache:
        """A cache for the predictions of a model, shared by all instances of the service."""
        return RedisCache(self._client, f"{self._prefix}:cache", self._metrics, max_entries, model_sha256)

    def limiter(self, name: str, rate: str) -> RateLimiter:
        """A limiter for a rate such as `100/minute`, with windows for all instances of the service."""
        windows = _Windows(self._client, f"{self._prefix}:limits")
        return _RemoteLimiter(name, rate, windows, self._limits_circuit)

    def _probe_limits(self) -> None:
        """Write a key; a Redis that is full, loading or a replica would answer a ping."""
        self._client.set(f"{self._prefix}:limits:probe", b"", ex=1)


class RedisCache(PredictionCache):
    """A cache in Redis; each instance of the service counts its own lookups and evictions."""

    backend = "redis"

    def __init__(self, client: RedisClient, prefix: str, metrics: Metrics, max_entries: int, model_sha256: str) -> None:
        """`prefix` is that of its keys."""
        self._prefix = prefix
        super().__init__(SharedTable(1), max_entries, model_sha256)
        self._client = client
        self._lost = metrics.store_errors.labels("cache")
        self._get, self._put, self._clear, probe = map(client.register_script, (_GET, _PUT, _CLEAR, _PROBE))
        self._circuit = _circuit("cache", lambda: probe(self._probed_keys), metrics)

    def use_model(self, sha256: str) -> None:
        """Keep the predictions of another model from now on, and the counts; called in the arbiter, before the fork."""
        super().use_model(sha256)
        name = f"{self._prefix}:{sha256}"
        self._keys = (f"{name}:values", f"{name}:recency")
        self._probed_keys = (*self._keys, f"{name}:probe")

    def get(self, key: bytes) -> float | None:
        """Look up a prediction and count the hit or miss; count neither if Redis does not answer."""
        try:
            with self._circuit:
                found = self._get(self._keys, (key,))
        except StoreError:
            self._lost.inc()
            return None
        with self._table as table:
            table.count(MISSES if found is None else HITS)
        return None if found is None else float(_number.unpack(found)[0])

    def put(self, key: bytes, prediction: float) -> None:
        """Store a prediction; if the cache is full, evict the least recently used one."""
        if self._circuit.doubtful:
            return  # the lookup already waited in vain; a request waits only once
        try:
            with self._circuit:
                evicted = self._put(self._keys, (key, _number.pack(prediction), self.max_entries))
        except StoreError:
            self._lost.inc()
            return
        if evicted:
            with self._table as table:
                table.count(EVICTIONS, evicted)

    def clear(self) -> int:
        """Remove all predictions; returns how many there were. Hits, misses and evictions keep their counts."""
        return self._ask(lambda: self._clear(self._keys))

    def entries(self) -> int:
        """The number of predictions in the cache."""
        return self._ask(lambda: self._client.hlen(self._keys[0]))

    def _ask(self, question: Callable[[], Any]) -> int:
        try:
            with self._circuit:
                return int(question())
        except StoreError:
            raise UnavailableError(detail="cache") from None


class _Windows(RedisStorage):
    """The Redis storage of `limits`, which rounds the end of a window down to a second, with the exact end."""

    def __init__(self, client: RedisClient, key_prefix: str) -> None:
        self._client = client
        super().__init__("redis://", client.connection_pool, key_prefix)

    def get_connection(self, readonly: bool = False) -> Any:  # noqa: ANN401, ARG002 - the signature of `limits`
        """The client that all uses share: it knows which node of a cluster to ask."""
        return self._client

    def get_expiry(self, key: str) -> float:
        """The end of a window (seconds since the epoch), rounded up: a key lives until the end of its millisecond."""
        left_ms: int = self._client.pttl(self.prefixed_key(key))
        return time.time() + (max(left_ms, 0) + 1) / 1000


class _RemoteLimiter(RateLimiter):
    """A limiter whose windows are behind a circuit breaker."""

    def __init__(self, name: str, rate: str, windows: Storage, circuit: Circuit) -> None:
        super().__init__(name, rate, windows)
        self._circuit = circuit

    def check(self, client: str, cost: int = 1) -> None:
        """Count a cost against the window of a client.

        Raises:
            TooManyRequestsError: the window is full.
            StoreError: Redis does not answer.
        """
        with self._circuit:
            super().check(client, cost)


def _circuit(use: str, probe: Callable[[], object], metrics: Metrics) -> Circuit:
    is_open = metrics.store_circuit_open.labels(use)
    return Circuit(use, errors=RedisError, refusals=ResponseError, probe=probe, is_open=is_open)
