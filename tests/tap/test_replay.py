"""A recording sent again: in which order, with which tokens and ids, and what is said of the answers."""

import itertools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from made.tapped import side, tapped
from serving_lab.experiment.profile import Profile
from serving_lab.generator.loops import arrivals
from serving_lab.generator.messages import Open
from serving_lab.recordings import tap_file
from serving_lab.recordings.tap_file import MAGIC, End, Head, Tapped
from serving_lab.results import files
from serving_lab.tap.pseudonyms import Pseudonyms
from serving_lab.tap.replay.fitting import arrivals_of
from serving_lab.tap.replay.result import ReplayResult
from support.command import lab
from support.fake_server import Asked, FakeServer, Says, fake_server

pytestmark = pytest.mark.service

TOKEN = Pseudonyms().of("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl")
DESCRIPTION = """
sign_in:
  request: {method: POST, path: /login, json: {username: me, password: "${env:PASSWORD}"}}
  save: {token: $.token}
authorization: {Authorization: "Bearer ${token}"}
"""
JSON = (("Content-Type", "application/json"),)
SIGNED_IN = (*JSON, ("Authorization", f"Bearer {TOKEN}"))


def recording(directory: Path, *exchanges: Tapped) -> Path:
    path = directory / "live.tap"
    records: list[Head | Tapped | End] = [Head(exchanges[0].at, "http://old:1"), *exchanges, End(len(exchanges), 0)]
    path.write_bytes(MAGIC + b"".join(map(tap_file.frame, records)))
    return path


def shop(asked: Asked) -> Says:
    """Signs in by password, and gives orders numbers of its own."""
    if asked.path == "/login":
        right = asked.json() == {"username": "me", "password": "right"}
        return Says({"token": "fresh-token-of-today"}, 200 if right else 401)
    if asked.headers.get("authorization") != "Bearer fresh-token-of-today":
        return Says({"error": "who are you?"}, 401)
    if asked.method == "POST" and asked.path == "/orders":
        return Says({"id": 907, "ref": "b3c1-99ff-77ab", "amount": 17}, 201, {"Location": "/orders/907"})
    return Says({"id": 907}, 200 if asked.path in {"/orders/907", "/orders/907/lines?ref=b3c1-99ff-77ab"} else 404)


SHOP = (
    tapped("POST", "/login", JSON, b'{"username": "xk", "password": "pseudonym"}', at=1.0, primary=side(
        body=json.dumps({"token": TOKEN}).encode())),
    tapped("POST", "/orders", SIGNED_IN, b'{"amount": 17}', at=1.01, primary=side(
        201, (*JSON, ("Location", "/orders/17")), b'{"id": 17, "ref": "a0f2-11aa-22bb", "amount": 17}')),
    tapped("GET", "/orders/17", SIGNED_IN, at=1.02),
    tapped("PUT", "/orders/17/lines?ref=a0f2-11aa-22bb", SIGNED_IN, b'{"orderId": 17, "amount": 17}', at=1.03),
)  # fmt: skip


def replayed(
    directory: Path, path: Path, server: FakeServer, *arguments: str, description: str = DESCRIPTION
) -> tuple[int, ReplayResult]:
    written = directory / "api.yaml"
    written.write_text(description)
    output = directory / "replay.json"
    options = "--to", server.base_url, "--description", str(written), "--output", str(output)
    ended = lab(
        *("replay", str(path), *options, *arguments),
        environment={"PASSWORD": "right"},
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, files.read(output, ReplayResult)


def test_tokens_and_ids_of_answers_are_carried_over(tmp_path: Path) -> None:
    with fake_server(shop) as server:
        code, result = replayed(tmp_path, recording(tmp_path, *SHOP), server)
        asked = [f"{each.method} {each.path}" for each in server.requests]
        last = server.requests[-1]

    assert asked == ["POST /login", "POST /orders", "GET /orders/907", "PUT /orders/907/lines?ref=b3c1-99ff-77ab"]
    assert last.json() == {"orderId": 907, "amount": 17}  # an amount stands for nothing
    assert (code, result.sent, result.differing) == (0, 4, [])
    assert {each.operation for each in result.operations} >= {"GET /orders/{id}"}


def test_a_token_that_is_older_than_the_recording_is_replaced_by_the_sign_in(tmp_path: Path) -> None:
    with fake_server(shop) as server:
        code, _ = replayed(tmp_path, recording(tmp_path, *SHOP[1:]), server)

        assert server.asked["/login"] == 1
    assert code == 0


def test_a_refusal_that_was_recorded_is_a_refusal_again(tmp_path: Path) -> None:
    refused = tapped("GET", "/orders/1", SIGNED_IN, primary=side(401))
    with fake_server(shop) as server:
        code, result = replayed(tmp_path, recording(tmp_path, refused), server)

    assert (code, result.differing) == (0, [])


def test_another_status_than_recorded_is_found_and_told(tmp_path: Path) -> None:
    lost = [tapped("GET", f"/items/{number}", SIGNED_IN) for number in (1, 2, 3)]
    with fake_server(shop) as server:
        code, result = replayed(tmp_path, recording(tmp_path, *lost), server)

    (found,) = result.differing
    assert code == 1
    assert (found.operation, found.recorded, found.replayed, found.count) == ("GET /items/{id}", 200, 404, 3)
    assert found.example == "GET /items/1"


def test_each_session_keeps_its_order_and_sessions_go_beside_each_other(tmp_path: Path) -> None:
    exchanges = [
        tapped("GET", f"/{who}/{number}", session=who, at=number / 1000) for number in range(10) for who in ("a", "b")
    ]

    def slow(asked: Asked) -> Says:
        if asked.path == "/a/0":
            time.sleep(0.3)  # the service's own: the other session does not wait for it
        return Says({})

    with fake_server(slow) as server:
        replayed(tmp_path, recording(tmp_path, *exchanges), server, "--pace", "max")
        order = [each.path for each in server.requests]

    for who in "ab":
        assert [path for path in order if path.startswith(f"/{who}/")] == [f"/{who}/{number}" for number in range(10)]
    assert order.index("/b/9") < order.index("/a/1")


@pytest.mark.parametrize(("pace", "least"), [("1", 0.6), ("2", 0.3)])
def test_requests_are_never_sent_before_their_time(tmp_path: Path, pace: str, least: float) -> None:
    times: list[float] = []

    def noted(_: Asked) -> Says:
        times.append(time.monotonic())
        return Says({})

    exchanges = [tapped(at=number * 0.2, session=str(number)) for number in range(4)]
    with fake_server(noted) as server:
        begun = time.monotonic()
        _, result = replayed(tmp_path, recording(tmp_path, *exchanges), server, "--pace", pace)

    assert max(times) - begun >= least
    assert result.late is not None


def test_it_is_bounded_and_says_what_was_left_out(tmp_path: Path) -> None:
    exchanges = [
        *(tapped(at=float(number) / 1000) for number in range(5)),
        tapped("GET", "/ws", primary=side(101)),
    ]
    with fake_server(lambda _: Says({})) as server:
        _, result = replayed(tmp_path, recording(tmp_path, *exchanges), server, "--limit", "3")
        assert sum(server.asked.values()) == 3

    assert result.left_out == {"connections that were switched to another protocol": 1, "beyond --limit": 2}


def test_it_ends_after_the_seconds_that_it_is_given(tmp_path: Path) -> None:
    exchanges = [tapped(at=0.0), tapped(at=3600.0)]
    with fake_server(lambda _: Says({})) as server:
        _, result = replayed(tmp_path, recording(tmp_path, *exchanges), server, "--seconds", "0.3")

    assert (result.sent, result.partial) == (1, True)


def test_a_service_that_is_down_is_told(tmp_path: Path) -> None:
    ended = lab("replay", recording(tmp_path, tapped()), "--to", "http://127.0.0.1:1", cwd=tmp_path)

    assert (ended.returncode, ended.stderr.splitlines()[0]) == (2, "error: http://127.0.0.1:1 answers nothing")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "where is it to be sent?"),
        (["--to", "http://127.0.0.1:1", "--pace", "fast"], "--pace fast is no pace"),
        (["--to", "http://127.0.0.1:1", "--order", "any"], "--order any: choose session or connection"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, arguments: list[str], problem: str) -> None:
    ended = lab("replay", recording(tmp_path, tapped()), *arguments, cwd=tmp_path)

    assert (ended.returncode, ended.stderr.splitlines()[0]) == (2, f"error: {problem}")


class TestProfile:
    """A profile for `lab bench`."""

    def test_it_is_fitted_to_the_recording_and_lab_bench_reads_it(self, tmp_path: Path) -> None:
        at = itertools.count()
        clock: Callable[[], float] = lambda: next(at) / 10  # noqa: E731
        exchanges = [
            *(tapped("GET", f"/orders/{number % 3}", SIGNED_IN, at=clock()) for number in range(30)),
            *(tapped("POST", "/orders", SIGNED_IN, b'{"amount": 1}', at=clock(), primary=side(201)) for _ in range(10)),
            *(tapped("GET", "/lost", at=clock(), primary=side(404)) for _ in range(5)),
            tapped("POST", "/login", JSON, b"{}", at=clock()),
        ]
        api, output = tmp_path / "api.yaml", tmp_path / "profile.yaml"
        api.write_text(DESCRIPTION)

        ended = lab("replay", recording(tmp_path, *exchanges), "--profile", output, "--description", api)

        assert ended.returncode == 0, ended.stderr
        profile = Profile.load(output, {"PASSWORD": "right"})
        scenario = profile.scenarios["recorded"]
        assert scenario.requests == {"get_orders_one": 30, "post_orders": 10}
        assert scenario.rate == pytest.approx(10, rel=0.01)
        assert scenario.burstiness == 0.05
        assert profile.api.requests["get_orders_one"].request.target == "/orders/${get_orders_one_2}"
        assert profile.api.requests["post_orders"].request.body == b'"${post_orders_body}"'
        assert profile.api.requests["post_orders"].signed_in

    @pytest.mark.parametrize("burstiness", [0.2, 1.0, 5.0])
    def test_the_burstiness_of_arrivals_is_found_again(self, burstiness: float) -> None:
        found = arrivals_of(list(arrivals(Open(1000.0, burstiness=burstiness), 100, random.Random(1))))  # noqa: S311

        assert found.rate == pytest.approx(1000, rel=0.05)
        assert found.burstiness == pytest.approx(burstiness, rel=0.1)

    def test_processes_that_share_bursts_send_those_of_one(self) -> None:
        def drawn(part: int, parts: int) -> list[float]:
            loop = Open(100.0, burstiness=4.0, part=part, parts=parts)
            return list(arrivals(loop, 10, random.Random(1)))  # noqa: S311

        whole = drawn(0, 1)
        parts = [drawn(part, 3) for part in range(3)]

        assert sorted(itertools.chain(*parts)) == whole
