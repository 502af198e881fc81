"""The prediction cache: bounded, least recently used out first, one for all workers of a service."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import msgspec

from serving_core.bounds import FEATURES
from serving_core.shared_memory import SharedTable

if TYPE_CHECKING:
    from collections.abc import Sequence

_HITS, _MISSES, _EVICTIONS = range(3)
_pack = struct.Struct(f"<{FEATURES}d").pack


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the cache did since the service started; the answer of /cache/stats, field by field."""

    backend: str
    entries: int
    max_entries: int
    hits: int
    misses: int
    evictions: int
    hit_rate: float
    """Hits over look-ups; 0 where nothing was looked up."""


class PredictionCache:
    """Predictions by model digest and canonical features, in memory that the workers share."""

    def __init__(self, max_entries: int, model_sha256: str) -> None:
        self._table = SharedTable(max_entries)
        self._model_key = bytes.fromhex(model_sha256)

    def key(self, features: Sequence[float]) -> bytes:
        """Digest of model and features; 0.0 and -0.0 are one feature."""
        canonical = _pack(*[value + 0.0 for value in features])
        return hashlib.blake2b(canonical, digest_size=SharedTable.KEY_BYTES, key=self._model_key).digest()

    def get(self, key: bytes) -> float | None:
        """Look a prediction up and count the hit or miss."""
        with self._table as table:
            found = table.get(key)
            table.count(_MISSES if found is None else _HITS)
        return None if found is None else found[0]

    def put(self, key: bytes, prediction: float) -> None:
        """Remember a prediction; the one unused for longest makes room."""
        with self._table as table:
            table.count(_EVICTIONS, table.put(key, prediction))

    def clear(self) -> int:
        """Forget all predictions; returns how many there were. Hits, misses and evictions count on."""
        with self._table as table:
            return table.clear()

    def stats(self) -> CacheStats:
        """Size and counts of the whole service."""
        with self._table as table:
            entries, hits, misses, evictions = len(table), *map(table.counter, (_HITS, _MISSES, _EVICTIONS))
        return CacheStats(
            backend="memory",
            entries=entries,
            max_entries=self._table.max_entries,
            hits=hits,
            misses=misses,
            evictions=evictions,
            hit_rate=hits / (hits + misses) if hits + misses else 0.0,
        )
