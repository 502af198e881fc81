"""The contract through the generated functions: every case of it that a typed client can express, on each service."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Protocol, Self, TypeVar

import pytest
from contract.cases import Accepted, Fault, each
from contract.cases.access import LOGIN_FAULTS, PROTECTED
from contract.cases.bodies import BODY_ACCEPTED, SIZES_ACCEPTED
from contract.cases.features import BATCH_ACCEPTED, BATCH_FAULTS, PREDICT_ACCEPTED, PREDICT_FAULTS
from prediction_client.generated import AuthenticatedClient
from prediction_client.generated.api.operations import cache_clear, cache_stats, health, metrics, ready
from prediction_client.generated.api.predictions import batch_predict, login, model_info, predict
from prediction_client.generated.models import (
    BatchPredictionRequest,
    BatchPredictionResponse,
    CacheClearResponse,
    CacheStats,
    ErrorResponse,
    HealthResponse,
    LoginRequest,
    LoginResponse,
    ModelInfo,
    PredictionRequest,
    PredictionResponse,
    ReadyResponse,
)
from prediction_client.generated.types import Response
from support.answers import REQUEST_ID
from support.local_http import NO_TLS
from support.services import RunningService

Case = TypeVar("Case", Fault, Accepted)


class Body(Protocol):
    """A generated body of a request."""

    @classmethod
    def from_dict(cls, src_dict: dict[str, Any]) -> Self: ...
    def to_dict(self) -> dict[str, Any]: ...


BODIES: dict[str, type[Body]] = {
    "/predict": PredictionRequest,
    "/batch-predict": BatchPredictionRequest,
    "/login": LoginRequest,
}
CALLS: dict[str, Callable[..., Response[Any]]] = {
    "/predict": predict.sync_detailed,
    "/batch-predict": batch_predict.sync_detailed,
    "/login": login.sync_detailed,
    "/cache/stats": cache_stats.sync_detailed,
    "/cache/clear": cache_clear.sync_detailed,
}
RIGHT = {"/predict": PredictionResponse, "/batch-predict": BatchPredictionResponse}


def body_of(case: Fault | Accepted) -> Body | None:
    """The body of a case as the generated client has it, if it can say just that."""
    try:
        plain = json.loads(case.request.body, parse_int=_finite, parse_float=_finite)
        body = BODIES[case.request.target].from_dict(plain)
        return body if body.to_dict() == plain else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(literal)
    return number


def expressible(cases: Iterable[Case]) -> list[Case]:
    """Those of the cases that the generated client can send."""
    return [case for case in cases if body_of(case)]


FAULTS = expressible([*PREDICT_FAULTS, *BATCH_FAULTS, *LOGIN_FAULTS])
ACCEPTED = expressible([*PREDICT_ACCEPTED, *BATCH_ACCEPTED, *BODY_ACCEPTED, *SIZES_ACCEPTED])


@pytest.fixture(scope="module")
def client(service: RunningService, token: str) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(service.base_url, token, verify_ssl=NO_TLS) as client:
        yield client


def assert_refused(answer: Response[Any], status: int, message: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer.parsed == ErrorResponse(error=message, detail=None)
    assert REQUEST_ID.fullmatch(answer.headers["X-Request-ID"])


def test_most_of_the_contract_can_be_expressed() -> None:
    assert len(FAULTS) > 80
    assert len(ACCEPTED) > 30


@each("fault", FAULTS)
def test_a_fault_is_refused(client: AuthenticatedClient, fault: Fault) -> None:
    answer = CALLS[fault.request.target](client=client, body=body_of(fault))

    assert_refused(answer, fault.status, fault.error)


@each("accepted", ACCEPTED)
def test_what_is_right_is_answered(client: AuthenticatedClient, accepted: Accepted) -> None:
    answer = CALLS[accepted.request.target](client=client, body=body_of(accepted))

    assert isinstance(answer.parsed, RIGHT[accepted.request.target]), answer.content


@pytest.mark.parametrize("path", [request.target for request in PROTECTED])
@pytest.mark.parametrize(("header", "message"), [("X-None", "Token is missing"), ("Authorization", "Token is invalid")])
def test_without_a_valid_token_it_is_refused(service: RunningService, path: str, header: str, message: str) -> None:
    bodies = {"/predict": PredictionRequest([]), "/batch-predict": BatchPredictionRequest([])}
    named = {"body": bodies[path]} if path in bodies else {}
    with AuthenticatedClient(service.base_url, "x.y.z", auth_header_name=header, verify_ssl=NO_TLS) as client:
        answer = CALLS[path](client=client, **named)

    assert_refused(answer, 401, message)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_body_that_is_too_large_is_refused(client: AuthenticatedClient) -> None:
    answer = batch_predict.sync_detailed(client=client, body=BatchPredictionRequest([[0.123456789] * 10] * 10_000))

    assert_refused(answer, 413, "Request body too large")


def test_another_content_type_is_refused(client: AuthenticatedClient) -> None:
    request = client.get_httpx_client().build_request(
        "POST", "/predict", content=b"{}", headers={"Content-Type": "x/y"}
    )
    answer = predict._build_response(client=client, response=client.get_httpx_client().send(request))

    assert_refused(answer, 415, "Content-Type must be application/json")


def test_every_other_operation_gives_its_model(client: AuthenticatedClient, service: RunningService) -> None:
    credentials = LoginRequest(service.username, service.password)
    answers: list[tuple[Response[Any], type]] = [
        (login.sync_detailed(client=client, body=credentials), LoginResponse),
        (model_info.sync_detailed(client=client), ModelInfo),
        (health.sync_detailed(client=client), HealthResponse),
        (ready.sync_detailed(client=client), ReadyResponse),
        (cache_stats.sync_detailed(client=client), CacheStats),
        (cache_clear.sync_detailed(client=client), CacheClearResponse),
        (metrics.sync_detailed(client=client), str),
    ]

    for answer, model in answers:
        assert (answer.status_code, type(answer.parsed)) == (HTTPStatus.OK, model), answer.content
        assert getattr(answer.parsed, "additional_properties", {}) == {}, "a field that the document does not have"
