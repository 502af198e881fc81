"""/login."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import jwt
import pytest
from support.answers import assert_contract_headers, assert_error
from support.services import SERVICE_NAMES, RunningService, running_services
from support.wire import send

from contract.cases import Fault, each
from contract.cases.access import LOGIN_FAULTS


@each("fault", LOGIN_FAULTS)
def test_credentials_that_do_not_hold_are_refused(service: RunningService, fault: Fault) -> None:
    assert_error(send(service, fault.request), fault.status, fault.error)


def test_credentials_that_hold_give_a_token(service: RunningService) -> None:
    with service.client() as client:
        response = client.post("/login", json={"username": service.username, "password": service.password, "more": 1})

    assert response.status_code == 200
    assert_contract_headers(response)
    body = response.json()
    assert set(body) == {"token", "token_type", "expires_in"}
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 86400
    assert type(body["expires_in"]) is int


def test_a_token_says_for_whom_and_for_how_long_it_is(service: RunningService) -> None:
    token = service.login()

    claims = jwt.decode(token, service.secret_key, algorithms=["HS256"])

    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert claims["user"] == service.username
    assert claims["exp"] - claims["iat"] == 86400


@pytest.fixture(scope="module")
def foreign_services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(
        model_dir, API_USERNAME="администратор", API_PASSWORD='пароль "\\ 日本', TOKEN_LIFETIME_SECONDS=120, WORKERS=1
    ) as group:
        yield group


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_credentials_may_be_in_any_script(foreign_services: Mapping[str, RunningService], name: str) -> None:
    service = foreign_services[name]

    claims = jwt.decode(service.login(), service.secret_key, algorithms=["HS256"])

    assert claims["user"] == "администратор"


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_the_lifetime_is_the_one_that_is_set(foreign_services: Mapping[str, RunningService], name: str) -> None:
    service = foreign_services[name]
    with service.client() as client:
        body = client.post("/login", json={"username": service.username, "password": service.password}).json()

    claims = jwt.decode(body["token"], service.secret_key, algorithms=["HS256"])

    assert claims["exp"] - claims["iat"] == body["expires_in"] == 120
