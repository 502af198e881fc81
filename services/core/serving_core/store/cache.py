"""The prediction cache: bounded, evicts the least recently used, shared by all workers of a service."""

import hashlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import msgspec

from serving_core.bounds import FEATURES
from serving_core.runtime.shared_memory import SharedTable

HITS, MISSES, EVICTIONS = range(3)
_pack = struct.Struct(f"<{FEATURES}d").pack
_NEGATIVE_ZERO = struct.pack("<d", -0.0)


class CacheCounts(NamedTuple):
    """Counts since the start of the service."""

    hits: int
    misses: int
    evictions: int


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """Size and counts since the start of the service; the fields of the answer of /cache/stats."""

    backend: str
    entries: int
    max_entries: int
    hits: int
    misses: int
    evictions: int
    hit_rate: float
    """Hits divided by lookups; 0 without lookups."""


class PredictionCache(ABC):
    """Predictions by model digest and canonical features; lookups are counted in memory that all workers share."""

    backend: ClassVar[str]

    def __init__(self, table: SharedTable, max_entries: int, model_sha256: str) -> None:
        """`table` keeps the counts."""
        self._table = table
        self.max_entries = max_entries
        self.use_model(model_sha256)

    def use_model(self, sha256: str) -> None:
        """Keep the predictions of another model from now on, and the counts; called in the arbiter, before the fork."""
        self._model_key = bytes.fromhex(sha256)

    def key(self, features: Sequence[float]) -> bytes:
        """A digest of model and features; 0.0 and -0.0 are equal."""
        canonical = _pack(*features)
        if _NEGATIVE_ZERO in canonical:
            canonical = _pack(*[value + 0.0 for value in features])
        return hashlib.blake2b(canonical, digest_size=SharedTable.KEY_BYTES, key=self._model_key).digest()

    @abstractmethod
    def get(self, key: bytes) -> float | None:
        """Look up a prediction and count a hit; a miss is counted too, here or by the `put` that follows it."""

    @abstractmethod
    def put(self, key: bytes, prediction: float) -> None:
        """Store a prediction after a miss; if the cache is full, evict the least recently used one."""

    @abstractmethod
    def clear(self) -> int:
        """Remove all predictions; returns how many there were. Hits, misses and evictions keep their counts.

        Raises:
            UnavailableError: the server that stores them does not answer.
        """

    @abstractmethod
    def entries(self) -> int:
        """The number of predictions in the cache.

        Raises:
            UnavailableError: the server that stores them does not answer.
        """

    def counts(self) -> CacheCounts:
        """Hits, misses and evictions since the start of the service."""
        with self._table as table:
            return CacheCounts(*map(table.counter, (HITS, MISSES, EVICTIONS)))

    def stats(self) -> CacheStats:
        """Size and counts for the whole service.

        Raises:
            UnavailableError: the server that stores the predictions does not answer.
        """
        entries, counts = self.entries(), self.counts()
        lookups = counts.hits + counts.misses
        return CacheStats(
            backend=self.backend,
            entries=entries,
            max_entries=self.max_entries,
            hits=counts.hits,
            misses=counts.misses,
            evictions=counts.evictions,
            hit_rate=counts.hits / lookups if lookups else 0.0,
        )


class SharedMemoryCache(PredictionCache):
    """A cache in memory that the workers share."""

    backend = "memory"

    def __init__(self, max_entries: int, model_sha256: str) -> None:
        super().__init__(SharedTable(max_entries), max_entries, model_sha256)

    def get(self, key: bytes) -> float | None:
        """Look up a prediction and count a hit; only a hit needs the lock."""
        if not self._table.may_hold(key):
            return None
        with self._table as table:
            found = table.get(key)
            if found is None:
                return None
            table.count(HITS)
        return found[0]

    def put(self, key: bytes, prediction: float) -> None:
        """Store a prediction and count the miss before it; if the cache is full, evict the least recently used one."""
        with self._table as table:
            table.count(MISSES)
            table.count(EVICTIONS, table.put(key, prediction))

    def clear(self) -> int:
        """Remove all predictions; returns how many there were. Hits, misses and evictions keep their counts."""
        with self._table as table:
            return table.clear()

    def entries(self) -> int:
        """The number of predictions in the cache."""
        with self._table as table:
            return len(table)
