"""What the gateway says of a request, as it is read."""

import json

import pytest
from serving_lab.gateway.observations import Slice, parse, parsed

LINE = {
    "at": 1795958497278431,
    "slice": "candidate",
    "backend": "new",
    "server": "new",
    "status": 200,
    "first_us": 665,
    "total_us": 1256,
    "termination": "--",
    "retries": "0",
    "method": "GET",
    "path": '/a"b',
    "bucket": 17,
    "upgrade": "",
}


def line(**changes: object) -> bytes:
    return json.dumps(LINE | changes).encode() + b"\n"


def test_a_line_is_an_observation_in_seconds_and_milliseconds() -> None:
    seen = parse(line())

    assert seen
    assert seen.at == pytest.approx(1795958497.278431)
    assert (seen.first_ms, seen.total_ms) == (0.665, 1.256)
    assert (seen.slice, seen.server, seen.path, seen.bucket) == (Slice.CANDIDATE, "new", '/a"b', 17)
    assert (seen.failed, seen.moved, seen.websocket) == (False, False, False)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"status": 500}, True),
        ({"status": 404}, False),
        ({"status": 101, "upgrade": "websocket"}, False),
        ({"status": -1, "first_us": -1, "termination": "SC"}, True),
        ({"termination": "SD"}, True),  # the server broke off its answer
        ({"termination": "cD"}, False),  # the client went away
        ({"termination": "CD"}, False),
        ({"status": -1, "termination": "CR"}, False),
    ],
)
def test_a_failure_is_one_that_the_service_is_to_blame_for(changes: dict[str, object], failed: bool) -> None:
    seen = parse(line(**changes))

    assert seen
    assert seen.failed is failed


def test_a_request_that_went_to_another_server_says_so() -> None:
    seen = parse(line(retries="+2", server="old"))

    assert seen
    assert (seen.moved, seen.retries, seen.server) == (True, 2, "old")


@pytest.mark.parametrize("content", [b"Server new/new is DOWN\n", b"{broken\n", b"\xff{}\n", b"\n", line(slice="")])
def test_what_is_no_request_of_a_user_is_none(content: bytes) -> None:
    assert parse(content) is None


def test_lines_may_arrive_cut_anywhere() -> None:
    stream = b"".join(line(bucket=number) for number in range(50))

    for size in (1, 7, 300, 5000):
        chunks = (stream[at : at + size] for at in range(0, len(stream), size))
        assert [seen.bucket for seen in parsed(chunks)] == list(range(50))
