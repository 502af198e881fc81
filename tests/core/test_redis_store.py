"""Cache and limits in a real Redis: the same meaning as in memory, and nothing that depends on it."""

import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serving_core.http.errors import TooManyRequestsError, UnavailableError
from serving_core.runtime.metrics import Metrics
from serving_core.runtime.settings import Settings
from serving_core.store import circuit
from serving_core.store.cache import SharedMemoryCache
from serving_core.store.circuit import FAILURES_IN_A_ROW, StoreError
from serving_core.store.redis_store import RedisStore
from support.exposition import parse
from support.redis import PASSWORD, RunningRedis, move_slot, running_cluster, running_redis
from support.services import free_port, wait_until

pytestmark = pytest.mark.service

SHA = "ab" * 32
TIMEOUT_SECONDS = 0.05
# Where nothing is lost: a busy machine is no reason to give up.
PATIENCE_SECONDS = 1.0
KEYS = [bytes([number]) * 16 for number in range(20)]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    yield Metrics(tmp_path_factory.mktemp("metrics"), workers=1)
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRedis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture
def redis(shared_redis: RunningRedis) -> Iterator[RunningRedis]:
    """Empty, and running again whatever a test did to it."""
    shared_redis.client().flushall()
    yield shared_redis
    shared_redis.kill()
    shared_redis.start()


@pytest.fixture
def open_store(redis: RunningRedis, metrics: Metrics) -> Callable[..., RedisStore]:
    """Opens the store as an instance of a service does."""

    def opened(name: str = "some-api", url: str = redis.url, timeout: float = PATIENCE_SECONDS) -> RedisStore:
        return RedisStore(settings_for(url, timeout), name, metrics)

    return opened


def settings_for(url: str, timeout: float = PATIENCE_SECONDS) -> Settings:
    access = {"SECRET_KEY": "k" * 32, "API_USERNAME": "lab", "API_PASSWORD": "secret"}
    return Settings.from_environment(
        access | {"CACHE_URL": url, "CACHE_TIMEOUT_SECONDS": str(timeout)}, default_port=5000
    )


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return parse(metrics.exposition().decode()).value(name, **labels)


def in_a_child(act: Callable[[], object]) -> None:
    """Run something in a forked process, as a worker would."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def test_it_keeps_and_throws_out_exactly_what_memory_does(open_store: Callable[..., RedisStore]) -> None:
    remote, local = open_store().cache(7, SHA), SharedMemoryCache(7, SHA)
    chance = random.Random(1)  # noqa: S311 - test data

    for step in range(600):
        key = chance.choice(KEYS)
        if chance.random() < 0.5:
            remote.put(key, step / 3)
            local.put(key, step / 3)
        else:
            assert remote.get(key) == local.get(key), step
        assert remote.entries() == local.entries(), step

    # Memory counts a miss with the put that follows it; here puts come whenever they like.
    assert remote.counts()._replace(misses=0) == local.counts()._replace(misses=0)
    assert remote.counts().evictions > 100


def test_what_was_unused_for_longest_goes_first_across_processes(open_store: Callable[..., RedisStore]) -> None:
    cache = open_store().cache(3, SHA)
    for number in range(3):
        cache.put(KEYS[number], float(number))

    in_a_child(lambda: cache.get(KEYS[0]))
    in_a_child(lambda: cache.put(KEYS[3], 3.0))

    assert [cache.get(key) for key in KEYS[:4]] == [0.0, None, 2.0, 3.0]


def test_forked_processes_count_together_and_use_connections_of_their_own(
    open_store: Callable[..., RedisStore],
) -> None:
    cache = open_store().cache(10, SHA)
    cache.put(KEYS[0], 1.5)

    for _ in range(3):
        in_a_child(lambda: [cache.get(key) for key in KEYS[:2] * 50])
        assert cache.get(KEYS[0]) == 1.5

    stats = cache.stats()
    assert (stats.backend, stats.entries, stats.hits, stats.misses) == ("redis", 1, 153, 150)


def test_threads_do_not_get_each_others_answers(open_store: Callable[..., RedisStore]) -> None:
    cache = open_store().cache(100, SHA)
    for number, key in enumerate(KEYS):
        cache.put(key, float(number))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(cache.get, KEYS * 50))

    assert answers == [float(number) for number in range(len(KEYS))] * 50


def test_every_number_comes_back_as_it_was(open_store: Callable[..., RedisStore]) -> None:
    cache = open_store().cache(10, SHA)
    for number in (0.1, -0.0, 1e308, 5e-324, 152.13348416289594):
        cache.put(KEYS[0], number)
        assert repr(cache.get(KEYS[0])) == repr(number)


def test_clearing_forgets_the_entries_and_not_the_counts(open_store: Callable[..., RedisStore]) -> None:
    cache = open_store().cache(10, SHA)
    for key in KEYS[:5]:
        cache.put(key, 1.0)
        cache.get(key)

    assert [cache.clear(), cache.clear()] == [5, 0]
    assert (cache.entries(), cache.counts().hits) == (0, 5)


def test_instances_share_a_cache_and_services_and_models_do_not(open_store: Callable[..., RedisStore]) -> None:
    open_store().cache(10, SHA).put(KEYS[0], 1.0)

    assert open_store().cache(10, SHA).get(KEYS[0]) == 1.0
    assert open_store().cache(10, "cd" * 32).get(KEYS[0]) is None
    assert open_store("other-api").cache(10, SHA).get(KEYS[0]) is None
    assert open_store("other-api").cache(10, SHA).clear() == 0
    assert open_store().cache(10, SHA).entries() == 1


def test_keys_that_redis_threw_out_are_made_good(redis: RunningRedis, open_store: Callable[..., RedisStore]) -> None:
    cache = open_store().cache(3, SHA)
    for part in ("values", "recency"):
        for key in KEYS[:3]:
            cache.put(key, 1.0)
        redis.client().delete(f"{{serving-lab:some-api}}:cache:{SHA}:{part}")
        for key in KEYS[3:9]:
            cache.put(key, 2.0)
        assert cache.entries() <= 3, part
        assert cache.get(KEYS[8]) == 2.0, part
        cache.clear()


def test_a_cache_that_nobody_uses_is_forgotten_in_a_day(
    redis: RunningRedis, open_store: Callable[..., RedisStore]
) -> None:
    open_store().cache(3, SHA).put(KEYS[0], 1.0)
    client = redis.client()

    lifetimes = [client.ttl(key) for key in client.keys("{serving-lab:*")]

    assert len(lifetimes) == 2
    assert all(86000 < seconds <= 86400 for seconds in lifetimes)


def test_it_is_reached_by_its_socket_too(redis: RunningRedis, open_store: Callable[..., RedisStore]) -> None:
    open_store(url=redis.socket_url).cache(3, SHA).put(KEYS[0], 1.0)

    assert open_store().cache(3, SHA).get(KEYS[0]) == 1.0


def test_a_window_is_one_for_all_processes_and_instances(open_store: Callable[..., RedisStore]) -> None:
    one, other = (open_store().limiter("default", "10/hour") for _ in range(2))
    one.check("a", 3)

    in_a_child(lambda: one.check("a", 3))
    other.check("a", 3)

    with pytest.raises(TooManyRequestsError) as refused:
        one.check("a", 2)
    assert refused.value.headers["RateLimit"].startswith('"default";r=1;t=')
    assert 3590 <= refused.value.retry_after_seconds <= 3600
    other.check("a")
    other.check("b", 10)
    open_store("other-api").limiter("default", "10/hour").check("a", 10)
    open_store().limiter("login", "10/hour").check("a", 10)


def test_the_next_window_opens_when_it_was_said(open_store: Callable[..., RedisStore]) -> None:
    limiter = open_store().limiter("default", "1/second")
    limiter.check("a")
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check("a")
    time.sleep(refused.value.retry_after_seconds)
    limiter.check("a")


@pytest.mark.parametrize("how", ["hang", "kill"])
def test_a_lost_redis_is_asked_a_few_times_then_left_alone(
    redis: RunningRedis, open_store: Callable[..., RedisStore], metrics: Metrics, how: str
) -> None:
    store = open_store(timeout=TIMEOUT_SECONDS)
    cache, limiter = store.cache(10, SHA), store.limiter("default", "10/hour")
    cache.put(KEYS[0], 1.0)
    errors = value(metrics, "store_errors_total", use="cache")
    getattr(redis, how)()

    began = time.monotonic()
    for _ in range(FAILURES_IN_A_ROW):
        assert cache.get(KEYS[0]) is None
        cache.put(KEYS[0], 1.0)
    assert time.monotonic() - began < 2 * FAILURES_IN_A_ROW * TIMEOUT_SECONDS, "a put after a failed get waits too"

    assert value(metrics, "store_circuit_open", use="cache") == 1
    began = time.monotonic()
    for _ in range(1000):
        assert cache.get(KEYS[0]) is None
    with pytest.raises(StoreError):
        limiter.check("a")
    assert time.monotonic() - began < TIMEOUT_SECONDS * 5
    with pytest.raises(UnavailableError) as refused:
        cache.stats()
    assert refused.value.detail == "cache"
    assert (cache.counts().hits, cache.counts().misses) == (0, 0), "a look-up that was not answered is neither"
    assert value(metrics, "store_errors_total", use="cache") - errors == FAILURES_IN_A_ROW + 1000

    if how == "hang":
        redis.go_on()
    else:
        redis.start()
    wait_until(lambda: value(metrics, "store_circuit_open") == 0, "a closed circuit", seconds=5)
    cache.put(KEYS[1], 2.0)
    assert cache.get(KEYS[1]) == 2.0
    limiter.check("a")


def test_a_restart_between_two_calls_is_not_even_noticed(
    redis: RunningRedis, open_store: Callable[..., RedisStore], metrics: Metrics
) -> None:
    cache = open_store().cache(10, SHA)
    cache.put(KEYS[0], 1.0)
    errors = value(metrics, "store_errors_total")

    redis.kill()
    redis.start()

    assert cache.get(KEYS[0]) is None
    cache.put(KEYS[0], 2.0)
    assert cache.get(KEYS[0]) == 2.0
    assert value(metrics, "store_errors_total") == errors


def test_refusals_are_answers_and_do_not_hide_that_the_cache_fails(
    redis: RunningRedis,
    open_store: Callable[..., RedisStore],
    metrics: Metrics,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(circuit, "PROBE_INTERVAL_SECONDS", 0.02)
    store = open_store()
    limiter, cache = store.limiter("default", "1/hour"), store.cache(10, SHA)
    limiter.check("a")
    values = f"{{serving-lab:some-api}}:cache:{SHA}:values"
    redis.client().set(values, "of another type")

    for _ in range(2 * FAILURES_IN_A_ROW):
        assert cache.get(KEYS[0]) is None
        with pytest.raises(TooManyRequestsError):
            limiter.check("a")

    assert [value(metrics, "store_circuit_open", use=use) for use in ("cache", "limits")] == [1, 0]
    assert "WRONGTYPE" in told(caplog)[0]
    redis.client().delete(values)
    wait_until(lambda: value(metrics, "store_circuit_open") == 0, "a closed circuit", seconds=5)


@pytest.mark.parametrize(
    ("options", "password", "reason"),
    [
        (["--maxmemory", "1kb", "--maxmemory-policy", "noeviction"], PASSWORD, "maxmemory"),
        (["--replicaof", "127.0.0.1 9", "--replica-serve-stale-data", "yes"], PASSWORD, "read only replica"),
        (["--min-replicas-to-write", "1"], PASSWORD, "NOREPLICAS"),
        (["--cluster-enabled", "yes", "--cluster-port", str(free_port())], PASSWORD, "Hash slot not served"),
        ([], "", "Authentication required"),
        ([], "wrong", "invalid username-password pair"),
    ],
    ids=[
        "full",
        "replica",
        "primary alone",
        "no slots",
        "no password",
        "wrong password",
    ],
)
def test_a_redis_that_does_not_do_is_told_once_and_done_without(
    tmp_path: Path,
    metrics: Metrics,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    password: str,
    reason: str,
) -> None:
    monkeypatch.setattr(circuit, "PROBE_INTERVAL_SECONDS", 0.01)
    with running_redis(tmp_path, *options) as redis:
        store = RedisStore(settings_for(redis.url.replace(f":{PASSWORD}@", f":{password}@")), "some-api", metrics)
        cache, limiter = store.cache(10, SHA), store.limiter("default", "10/hour")
        errors = value(metrics, "store_errors_total", use="cache")

        for _ in range(30):
            assert cache.get(KEYS[0]) is None
            cache.put(KEYS[0], 1.0)
            with pytest.raises(StoreError):
                limiter.check("a")
            time.sleep(0.01)

        assert value(metrics, "store_errors_total", use="cache") - errors >= 30
        assert [line.split(":")[0] for line in told(caplog)] == ["store, cache", "store, limits"]
        assert all(reason in line for line in told(caplog))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an operator reads without the debug level."""
    return sorted(record.getMessage() for record in caplog.records if record.levelno >= logging.INFO)


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_cluster_keeps_cache_and_limits_together_on_whichever_node(
    tmp_path: Path, metrics: Metrics, nodes: int
) -> None:
    with running_cluster(tmp_path, nodes) as cluster:
        for node in cluster:
            store = RedisStore(settings_for(node.url), "some-api", metrics)
            cache, limiter = store.cache(10, SHA), store.limiter("default", "10/hour")
            cache.put(KEYS[0], 1.5)
            limiter.check("a", 10 // nodes)

            assert cache.get(KEYS[0]) == 1.5
            assert cache.entries() == 1
        with pytest.raises(TooManyRequestsError):
            limiter.check("a")


def test_what_a_cluster_moves_is_found_again(tmp_path: Path, metrics: Metrics) -> None:
    with running_cluster(tmp_path, 2) as cluster:
        cache = RedisStore(settings_for(cluster[0].url), "some-api", metrics).cache(10, SHA)
        cache.put(KEYS[0], 1.5)
        holder = next(node for node in cluster if node.client().dbsize())
        other = next(node for node in cluster if node is not holder)
        holder.client().flushall()
        move_slot("{serving-lab:some-api}", other, cluster)

        cache.put(KEYS[0], 2.5)

        assert cache.get(KEYS[0]) == 2.5
        assert other.client().dbsize()
