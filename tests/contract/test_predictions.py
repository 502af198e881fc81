"""/predict and /batch-predict: what they take and what they answer."""

import pytest
from support.answers import assert_contract_headers, assert_error
from support.services import RunningService
from support.wire import send

from contract.cases import ROW, Accepted, Fault, each, random_rows
from contract.cases.features import BATCH_ACCEPTED, BATCH_FAULTS, PREDICT_ACCEPTED, PREDICT_FAULTS


@each("fault", PREDICT_FAULTS)
def test_wrong_features_are_named(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


@each("accepted", PREDICT_ACCEPTED)
def test_numbers_in_range_are_predicted(service: RunningService, token: str, accepted: Accepted) -> None:
    response = send(service, accepted.request, token)

    assert response.status_code == 200, response.text


@each("fault", BATCH_FAULTS)
def test_the_first_wrong_value_of_a_batch_is_named(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


@each("accepted", BATCH_ACCEPTED)
def test_batches_of_1_to_100_rows_are_predicted(service: RunningService, token: str, accepted: Accepted) -> None:
    response = send(service, accepted.request, token)

    assert response.status_code == 200, response.text


def test_a_prediction_has_these_keys_and_types(service: RunningService, token: str) -> None:
    with service.client(token) as client:
        response = client.post("/predict", json={"features": ROW})

    assert response.headers["Content-Type"] == "application/json"
    assert_contract_headers(response)
    body = response.json()
    assert {key: type(value) for key, value in body.items()} == {
        "prediction": float,
        "cached": bool,
        "model_version": str,
    }
    assert 25 <= body["prediction"] <= 346, "a forest predicts within its training targets"


def test_a_batch_has_these_keys_and_types(service: RunningService, token: str) -> None:
    with service.client(token) as client:
        response = client.post("/batch-predict", json={"samples": [ROW, ROW, ROW]})

    assert response.headers["Content-Type"] == "application/json"
    assert_contract_headers(response)
    body = response.json()
    assert {key: type(value) for key, value in body.items()} == {
        "predictions": list,
        "count": int,
        "model_version": str,
        "inference_ms": float,
    }
    assert body["count"] == len(body["predictions"]) == 3
    assert len({*body["predictions"]}) == 1
    assert 0 < body["inference_ms"] < 10_000


def test_a_batch_gives_exactly_what_its_rows_give_one_by_one(service: RunningService, token: str) -> None:
    rows = random_rows(100, seed=1)
    with service.client(token) as client:
        batch = client.post("/batch-predict", json={"samples": rows}).json()["predictions"]
        singles = [client.post("/predict", json={"features": row}).json()["prediction"] for row in rows]

    assert batch == singles
    assert len(set(singles)) > 20, "rows so different must not all get one prediction"


def test_a_batch_does_not_touch_the_cache(service: RunningService, token: str) -> None:
    rows = random_rows(5, seed=2)
    with service.client(token) as client:
        before = client.get("/cache/stats").json()
        client.post("/batch-predict", json={"samples": rows}).raise_for_status()
        after = client.get("/cache/stats").json()
        cached = [client.post("/predict", json={"features": row}).json()["cached"] for row in rows]

    assert after == before
    assert cached == [False] * 5


@pytest.mark.parametrize("path", ["/predict", "/batch-predict"])
def test_the_model_version_is_that_of_model_info(service: RunningService, token: str, path: str) -> None:
    body = {"features": ROW} if path == "/predict" else {"samples": [ROW]}
    with service.client(token) as client:
        version = client.get("/model-info").json()["version"]
        answer = client.post(path, json=body).json()

    assert answer["model_version"] == version
