"""Requests are bytes before a run begins, with the values where the template has their places."""

import json
from email.parser import BytesParser

import msgspec
import pytest
from serving_lab import generator
from serving_lab.api.places import Draw
from serving_lab.api.values import Choice, Several, Value
from serving_lab.generator.drawing import Ready, drawn
from serving_lab.generator.loops import load_run
from serving_lab.generator.messages import Closed, Open, RunCommand

from generator.runs import PREDICT, VALUES, run

URL = "http://127.0.0.1:1"


def test_content_length_is_that_of_the_body() -> None:
    requests = drawn(run(URL), 50)

    assert len(requests) == 50
    for request in requests:
        head, _, body = request.content.partition(b"\r\n\r\n")
        headers = BytesParser().parsebytes(head.partition(b"\r\n")[2])
        assert int(headers["Content-Length"]) == len(body)
        assert len(json.loads(body)["features"]) == 2


def test_the_same_seed_makes_the_same_requests() -> None:
    contents = [[each.content for each in drawn(run(URL, seed=seed), 50)] for seed in (1, 1, 2)]

    assert contents[0] == contents[1] != contents[2]
    assert len(set(contents[0])) == 50


@pytest.mark.parametrize(
    ("loop", "fastest", "count"), [(Open(100, "constant"), None, 60), (Closed(), 1000, 600), (Closed(), 1, 200)]
)
def test_a_run_draws_as_many_as_it_may_send(
    monkeypatch: pytest.MonkeyPatch, loop: Open | Closed, fastest: float | None, count: int
) -> None:
    made: list[list[Ready]] = []

    def noted(asked: RunCommand, most: int) -> list[Ready]:
        made.append(drawn(asked, most))
        return made[-1]

    monkeypatch.setattr(generator.load_run, "drawn", noted)
    load_run(run(URL, loop, lead_in_seconds=0.1, seconds=0.5, fastest=fastest))

    assert [len(each) for each in made] == [pytest.approx(count, abs=1)]


def test_a_value_is_escaped_for_where_it_stands() -> None:
    template = msgspec.structs.replace(
        PREDICT,
        method="GET",
        head=[b"GET /find/", Draw("word", "path"), b" HTTP/1.1\r\n"],
        body=[b'{"a": ', Draw("word", "value"), b', "b": "<', Draw("word", "text"), b'>"}'],
    )
    values: dict[str, Value] = {"word": Choice([json.dumps('é "/ ?')])}

    (request,) = drawn(run(URL, templates=[template], values=values), 1)

    head, _, body = request.content.partition(b"\r\n\r\n")
    assert head.startswith(b"GET /find/%C3%A9%20%22%2F%20%3F HTTP/1.1\r\n")
    assert json.loads(body) == {"a": 'é "/ ?', "b": '<é "/ ?>'}


def test_a_value_is_drawn_once_for_a_request() -> None:
    template = msgspec.structs.replace(
        PREDICT,
        head=[b"POST / HTTP/1.1\r\nX-Row: ", Draw("row", "header"), b"\r\n"],
        body=[b'{"a": ', Draw("row", "value"), b', "b": ', Draw("row", "value"), b"}"],
    )

    requests = drawn(run(URL, templates=[template]), 50)

    for request in requests:
        head, _, body = request.content.partition(b"\r\n\r\n")
        sent = json.loads(body)
        header = BytesParser().parsebytes(head.partition(b"\r\n")[2])["X-Row"]
        assert sent["a"] == sent["b"] == json.loads(header)
    assert len({request.content for request in requests}) > 1


def test_a_line_break_in_a_value_does_not_end_a_header() -> None:
    template = msgspec.structs.replace(
        PREDICT, head=[b"GET / HTTP/1.1\r\nX-A: ", Draw("word", "header"), b"\r\n"], body=[]
    )
    values: dict[str, Value] = {"word": Choice([json.dumps("a\r\nX-B: b")])}

    (request,) = drawn(run(URL, templates=[template], values=values), 1)

    assert b"X-A: a X-B: b\r\n" in request.content


def test_an_answer_is_checked_with_what_its_request_was_sent_with() -> None:
    rules = {"$.rows": {"list": "number", "length": "${rows.length}"}}
    template = msgspec.structs.replace(PREDICT, body=[Draw("rows", "value")], rules=json.dumps(rules).encode())
    values: dict[str, Value] = {**VALUES, "rows": Several("row", 1, 3)}

    requests = drawn(run(URL, templates=[template], values=values), 50)

    lengths = [len(json.loads(request.content.partition(b"\r\n\r\n")[2])) for request in requests]
    assert set(lengths) == {1, 2, 3}
    for request, length in zip(requests, lengths, strict=True):
        assert request.checker.wrong(200, json.dumps({"rows": [1] * length}).encode()) is None
        assert request.checker.wrong(200, json.dumps({"rows": [1] * (length + 1)}).encode()) is not None
    assert len({id(request.checker) for request in requests}) == 3


def test_templates_come_by_their_weights() -> None:
    rare = msgspec.structs.replace(PREDICT, name="rare", weight=0.25)

    requests = drawn(run(URL, templates=[PREDICT, rare]), 2000)

    assert 320 < sum(request.template == 1 for request in requests) < 480


def test_memory_and_time_bound_what_is_drawn() -> None:
    big = msgspec.structs.replace(PREDICT, body=[b"x" * (1 << 20), Draw("row", "value")])

    assert 0 < len(drawn(run(URL, templates=[big]))) <= 200
