"""What a service writes about itself."""

import json
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.answers import assert_all_alike
from support.services import (
    SERVICE_NAMES,
    RunningService,
    running_service,
    running_services,
    terminate,
    wait_stopped,
    wait_until,
)
from support.wire import Request, send

from contract.cases.bodies import GOOD

Group = Mapping[str, RunningService]


def json_lines(text: str) -> list[dict[str, Any]]:
    """Return the objects of a text of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def quiet_group(model_dir: Path) -> Iterator[Group]:
    with running_services(model_dir) as group:
        yield group


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_a_client_that_leaves_is_no_fault_of_the_service(quiet_group: Group, name: str) -> None:
    service = quiet_group[name]
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    before = service.stderr()

    with socket.create_connection(service.address) as connection:
        connection.sendall(head)

    def counted() -> set[str]:
        text = send(service, Request("GET", "/metrics", headers=())).text
        return set(re.findall(r'http_requests_total{handler="/login",method="POST",status="([45]\d\d)"}', text))

    wait_until(lambda: bool(counted()), "the request counted", 20, lambda: f"{counted()}")
    assert counted() == {"400"}
    assert "Traceback" not in service.stderr().removeprefix(before)


@pytest.fixture(scope="module")
def talking_group(model_dir: Path) -> Iterator[Group]:
    with running_services(model_dir, ACCESS_LOG="true") as group:
        yield group


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_requests_are_not_logged_unless_asked(quiet_group: Group, name: str) -> None:
    service = quiet_group[name]
    before = service.stdout() + service.stderr()

    token = service.login()
    for _ in range(5):
        send(service, Request("POST", "/predict", body=GOOD), token)
        send(service, Request("POST", "/predict", body=b"{"), token)
        send(service, Request("GET", "/no-such-path"))

    assert service.stdout() + service.stderr() == before


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_every_line_is_json_with_time_level_and_message(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, ACCESS_LOG="true") as service:
        send(service, Request("GET", "/health"))
        terminate(service)
        wait_stopped(service)

        lines = json_lines(service.stderr())
        assert service.stdout() == ""
    assert len(lines) > 3
    for line in lines:
        assert {"time", "level", "message"} <= set(line)


@pytest.mark.parametrize("name", SERVICE_NAMES)
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request("GET", "/health"), 200),
        (Request("POST", "/predict", body=b"{"), 400),
        (Request("POST", "/predict", body=GOOD, signed_in=False), 401),
        (Request("GET", "/no-such-path"), 404),
        (Request("DELETE", "/health"), 405),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_an_access_log_has_a_line_for_each_request_with_its_id(
    talking_group: Group, name: str, request_: Request, status: int
) -> None:
    service = talking_group[name]
    token = service.login()
    request_id = f"log-test-{status}"

    send(service, request_.with_headers(("X-Request-ID", request_id)), token)

    def lines() -> list[dict[str, Any]]:
        return [line for line in json_lines(service.stderr()) if line.get("request_id") == request_id]

    wait_until(lambda: bool(lines()), "a line with the request's id")
    [line] = lines()
    assert (line["method"], line["status"]) == (request_.method, status)
    assert 0 <= line["duration_seconds"] < 10


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_no_secret_is_logged(talking_group: Group, name: str) -> None:
    service = talking_group[name]
    token = service.login()
    send(service, Request("POST", "/predict", body=GOOD), token)

    written = service.stdout() + service.stderr()
    assert "/predict" in written
    for secret in (token, service.secret_key, service.password):
        assert secret not in written


def test_all_services_log_the_same_of_a_request(talking_group: Group) -> None:
    def logged(service: RunningService) -> dict[str, Any]:
        send(service, Request("GET", "/health", headers=(("X-Request-ID", "compared"),)))
        wait_until(lambda: '"compared"' in service.stderr(), "the line")
        [line] = [line for line in json_lines(service.stderr()) if line.get("request_id") == "compared"]
        return {key: value for key, value in line.items() if key not in {"time", "process", "duration_seconds"}}

    assert_all_alike({name: logged(service) for name, service in talking_group.items()})
