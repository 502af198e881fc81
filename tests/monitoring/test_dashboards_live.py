"""Real services, real Locust, real Prometheus: every panel's query has an answer, idle, under load, and after it."""

import itertools
import math
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support import local_http
from support.dashboards import OF_SERVICE, PanelQuery, Sample, annotation_queries, ask, panel_queries, values_by_service
from support.gateway import USER_COOKIE, RunningGateway, running_gateway
from support.load import RunningLocust, of_services, running_locust
from support.prometheus import running_prometheus
from support.services import (
    BASELINE,
    CANDIDATES,
    CATALOGUE,
    SERVICE_NAMES,
    RunningService,
    running_services,
    wait_until,
)

pytestmark = pytest.mark.service

USERS = 8
SERVICES = frozenset(SERVICE_NAMES)
QUERIES = panel_queries(SERVICE_NAMES)
SIDE_BY_SIDE = {(query.panel, query.legend): query.expression for query in QUERIES if query.dashboard == "side-by-side"}
RATIO = "{{label}} / {{baseline}}: {{verdict}}"
RATIOS = ["Throughput ratio", "Latency P50 ratio", "Latency P95 ratio", "Latency P99 ratio", "Error ratio"]
MEASURED = dict(zip(RATIOS, ["Throughput", "Latency, P50", "Latency, P95", "Latency, P99", "Error share"], strict=True))
NOW = {
    (query.panel, query.legend): query.expression
    for query in panel_queries(SERVICE_NAMES, rate_interval="1m")
    if query.dashboard == "side-by-side"
}
SATURATED_LAST = "saturated last"
CONDITIONS = {"Model digest", "Python", "Workers", "Memory limit (MiB)", "CPU limit (cores)"}


@pytest.fixture(scope="module")
def services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, WORKERS=2) as running:
        yield running


@pytest.fixture(scope="module")
def locust(services: Mapping[str, RunningService], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocust]:
    """Locust that waits for somebody to start its load."""
    urls = of_services({name: service.base_url for name, service in services.items()})
    thinking = {"THINK_TIME_MIN_SECONDS": 0.05, "THINK_TIME_MAX_SECONDS": 0.1}
    with running_locust(tmp_path_factory.mktemp("locust"), **urls, **thinking) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    services: Mapping[str, RunningService], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """The gateway, half of whose users are a candidate's."""
    urls = {name: service.base_url for name, service in services.items()}
    with running_gateway(tmp_path_factory.mktemp("gateway"), urls) as running:
        running.control.set_share(5000)
        yield running


@pytest.fixture(scope="module")
def prometheus_url(
    services: Mapping[str, RunningService],
    locust: RunningLocust,
    gateway: RunningGateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Prometheus that has seen the idle stack for long enough to draw rates."""
    urls = {name: service.base_url for name, service in services.items()}
    urls |= {"locust": locust.base_url, "gateway": gateway.metrics_url}
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), urls) as url:
        cpu = SIDE_BY_SIDE["CPU", OF_SERVICE]
        wait_until(lambda: values_by_service(url, "sum(up)") == {"": len(SERVICES) + 3}, "all targets up")
        wait_until(lambda: values_by_service(url, cpu).keys() == SERVICES, "rates of all services")
        wait_until(lambda: len(ask(url, "condition:distinct_values:count")) == len(CONDITIONS), "recorded series")
        yield url


@pytest.fixture(scope="module")
def loaded_url(
    prometheus_url: str, locust: RunningLocust, services: Mapping[str, RunningService], gateway: RunningGateway
) -> Iterator[str]:
    """The same Prometheus while users load all services, and some are refused."""
    done = threading.Event()

    def be_refused() -> None:
        with local_http.client() as client:
            while not done.wait(0.3):
                for service in services.values():
                    client.post(f"{service.base_url}/login", json={"username": "", "password": ""})
                for candidate in CANDIDATES:
                    gateway.control.choose(candidate)
                    for user in range(20):
                        client.get(f"{gateway.url}/health", headers={"Cookie": f"{USER_COOKIE}={user}"})

    refused = threading.Thread(target=be_refused)
    refused.start()
    try:
        locust.post("/swarm", user_count=USERS, spawn_rate=USERS)
        yield prometheus_url
    finally:
        done.set()
        refused.join()


def assert_named(samples: list[Sample], query: PanelQuery) -> None:
    """Fail if a series lacks a label of its legend, or several have the same name."""
    names = [tuple(sample.labels.get(label, "") for label in query.needed_labels) for sample in samples]

    assert all(all(name) for name in names), names
    assert query.legend == "__auto" or len(set(names)) == len(names), names


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_idle_panel_is_not_empty(prometheus_url: str, query: PanelQuery) -> None:
    samples = ask(prometheus_url, query.expression)

    assert samples
    assert_named(samples, query)
    if query.speaks_for_all:
        assert {sample.labels["service"]: sample.labels["label"] for sample in samples} == CATALOGUE.labels


def test_idle_services_answer_nothing_and_have_no_latency(prometheus_url: str) -> None:
    throughput = SIDE_BY_SIDE["Throughput", OF_SERVICE]
    latency = SIDE_BY_SIDE["Latency, P99", OF_SERVICE]

    assert values_by_service(prometheus_url, throughput) == dict.fromkeys(SERVICES, 0.0)
    assert [sample.value for sample in ask(prometheus_url, latency)] == pytest.approx(
        [math.nan] * len(SERVICES), nan_ok=True
    )


@pytest.mark.parametrize("panel", RATIOS)
def test_idle_services_have_no_ratio(prometheus_url: str, panel: str) -> None:
    samples = ask(prometheus_url, SIDE_BY_SIDE[panel, RATIO])

    assert {sample.labels["service"] for sample in samples} == set(CANDIDATES)
    assert {sample.labels["baseline"] for sample in samples} == {CATALOGUE.baseline.label}
    assert all(math.isnan(sample.value) for sample in samples)


def test_idle_stack_says_so(prometheus_url: str) -> None:
    said = {
        ("Load", "users"): 0.0,
        ("Load", "from elsewhere"): 0.0,
        ("Is the comparison fair?", "conditions"): 1.0,
        ("Alerts", "firing"): 0.0,
        ("Can these numbers be trusted?", "load generator"): 1.0,
    }

    assert {at: values_by_service(prometheus_url, SIDE_BY_SIDE[at]) for at in said} == {
        at: {"": value} for at, value in said.items()
    }
    assert all(ask(prometheus_url, annotation) == [] for annotation in annotation_queries())


def test_each_condition_is_listed_for_each_service_with_a_verdict(prometheus_url: str) -> None:
    cells = [sample.labels for sample in ask(prometheus_url, SIDE_BY_SIDE["Conditions", "__auto"])]
    columns = [*(CATALOGUE.labels[name] for name in SERVICE_NAMES), "Verdict"]

    assert sorted((cell["condition"], cell["label"]) for cell in cells) == sorted(
        itertools.product(CONDITIONS, columns)
    )
    for condition in CONDITIONS:
        values = {cell["value"] for cell in cells if cell["condition"] == condition and cell["label"] != "Verdict"}
        assert len(values) == 1
    assert {cell["value"] for cell in cells if cell["label"] == "Verdict"} == {"equal"}


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_panel_has_data_under_load(loaded_url: str, query: PanelQuery) -> None:
    def drawn() -> bool:
        if query.speaks_for_all:
            return values_by_service(loaded_url, query.expression).keys() == SERVICES
        samples = ask(loaded_url, query.expression)
        if query.legend == SATURATED_LAST:
            # Where the generator had room throughout there is no moment, which the panel says in words.
            return len(samples) == 1
        return any(math.isfinite(sample.value) for sample in samples)

    wait_until(drawn, f"data: {query.expression}", seconds=30)
    assert_named(ask(loaded_url, query.expression), query)


@pytest.mark.parametrize("panel", RATIOS[:-1])
def test_each_candidate_is_divided_by_the_baseline(loaded_url: str, panel: str) -> None:
    measured: dict[str, dict[str, float]] = {}

    def all_have_a_ratio() -> bool:
        # The values and their ratio are of the same moment, whose scrapes have been stored.
        at = time.time() - 1
        measured["values"] = values_by_service(loaded_url, NOW[MEASURED[panel], OF_SERVICE], at)
        measured["ratios"] = values_by_service(loaded_url, SIDE_BY_SIDE[panel, RATIO], at)
        return measured["values"].keys() == SERVICES and measured["ratios"].keys() == set(CANDIDATES)

    wait_until(all_have_a_ratio, "a ratio of each candidate", seconds=30)
    values, ratios = measured["values"], measured["ratios"]
    assert ratios == pytest.approx({name: values[name] / values[BASELINE] for name in CANDIDATES})


def test_behind_the_gateway_each_service_has_its_share_of_the_answers(loaded_url: str) -> None:
    [expression] = [query.expression for query in QUERIES if query.panel == "Share of answers"]
    shares: dict[str, float] = {}

    def all_answer() -> bool:
        shares.update(values_by_service(loaded_url, expression))
        return shares.keys() == SERVICES and all(share > 0 for share in shares.values())

    wait_until(all_answer, "answers of each service", seconds=30)
    assert sum(shares.values()) == pytest.approx(1)


def test_load_is_seen_from_locust_too(loaded_url: str) -> None:
    wait_until(
        lambda: (
            values_by_service(loaded_url, "sum by (service) (rate(locust_requests_total[8s])) > 0").keys() == SERVICES
        ),
        "rates of all services",
    )

    assert values_by_service(loaded_url, "locust_users") == {"": float(USERS)}
    assert values_by_service(loaded_url, "sum(locust_request_failures_total)") == {"": 0.0}


def test_every_rule_is_evaluated_without_error(loaded_url: str) -> None:
    groups = local_http.get(f"{loaded_url}/api/v1/rules").json()["data"]["groups"]
    rules = {rule["name"]: (rule["health"], rule.get("lastError", "")) for group in groups for rule in group["rules"]}

    assert {"TargetDown", "GeneratorSaturated", "ServicesNotComparable", "LatencyBudgetBurns"} <= set(rules)
    assert set(rules.values()) == {("ok", "")}


def test_load_is_annotated_with_its_users_until_it_stops(loaded_url: str, locust: RunningLocust) -> None:
    annotation, elsewhere, _ = dict.fromkeys(annotation_queries())
    wait_until(
        lambda: [sample.labels.get("users") for sample in ask(loaded_url, annotation)] == [str(USERS)],
        "the run with its users",
    )
    wait_until(lambda: bool(ask(loaded_url, elsewhere)), "the requests that Locust did not send")

    locust.post("/stop")

    wait_until(lambda: ask(loaded_url, annotation) == [], "the end of the run")
