"""Rate limits."""

from __future__ import annotations

import os
import time

import pytest
from serving_core.errors import TooManyRequestsError
from serving_core.rate_limits import RateLimiter, SharedMemoryStorage


def test_no_rate_means_no_limit() -> None:
    limiter = RateLimiter("")
    for _ in range(1000):
        limiter.check("a")


def test_each_client_has_a_window_of_its_own() -> None:
    limiter = RateLimiter("2/hour")
    for client in ("a", "b", "a", "b"):
        limiter.check(client)
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check("a")
    assert 3590 <= int(refused.value.headers["Retry-After"]) <= 3600


def test_the_next_window_opens_when_it_was_said() -> None:
    limiter = RateLimiter("1/second")
    limiter.check("a")
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check("a")
    time.sleep(int(refused.value.headers["Retry-After"]))
    limiter.check("a")


def test_children_count_into_one_window() -> None:
    limiter = RateLimiter("10/hour")
    pid = os.fork()
    if pid == 0:
        for _ in range(9):
            limiter.check("a")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    limiter.check("a")
    with pytest.raises(TooManyRequestsError):
        limiter.check("a")


def test_the_storage_forgets_on_request() -> None:
    storage = SharedMemoryStorage()
    assert [storage.incr("k", 60), storage.incr("k", 60, 3)] == [1, 4]
    assert storage.get("k") == 4
    assert storage.get_expiry("k") == pytest.approx(time.time() + 60, abs=2)
    storage.clear("k")
    assert storage.get("k") == 0
    storage.incr("k", 60)
    assert storage.reset() == 1
    assert storage.get("k") == 0
