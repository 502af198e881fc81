"""/health, /ready, /model-info, and whether the model behind them is the one that scikit-learn trained."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from model_training.artifact import write_artifact
from model_training.estimators import train
from support.answers import assert_all_alike
from support.services import RunningService, running_services
from support.wire import Request, send

from contract.cases import random_rows


def test_health_tells_the_time_and_for_how_long_the_service_has_been_up(service: RunningService) -> None:
    body = send(service, Request("GET", "/health")).json()

    assert set(body) == {"status", "timestamp", "uptime_seconds"}
    assert body["status"] == "healthy"
    timestamp = datetime.fromisoformat(body["timestamp"])
    assert timestamp.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - timestamp) < timedelta(seconds=10)
    assert isinstance(body["uptime_seconds"], float)


def test_uptime_is_the_services_and_not_a_workers(service: RunningService) -> None:
    uptimes = [send(service, Request("GET", "/health")).json()["uptime_seconds"] for _ in range(30)]

    assert uptimes == sorted(uptimes)
    assert uptimes[0] > 0


def test_ready_names_the_model(service: RunningService) -> None:
    ready = send(service, Request("GET", "/ready")).json()
    info = send(service, Request("GET", "/model-info")).json()

    assert ready == {"status": "ready", "model_version": info["version"]}


def test_model_info_describes_the_model(service: RunningService) -> None:
    info = send(service, Request("GET", "/model-info")).json()

    assert set(info) == {
        "version",
        "model_type",
        "input_features",
        "feature_names",
        "dataset",
        "training_date",
        "metrics",
        "format",
        "sha256",
    }
    assert (info["model_type"], info["input_features"], info["format"]) == ("random_forest", 10, "onnx")
    assert len(set(info["feature_names"])) == 10
    assert all(isinstance(name, str) and name for name in info["feature_names"])
    assert "diabetes" in info["dataset"]
    assert isinstance(info["version"], str)
    assert date.fromisoformat(info["training_date"][:10]) <= datetime.now(UTC).date()
    assert info["metrics"]
    assert all(isinstance(value, int | float) for value in info["metrics"].values())
    assert len(bytes.fromhex(info["sha256"])) == 32


def test_all_services_have_the_same_model(services: Mapping[str, RunningService]) -> None:
    infos = {name: send(service, Request("GET", "/model-info")).json() for name, service in services.items()}

    assert_all_alike(infos)


def test_the_digest_is_that_of_the_file(service: RunningService, model_dir: Path) -> None:
    digest = hashlib.sha256((model_dir / "model.onnx").read_bytes()).hexdigest()

    assert send(service, Request("GET", "/model-info")).json()["sha256"] == digest


def test_predictions_are_scikit_learns_own(service: RunningService, token: str) -> None:
    forest = train("random_forest")
    patients = forest.data.rows.tolist()[:100]
    rows = [*patients, *random_rows(300, seed=3)]
    expected = forest.regressor.predict(rows)

    with service.client(token) as client:
        predictions = [
            prediction
            for start in range(0, len(rows), 100)
            for prediction in client.post("/batch-predict", json={"samples": rows[start : start + 100]}).json()[
                "predictions"
            ]
        ]

    assert predictions == pytest.approx(expected.tolist(), rel=1e-9, abs=0)


def test_values_next_to_a_threshold_fall_on_scikit_learns_side(service: RunningService, token: str) -> None:
    """Scikit-learn rounds its input to single precision; whoever does not, errs where a value lies at a split."""
    forest = train("random_forest")
    tree = forest.regressor.estimators_[0].tree_
    splits = [
        (feature, threshold) for feature, threshold in zip(tree.feature, tree.threshold, strict=True) if feature >= 0
    ]
    rows = []
    for feature, threshold in splits[:50]:
        for value in (threshold, threshold * (1 + 1e-12), threshold * (1 - 1e-12), threshold * (1 + 3e-8)):
            row = forest.data.rows[0].tolist()
            row[feature] = float(value)
            rows.append(row)
    expected = forest.regressor.predict(rows[:100])

    with service.client(token) as client:
        predictions = client.post("/batch-predict", json={"samples": rows[:100]}).json()["predictions"]

    assert predictions == pytest.approx(expected.tolist(), rel=1e-9, abs=0)


@pytest.mark.usefixtures("model_dir")  # it starts services, and must not count as a test of those that run
def test_the_other_family_is_served_alike(tmp_path: Path) -> None:
    boosting = train("gradient_boosting")
    write_artifact(boosting, tmp_path, date(2026, 1, 31), "2.0.0")
    rows = [*boosting.data.rows.tolist()[:50], *random_rows(50, seed=4)]

    with running_services(tmp_path, WORKERS=1) as group:
        answers = {}
        for name, service in group.items():
            with service.client(service.login()) as client:
                info = client.get("/model-info").json()
                answers[name] = client.post("/batch-predict", json={"samples": rows}).json()
            assert (info["model_type"], info["version"]) == ("gradient_boosting", "2.0.0")

    for answer in answers.values():
        assert answer["model_version"] == "2.0.0"
        assert answer["predictions"] == pytest.approx(boosting.regressor.predict(rows).tolist(), rel=1e-9, abs=0)
