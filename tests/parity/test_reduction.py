"""Making a request that shows a difference as small as it can be."""

import json
import random
from collections.abc import Callable

import pytest
from serving_lab.api.request import Request
from serving_lab.parity.examination.reduction import smallest

HEADERS = (("Content-Type", "application/json"), ("Authorization", "Bearer ${token}"), ("Accept", "*/*"))


def features(request: Request) -> list[object]:
    try:
        body = json.loads(request.body)
    except ValueError:
        return []
    found = body.get("features") if isinstance(body, dict) else None
    return found if isinstance(found, list) else []


def row(**changes: object) -> Request:
    body = {"features": [37.5, -2.0, 1e-7, 731.25, 5, 6.5, 7, 8, 9, 10], "comment": {"a": [1, 2]}, "id": "x"} | changes
    return Request("POST", "/predict?debug=1&x", HEADERS, json.dumps(body).encode(), chunked=True)


def fourth_above_500(request: Request) -> bool:
    values = features(request)
    return len(values) == 10 and isinstance(values[3], int | float) and values[3] > 500


def test_leaves_what_the_difference_needs_and_nothing_else() -> None:
    found = smallest(row(), fourth_above_500)

    assert found == Request("POST", "/predict", (), b'{"features": [0, 0, 0, 501, 0, 0, 0, 0, 0, 0]}')


def test_finds_the_bound_below_zero_too() -> None:
    found = smallest(row(features=[-812.125]), lambda request: bool(features(request)) and features(request)[0] <= -300)  # type: ignore[operator]

    assert found.body == b'{"features": [-300]}'


@pytest.mark.parametrize(
    ("body", "shows", "expected"),
    [
        (b'[[1, 2], [3, [4, "needle"]]]', lambda body: b"needle" in body, b'"needle"'),
        (b'{"a": {"b": {"c": NaN}}}', lambda body: b"NaN" in body and json.loads(body) is not None, b"NaN"),
        (b'{"a": 1, "a": 2, "b": 3}', lambda body: body.count(b'"a"') == 2, b'{"a": 0, "a": 0}'),
        (b'{"a": 1.0, "b": 2}', lambda body: b"1.0" in body, b"1.0"),
        (
            b'{"name": "\xc3\xa9t\xc3\xa9"}',
            lambda body: b"\xc3\xa9" in body and body[:1] == b"{",
            b'{"name": "\xc3\xa9"}',
        ),
        (b"{broken, \xff and more of it}", lambda body: b"\xff" in body, b"\xff"),
        (b" " * 100_000 + b"[1]", lambda body: len(body) > 90_000, None),
        (b"[" * 60_000 + b"]" * 60_000, lambda body: body.startswith(b"[[[["), b"[[[["),
        (b'{"n": ' + b"9" * 400 + b"}", lambda body: body.count(b"9") >= 310, b"9" * 310),
        (b"[1, 2, 3]", lambda body: body[:1] == b"[" and body[-1:] == b"]", b"[]"),
    ],
)
def test_reduces_bodies_of_all_sorts(body: bytes, shows: Callable[[bytes], bool], expected: bytes | None) -> None:
    found = smallest(Request("POST", "/", (), body), lambda request: shows(request.body), attempts=1500)

    assert shows(found.body)
    assert len(found.body) <= len(body)
    if expected is not None:
        assert found.body == expected


def test_keeps_the_headers_and_the_part_of_the_query_that_matter() -> None:
    request = Request("GET", "/a?b=1&c=2&d=3", (*HEADERS, ("X-Request-ID", "one two three")))

    found = smallest(request, lambda each: "c=2" in each.target and "two" in (each.header("x-request-id") or ""))

    assert found == Request("GET", "/a?c=2", (("X-Request-ID", "two"),))


def test_keeps_what_cannot_be_smaller() -> None:
    request = row()

    assert smallest(request, lambda _: False) == request


@pytest.mark.parametrize("attempts", [0, 1, 10, 50])
def test_asks_no_more_often_than_it_may_and_nothing_twice(attempts: int) -> None:
    asked: list[Request] = []

    def shows(request: Request) -> bool:
        asked.append(request)
        return fourth_above_500(request)

    found = smallest(row(), shows, attempts)

    assert len(asked) <= attempts
    assert len(set(asked)) == len(asked)
    assert row() not in asked
    assert fourth_above_500(found)


def test_ends_with_a_difference_that_shows_only_sometimes() -> None:
    chance = random.Random(1)  # noqa: S311

    found = smallest(row(), lambda request: fourth_above_500(request) and chance.random() < 1 / 3)

    assert fourth_above_500(found)


def test_is_seldom_long_about_it() -> None:
    """A hundred rows of which one matters: what it takes is to be paid for each cause."""
    body = json.dumps({"samples": [[float(i), *range(9)] for i in range(100)]}).encode()
    asked = 0

    def shows(request: Request) -> bool:
        nonlocal asked
        asked += 1
        try:
            samples = json.loads(request.body)["samples"]
            return any(len(sample) == 10 and sample[0] == 57 for sample in samples)
        except (ValueError, KeyError, TypeError):
            return False

    found = smallest(Request("POST", "/batch-predict", HEADERS, body), shows)

    assert found.body == b'{"samples": [[57, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}'
    assert asked < 150
