"""Requests are bytes before a run begins, with the values where the template has their places."""

from __future__ import annotations

import json
from email.parser import BytesParser

import msgspec
from serving_lab.api.places import Draw
from serving_lab.api.values import Choice, Value
from serving_lab.generator.drawing import drawn

from generator.runs import PREDICT, run

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


def test_templates_come_by_their_weights() -> None:
    rare = msgspec.structs.replace(PREDICT, name="rare", weight=0.25)

    requests = drawn(run(URL, templates=[PREDICT, rare]), 2000)

    assert 320 < sum(request.template == 1 for request in requests) < 480


def test_memory_and_time_bound_what_is_drawn() -> None:
    big = msgspec.structs.replace(PREDICT, body=[b"x" * (1 << 20), Draw("row", "value")])

    assert 0 < len(drawn(run(URL, templates=[big]))) <= 200
