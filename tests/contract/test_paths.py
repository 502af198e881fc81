"""Which paths and methods exist, and what the others are told."""

import pytest
from support.answers import assert_contract_headers, assert_error
from support.services import RunningService
from support.wire import Request, send

from contract.cases import Fault, each
from contract.cases.paths import ALLOWED, GET_PATHS, UNKNOWN_PATHS, WRONG_METHODS


@each("fault", UNKNOWN_PATHS)
def test_a_path_that_is_not_served_is_not_found(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


@each("fault", WRONG_METHODS)
def test_a_wrong_method_is_told_the_allowed_ones(service: RunningService, token: str, fault: Fault) -> None:
    response = send(service, fault.request, token)

    assert_error(response, fault.status, fault.error)
    assert {method.strip() for method in response.headers["Allow"].split(",")} == ALLOWED[fault.request.target]


@pytest.mark.parametrize("path", GET_PATHS)
def test_head_answers_as_get_does_but_without_a_body(service: RunningService, token: str, path: str) -> None:
    get = send(service, Request("GET", path, headers=()), token)
    head = send(service, Request("HEAD", path, headers=()), token)

    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert_contract_headers(head)


@pytest.mark.parametrize("path", ["/no-such-path", "/health/"])
def test_head_of_an_unknown_path_is_not_found(service: RunningService, path: str) -> None:
    response = send(service, Request("HEAD", path))

    assert response.status_code == 404
    assert response.content == b""
    assert_contract_headers(response)


@pytest.mark.parametrize("path", [path for path, methods in ALLOWED.items() if methods == {"POST"}])
def test_head_of_a_post_path_is_a_wrong_method(service: RunningService, path: str) -> None:
    response = send(service, Request("HEAD", path))

    assert (response.status_code, response.headers["Allow"], response.content) == (405, "POST", b"")
    assert_contract_headers(response)


def test_head_asks_for_the_token_that_get_asks_for(service: RunningService) -> None:
    response = send(service, Request("HEAD", "/cache/stats", signed_in=False))

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_head_answer_leaves_the_connection_usable(service: RunningService) -> None:
    with service.client() as client:
        statuses = [client.request(method, "/health").status_code for method in ("HEAD", "GET", "HEAD", "GET")]

    assert statuses == [200] * 4


@pytest.mark.parametrize("target", ["/health?x=1", "/health?", "/health?x=%ff&&==", "/health?a=b?c=d"])
def test_a_query_does_not_matter(service: RunningService, target: str) -> None:
    assert send(service, Request("GET", target)).status_code == 200
