"""The gateway in its container: it finds services that are made anew, and they believe what it says of addresses."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_lab.gateway.control import Control
from support import local_http
from support.clients import ROW, Clients
from support.services import CATALOGUE, PASSWORD, USERNAME, wait_until
from support.stack import Stack, docker_json, run
from support.tokens import claims, sign

pytestmark = pytest.mark.stack

LAB = str(Path(sys.executable).parent / "lab")
BASELINE = CATALOGUE.baseline.name
NEXT = f"{BASELINE}-next"
LIMIT = 5

SIGN_IN = """
import json, sys, urllib.error, urllib.request
url, headers = sys.argv[1], {"Content-Type": "application/json", **json.loads(sys.argv[2])}
request = urllib.request.Request(f"{url}/login", b'{"username": "lab", "password": "wrong"}', headers)
try:
    urllib.request.urlopen(request, timeout=20)
except urllib.error.HTTPError as refused:
    print(refused.code)
"""


@pytest.fixture(scope="module")
def control(stack: Stack) -> Control:
    """The gateway's control port, which this machine alone reaches."""
    control = Control(f"tcp:127.0.0.1:{stack.settings['GATEWAY_CONTROL_PORT']}")
    wait_until(lambda: control.server(BASELINE, BASELINE).up, "the gateway sees the baseline")
    return control


@pytest.fixture
def url(stack: Stack, control: Control) -> str:
    """Where clients ask."""
    assert control.share() == 0
    return stack.url("GATEWAY_PORT")


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return sign(claims(), stack.settings["SECRET_KEY"])


def test_requests_reach_the_baseline(stack: Stack, url: str, token: str) -> None:
    asked = {"Authorization": f"Bearer {token}", "X-Request-ID": "asked-by-a-test"}

    through = local_http.post(f"{url}/predict", json={"features": ROW}, headers=asked)
    beside = local_http.post(
        f"{stack.url(CATALOGUE.baseline.port_setting)}/predict", json={"features": ROW}, headers=asked
    )

    assert (through.status_code, through.headers["X-Request-ID"]) == (200, "asked-by-a-test")
    assert beside.json()["cached"], "the other request was answered by the same service"


@pytest.mark.usefixtures("as_it_was")
def test_a_changed_image_takes_over_and_nobody_notices(stack: Stack, url: str, control: Control, token: str) -> None:
    own, image = stack.container(BASELINE), f"serving-lab/{BASELINE}"
    run(["docker", "build", "--quiet", "--tag", image, "-"], stdin=f"FROM {image}\nLABEL changed=yes\n")

    with Clients(url, token) as clients:
        said = run([LAB, "restart", BASELINE], environment={**os.environ, **stack.settings}, seconds=120)
        clients.wait_for_more()

    assert f"{NEXT} answers while {BASELINE} restarts" in said.stdout
    assert f"The image of {BASELINE} has changed" in said.stdout
    assert clients.failed == []
    assert stack.container(BASELINE) != own
    assert stack.inspect(BASELINE)["Config"]["Labels"]["changed"] == "yes"
    assert control.server(BASELINE, BASELINE).address.startswith(address(stack.container(BASELINE)))
    assert one_offs(stack) == []


def test_the_address_of_a_client_counts_and_only_the_gateway_is_believed(
    stack: Stack, url: str, control: Control, limited: tuple[str, int]
) -> None:
    host, port = limited
    direct = f"http://{host}:{port}"
    forged = [inside(stack, direct, {"X-Forwarded-For": f"203.0.113.{last}"}) for last in range(LIMIT + 1)]
    assert forged == [401] * LIMIT + [429], "asked directly, a service counts the address of the connection"

    assert [outside(url) for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    assert inside(stack, "http://gateway:8080") == 429, "this client is the one that asked directly"

    made_anew_elsewhere(stack, "gateway")
    control.bring_in(BASELINE, host, port)
    counted = [outside(url)]
    while counted[-1] != 429 and len(counted) < LIMIT:  # the services may take a second to notice
        time.sleep(0.5)
        counted.append(outside(url))
    assert counted[-1] == 429, "its word is taken again, at its new address"


def test_a_service_at_another_address_is_found_again(stack: Stack, url: str, control: Control) -> None:
    made_anew_elsewhere(stack, BASELINE)

    wait_until(lambda: control.server(BASELINE, BASELINE).up, "the gateway finds it")
    assert control.server(BASELINE, BASELINE).address.startswith(address(stack.container(BASELINE)))
    assert local_http.get(f"{url}/ready").status_code == 200


@pytest.fixture
def limited(stack: Stack, control: Control) -> Iterator[tuple[str, int]]:
    """A second instance that allows few to sign in takes the place of the baseline: where it is."""
    options = ["--detach", "--no-deps", "--env", f"LOGIN_RATE_LIMIT={LIMIT}/hour"]
    container = stack.compose("run", *options, BASELINE).stdout.split()[-1]
    try:
        health = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
        wait_until(lambda: run(health).stdout.strip() == "healthy", "it is ready", seconds=60)
        where = address(container), CATALOGUE.baseline.port
        control.bring_in(BASELINE, *where)
        yield where
    finally:
        control.disable(BASELINE, NEXT)
        run(["docker", "rm", "--force", container])


@pytest.fixture
def as_it_was(stack: Stack) -> Iterator[None]:
    """The image and the container of the baseline, afterwards."""
    image = stack.image(BASELINE)["Id"]
    yield
    run(["docker", "tag", image, f"serving-lab/{BASELINE}"])
    stack.compose("up", "--detach", "--wait", "--no-deps", "--no-build", BASELINE)


def address(container: str) -> str:
    """The address of a container on the stack's network."""
    (network,) = docker_json("container", "inspect", container)["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


def made_anew_elsewhere(stack: Stack, service: str) -> None:
    """Remove a service's container and make it anew, while another one takes its address."""
    image, was_at = stack.image(BASELINE)["Id"], address(stack.container(service))
    (network,) = stack.inspect(service)["NetworkSettings"]["Networks"]
    stack.compose("rm", "--stop", "--force", service)
    options = ["--detach", "--network", network, "--entrypoint", "sleep"]
    taken: list[str] = []
    try:
        # The engine gives the lowest address that is free, which need not be this one.
        while was_at not in map(address, taken):
            taken.append(run(["docker", "run", *options, image, "300"]).stdout.strip())
        stack.compose("up", "--detach", "--wait", "--no-deps", "--no-build", service)
        assert address(stack.container(service)) != was_at
    finally:
        run(["docker", "rm", "--force", *taken])


def one_offs(stack: Stack) -> list[str]:
    """Containers that were started beside those of the stack."""
    labels = {"project": stack.settings["COMPOSE_PROJECT_NAME"], "oneoff": "True"}
    wanted = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    return run(["docker", "ps", "--all", "--quiet", *wanted]).stdout.split()


def outside(url: str) -> int:
    """Sign in with a wrong password from this machine."""
    return local_http.post(f"{url}/login", json={"username": USERNAME, "password": PASSWORD[::-1]}).status_code


def inside(stack: Stack, url: str, headers: dict[str, str] | None = None) -> int:
    """Do so from a container of the stack."""
    return int(stack.execute("locust", "python", "-c", SIGN_IN, url, json.dumps(headers or {})).stdout)
