"""Real services, real Locust: the load is as stated, and /metrics says so as Prometheus asks."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from support import local_http
from support.load import LoadRun, RunningLocust, of_services, run_headless, running_locust
from support.prometheus import promtool
from support.services import SERVICE_NAMES, RunningService, running_services

pytestmark = pytest.mark.service

SHARES = {"/predict": 0.70, "/batch-predict": 0.20, "/model-info": 0.07, "/health": 0.03}
TOKEN_LIFETIME_SECONDS = 2
ACCEPT_OF_PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.1"
)


@pytest.fixture(scope="module")
def services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    """All services with a token lifetime short enough to be renewed during a test."""
    with running_services(model_dir, WORKERS=2, TOKEN_LIFETIME_SECONDS=TOKEN_LIFETIME_SECONDS) as running:
        yield running


@pytest.fixture(scope="module")
def urls(services: Mapping[str, RunningService]) -> dict[str, str]:
    return of_services({name: service.base_url for name, service in services.items()})


@pytest.fixture(scope="module")
def finished_run(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> LoadRun:
    """A headless run of some seconds without think time."""
    directory = tmp_path_factory.mktemp("headless")
    users = ("--users", 3 * len(SERVICE_NAMES), "--spawn-rate", 6, "--run-time", 5)
    return run_headless(directory, *users, until=None, **urls, REPEAT_POOL_SIZE=50)


@pytest.fixture(scope="module")
def locust(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocust]:
    """Locust with its web UI, loading all services from the start."""
    directory = tmp_path_factory.mktemp("locust")
    thinking = {"THINK_TIME_MIN_SECONDS": 0.02, "THINK_TIME_MAX_SECONDS": 0.05}
    with running_locust(directory, "--autostart", "--users", 8, "--spawn-rate", 8, **urls, **thinking) as running:
        yield running


def test_load_on_the_real_services_has_no_failures(finished_run: LoadRun) -> None:
    assert finished_run.exit_code == 0, finished_run.output
    assert finished_run.failures == 0


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_requests_come_in_the_stated_shares(finished_run: LoadRun, service: str) -> None:
    counts = {path: finished_run.statistics[f"{service} {path}"]["num_requests"] for path in SHARES}
    total = sum(counts.values())

    assert total > 100
    for path, share in SHARES.items():
        # Five standard deviations of a binomial count: once in a million runs by chance.
        assert abs(counts[path] - share * total) < 5 * (total * share * (1 - share)) ** 0.5, counts


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_tokens_are_renewed_before_they_end(
    finished_run: LoadRun, services: Mapping[str, RunningService], service: str
) -> None:
    users = 3
    assert finished_run.statistics[f"{service} /login"]["num_requests"] >= 2 * users
    with services[service].client() as client:
        exposition = client.get("/metrics").text
    assert not [line for line in exposition.splitlines() if line.startswith("http_requests_total") and '"401"' in line]


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_repeated_vectors_hit_the_cache(
    finished_run: LoadRun, services: Mapping[str, RunningService], service: str
) -> None:
    with services[service].client(services[service].login()) as client:
        statistics = client.get("/cache/stats").json()

    assert finished_run.exit_code == 0
    assert statistics["hits"] > 0
    # Half of the vectors are drawn from a pool of 50; the first time each of those is a miss.
    assert 0.1 < statistics["hit_rate"] < 0.5


def test_promtool_finds_no_fault_with_the_metrics_of_locust(locust: RunningLocust) -> None:
    exposition = local_http.get(f"{locust.base_url}/metrics").text

    lint = subprocess.run(
        [promtool(), "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )

    assert (lint.returncode, lint.stderr) == (0, "")


def test_metrics_of_locust_are_what_prometheus_3_asks_for(locust: RunningLocust) -> None:
    response = local_http.get(f"{locust.base_url}/metrics", headers={"Accept": ACCEPT_OF_PROMETHEUS_3})

    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "locust_requests" in {family.name for family in openmetrics_families(response.text)}
