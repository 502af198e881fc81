"""The prediction log: a line a row, whole, bounded, and never in the way of a request."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.exposition import scrape
from support.services import SERVICE_NAMES, RunningService, ServiceName, running_service, wait_until
from support.wire import Request, send

from contract.cases import ROW, random_rows
from contract.cases.bodies import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

each_service = pytest.mark.parametrize("name", SERVICE_NAMES)


def entries(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the entries of log files, each line of which must be a whole one."""
    texts = [path.read_text() for path in paths]
    assert all(text.endswith("\n") for text in texts if text)
    return [json.loads(line) for text in texts for line in text.splitlines()]


def files_of(log: Path) -> list[Path]:
    """Return the log's file and its backups."""
    return sorted(log.parent.glob(f"{log.name}*"))


def written_and_dropped(service: RunningService) -> tuple[float, float]:
    """Return what the service says of its log."""
    exposition = scrape(service)
    return exposition.value("prediction_log_written_total"), exposition.value("prediction_log_dropped_total")


def predict_batch(service: RunningService, token: str, rows: list[list[float]]) -> None:
    """Ask for a batch on a connection of its own."""
    body = json.dumps({"samples": rows}).encode()
    assert send(service, Request("POST", "/batch-predict", body=body), token).status_code == 200


@each_service
def test_a_prediction_is_a_line_with_all_that_led_to_it(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    log = tmp_path / "predictions.jsonl"
    with running_service(name, model_dir, PREDICTION_LOG=log) as service:
        token = service.login()
        request = Request("POST", "/predict", body=GOOD)
        answers = [
            send(service, request.with_headers(("X-Request-ID", request_id)), token).json()
            for request_id in ("first", "second")
        ]
        wait_until(lambda: log.exists() and len(entries([log])) == 2, "two lines")

        lines = entries([log])
        assert written_and_dropped(service) == (2, 0)
    for line in lines:
        assert abs(datetime.fromisoformat(line.pop("time")) - datetime.now(UTC)) < timedelta(minutes=1)
    expected = {
        "user": service.username,
        "features": list(ROW),
        "prediction": answers[0]["prediction"],
        "model_version": answers[0]["model_version"],
    }
    by_id = {line["request_id"]: line for line in lines}
    assert by_id == {
        "first": expected | {"request_id": "first", "cached": False},
        "second": expected | {"request_id": "second", "cached": True},
    }


@each_service
def test_a_batch_is_a_line_a_row_and_a_refusal_is_none(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    log = tmp_path / "predictions.jsonl"
    rows = random_rows(20, seed=40)
    with running_service(name, model_dir, PREDICTION_LOG=log) as service:
        token = service.login()
        send(service, Request("POST", "/predict", body=b'{"features": []}'), token)
        send(service, Request("POST", "/predict", body=GOOD, signed_in=False))
        with service.client(token) as client:
            response = client.post("/batch-predict", json={"samples": rows}, headers={"X-Request-ID": "batch"})
    lines = entries([log])

    assert [line["features"] for line in lines] == rows
    assert [line["prediction"] for line in lines] == response.json()["predictions"]
    assert {line["request_id"] for line in lines} == {"batch"}
    assert {line["cached"] for line in lines} == {False}


@each_service
def test_the_last_predictions_are_written_before_the_end(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    log = tmp_path / "predictions.jsonl"
    with running_service(name, model_dir, PREDICTION_LOG=log, WORKERS=4) as service:
        token = service.login()
        for _ in range(20):
            predict_batch(service, token, random_rows(100, seed=41))

    assert len(entries([log])) == 2000


@each_service
def test_it_can_go_to_standard_output(model_dir: Path, name: ServiceName) -> None:
    with running_service(name, model_dir, PREDICTION_LOG="stdout", WORKERS=4) as service:
        token = service.login()
        for _ in range(10):
            predict_batch(service, token, random_rows(50, seed=42))
        wait_until(lambda: written_and_dropped(service) == (500, 0), "500 written")

        lines = [json.loads(line) for line in service.stdout().splitlines()]
    assert len(lines) == 500
    assert all(line["model_version"] for line in lines)


@each_service
def test_without_the_setting_there_is_none(model_dir: Path, name: ServiceName) -> None:
    with running_service(name, model_dir) as service:
        predict_batch(service, service.login(), [list(ROW)])

        assert written_and_dropped(service) == (0, 0)
        assert service.stdout() == ""


@each_service
def test_four_workers_rotate_it_without_tearing_a_line(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    log, max_bytes, batches = tmp_path / "predictions.jsonl", 40_000, 60
    with running_service(
        name, model_dir, PREDICTION_LOG=log, PREDICTION_LOG_MAX_BYTES=max_bytes, PREDICTION_LOG_BACKUPS=900, WORKERS=4
    ) as service:
        token = service.login()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda seed: predict_batch(service, token, random_rows(20, seed)), range(batches)))
        wait_until(lambda: sum(written_and_dropped(service)) == batches * 20, "all written")
        dropped = written_and_dropped(service)[1]

    files = files_of(log)
    assert len(files) > 5
    assert all(0 < path.stat().st_size <= max_bytes for path in files)
    rows = sorted(line["features"] for line in entries(files))
    assert dropped == 0
    assert rows == sorted(row for seed in range(batches) for row in random_rows(20, seed))


@each_service
def test_old_files_are_removed(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    log = tmp_path / "predictions.jsonl"
    with running_service(
        name, model_dir, PREDICTION_LOG=log, PREDICTION_LOG_MAX_BYTES=20_000, PREDICTION_LOG_BACKUPS=2, WORKERS=2
    ) as service:
        token = service.login()
        for seed in range(30):
            predict_batch(service, token, random_rows(20, seed))
        wait_until(lambda: written_and_dropped(service)[0] == 600, "all written")

    assert [path.name for path in files_of(log)] == [log.name, f"{log.name}.1", f"{log.name}.2"]
    newest = entries([log])[-1]["features"]
    assert newest in random_rows(20, seed=29)


@each_service
def test_a_full_disk_fails_no_request_and_is_counted(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with running_service(name, model_dir, PREDICTION_LOG=full) as service:
        token = service.login()
        for _ in range(4):
            predict_batch(service, token, random_rows(25, seed=43))

        wait_until(lambda: written_and_dropped(service) == (0, 100), "100 dropped")
        assert send(service, Request("GET", "/ready")).status_code == 200


@each_service
def test_a_place_that_cannot_be_fails_no_request_and_is_counted(
    model_dir: Path, tmp_path: Path, name: ServiceName
) -> None:
    (tmp_path / "file").touch()
    with running_service(name, model_dir, PREDICTION_LOG=tmp_path / "file" / "predictions.jsonl") as service:
        token = service.login()
        predict_batch(service, token, random_rows(10, seed=44))

        wait_until(lambda: written_and_dropped(service) == (0, 10), "10 dropped")


@each_service
def test_a_removed_directory_fails_no_request_and_loses_no_count(
    model_dir: Path, tmp_path: Path, name: ServiceName
) -> None:
    log = tmp_path / "logs" / "predictions.jsonl"
    log.parent.mkdir()
    with running_service(name, model_dir, PREDICTION_LOG=log) as service:
        token = service.login()
        predict_batch(service, token, random_rows(10, seed=45))
        wait_until(lambda: written_and_dropped(service) == (10, 0), "10 written")

        shutil.rmtree(log.parent)
        for _ in range(4):
            predict_batch(service, token, random_rows(10, seed=46))

        wait_until(lambda: sum(written_and_dropped(service)) == 50, "every row accounted for")


@each_service
def test_a_destination_that_nobody_reads_holds_up_no_request(
    model_dir: Path, tmp_path: Path, name: ServiceName
) -> None:
    """A full pipe blocks its writer: what the bounded queue cannot take is dropped, and the service still ends."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held_open = os.open(pipe, os.O_RDWR)
    try:
        with running_service(
            name, model_dir, PREDICTION_LOG=pipe, PREDICTION_LOG_QUEUE_ENTRIES=50, WORKERS=2
        ) as service:
            token = service.login()
            started = time.perf_counter()
            for _ in range(40):
                predict_batch(service, token, random_rows(100, seed=47))
            elapsed = time.perf_counter() - started

            assert elapsed < 10
            wait_until(lambda: written_and_dropped(service)[1] > 0, "something dropped")
    finally:
        os.close(held_open)


@each_service
def test_a_queue_that_is_too_short_drops_and_counts(model_dir: Path, tmp_path: Path, name: ServiceName) -> None:
    log = tmp_path / "predictions.jsonl"
    with running_service(name, model_dir, PREDICTION_LOG=log, PREDICTION_LOG_QUEUE_ENTRIES=10, WORKERS=1) as service:
        predict_batch(service, service.login(), random_rows(100, seed=48))
        wait_until(lambda: sum(written_and_dropped(service)) == 100, "every row accounted for")
        written, dropped = written_and_dropped(service)

    assert dropped >= 50
    assert len(entries([log])) == written >= 10
