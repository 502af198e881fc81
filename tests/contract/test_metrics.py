"""/metrics: the same families on all services, with values of the whole service, with one worker and with four."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from support.answers import assert_all_alike
from support.exposition import Exposition, Series, scrape
from support.services import SERVICE_NAMES, RunningService, running_services, wait_until
from support.wire import Request, encode, read_response, send

from contract.cases import random_rows
from contract.cases.access import login
from contract.cases.bodies import GOOD, padded

Group = Mapping[str, RunningService]

FAMILIES = {
    "http_requests_total": ("counter", {"method", "handler", "status"}),
    "http_request_duration_seconds": ("histogram", {"method", "handler"}),
    "http_requests_in_progress": ("gauge", set()),
    "predictions_total": ("counter", {"handler"}),
    "model_inference_duration_seconds": ("histogram", {"handler"}),
    "prediction_cache_requests_total": ("counter", {"result"}),
    "prediction_cache_entries": ("gauge", set()),
    "prediction_cache_evictions_total": ("counter", set()),
    "prediction_log_written_total": ("counter", set()),
    "prediction_log_dropped_total": ("counter", set()),
    "auth_failures_total": ("counter", {"reason"}),
    "rate_limited_requests_total": ("counter", {"handler"}),
    "store_errors_total": ("counter", {"use"}),
    "store_circuit_open": ("gauge", {"use"}),
    "websocket_connections": ("gauge", set()),
    "websocket_messages_total": ("counter", {"outcome"}),
    "model_reloads_total": ("counter", {"result"}),
    "service_info": (
        "gauge",
        {"framework", "framework_version", "server", "python", "workers", "model_version", "model_sha256"},
    ),
    "service_memory_bytes": ("gauge", {"kind"}),
    "service_memory_limit_bytes": ("gauge", set()),
    "service_cpu_limit_cores": ("gauge", set()),
    "service_cpu_seconds_total": ("counter", set()),
    "service_workers": ("gauge", set()),
    "service_startup_seconds": ("gauge", set()),
}  # fmt: skip
REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, float("inf")]

BATCH = b'{"samples": [[1,2,3,4,5,6,7,8,9,10], [0,0,0,0,0,0,0,0,0,0], [1,1,1,1,1,1,1,1,1,1]]}'
# What each request is counted as: method, handler, status.
TRAFFIC = [
    (Request("GET", "/health"), ("GET", "/health", "200")),
    (Request("HEAD", "/health"), ("HEAD", "/health", "200")),
    (Request("GET", "/model-info?x=1"), ("GET", "/model-info", "200")),
    (login('{"username": "x", "password": "y"}'), ("POST", "/login", "401")),
    (login("{"), ("POST", "/login", "400")),
    (Request("POST", "/predict", body=GOOD), ("POST", "/predict", "200")),
    (Request("POST", "/predict", body=GOOD), ("POST", "/predict", "200")),
    (Request("POST", "/predict", body=b"{}"), ("POST", "/predict", "400")),
    (Request("POST", "/predict", body=GOOD, signed_in=False), ("POST", "/predict", "401")),
    (Request("POST", "/predict", headers=(), body=GOOD), ("POST", "/predict", "415")),
    (Request("POST", "/predict", body=padded(1_048_577)), ("POST", "/predict", "413")),
    (Request("POST", "/batch-predict", body=BATCH), ("POST", "/batch-predict", "200")),
    (Request("GET", "/cache/stats"), ("GET", "/cache/stats", "200")),
    (Request("POST", "/cache/clear", headers=()), ("POST", "/cache/clear", "200")),
    (Request("GET", "/no-such-path"), ("GET", "none", "404")),
    (Request("GET", "/another/one"), ("GET", "none", "404")),
    (Request("DELETE", "/also/unknown"), ("DELETE", "none", "404")),
]  # fmt: skip


@pytest.fixture(scope="module", params=[1, 4], ids=["1 worker", "4 workers"])
def group(request: pytest.FixtureRequest, model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    log = tmp_path_factory.mktemp("log") / "predictions.jsonl"
    with running_services(model_dir, WORKERS=request.param, PREDICTION_LOG=log) as group:
        yield group


@pytest.fixture(params=SERVICE_NAMES)
def one(request: pytest.FixtureRequest, group: Group) -> RunningService:
    """Each service in turn, with one worker and with four."""
    return group[request.param]


def change(before: Exposition, after: Exposition, name: str, **labels: str) -> float:
    """Return by how much the series of this name and these labels have risen."""
    return after.value(name, **labels) - before.value(name, **labels)


def counted_requests(service: RunningService) -> float:
    """Return how many requests the service has counted, those for its metrics left out."""
    exposition = scrape(service)
    return exposition.value("http_requests_total") - exposition.value("http_requests_total", handler="/metrics")


@contextlib.contextmanager
def all_counted(service: RunningService, requests: int) -> Iterator[None]:
    """Wait until so many requests that are sent meanwhile are counted: each is so only once it is answered."""
    before = counted_requests(service)
    yield
    wait_until(lambda: counted_requests(service) == before + requests, f"{requests} requests are counted, each once")


def send_traffic(service: RunningService, times: int = 4) -> None:
    """Send everything in TRAFFIC, each request on a connection of its own."""
    with all_counted(service, 1 + times * len(TRAFFIC)):
        token = service.login()
        for _ in range(times):
            for request, (_, _, status) in TRAFFIC:
                assert send(service, request, token).status_code == int(status), request


def test_the_families_are_those_of_the_document(one: RunningService) -> None:
    send_traffic(one, times=1)

    assert scrape(one).types == {name: type_ for name, (type_, _) in FAMILIES.items()}


def test_every_series_has_the_labels_of_the_document(one: RunningService) -> None:
    send_traffic(one, times=1)
    exposition = scrape(one)

    for name, (type_, labels) in FAMILIES.items():
        if type_ == "histogram":
            assert exposition.label_names(f"{name}_bucket") == {frozenset(labels | {"le"})}, name
            assert exposition.label_names(f"{name}_count") == {frozenset(labels)}, name
        else:
            assert exposition.label_names(name) == {frozenset(labels)}, name


def test_buckets_are_those_of_the_document(one: RunningService) -> None:
    exposition = scrape(one)

    def buckets(name: str) -> list[float]:
        return sorted(float(le) for le in exposition.label_values(f"{name}_bucket", "le"))

    assert buckets("http_request_duration_seconds") == REQUEST_BUCKETS
    inference = buckets("model_inference_duration_seconds")
    assert (inference[0], inference[-2], inference[-1]) == (1e-5, 1.0, float("inf"))


def test_every_request_is_counted_once_by_its_template_and_status(one: RunningService) -> None:
    before = scrape(one)
    send_traffic(one, times=4)
    after = scrape(one)

    expected: dict[Any, int] = {("POST", "/login", "200"): 1}
    for _, series in TRAFFIC:
        expected[series] = expected.get(series, 0) + 4
    changes = {
        (labels["method"], labels["handler"], labels["status"]): value - before.values.get(series, 0)
        for series, value in after.series("http_requests_total")
        for labels in [dict(series[1])]
        if labels["handler"] != "/metrics"
    }
    assert {series: risen for series, risen in changes.items() if risen} == expected
    by_handler: dict[tuple[str, str], int] = {}
    for (method, handler, _), count in expected.items():
        by_handler[method, handler] = by_handler.get((method, handler), 0) + count
    for (method, handler), count in by_handler.items():
        labels = {"method": method, "handler": handler}
        assert change(before, after, "http_request_duration_seconds_count", **labels) == count, labels
        assert change(before, after, "http_request_duration_seconds_bucket", **labels, le="+Inf") == count, labels
        assert change(before, after, "http_request_duration_seconds_sum", **labels) > 0, labels


def test_predictions_lookups_and_refusals_are_counted(one: RunningService) -> None:
    before = scrape(one)
    send_traffic(one, times=4)
    after = scrape(one)

    assert change(before, after, "predictions_total", handler="/predict") == 8
    assert change(before, after, "predictions_total", handler="/batch-predict") == 12
    assert change(before, after, "prediction_cache_requests_total", result="miss") == 4
    assert change(before, after, "prediction_cache_requests_total", result="hit") == 4
    assert change(before, after, "model_inference_duration_seconds_count", handler="/predict") == 4
    assert change(before, after, "model_inference_duration_seconds_count", handler="/batch-predict") == 4
    assert change(before, after, "auth_failures_total", reason="missing") == 4
    assert change(before, after, "auth_failures_total", reason="credentials") == 4
    assert change(before, after, "auth_failures_total", reason="invalid") == 0
    assert after.value("prediction_cache_entries") == 0


def test_cache_entries_are_those_of_the_statistics(one: RunningService) -> None:
    with one.client(one.login()) as client:
        for row in random_rows(6, seed=30):
            client.post("/predict", json={"features": row}).raise_for_status()
        stats = client.get("/cache/stats").json()
    exposition = scrape(one)

    assert exposition.value("prediction_cache_entries") == stats["entries"] >= 6
    assert exposition.value("prediction_cache_evictions_total") == stats["evictions"]
    assert exposition.value("prediction_cache_requests_total", result="hit") == stats["hits"]
    assert exposition.value("prediction_cache_requests_total", result="miss") == stats["misses"]


def test_any_worker_answers_for_the_whole_service(one: RunningService) -> None:
    send_traffic(one, times=1)

    def stable(exposition: Exposition) -> dict[Series, float]:
        return {
            series: value
            for series, value in exposition.values.items()
            if ("handler", "/metrics") not in series[1]
            and not series[0].startswith(("service_", "http_requests_in_progress", "prediction_log_written"))
        }

    first = stable(scrape(one))
    for _ in range(16):
        assert stable(scrape(one)) == first


def test_scrapes_count_themselves(one: RunningService) -> None:
    def scraped() -> float:
        counts.append(scrape(one).value("http_requests_total", handler="/metrics", status="200"))
        return counts[-1] - counts[0]

    counts: list[float] = []
    # An answer is counted once it is sent. Another worker may answer the next scrape before that, so one may be missing
    # for a moment; one that was lost, or counted twice, would be so for good.
    assert all(scraped() <= number for number in range(12))
    wait_until(lambda: scraped() == len(counts) - 1, "every scrape is counted")


def test_all_services_count_the_same_traffic_alike(group: Group) -> None:
    def grown(service: RunningService) -> dict[Series, float]:
        before = scrape(service)
        send_traffic(service, times=2)
        methods = ("GET", "OPTIONS", "PROPFIND", "TRACE")
        with all_counted(service, 2 * len(methods)):
            for method in methods:
                send(service, Request(method, "/predict", headers=()))
                send(service, Request(method, "/unknown", headers=()))
        wait_until(lambda: change(before, scrape(service), "prediction_log_written_total") >= 10, "predictions written")
        rises = {
            series: value - before.values.get(series, 0)
            for series, value in scrape(service).counters().items()
            if not series[0].endswith(("_sum", "_bucket", "service_cpu_seconds_total"))
            and ("handler", "/metrics") not in series[1]
        }
        return {series: rise for series, rise in rises.items() if rise}

    assert_all_alike({name: grown(service) for name, service in group.items()})


def test_all_services_show_the_same_series_from_the_first_scrape(model_dir: Path) -> None:
    with running_services(model_dir, WORKERS=1) as fresh:
        shown = {
            name: {series for series in scrape(service).values if series[0] != "service_info"}
            for name, service in fresh.items()
        }

    assert_all_alike(shown)


def test_requests_in_progress_are_those_of_all_workers(one: RunningService) -> None:
    idle = scrape(one).value("http_requests_in_progress")
    unfinished = encode(Request("POST", "/predict", body=GOOD), one, one.login())[:-10]

    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(one.address, 20)) for _ in range(3)]
        for connection in connections:
            connection.sendall(unfinished)
        wait_until(lambda: scrape(one).value("http_requests_in_progress") == idle + 3, "three more in progress")
        for connection in connections:
            connection.sendall(GOOD[-10:])
        assert [read_response(connection).status_code for connection in connections] == [200] * 3

    wait_until(lambda: scrape(one).value("http_requests_in_progress") == idle, "all done")


def test_info_says_what_the_service_is_made_of(one: RunningService) -> None:
    info = send(one, Request("GET", "/model-info")).json()
    [((_, labels), value)] = scrape(one).series("service_info")

    said = dict(labels)
    assert value == 1
    assert said["framework_version"] == version(said["framework"])
    assert said["python"].startswith("3.")
    assert "gunicorn" in said["server"]
    assert (said["model_version"], said["model_sha256"]) == (info["version"], info["sha256"])
    assert int(said["workers"]) == scrape(one).value("service_workers")


def test_memory_is_what_the_processes_share_and_own(one: RunningService) -> None:
    exposition = scrape(one)

    pss = sum(pss_bytes(pid) for pid in [one.pid, *one.worker_pids()])
    assert exposition.value("service_memory_bytes", kind="pss") == pytest.approx(pss, rel=0.25)
    assert exposition.label_values("service_memory_bytes", "kind") <= {"pss", "cgroup"}
    assert exposition.value("service_memory_limit_bytes") > pss


def pss_bytes(pid: int) -> int:
    """Return the proportional set size of a process."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:  # noqa: PTH123 - a line of a pseudo-file
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


def test_processor_time_grows_with_work_and_within_the_limit(one: RunningService) -> None:
    before, started = scrape(one), time.perf_counter()
    with one.client(one.login()) as client:
        rows = random_rows(100, seed=31)
        for _ in range(60):  # and not for a time, in which a busy machine answers one
            client.post("/batch-predict", json={"samples": rows}).raise_for_status()
    after, elapsed = scrape(one), time.perf_counter() - started

    used = change(before, after, "service_cpu_seconds_total")
    limit = after.value("service_cpu_limit_cores")
    assert 0 < limit <= (os.cpu_count() or 1)
    assert 0.02 < used < elapsed * limit * 1.5


def test_startup_took_a_plausible_time(one: RunningService) -> None:
    assert 0.1 < scrape(one).value("service_startup_seconds") < 60
