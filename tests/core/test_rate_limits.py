"""Rate limits."""

import os
import time

import pytest
from serving_core.http.errors import TooManyRequestsError
from serving_core.store.rate_limits import RateLimiter, SharedMemoryStorage


def limiter_of(rate: str) -> RateLimiter:
    return RateLimiter("default", rate, SharedMemoryStorage())


def test_each_client_has_a_window_of_its_own() -> None:
    limiter = limiter_of("2/hour")
    for client in ("a", "b", "a", "b"):
        limiter.check(client)
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check("a")
    assert 3590 <= int(refused.value.headers["Retry-After"]) <= 3600


def test_the_next_window_opens_when_it_was_said() -> None:
    limiter = limiter_of("1/second")
    limiter.check("a")
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check("a")
    time.sleep(int(refused.value.headers["Retry-After"]))
    limiter.check("a")


def test_what_costs_more_than_is_left_costs_nothing() -> None:
    limiter = limiter_of("10/hour")
    limiter.check("a", 6)
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check("a", 5)
    assert refused.value.headers["RateLimit"].startswith('"default";r=4;t=')
    limiter.check("a", 4)


def test_limits_do_not_share_their_windows() -> None:
    storage = SharedMemoryStorage()
    for name in ("default", "login"):
        RateLimiter(name, "1/hour", storage).check("a")


def test_children_count_into_one_window() -> None:
    limiter = limiter_of("10/hour")
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
