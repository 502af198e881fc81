"""The prediction cache: one for the whole service, whichever worker answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.answers import assert_all_alike
from support.services import SERVICE_NAMES, RunningService, running_services
from support.wire import Request, send

from contract.cases import ROW, array, literals, random_rows

# Fresh connections, so many that with two workers it is practically certain that both have answered some.
MANY = 24


def predict(service: RunningService, token: str, features: Sequence[float] | str) -> dict[str, Any]:
    """Ask for a prediction on a connection of its own."""
    text = features if isinstance(features, str) else json.dumps(list(features))
    response = send(service, Request("POST", "/predict", body=f'{{"features": {text}}}'.encode()), token)
    assert response.status_code == 200, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


def stats(service: RunningService, token: str) -> dict[str, Any]:
    """Ask for the cache's statistics on a connection of its own."""
    response = send(service, Request("GET", "/cache/stats"), token)
    assert response.status_code == 200, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


def clear(service: RunningService, token: str) -> int:
    """Empty the cache on a connection of its own; return how many entries it says it had."""
    response = send(service, Request("POST", "/cache/clear", headers=()), token)
    assert response.status_code == 200, response.text
    body = response.json()
    assert set(body) == {"cleared"}
    assert type(body["cleared"]) is int
    return int(body["cleared"])


def test_a_row_is_cached_for_all_workers_once_one_has_predicted_it(service: RunningService, token: str) -> None:
    clear(service, token)

    answers = [predict(service, token, ROW) for _ in range(MANY)]

    assert [answer["cached"] for answer in answers] == [False] + [True] * (MANY - 1)
    assert len({answer["prediction"] for answer in answers}) == 1


def test_rows_that_differ_in_one_feature_are_different(service: RunningService, token: str) -> None:
    clear(service, token)
    predict(service, token, ROW)

    for index in range(10):
        row = [*ROW[:index], ROW[index] + 1e-9, *ROW[index + 1 :]]
        assert predict(service, token, row)["cached"] is False, f"feature {index}"
    assert predict(service, token, ROW[::-1])["cached"] is False


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("0", "0.0"), ("0.0", "-0.0"), ("0", "-0"), ("7", "7.0"), ("-0.0", "0"), ("100", "1e2"), ("0.5", "5E-1"),
        ("0.1", "0.1000000000000000055511151231257827"),
    ],
    ids=lambda literal: literal[:8],
)  # fmt: skip
def test_the_same_number_written_otherwise_is_the_same(
    service: RunningService, token: str, first: str, second: str
) -> None:
    clear(service, token)

    fresh = predict(service, token, array(literals({3: first})))
    again = predict(service, token, array(literals({3: second})))

    assert (fresh["cached"], again["cached"]) == (False, True)
    assert fresh["prediction"] == again["prediction"]


def test_statistics_have_these_keys_and_types(service: RunningService, token: str) -> None:
    assert {key: type(value) for key, value in stats(service, token).items()} == {
        "backend": str, "entries": int, "max_entries": int, "hits": int, "misses": int, "evictions": int,
        "hit_rate": float,
    }  # fmt: skip


def test_statistics_count_hits_and_misses_of_all_workers(service: RunningService, token: str) -> None:
    clear(service, token)
    before = stats(service, token)

    for row in [*random_rows(5, seed=10), *random_rows(5, seed=10) * 3]:
        predict(service, token, row)
    after = [stats(service, token) for _ in range(MANY)]

    assert all(one == after[0] for one in after), "any worker gives the same answer"
    assert after[0]["entries"] == 5
    assert after[0]["misses"] - before["misses"] == 5
    assert after[0]["hits"] - before["hits"] == 15
    assert after[0]["hit_rate"] == pytest.approx(after[0]["hits"] / (after[0]["hits"] + after[0]["misses"]))


def test_clearing_empties_the_cache_of_all_workers(service: RunningService, token: str) -> None:
    clear(service, token)
    rows = random_rows(7, seed=11)
    for row in rows:
        predict(service, token, row)

    assert clear(service, token) == 7
    assert {stats(service, token)["entries"] for _ in range(MANY)} == {0}
    assert [predict(service, token, row)["cached"] for row in rows] == [False] * 7


def test_clearing_an_empty_cache_clears_nothing(service: RunningService, token: str) -> None:
    clear(service, token)

    assert [clear(service, token) for _ in range(4)] == [0] * 4


def test_clearing_neither_loses_nor_invents_lookups(services: Mapping[str, RunningService]) -> None:
    changes = {}
    for service in services.values():
        token = service.login()
        predict(service, token, ROW)
        before = stats(service, token)
        clear(service, token)
        after = stats(service, token)
        changes[service.name] = {key: after[key] - before[key] for key in ("hits", "misses", "evictions")}

    assert_all_alike(changes)


def test_concurrent_requests_agree_and_are_all_counted(service: RunningService, token: str) -> None:
    clear(service, token)
    before = stats(service, token)
    rows = random_rows(10, seed=12) * 20

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda row: predict(service, token, row), rows))
    after = stats(service, token)

    assert len({(tuple(row), answer["prediction"]) for row, answer in zip(rows, answers, strict=True)}) == 10
    assert after["entries"] == 10
    assert after["hits"] + after["misses"] - before["hits"] - before["misses"] == 200
    assert after["hits"] - before["hits"] == sum(answer["cached"] for answer in answers)


@pytest.fixture(scope="module")
def small_services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, CACHE_MAX_ENTRIES=10, WORKERS=4) as group:
        yield group


@pytest.fixture(params=SERVICE_NAMES)
def small_service(request: pytest.FixtureRequest, small_services: Mapping[str, RunningService]) -> RunningService:
    """Each service with four workers that share ten entries, empty."""
    service = small_services[request.param]
    clear(service, service.login())
    return service


def test_a_new_service_has_looked_nothing_up(model_dir: Path) -> None:
    with running_services(model_dir, WORKERS=1) as group:
        for service in group.values():
            new = stats(service, service.login())
            assert new == new | {"entries": 0, "max_entries": 10_000, "hits": 0, "misses": 0, "evictions": 0}
            assert new["hit_rate"] == 0.0


def test_a_full_cache_evicts_one_entry_for_each_new_one(small_service: RunningService) -> None:
    token = small_service.login()
    before = stats(small_service, token)

    for row in random_rows(25, seed=13):
        predict(small_service, token, row)
    after = stats(small_service, token)

    assert (after["entries"], after["max_entries"]) == (10, 10)
    assert after["evictions"] - before["evictions"] == 15


def test_what_was_used_last_stays_longest(small_service: RunningService) -> None:
    token = small_service.login()
    rows = random_rows(15, seed=14)
    for row in rows[:10]:
        predict(small_service, token, row)
    predict(small_service, token, rows[0])

    for row in rows[10:]:
        predict(small_service, token, row)

    assert predict(small_service, token, rows[0])["cached"] is True
    assert [predict(small_service, token, row)["cached"] for row in rows[6:10]] == [True] * 4
    assert predict(small_service, token, rows[1])["cached"] is False


def test_a_full_cache_still_answers_right(small_service: RunningService) -> None:
    token = small_service.login()
    rows = random_rows(30, seed=15)
    with small_service.client(token) as client:
        expected = client.post("/batch-predict", json={"samples": rows}).json()["predictions"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda row: predict(small_service, token, row)["prediction"], rows * 5))

    assert answers == expected * 5
