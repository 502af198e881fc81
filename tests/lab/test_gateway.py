"""The gateway of the lab on this host: what passes it, whose address counts, and restarts that nobody notices."""

import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from serving_lab.gateway.control import Control
from serving_lab.stack.supervisor import Supervisor
from serving_lab.targets.catalogue import Entry
from support import local_http
from support.checkout import Checkout, new_checkout
from support.clients import ROW, Clients
from support.needs import needed
from support.services import CATALOGUE, wait_until, with_besides

pytestmark = pytest.mark.stack

RESTARTS = int(os.environ.get("RESTARTS", "1"))
LIMIT = 12
BASELINE = CATALOGUE.baseline.name
CANDIDATE = CATALOGUE.running({}).entries[1].name
EVERYBODY = 10_000


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """The lab, up on this host with few processes and with a limit for each address that signs in."""
    needed("haproxy", package="haproxy")
    plain = new_checkout(tmp_path_factory.mktemp("gateway") / "checkout", model_dir)
    few = {"WORKERS": "1", "DRAIN_SECONDS": "0.2", "LOGIN_RATE_LIMIT": f"{LIMIT}/hour"}
    checkout = Checkout(plain.root, plain.environment | few)
    result = checkout.lab("up", "--mode", "native")
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    yield checkout
    checkout.lab("down")


@pytest.fixture(scope="module")
def token(native: Checkout) -> str:
    return native.lab("token").stdout.strip()


@pytest.fixture
def control(native: Checkout) -> Iterator[Control]:
    """The gateway's socket; in the end all requests go to the baseline again."""
    control = Control(f"unix:{native.root / '.run' / 'gateway.sock'}")
    wait_until(lambda: all(control.server(name, name).up for name in (BASELINE, CANDIDATE)), "the gateway sees both")
    yield control
    control.set_share(0)


@pytest.fixture
def url(native: Checkout, control: Control) -> str:
    """Where clients ask."""
    assert control.share() == 0
    return f"http://127.0.0.1:{native.environment['GATEWAY_PORT']}"


def test_everybody_is_answered_by_the_baseline(native: Checkout, url: str, token: str) -> None:
    asked = {"Authorization": f"Bearer {token}", "X-Request-ID": "asked-by-a-test"}
    direct = f"http://127.0.0.1:{native.environment[CATALOGUE.baseline.port_setting]}"
    with local_http.client(headers=asked) as client:
        through = client.post(f"{url}/predict", json={"features": ROW})
        beside = client.post(f"{direct}/predict", json={"features": ROW})
        missing = client.get(f"{url}/no-such-path")

    assert through.headers["X-Request-ID"] == "asked-by-a-test"
    assert through.json()["prediction"] == beside.json()["prediction"]
    assert beside.json()["cached"], "the other request was answered by the same service"
    assert missing.status_code == 404


@pytest.mark.skipif(CANDIDATE not in with_besides("graphql"), reason="the candidate has nothing on top of the contract")
def test_what_the_candidate_has_besides_passes_too(url: str, control: Control, token: str) -> None:
    control.set_share(EVERYBODY)
    with local_http.client(headers={"Authorization": f"Bearer {token}"}) as client:
        page = client.get(f"{url}/docs")
        queried = client.post(f"{url}/graphql", json={"query": "{ __typename }"})

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert queried.json() == {"data": {"__typename": "Query"}}


def test_the_address_of_a_client_counts_and_not_that_of_the_gateway(url: str) -> None:
    assert [sign_in(url, "127.0.0.11") for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    assert sign_in(url, "127.0.0.12") == 401, "another client has a window of its own"
    assert sign_in(url, "127.0.0.11", "203.0.113.7") == 429, "what a client says of itself is not believed"


@pytest.mark.parametrize("entry", CATALOGUE.running({}).entries, ids=lambda entry: entry.name)
def test_who_asks_a_service_directly_cannot_choose_an_address(native: Checkout, entry: Entry) -> None:
    direct = f"http://127.0.0.1:{native.environment[entry.port_setting]}"

    statuses = [sign_in(direct, "127.0.0.13", f"203.0.113.{last}") for last in range(LIMIT + 1)]

    assert statuses == [401] * LIMIT + [429]


@pytest.mark.parametrize("service", [BASELINE, CANDIDATE])
def test_nobody_notices_a_restart(native: Checkout, url: str, control: Control, token: str, service: str) -> None:
    control.set_share(EVERYBODY if service == CANDIDATE else 0)
    before = control.server(service, service).requests
    with Clients(url, token, with_websocket=service in with_besides("websocket")) as clients:
        for _ in range(RESTARTS):
            restarted = native.lab("restart", service)
            assert restarted.returncode == 0, restarted.stdout + restarted.stderr
            assert f"{service}-next answers while {service} restarts" in restarted.stdout
            clients.wait_for_more()

    assert clients.failed == []
    assert control.server(service, service).requests > before
    assert control.server(service, f"{service}-next").requests > 0
    assert clients.told_to_move >= clients.with_websocket * RESTARTS
    sys.stdout.write(f"{RESTARTS} restarts of {service}: {dict(clients.answered)}, 0 failed\n")
    assert f"{service}-next" not in native.lab("ps").stdout


def test_a_restart_of_everything_leaves_the_gateway_alone(native: Checkout, url: str, token: str) -> None:
    before = pids(native)

    with Clients(url, token) as clients:
        result = native.lab("restart")
        clients.wait_for_more()

    assert result.returncode == 0, result.stdout + result.stderr
    assert clients.failed == []
    after = pids(native)
    assert [name for name in before if after[name] == before[name]] == ["gateway"]


def test_a_restart_that_was_killed_is_undone_by_the_next_one(
    native: Checkout, url: str, control: Control, token: str
) -> None:
    with Clients(url, token) as clients:
        with native.half_restarted(BASELINE) as interrupted:
            interrupted.kill()
        clients.wait_for_more()
        assert f"{BASELINE}-next" in native.lab("ps").stdout

        result = native.lab("restart", BASELINE)
        clients.wait_for_more()

    assert result.returncode == 0, result.stdout + result.stderr
    assert clients.failed == []
    assert control.server(BASELINE, BASELINE).up
    assert f"{BASELINE}-next" not in native.lab("ps").stdout


def test_an_interrupted_restart_goes_back_to_one_instance(native: Checkout, url: str, token: str) -> None:
    with Clients(url, token) as clients:
        with native.half_restarted(BASELINE) as interrupted:
            interrupted.send_signal(signal.SIGINT)
            code = interrupted.wait(timeout=60)
        clients.wait_for_more()

    assert code == 130
    assert clients.failed == []
    assert f"{BASELINE}-next" not in native.lab("ps").stdout


def test_where_the_candidate_is_killed_the_baseline_answers(
    native: Checkout, url: str, control: Control, token: str
) -> None:
    control.set_share(EVERYBODY)
    headers = {"Authorization": f"Bearer {token}"}
    with local_http.client(headers=headers) as client:
        assert client.post(f"{url}/predict", json={"features": ROW}).status_code == 200
        process = psutil.Process(pids(native)[CANDIDATE])
        family = [process, *process.children(recursive=True)]
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)
        statuses = [client.post(f"{url}/predict", json={"features": ROW}).status_code for _ in range(20)]

    assert statuses == [200] * 20
    wait_until(lambda: control.server(CANDIDATE, CANDIDATE).up, "the candidate is back", seconds=60)


def test_without_its_gateway_a_service_restarts_as_it_did_before(native: Checkout) -> None:
    Supervisor(native.root / ".run")._call("stopProcess", "lab:gateway")

    result = native.lab("restart", BASELINE)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "No gateway is ready" in result.stdout
    assert native.lab("restart", "gateway").returncode == 0


def pids(checkout: Checkout) -> dict[str, int]:
    """The process of each program."""
    rows = [line.split() for line in checkout.lab("ps").stdout.splitlines()]
    return {row[0]: int(row[-3]) for row in rows if row[-1:] == ["MiB"]}


def sign_in(url: str, source: str, forwarded_for: str | None = None) -> int:
    """Sign in with a wrong password, from an address of this machine; return the status."""
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20, source_address=(source, 0))
    headers = {"Content-Type": "application/json", **({"X-Forwarded-For": forwarded_for} if forwarded_for else {})}
    try:
        connection.request("POST", "/login", json.dumps({"username": "lab", "password": "wrong"}), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
