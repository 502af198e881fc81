"""The prediction log: a line a row, whole, bounded, and never in the way of a request."""

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.exposition import scrape
from support.services import SERVICE_NAMES, RunningService, running_services, wait_until
from support.wire import Request, send

from contract.cases import ROW, random_rows
from contract.cases.bodies import GOOD

LOG = "predictions.jsonl"  # each service has it in the directory where it runs


def entries(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the entries of log files, each line of which must be a whole one."""
    texts = [path.read_text() for path in paths if path.exists()]
    assert all(text.endswith("\n") for text in texts if text)
    return [json.loads(line) for text in texts for line in text.splitlines()]


def files_of(log: Path) -> list[Path]:
    """Return the log's file and its backups."""
    return sorted(log.parent.glob(f"{log.name}*"))


def log_of(service: RunningService) -> Path:
    """Return the path of the service's log."""
    assert service.directory is not None
    return service.directory / LOG


def written_and_dropped(service: RunningService) -> tuple[float, float]:
    """Return what the service says of its log."""
    exposition = scrape(service)
    return exposition.value("prediction_log_written_total"), exposition.value("prediction_log_dropped_total")


def wait_for_counts(service: RunningService, *, written: int, dropped: int) -> None:
    """Wait until the service has written and dropped this many rows."""
    wait_until(lambda: written_and_dropped(service) == (written, dropped), f"{written} written, {dropped} dropped")


def wait_for_total(service: RunningService, rows: int) -> None:
    """Wait until every row is accounted for."""
    wait_until(lambda: sum(written_and_dropped(service)) == rows, f"{rows} rows written or dropped")


def predict_batch(service: RunningService, token: str, rows: list[list[float]]) -> None:
    """Ask for a batch on a connection of its own."""
    body = json.dumps({"samples": rows}).encode()
    assert send(service, Request("POST", "/batch-predict", body=body), token).status_code == 200


@pytest.fixture(scope="module")
def group(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, PREDICTION_LOG=LOG) as group:
        yield group


@pytest.fixture(params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest, group: Mapping[str, RunningService]) -> RunningService:
    """Each service with a log."""
    return group[request.param]


def entries_of_request(service: RunningService, request_id: str) -> list[dict[str, Any]]:
    return [entry for entry in entries([log_of(service)]) if entry["request_id"] == request_id]


def test_a_prediction_is_a_line_with_all_that_led_to_it(service: RunningService) -> None:
    token = service.login()
    send(service, Request("POST", "/cache/clear", headers=()), token)
    request = Request("POST", "/predict", body=GOOD)
    answers = [
        send(service, request.with_headers(("X-Request-ID", request_id)), token).json()
        for request_id in ("first", "second")
    ]
    wait_until(lambda: all(entries_of_request(service, request_id) for request_id in ("first", "second")), "both lines")

    for request_id, answer in zip(("first", "second"), answers, strict=True):
        [entry] = entries_of_request(service, request_id)
        assert abs(datetime.fromisoformat(entry.pop("time")) - datetime.now(UTC)) < timedelta(minutes=1)
        assert entry == {
            "request_id": request_id,
            "user": service.username,
            "features": list(ROW),
            "prediction": answer["prediction"],
            "cached": request_id == "second",
            "model_version": answer["model_version"],
        }


def test_a_batch_is_a_line_a_row(service: RunningService) -> None:
    rows = random_rows(20, seed=40)
    with service.client(service.login()) as client:
        response = client.post("/batch-predict", json={"samples": rows}, headers={"X-Request-ID": "batch"})
    wait_until(lambda: len(entries_of_request(service, "batch")) == 20, "20 lines")

    lines = entries_of_request(service, "batch")
    assert [line["features"] for line in lines] == rows
    assert [line["prediction"] for line in lines] == response.json()["predictions"]
    assert {line["cached"] for line in lines} == {False}


def test_what_is_refused_is_not_logged_and_what_is_logged_is_counted(service: RunningService) -> None:
    token = service.login()
    before = sum(written_and_dropped(service))
    send(service, Request("POST", "/predict", body=b'{"features": []}'), token)
    send(service, Request("POST", "/predict", body=GOOD, signed_in=False))
    send(service, Request("POST", "/predict", body=GOOD), token)
    wait_until(lambda: written_and_dropped(service)[0] > before, "the line")

    assert written_and_dropped(service) == (before + 1, 0)
    assert len(entries([log_of(service)])) == before + 1


def test_the_last_predictions_are_written_before_the_end(model_dir: Path, tmp_path: Path) -> None:
    """All write to one file here: whole lines all the same."""
    log = tmp_path / "predictions.jsonl"
    with running_services(model_dir, PREDICTION_LOG=log, WORKERS=4) as group:
        for service in group.values():
            token = service.login()
            for _ in range(10):
                predict_batch(service, token, random_rows(100, seed=41))

    assert len(entries([log])) == 1000 * len(group)


def test_it_can_go_to_standard_output(model_dir: Path) -> None:
    with running_services(model_dir, PREDICTION_LOG="stdout", WORKERS=4) as group:
        for service in group.values():
            token = service.login()
            for _ in range(10):
                predict_batch(service, token, random_rows(50, seed=42))
            wait_for_counts(service, written=500, dropped=0)

            lines = [json.loads(line) for line in service.stdout().splitlines()]
            assert len(lines) == 500
            assert all(line["model_version"] for line in lines)


def test_without_the_setting_there_is_none(services: Mapping[str, RunningService], model_dir: Path) -> None:
    assert model_dir.is_dir()
    for service in services.values():
        predict_batch(service, service.login(), [list(ROW)])

        assert written_and_dropped(service) == (0, 0)
        assert service.stdout() == ""


def test_four_workers_rotate_it_without_tearing_a_line(model_dir: Path) -> None:
    max_bytes, batches = 40_000, 50
    sent = sorted(row for seed in range(batches) for row in random_rows(20, seed))
    with running_services(
        model_dir, PREDICTION_LOG=LOG, PREDICTION_LOG_MAX_BYTES=max_bytes, PREDICTION_LOG_BACKUPS=900, WORKERS=4
    ) as group:
        for service in group.values():
            token = service.login()
            with ThreadPoolExecutor(8) as pool:
                for seed in range(batches):
                    pool.submit(predict_batch, service, token, random_rows(20, seed))
            wait_for_counts(service, written=len(sent), dropped=0)

            files = files_of(log_of(service))
            assert len(files) > 5
            assert all(0 < path.stat().st_size <= max_bytes for path in files)
            assert sorted(line["features"] for line in entries(files)) == sent


def test_old_files_are_removed(model_dir: Path) -> None:
    # One worker, because only one writes in the order of the requests.
    with running_services(
        model_dir, PREDICTION_LOG=LOG, PREDICTION_LOG_MAX_BYTES=20_000, PREDICTION_LOG_BACKUPS=2, WORKERS=1
    ) as group:
        for service in group.values():
            token = service.login()
            for seed in range(30):
                predict_batch(service, token, random_rows(20, seed))
            wait_for_counts(service, written=600, dropped=0)

            assert [path.name for path in files_of(log_of(service))] == [LOG, f"{LOG}.1", f"{LOG}.2"]
            assert entries([log_of(service)])[-1]["features"] == random_rows(20, seed=29)[-1]


@pytest.mark.parametrize("place", ["full", "below a file"])
def test_a_place_that_takes_nothing_fails_no_request_and_is_counted(
    model_dir: Path, tmp_path: Path, place: str
) -> None:
    destinations = {"full": tmp_path / "full", "below a file": tmp_path / "file" / "predictions.jsonl"}
    (tmp_path / "full").symlink_to("/dev/full")
    (tmp_path / "file").touch()
    with running_services(model_dir, PREDICTION_LOG=destinations[place]) as group:
        for service in group.values():
            token = service.login()
            for _ in range(4):
                predict_batch(service, token, random_rows(25, seed=43))

            wait_for_counts(service, written=0, dropped=100)
            assert send(service, Request("GET", "/ready")).status_code == 200


def test_a_removed_directory_fails_no_request_and_loses_no_count(model_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "predictions.jsonl"
    log.parent.mkdir()
    with running_services(model_dir, PREDICTION_LOG=log) as group:
        tokens = {name: service.login() for name, service in group.items()}
        for name, service in group.items():
            predict_batch(service, tokens[name], random_rows(10, seed=45))
            wait_for_counts(service, written=10, dropped=0)

        shutil.rmtree(log.parent)
        for name, service in group.items():
            for _ in range(4):
                predict_batch(service, tokens[name], random_rows(10, seed=46))

            wait_for_total(service, 50)


def test_a_destination_that_nobody_reads_holds_up_no_request(model_dir: Path, tmp_path: Path) -> None:
    """A full pipe blocks its writer: what the bounded queue cannot take is dropped, and the service still ends."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held_open = os.open(pipe, os.O_RDWR)
    try:
        with running_services(model_dir, PREDICTION_LOG=pipe, PREDICTION_LOG_QUEUE_ENTRIES=50) as group:
            for service in group.values():
                token = service.login()
                started = time.perf_counter()
                for _ in range(40):
                    predict_batch(service, token, random_rows(100, seed=47))

                assert time.perf_counter() - started < 10
                assert written_and_dropped(service)[1] > 0
    finally:
        os.close(held_open)


def test_a_queue_that_is_too_short_drops_and_counts(model_dir: Path) -> None:
    with running_services(model_dir, PREDICTION_LOG=LOG, PREDICTION_LOG_QUEUE_ENTRIES=10, WORKERS=1) as group:
        for service in group.values():
            predict_batch(service, service.login(), random_rows(100, seed=48))
            wait_for_total(service, 100)
            written, dropped = written_and_dropped(service)

            assert dropped >= 50
            assert len(entries([log_of(service)])) == written >= 10
