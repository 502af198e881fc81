"""CACHE_URL: Redis keeps cache and rate limits for all instances of a service, and its loss fails nothing."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.answers import assert_error
from support.exposition import scrape
from support.redis import PASSWORD, RunningRedis, running_redis
from support.services import SERVICE_NAMES, RunningService, running_service, running_services, wait_until
from support.tokens import claims, sign
from support.wire import Request, send

from contract.cases import random_rows

WORKERS = 2
MOST = 300  # of requests by a user; scrapes come from one address, and fewer of them are needed
# Fresh connections, so many that with two workers it is practically certain that both have answered some.
MANY = 24
QUICK_SECONDS = 0.5
RECOVERY_SECONDS = 5.0
STATS, CLEAR, READY = (
    Request("GET", "/cache/stats"),
    Request("POST", "/cache/clear", headers=()),
    Request("GET", "/ready"),
)

_users = (f"user-{number}" for number in itertools.count())
_rows = iter(random_rows(1000, seed=50))


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRedis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture(scope="module")
def group(model_dir: Path, shared_redis: RunningRedis) -> Iterator[Mapping[str, RunningService]]:
    settings: dict[str, Any] = {"CACHE_URL": shared_redis.url, "RATE_LIMIT": f"{MOST}/hour", "LOG_LEVEL": "debug"}
    with running_services(model_dir, WORKERS=WORKERS, **settings) as group:
        yield group
        for service in group.values():
            assert PASSWORD not in service.stdout() + service.stderr()


@pytest.fixture
def redis(shared_redis: RunningRedis, group: Mapping[str, RunningService]) -> Iterator[RunningRedis]:
    """Running again, whatever a test did to it, and used by all workers."""
    yield shared_redis
    shared_redis.kill()
    shared_redis.start()
    for service in group.values():
        wait_until(lambda: scrape(service).value("store_circuit_open") == 0, "all circuits closed")  # noqa: B023


@pytest.fixture(params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest, group: Mapping[str, RunningService]) -> RunningService:
    """Each service in turn, with two workers."""
    return group[request.param]


class User:
    """Somebody with a rate limit of their own; each request goes over a new connection, so that any worker answers."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._name = next(_users)

    def send(self, request: Request, service: RunningService | None = None) -> httpx.Response:
        service = service or self._service
        return send(service, request, sign(claims(user=self._name), service.secret_key))

    def predict(self, row: list[float], service: RunningService | None = None) -> dict[str, Any]:
        body = json.dumps({"features": row}).encode()
        response = self.send(Request("POST", "/predict", body=body), service)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert isinstance(answer, dict)
        return answer


@pytest.fixture
def user(service: RunningService) -> User:
    return User(service)


def open_all_circuits(service: RunningService) -> None:
    """Ask until every worker has noticed that Redis is lost."""

    def asked() -> bool:
        User(service).predict(next(_rows))
        return scrape(service).value("store_circuit_open", use="cache") == WORKERS

    wait_until(asked, "all circuits open", explain=service.stderr)


def test_a_row_is_cached_for_all_workers(user: User) -> None:
    row = next(_rows)

    answers = [user.predict(row) for _ in range(MANY)]

    assert [answer["cached"] for answer in answers] == [False] + [True] * (MANY - 1)
    assert len({answer["prediction"] for answer in answers}) == 1
    assert user.send(STATS).json()["backend"] == "redis"


def test_statistics_and_clearing_speak_for_the_whole_service(user: User) -> None:
    user.send(CLEAR)
    before = user.send(STATS).json()
    for row in [next(_rows) for _ in range(5)] * 2:
        user.predict(row)

    after = [user.send(STATS).json() for _ in range(10)]

    assert all(one == after[0] for one in after)
    assert (after[0]["entries"], after[0]["hits"] - before["hits"], after[0]["misses"] - before["misses"]) == (5, 5, 5)
    assert [user.send(CLEAR).json() for _ in range(2)] == [{"cleared": 5}, {"cleared": 0}]


def test_no_service_profits_from_the_cache_of_another(group: Mapping[str, RunningService]) -> None:
    row = next(_rows)

    assert not any(User(service).predict(row)["cached"] for service in group.values())


def test_another_instance_shares_cache_and_limits_and_stops_without_redis(
    service: RunningService, model_dir: Path, redis: RunningRedis
) -> None:
    user, row = User(service), next(_rows)
    user.predict(row)
    settings: dict[str, Any] = {"CACHE_URL": redis.socket_url, "RATE_LIMIT": f"{MOST}/hour", "WORKERS": WORKERS}
    with running_service(service.name, model_dir, **settings) as other:
        assert user.predict(row, other)["cached"] is True
        answers = [user.send(READY, (service, other)[number % 2]).status_code for number in range(MOST)]
        assert answers == [200] * (MOST - 2) + [429] * 2
        redis.hang()


@pytest.mark.parametrize("how", ["hang", "kill"])
def test_predictions_go_on_while_redis_is_lost_and_it_is_used_again_when_it_is_back(
    service: RunningService, redis: RunningRedis, how: str
) -> None:
    row = next(_rows)
    expected = User(service).predict(row)["prediction"]
    before = scrape(service)
    getattr(redis, how)()

    with ThreadPoolExecutor(8) as pool:
        assert {answer["prediction"] for answer in pool.map(lambda _: User(service).predict(row), range(40))} == {
            expected
        }
    open_all_circuits(service)

    began = time.monotonic()
    answers = [User(service).predict(row) for _ in range(MANY)]
    scraped = scrape(service)
    assert time.monotonic() - began < QUICK_SECONDS * MANY / 10, "nobody waits for it any more"
    assert {(answer["prediction"], answer["cached"]) for answer in answers} == {(expected, False)}
    assert send(service, READY).status_code == 200
    for request in (STATS, CLEAR):
        assert assert_error(User(service).send(request), 503, "Service unavailable") == "cache"
    for use in ("cache", "limits"):
        lost = scraped.value("store_errors_total", use=use) - before.value("store_errors_total", use=use)
        assert lost >= MANY, use
    assert not list(scraped.series("prediction_cache_entries")), "a number that nobody knows"
    assert scraped.value("prediction_cache_requests_total") >= before.value("prediction_cache_requests_total")

    if how == "hang":
        redis.go_on()
    else:
        redis.start()
    wait_until(
        lambda: scrape(service).value("store_circuit_open") == 0, "all circuits closed", seconds=RECOVERY_SECONDS
    )
    errors, again = scrape(service).value("store_errors_total"), next(_rows)
    assert [User(service).predict(again)["cached"] for _ in range(MANY)] == [False] + [True] * (MANY - 1)
    assert scrape(service).value("store_errors_total") == errors


def test_a_lost_redis_lets_requests_through_and_counts_them(service: RunningService, redis: RunningRedis) -> None:
    user = User(service)
    assert [user.send(READY).status_code for _ in range(MOST + 1)] == [200] * MOST + [429]
    redis.hang()
    open_all_circuits(service)
    before = scrape(service).value("store_errors_total", use="limits")

    assert {user.send(READY).status_code for _ in range(MANY)} == {200}

    # The scrapes are requests too.
    assert scrape(service).value("store_errors_total", use="limits") - before == MANY + 1
    redis.go_on()
    wait_until(lambda: user.send(READY).status_code == 429, "the window that was full", seconds=RECOVERY_SECONDS)


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_who_needs_no_redis_does_not_wait_behind_who_does(name: str, model_dir: Path, redis: RunningRedis) -> None:
    settings: dict[str, Any] = {"CACHE_URL": redis.url, "CACHE_TIMEOUT_SECONDS": 1, "WORKERS": 1}
    with running_service(name, model_dir, **settings) as service, ThreadPoolExecutor(2) as pool:
        redis.hang()
        began = time.monotonic()
        waiting = [pool.submit(User(service).predict, next(_rows)) for _ in range(2)]
        time.sleep(0.2)
        while not all(one.done() for one in waiting):
            asked = time.monotonic()
            assert send(service, Request("GET", "/health")).status_code == 200
            assert time.monotonic() - asked < QUICK_SECONDS
        assert time.monotonic() - began > 0.9, "the predictions did wait"
        redis.go_on()


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_a_service_starts_without_its_redis_and_finds_it(name: str, model_dir: Path, tmp_path: Path) -> None:
    redis = RunningRedis(tmp_path)
    (tmp_path / "url").write_text(f"{redis.url}\n")
    with running_service(name, model_dir, CACHE_URL_FILE=tmp_path / "url", WORKERS=WORKERS) as service:
        open_all_circuits(service)
        redis.start()
        row = next(_rows)
        wait_until(lambda: User(service).predict(row)["cached"], "a cached answer", seconds=RECOVERY_SECONDS)
        redis.kill()


def test_a_password_that_is_wrong_is_like_a_loss(model_dir: Path, redis: RunningRedis) -> None:
    wrong = "a-wrong-password-of-redis"
    with running_services(model_dir, CACHE_URL=redis.url.replace(PASSWORD, wrong), WORKERS=1) as group:
        for service in group.values():
            for _ in range(5):
                assert User(service).predict(next(_rows))["cached"] is False
            assert scrape(service).value("store_circuit_open", use="cache") == 1
            said = service.stdout() + service.stderr()
            assert "requests continue without it" in said
            assert wrong not in said
