"""RATE_LIMIT: one window a client for the whole service, checked after path and method and before everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.answers import assert_error
from support.services import SERVICE_NAMES, launched_service, stop, wait_until
from support.wire import Request, send

from contract.cases.bodies import GOOD
from contract.cases.order import faulty
from contract.cases.paths import ALLOWED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.services import RunningService

GET, BAD_TOKEN = Request("GET", "/model-info"), faulty("token")
MIXTURE = [GET, BAD_TOKEN, faulty("size"), faulty("type"), faulty("json"), GET]


@dataclass(frozen=True)
class UsedUp:
    """A service whose window is used up, and what it answered until then."""

    service: RunningService
    not_counted: list[int]
    counted: list[int]
    token: str


@pytest.fixture(scope="module", params=SERVICE_NAMES)
def used_up(request: pytest.FixtureRequest, model_dir: Path) -> Iterator[UsedUp]:
    """Six requests an hour: /login, then a mixture that is refused for its sixth."""
    with launched_service(request.param, model_dir, RATE_LIMIT="6/hour", WORKERS=4) as service:
        # Not /ready: nothing here may depend on whether it counts.
        wait_until(lambda: answers(service), f"{service.name} answering", seconds=60, explain=service.stderr)
        token = service.login()
        not_counted = [
            send(service, Request(method, path), token).status_code
            for method, path in (("GET", "/no-such-path"), ("DELETE", "/predict")) * 10
        ]
        counted = [send(service, one, token).status_code for one in MIXTURE]
        yield UsedUp(service, not_counted, counted, token)
        stop(service)


def answers(service: RunningService) -> bool:
    """Whether the service answers at all."""
    assert service.process is not None
    assert service.process.poll() is None, service.stderr()
    try:
        return send(service, Request("GET", "/no-such-path")).status_code == 404
    except OSError:
        return False


def test_unknown_paths_and_wrong_methods_are_not_counted(used_up: UsedUp) -> None:
    assert used_up.not_counted == [404, 405] * 10


def test_every_other_request_counts_across_workers_whatever_its_answer(used_up: UsedUp) -> None:
    assert used_up.counted == [200, 401, 413, 415, 400, 429]


def test_a_refused_client_is_told_when_to_come_back(used_up: UsedUp) -> None:
    for _ in range(12):
        response = send(used_up.service, GET)
        assert_error(response, 429, "Too many requests")
        assert 1 <= int(response.headers["Retry-After"]) <= 3600


@pytest.mark.parametrize("fault", ["size", "token", "type", "json", "fields"])
def test_the_limit_comes_before_every_later_check(used_up: UsedUp, fault: str) -> None:
    assert_error(send(used_up.service, faulty(fault), used_up.token), 429, "Too many requests")


@pytest.mark.parametrize("path", [path for path in ALLOWED if path not in {"/health", "/ready", "/metrics"}])
def test_all_endpoints_share_the_window(used_up: UsedUp, path: str) -> None:
    method = "GET" if "GET" in ALLOWED[path] else "POST"

    assert_error(send(used_up.service, Request(method, path, body=GOOD)), 429, "Too many requests")


def test_path_and_method_come_before_the_limit(used_up: UsedUp) -> None:
    assert_error(send(used_up.service, faulty("path")), 404, "Not found")
    assert_error(send(used_up.service, faulty("method")), 405, "Method not allowed")


def test_a_header_that_anyone_may_write_does_not_open_a_new_window(used_up: UsedUp) -> None:
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        response = send(used_up.service, GET.with_headers((header, "203.0.113.9")))
        assert response.status_code == 429, header


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_the_next_window_is_open(model_dir: Path, name: str) -> None:
    assert name in SERVICE_NAMES
    with launched_service(name, model_dir, RATE_LIMIT="2/second", WORKERS=2) as service:
        wait_until(lambda: answers(service), f"{name} answering", seconds=60, explain=service.stderr)
        wait_until(lambda: send(service, GET).status_code == 429, "a full window")
        wait_until(lambda: send(service, GET).status_code == 200, "the next window", seconds=5)
        stop(service)
