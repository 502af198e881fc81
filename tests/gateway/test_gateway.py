"""HAProxy, as the lab configures it, before two real servers."""

import contextlib
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from scipy import stats
from serving_lab.errors import LabError
from serving_lab.gateway.control import Control
from serving_lab.gateway.observations import Observation, Slice
from support import local_http, tokens
from support.gateway import USER_COOKIE, RunningGateway, running_gateway
from support.services import free_port, wait_until

pytestmark = pytest.mark.service
USERS = 400
SHARES = (0, 500, 2500, 5000, 10_000, 100)
_SERVER = Path(__file__).with_name("server.py")


@dataclass
class Lab:
    gateway: RunningGateway
    servers: dict[str, subprocess.Popen[bytes]]
    urls: dict[str, str]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with contextlib.ExitStack() as stack:
        servers, urls = {}, {}
        for name in ("old", "new", "third"):
            port = free_port()
            servers[name] = subprocess.Popen([sys.executable, str(_SERVER), name, str(port)])
            stack.callback(servers[name].kill)
            urls[name] = f"http://127.0.0.1:{port}"
        gateway = stack.enter_context(running_gateway(tmp_path, urls))
        gateway.control.choose("new")
        yield Lab(gateway, servers, urls)


@contextlib.contextmanager
def observed(control: Control) -> Iterator[list[Observation]]:
    seen: list[Observation] = []
    with control.observe() as observing:
        reader = threading.Thread(target=lambda: seen.extend(observing))
        reader.start()
        yield seen
    reader.join()


def who(client: httpx.Client, user: int, path: str = "/") -> str:
    answer = client.get(path, headers={"Cookie": f"{USER_COOKIE}={user}"})
    assert answer.status_code == 200
    return answer.headers["Answered-By"]


def test_without_a_share_the_primary_answers_and_learns_who_asks(lab: Lab) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "mine"}

    with local_http.client(base_url=lab.gateway.url) as client:
        echoed = client.get("/a?b=1", headers=forged)
        own = client.get("/")

    assert echoed.headers["Answered-By"] == "old"
    assert echoed.json()["x-forwarded-for"] == ["127.0.0.1"]
    assert echoed.json()["x-request-id"] == ["mine"]
    assert len(own.json()["x-request-id"][0]) == 36


def test_users_stay_on_one_side_and_a_larger_share_only_moves_more_over(lab: Lab) -> None:
    control, answered = lab.gateway.control, {}
    with local_http.client(base_url=lab.gateway.url) as client, observed(control) as seen:
        for share in SHARES:
            control.set_share(share)
            assert control.share() == share
            answered[share] = {user: who(client, user) for user in range(USERS)}
        wait_until(lambda: len(seen) == len(SHARES) * USERS, "every request is observed")

    on_new = {share: {user for user, name in who.items() if name == "new"} for share, who in answered.items()}
    assert on_new[0] == set()
    assert on_new[500] < on_new[2500] < on_new[5000] < on_new[10_000] == set(range(USERS))
    slices = {
        share: Counter(each.slice for each in seen[at * USERS : (at + 1) * USERS]) for at, share in enumerate(SHARES)
    }
    # Sides are a function of users, so these are the same numbers in each run.
    for share in (500, 2500, 5000):
        least, most = stats.binom.interval(0.99, USERS, share / 10_000)
        assert least <= len(on_new[share]) <= most
        assert least <= slices[share][Slice.CONTROL] <= most
    assert all((each.slice is Slice.CANDIDATE) == (each.server == "new") for each in seen)
    assert control.requests() == len(SHARES) * USERS


def test_users_are_told_apart_by_the_user_of_their_token_and_else_by_their_address(lab: Lab) -> None:
    key = "k" * 32

    def bearer(claims: dict[str, object]) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.sign(claims, key)}"}

    with local_http.client(base_url=lab.gateway.url) as client, observed(lab.gateway.control) as seen:
        for headers in (
            bearer({"sub": "a", "exp": 1}),
            bearer({"sub": "a", "exp": 2}),
            bearer({"user": "a"}),
            bearer({"sub": "b"}),
            bearer({"else": "a"}),
            {"Authorization": "Bearer no.to.ken"},
            {"Authorization": "Basic YTpi"},
            {},
        ):
            client.get("/", headers=headers)
        wait_until(lambda: len(seen) == 8, "every request is observed")

    first, again, same, other, *by_address = (each.bucket for each in seen)
    assert first == again == same != other
    assert len({*by_address, first, other}) == 3


def test_a_dead_candidate_is_answered_for_by_the_primary_and_it_shows(lab: Lab) -> None:
    lab.gateway.control.set_share(10_000)
    with local_http.client(base_url=lab.gateway.url) as client, observed(lab.gateway.control) as seen:
        assert who(client, 1) == "new"
        lab.servers["new"].kill()
        lab.servers["new"].wait()
        names = {who(client, user) for user in range(50)}
        wait_until(lambda: len(seen) == 51, "every request is observed")

    assert names == {"old"}
    assert {each.slice for each in seen} == {Slice.CANDIDATE}
    assert seen[1].moved
    assert not any(each.failed for each in seen)


def test_nobody_answers_where_no_service_is_left_and_that_is_a_failure(lab: Lab) -> None:
    with local_http.client(base_url=lab.gateway.url) as client, observed(lab.gateway.control) as seen:
        lab.servers["old"].kill()
        lab.servers["old"].wait()
        wait_until(lambda: not lab.gateway.control.server("old", "old").up, "the gateway sees it")
        assert client.get("/").status_code == 503
        wait_until(lambda: len(seen) == 1, "the request is observed")

    assert seen[0].failed
    assert seen[0].first_ms is None


def test_a_service_says_at_a_path_of_its_own_whether_it_is_ready(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        urls = {}
        for name in ("old", "new"):
            urls[name] = f"http://127.0.0.1:{(port := free_port())}"
            stack.callback(subprocess.Popen([sys.executable, str(_SERVER), name, str(port), "/healthz"]).kill)
        gateway = stack.enter_context(running_gateway(tmp_path, urls, ready="/healthz"))
        with local_http.client(base_url=gateway.url) as client:
            answered = client.get("/")
            not_there = client.get("/ready")

    assert answered.headers["Answered-By"] == "old"
    assert not_there.status_code == 404


def test_a_second_instance_takes_over_while_the_first_is_replaced(lab: Lab) -> None:
    control, third = lab.gateway.control, httpx.URL(lab.urls["third"])
    assert third.port
    with local_http.client(base_url=lab.gateway.url) as client:
        control.bring_in("old", third.host, third.port)
        control.disable("old", "old")
        assert control.wait_until_idle("old", "old", 5) == 0
        assert who(client, 1) == "third"
        control.enable("old", "old")
        control.wait_until_up("old", "old")
        control.disable("old", "old-next")
        assert who(client, 1) == "old"


def test_a_second_instance_that_is_not_there_does_not_take_over(lab: Lab) -> None:
    control = lab.gateway.control
    with pytest.raises(LabError, match="does not find old/old-next ready"):
        control.bring_in("old", "127.0.0.1", free_port(), timeout_seconds=2)

    with local_http.client(base_url=lab.gateway.url) as client:
        assert who(client, 1) == "old"


def test_what_the_gateway_does_not_know_is_refused_in_words(lab: Lab) -> None:
    control = lab.gateway.control
    with pytest.raises(LabError, match="does not know the service nobody") as refused:
        control.choose("nobody")
    assert "old" in str(refused.value.hint)
    with pytest.raises(LabError, match="refuses `set server old/nobody"):
        control.enable("old", "nobody")
    with pytest.raises(LabError, match="has no server"):
        control.server("old", "nobody")
    with pytest.raises(ValueError, match="basis points"):
        control.set_share(10_001)
    with pytest.raises(LabError, match="the gateway does not answer"):
        Control(f"tcp:127.0.0.1:{free_port()}").share()


def test_it_says_how_it_is_and_its_readers_end_when_it_ends(lab: Lab) -> None:
    assert local_http.get(f"{lab.gateway.metrics_url}/health").status_code == 200
    assert "haproxy_backend_http_responses_total" in local_http.get(f"{lab.gateway.metrics_url}/metrics").text

    with lab.gateway.control.observe() as observing:
        lab.gateway.process.kill()
        assert list(observing) == []
