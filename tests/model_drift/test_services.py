"""A service's own log, of requests as the lab's load sends them: like the training data, feature by feature."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from serving_lab.model_drift.result import DriftResult, Standing
from serving_lab.results import files
from support.checkout import REPOSITORY
from support.command import lab
from support.exposition import scrape
from support.services import BASELINE, RunningService, running_service, wait_until

ROWS = 400
LOG = "predictions.jsonl"  # in the directory where the service runs


@pytest.fixture(scope="module")
def service(model_dir: Path) -> Iterator[RunningService]:
    with running_service(
        BASELINE, model_dir, WORKERS=2, PREDICTION_LOG=LOG, PREDICTION_LOG_MAX_BYTES=60_000, PREDICTION_LOG_BACKUPS=9
    ) as running:
        yield running


def rows() -> list[list[float]]:
    """As loadtest/api.yaml draws new rows: each feature by itself, between deciles."""
    random = np.random.default_rng(1)
    features = json.loads((REPOSITORY / "loadtest" / "features.json").read_text())
    columns = [
        np.interp(random.uniform(0, 10, ROWS), range(11), each["quantiles"]).round(each["decimals"])
        for each in features
    ]
    drawn: list[list[float]] = np.column_stack(columns).tolist()
    return drawn


def test_the_labs_own_load_has_not_drifted_and_no_line_is_lost(
    service: RunningService, model_dir: Path, tmp_path: Path
) -> None:
    asked = rows()
    with service.client(service.login()) as client:
        for row in (*asked, *asked[:50]):
            assert client.post("/predict", json={"features": row}).status_code == 200
    wait_until(lambda: scrape(service).value("prediction_log_written_total") == ROWS + 50, "all rows are written")
    assert service.directory is not None
    log = service.directory / LOG

    done = lab("model", "drift", log, "--artifact", model_dir, "--output", tmp_path)

    result = files.read(tmp_path / "drift.json", DriftResult)
    (version,) = result.models
    assert (version.rows, version.repeated, result.damaged, result.other) == (ROWS, 50, 0, 0)
    assert len(result.log) > 1, "it was rotated"
    assert (done.returncode, version.standing) == (0, Standing.NONE), version.why
