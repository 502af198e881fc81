"""The requests of a description are compared where there is no corpus."""

import json
from pathlib import Path

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.traffic import Traffic
from support.fake_server import Asked, Says, fake_server

from parity.comparing import result_of_comparing

API = """
sign_in: {request: {method: POST, path: /login}, save: {token: $.token}}
authorization: {X-Token: "${token}"}
values: {row: {choice: [[1, 2], [3]]}, word: {choice: ["a b"]}}
requests:
  fixed: {request: {path: /fixed}}
  drawn: {request: {method: POST, path: "/of/${word}", json: {row: "${row}", of: "${token}"}}}
  message: {websocket: {path: /ws}}
"""


def load(directory: Path, content: str) -> Profile:
    path = directory / "api.yaml"
    path.write_text(content, encoding="utf-8")
    return Profile.load(path, {})


def test_values_are_drawn_and_variables_stay(tmp_path: Path) -> None:
    fixed, *drawn = load(tmp_path, API).described

    assert fixed.request == Request("GET", "/fixed", (("X-Token", "${token}"),))
    assert [case.name for case in drawn] == [f"drawn {number}" for number in range(1, 6)]
    requests = [case.request for case in drawn if isinstance(case.request, Request)]
    assert {request.target for request in requests} == {"/of/a%20b"}
    bodies = [json.loads(request.body) for request in requests]
    assert {json.dumps(body["row"]) for body in bodies} == {"[1, 2]", "[3]"}
    assert {body["of"] for body in bodies} == {"${token}"}


def test_a_corpus_takes_their_place(tmp_path: Path) -> None:
    (tmp_path / "corpus.yaml").write_text("requests: [{name: a, path: /a}]", encoding="utf-8")

    assert load(tmp_path, f"{API}\nparity: {{corpus: [corpus.yaml]}}").described == ()


@pytest.mark.parametrize(("exclude", "names"), [("[]", ["fixed", "other"]), ('["GET /fix*"]', ["other"])])
def test_what_is_excluded_is_not_sent(tmp_path: Path, exclude: str, names: list[str]) -> None:
    requests = "requests: {fixed: {request: {path: /fixed}}, other: {request: {path: /o}}}"
    content = f"{requests}\nparity: {{exclude: {exclude}}}"
    here = Endpoint.parse("http://127.0.0.1:1")

    traffic = Traffic(ParityPlan(here, here, load(tmp_path, content)), None)

    assert [case.name for (case,) in traffic.described] == names


def test_they_alone_are_enough_to_find_a_difference(tmp_path: Path) -> None:
    def answer(number: int) -> Says:
        return Says({"n": number})

    def old(_: Asked) -> Says:
        return answer(1)

    def new(_: Asked) -> Says:
        return answer(2)

    profile = load(tmp_path, "requests: {one: {request: {path: /one}}}\nparity: {openapi: null}")
    with fake_server(old) as primary, fake_server(new) as candidate:
        plan = ParityPlan(Endpoint.parse(primary.base_url), Endpoint.parse(candidate.base_url), profile, generate=0)
        result = result_of_comparing(plan)

    assert [(cause.where, cause.example.case) for cause in result.causes] == [("$.n", "one")]


def test_a_request_of_the_corpus_is_of_the_operation_that_the_document_names() -> None:
    paths = ["/pets/7", "/pets/7/toys", "/elsewhere/7"]
    cases = tuple(Case(Source.CORPUS, path, Request("GET", path)) for path in paths)
    here = Endpoint.parse("http://127.0.0.1:9")
    document = OpenApiDocument.of({"openapi": "3.0.3", "paths": {"/pets/{petId}": {"get": {"responses": {}}}}})

    operations = Traffic(ParityPlan(here, here, Profile(cases=cases)), document).operations

    assert [operations.label("GET", path) for path in paths] == [
        "GET /pets/{petId}",
        "GET /pets/7/toys",
        "GET /elsewhere/7",
    ]
