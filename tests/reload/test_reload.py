"""A service under load takes one model after the other: no request is dropped, and no answer is mixed.

RELOADS says how many; `make reload-proof` is the long form.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import pytest
from support.exposition import scrape
from support.processors import undisturbed
from support.services import SERVICE_NAMES, RunningService, running_service, wait_until

from reload.models import Models
from reload.traffic import Expected, Traffic

RELOADS = int(os.environ.get("RELOADS", "4"))
WORKERS = 2
ROLLBACK_SECONDS = 1.0
MEMORY_SHARE = 0.05


@pytest.mark.alone
@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_no_request_is_dropped_and_no_answer_is_mixed(model_dir: Path, name: str, tmp_path: Path) -> None:
    """Every second model is new; the others are the one before it, which must be back within a second."""
    models = Models(tmp_path / "models")
    new = [models.make(f"2.{number}.0", seed=number) for number in range(RELOADS // 2)]
    expected = Expected.of([model_dir, *new])
    models.serve(model_dir)
    log = tmp_path / "predictions.jsonl"
    back_seconds, memory_bytes = [], []

    with running_service(
        name,
        model_dir,
        undisturbed(),
        WORKERS=WORKERS,
        MODEL_UPDATES_DIR=models.store.root,
        PREDICTION_LOG=log,
        PREDICTION_LOG_MAX_BYTES=1 << 40,
    ) as service:
        with Traffic(service, expected) as traffic:
            for directory in new:
                turn_to(traffic, models, directory)
                back_seconds.append(turn_to(traffic, models, model_dir))
                memory_bytes.append(least_memory_bytes(service))
        after = scrape(service)

    assert traffic.failed == []
    assert {answer.version for answer in traffic.answers} == set(expected.values)
    assert statistics.median(back_seconds) < ROLLBACK_SECONDS
    assert memory_bytes[-1] < memory_bytes[0] * (1 + MEMORY_SHARE)
    assert after.value("model_reloads_total", result="loaded") == 2 * len(new)
    check_log(log, expected, int(after.value("predictions_total")))
    sys.stdout.write(
        f"{name}: {2 * len(new)} reloads, {len(traffic.answers)} answers, 0 failed, 0 mixed; "
        f"back after {statistics.median(back_seconds):.2f} s, at most {max(back_seconds):.2f} s; "
        f"memory {memory_bytes[0] / 1e6:.1f} MB after the first two, {memory_bytes[-1] / 1e6:.1f} MB in the end\n"
    )


def turn_to(traffic: Traffic, models: Models, directory: Path) -> float:
    """Let a model serve; returns how long after that the last request was begun that the other one answered (s)."""
    version = json.loads((directory / "model.json").read_text())["version"]
    name = models.store.lay_down(directory)
    before = scrape(traffic.service).value("model_reloads_total", result="loaded")
    began = time.monotonic()
    models.point_to(name)

    def has_taken_over() -> bool:
        time.sleep(0.1)  # reading the metrics takes time of the service
        seen = scrape(traffic.service)
        is_loaded = seen.value("model_reloads_total", result="loaded") == before + 1
        return is_loaded and seen.value("service_workers") == WORKERS

    wait_until(has_taken_over, f"{version} has taken over", seconds=60, explain=traffic.service.stderr)
    traffic.wait_for_more()
    return traffic.last_of_others(version) - began


def least_memory_bytes(service: RunningService) -> float:
    """PSS of all its processes under load: the least of some readings."""
    readings = []
    for _ in range(10):
        readings.append(scrape(service).value("service_memory_bytes", kind="pss"))
        time.sleep(0.1)
    return min(readings)


def check_log(log: Path, expected: Expected, rows: int) -> None:
    """Each predicted row is in the log, with what the model that it names says."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(entries) == rows
    numbers = {tuple(row): number for number, row in enumerate(expected.rows)}
    for entry in entries:
        expected.check(entry["model_version"], [numbers[tuple(entry["features"])]], [entry["prediction"]])
