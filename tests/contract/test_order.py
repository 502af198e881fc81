"""Where several things are wrong at once, the contract's order decides which one is reported."""

from support.answers import assert_error
from support.services import RunningService
from support.wire import Request, send

from contract.cases import Fault, each
from contract.cases.order import ORDER


@each("fault", ORDER)
def test_the_first_fault_in_order_is_reported(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


def test_a_missing_token_is_reported_before_a_missing_body(service: RunningService) -> None:
    response = send(service, Request("POST", "/predict", headers=(), signed_in=False))

    assert_error(response, 401, "Token is missing")


def test_login_asks_for_the_content_type_before_the_credentials(service: RunningService) -> None:
    response = send(service, Request("POST", "/login", headers=(("Content-Type", "text/plain"),), body=b"{"))

    assert_error(response, 415, "Content-Type must be application/json")


def test_login_takes_no_notice_of_a_bad_token(service: RunningService) -> None:
    request = Request("POST", "/login", body=b'{"username": 1}').with_headers(("Authorization", "Bearer x"))

    assert_error(send(service, request), 400, "Missing credentials")


def test_an_open_endpoint_takes_no_notice_of_a_bad_token(service: RunningService) -> None:
    response = send(service, Request("GET", "/model-info", headers=(("Authorization", "Bearer x"),)))

    assert response.status_code == 200
