"""Stopping a service under load: it says first that it is going, and no request is lost."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.services import CATALOGUE, PASSWORD, USERNAME
from support.stack import Stack

pytestmark = pytest.mark.stack

STEADY_LOAD = Path(__file__).with_name("steady_load.py")
ANSWERS_BEFORE = 200
"""So many before it is stopped, however long that takes."""
LOAD_SECONDS_AT_MOST = 60.0


@pytest.fixture(params=CATALOGUE.entries, ids=lambda entry: entry.name, scope="module")
def stopped(request: pytest.FixtureRequest, stack: Stack) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Stop each service in turn while it is asked; what the clients saw, and what the engine says of its end."""
    service: str = request.param.name
    bounds = [str(LOAD_SECONDS_AT_MOST), str(ANSWERS_BEFORE)]
    arguments = [service, str(request.param.port), USERNAME, PASSWORD, *bounds]
    command = ["docker", "exec", "--interactive", stack.container("locust"), "python", "-", *arguments]
    with (
        STEADY_LOAD.open() as script,
        subprocess.Popen(command, stdin=script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load,
    ):
        assert load.stdout is not None
        started = load.stdout.readline()
        stack.compose("stop", service)
        output, errors = load.communicate(timeout=LOAD_SECONDS_AT_MOST + 30)
        assert started == "loading\n", errors
    state = stack.inspect(service)["State"]
    try:
        yield json.loads(output), state
    finally:
        stack.compose("up", "--detach", "--wait", "--no-recreate", service)


def test_every_request_gets_its_right_answer(stopped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    seen, _ = stopped

    assert seen["lost"] == []
    assert len(seen["predictions"]) == 1
    assert seen["answered"] > ANSWERS_BEFORE


def test_service_says_that_it_is_going_before_it_refuses(stopped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    seen, _ = stopped

    statuses = [status for _, status in seen["ready"]]
    assert statuses[0] == 200
    assert statuses == sorted(statuses), "ready, then never again"
    first_unready = next(moment for moment, status in seen["ready"] if status == 503)
    assert first_unready < seen["last_answer"], "requests were still answered after /ready said no"
    assert seen["refused"] is not None
    assert seen["refused"] > first_unready + 0.5, "DRAIN_SECONDS leave time for load balancers to notice"


def test_service_ends_by_itself_and_well(stopped: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, state = stopped

    assert state["Status"] == "exited"
    assert state["ExitCode"] == 0
    assert state["OOMKilled"] is False
