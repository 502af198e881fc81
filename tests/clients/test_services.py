"""The Python clients against each service: a client that is generated from the new one works with all of them."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.cases import ROW, random_rows
from prediction_client import MAX_ROWS, ApiError, PredictionClient, Retries, SignInError
from prediction_client.generated.models import CacheStats, HealthResponse, ModelInfo, PredictionResponse, ReadyResponse
from support.services import (
    BASELINE,
    SERVICE_NAMES,
    RunningService,
    StartedService,
    running_service,
    settings_environment,
    terminate,
    wait_until,
    without_besides,
)

from clients.conftest import MakeClient


@pytest.fixture
def client(make_client: MakeClient, service: RunningService) -> PredictionClient:
    return make_client(service.base_url, username=service.username, password=service.password)


@pytest.fixture(scope="module", params=SERVICE_NAMES)
def strict(request: pytest.FixtureRequest, model_dir: Path) -> Iterator[RunningService]:
    """A service whose tokens last a second, and that allows five requests in one."""
    with running_service(
        request.param, model_dir, RATE_LIMIT="5/second", TOKEN_LIFETIME_SECONDS=1, WORKERS=1
    ) as service:
        yield service


def test_every_operation_answers(client: PredictionClient) -> None:
    one, info = client.predict(ROW), client.model_info()
    both = client.batch_predict([ROW, tuple(ROW)])

    assert isinstance(one, PredictionResponse)
    assert both.predictions == [one.prediction] * 2
    assert (both.count, both.model_version) == (2, one.model_version)
    assert isinstance(info, ModelInfo)
    assert (info.version, len(info.feature_names), info.metrics["r2"] > 0) == (one.model_version, len(ROW), True)
    assert isinstance(client.health(), HealthResponse)
    assert client.ready() == ReadyResponse(status="ready", model_version=one.model_version)
    assert isinstance(client.cache_stats(), CacheStats)
    assert client.cache_clear().cleared >= 1
    assert "http_requests_total{" in client.metrics()


def test_any_number_of_rows_keeps_its_order(client: PredictionClient) -> None:
    rows = random_rows(2 * MAX_ROWS + 50, seed=1)

    predictions = client.predict_many(iter(rows))

    assert predictions == [
        each for start in range(0, len(rows), 50) for each in client.batch_predict(rows[start : start + 50]).predictions
    ]
    assert client.predict(rows[-1]).prediction == predictions[-1]


def test_a_refusal_says_what_the_contract_says(client: PredictionClient) -> None:
    with pytest.raises(ApiError) as refusal:
        client.predict(ROW[1:])

    assert (refusal.value.status, refusal.value.message, refusal.value.detail) == (400, "Expected 10 features", None)
    assert str(refusal.value.request_id) in str(refusal.value)


def test_graphql_is_asked_with_the_token(make_client: MakeClient, graphql_service: RunningService) -> None:
    client = make_client(graphql_service.base_url, username=graphql_service.username, password=graphql_service.password)
    query = "query Q($row: Features) { predict(features: $row) { prediction } }"

    answer = client.graphql(query, {"row": list(ROW)}, operation_name="Q")

    assert answer == {"data": {"predict": {"prediction": client.predict(ROW).prediction}}}


@pytest.mark.parametrize("name", without_besides("graphql"))
def test_where_there_is_no_graphql_the_answer_says_so(
    make_client: MakeClient, started_service: StartedService, name: str
) -> None:
    service = started_service(name)
    with pytest.raises(ApiError, match="404 Not found"):
        make_client(service.base_url, username=service.username, password=service.password).graphql("{ modelInfo }")


def test_a_wrong_password_is_refused(make_client: MakeClient, service: RunningService) -> None:
    with pytest.raises(SignInError, match="401 Invalid credentials"):
        make_client(service.base_url, username=service.username, password="wrong").predict(ROW)


def test_requests_beyond_a_limit_and_tokens_that_expire_are_not_noticed(
    make_client: MakeClient, strict: RunningService
) -> None:
    client = make_client(strict.base_url, username=strict.username, password=strict.password)
    start = time.monotonic()

    predictions = [client.predict(ROW).prediction for _ in range(12)]

    assert len(set(predictions)) == 1
    assert time.monotonic() - start > 1, "the limit has been in the way, and the token has expired"


def test_a_limit_is_said_where_nothing_may_be_repeated(make_client: MakeClient, strict: RunningService) -> None:
    client = make_client(
        strict.base_url, username=strict.username, password=strict.password, retries=Retries(attempts=1)
    )

    with pytest.raises(ApiError) as refusal:
        deque(client.predict(ROW) for _ in range(100))

    assert (refusal.value.status, refusal.value.message) == (429, "Too many requests")
    assert refusal.value.retry_after is not None
    assert 0 < refusal.value.retry_after <= 1


def test_a_service_that_comes_back_with_another_key_is_asked_with_another_token(model_dir: Path) -> None:
    port = settings_environment(model_dir)["PORT"]
    with running_service(BASELINE, model_dir, PORT=port, WORKERS=1) as service:
        client = PredictionClient(service.base_url, username=service.username, password=service.password)
        before = client.predict(ROW).prediction
    with running_service(BASELINE, model_dir, PORT=port, WORKERS=1, SECRET_KEY="another-key-" * 6), client:
        assert client.predict(ROW).prediction == before


def test_a_service_that_ends_says_that_it_is_not_ready(model_dir: Path) -> None:
    with (
        running_service(BASELINE, model_dir, DRAIN_SECONDS=4, WORKERS=1) as service,
        PredictionClient(service.base_url) as client,
    ):
        client.ready()
        terminate(service)

        wait_until(lambda: is_refused(client), "/ready says 503", seconds=4)


def is_refused(client: PredictionClient) -> bool:
    try:
        client.ready()
    except ApiError as error:
        return (error.status, error.message) == (503, "Service unavailable")
    return False
