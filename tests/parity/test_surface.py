"""The walk over every path with every method."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from serving_lab.api.request import Request
from serving_lab.documents.openapi import METHODS, OpenApiDocument
from serving_lab.documents.operations import Operations
from serving_lab.parity.cases import Source
from serving_lab.parity.generation import surface

from parity.documents import old_pets, pets, predictions

SIGNED_IN = (("Authorization", "Bearer ${token}"),)
CLEAR = ("POST /cache/clear",)


def requests(document: OpenApiDocument, exclude: tuple[str, ...] = ()) -> list[Request]:
    cases = surface.cases(document, authorization=SIGNED_IN, exclude=exclude)
    assert {case.source for case in cases} == {Source.SURFACE}
    return [case.request for case in cases if isinstance(case.request, Request)]


def test_asks_every_path_with_every_method_signed_in_and_not() -> None:
    asked = {(each.method, each.target, each.headers) for each in requests(predictions())}

    for path in ("/predict", "/health", "/cache/clear"):
        for method in (*METHODS, "FROB"):
            assert (method, path, SIGNED_IN) in asked
            assert (method, path, ()) in asked


def test_asks_for_the_spellings_that_routers_disagree_on() -> None:
    asked = {each.target for each in requests(predictions()) if each.method == "POST"}

    assert {"/predict/", "//predict", "/PREDICT", "/%70redict", "/predict?unknown=1", "/no-such-path"} <= asked
    assert {"/cache//clear", "/cache%2Fclear", "/cache/%63lear"} <= asked


def test_never_calls_what_is_excluded_in_whatever_spelling() -> None:
    asked = requests(predictions(), exclude=CLEAR)

    paths = Operations(predictions().templates)
    assert asked
    assert not [each for each in asked if paths.excludes(CLEAR, each.method, each.target)]
    assert [each for each in asked if (each.method, each.target) == ("GET", "/cache/clear")]


def test_fills_templates_and_queries_with_what_the_document_says() -> None:
    asked = {each.target for each in requests(pets("3.0.3"))}

    assert {"/v3/pets/1", "/v3/pets/1/form", "/v3/pets?tags=1&limit=1"} <= asked
    assert not [target for target in asked if re.search(r"[{}]", target)]
    assert "/v2/pets/1" in {each.target for each in requests(old_pets())}


def test_sends_nothing_twice_and_names_each_request() -> None:
    cases = surface.cases(predictions(), authorization=SIGNED_IN, exclude=())

    assert len({case.request for case in cases}) == len(cases)
    assert len({case.name for case in cases}) == len(cases)


def test_needs_no_authorization() -> None:
    cases = surface.cases(predictions(), authorization=(), exclude=())

    assert {case.request.headers for case in cases if isinstance(case.request, Request)} == {()}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("get", "parameters", "in", "name", "schema", "example", "enum", "$ref", "\ud800")), inner
        )
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(("/", "/{a}", "/}{", "/\ud800", "/a\r\nb", "x")), ANYTHING), ANYTHING)
def test_any_document_has_a_surface(paths: dict[str, object], servers: object) -> None:
    content = json.dumps({"openapi": "3.1.0", "paths": paths, "servers": servers}).encode()
    document = OpenApiDocument.parse(content, "http://service/openapi.json")

    for request in requests(document):
        assert request.encode("service")
        assert request.target.isascii()


def test_a_key_in_the_query_is_sent_and_left_out() -> None:
    cases = surface.cases(predictions(), authorization=(), query=(("key", "${token}"),), exclude=())

    targets = {case.request.target for case in cases if isinstance(case.request, Request)}
    assert {"/health", "/health?key=${token}", "/health?unknown=1&key=${token}"} <= targets
