"""The prediction cache."""

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_core.store.cache import CacheStats, SharedMemoryCache

SHA = "ab" * 32
rows = st.lists(st.floats(-1000, 1000), min_size=10, max_size=10)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows, rows)
def test_keys_are_equal_where_the_features_are(one: list[float], other: list[float]) -> None:
    cache = SharedMemoryCache(1, SHA)
    assert (cache.key(one) == cache.key(other)) == (one == other)


def test_both_zeros_are_one_feature() -> None:
    cache = SharedMemoryCache(1, SHA)
    assert cache.key([0.0] * 10) == cache.key([-0.0] * 10)
    assert math.copysign(1, -0.0) == -1


def test_another_model_has_other_keys() -> None:
    assert SharedMemoryCache(1, SHA).key([1.0] * 10) != SharedMemoryCache(1, "cd" * 32).key([1.0] * 10)


def test_the_entry_unused_for_longest_makes_room() -> None:
    cache = SharedMemoryCache(2, SHA)
    first, second, third = (cache.key([float(i)] * 10) for i in range(3))
    cache.put(first, 1.0)
    cache.put(second, 2.0)
    assert cache.get(first) == 1.0
    cache.put(third, 3.0)
    assert [cache.get(key) for key in (first, second, third)] == [1.0, None, 3.0]


def test_a_look_up_that_finds_nothing_waits_for_nobody() -> None:
    cache = SharedMemoryCache(2, SHA)
    with cache._table:  # held as by another worker
        assert cache.get(cache.key([1.0] * 10)) is None


def test_statistics_count_on_through_a_clear() -> None:
    cache = SharedMemoryCache(2, SHA)
    key = cache.key([1.0] * 10)
    assert cache.stats().hit_rate == 0.0
    cache.get(key)
    cache.put(key, 1.0)
    cache.get(key)
    assert cache.clear() == 1
    assert cache.stats() == CacheStats(
        backend="memory", entries=0, max_entries=2, hits=1, misses=1, evictions=0, hit_rate=0.5
    )
