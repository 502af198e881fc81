"""The load, and what is watched of it: users make all services work, and Prometheus and the dashboard see it."""

from collections.abc import Iterator
from typing import Any

import pytest
from support import local_http
from support.dashboards import PanelQuery, panel_queries, values_by_service
from support.services import CATALOGUE, wait_until
from support.stack import SERVICES, Stack

pytestmark = pytest.mark.stack

USERS = 8
OWN = {(name, None) for name in ("gateway", "locust", "model-sync", "prometheus")}
SCRAPED = {*(("services", entry.label) for entry in CATALOGUE.entries), *OWN}


@pytest.fixture(scope="module")
def swarm(stack: Stack) -> Iterator[None]:
    """Locust's users at work, started as the button of its web UI does."""
    locust = stack.url("LOCUST_PORT")
    started = local_http.post(f"{locust}/swarm", data={"user_count": USERS, "spawn_rate": USERS})
    assert started.json()["success"], started.text
    yield
    local_http.post(f"{locust}/stop").raise_for_status()


@pytest.mark.usefixtures("swarm")
def test_all_services_are_asked_alike_and_answer_right(stack: Stack) -> None:
    def requests() -> dict[str, int]:
        counted = [(entry["name"].partition(" ")[0], entry["num_requests"]) for entry in statistics(stack)]
        return {service: sum(number for name, number in counted if name == service) for service in SERVICES}

    wait_until(lambda: min(requests().values()) > 100, "100 requests to each service", 30, lambda: f"{requests()}")

    assert [entry for entry in statistics(stack) if entry["num_failures"]] == []
    assert {entry["name"] for entry in statistics(stack)} >= {
        f"{service} {path}" for service in SERVICES for path in ("/predict", "/batch-predict", "/model-info")
    }
    assert max(requests().values()) < 2 * min(requests().values())


@pytest.mark.usefixtures("swarm")
def test_prometheus_scrapes_everything(stack: Stack) -> None:
    def up() -> dict[tuple[str, str | None], str]:
        metrics = ((series["metric"], series["value"][1]) for series in query(stack, "up"))
        return {(labels["job"], labels.get("label")): value for labels, value in metrics}

    wait_until(lambda: up() == dict.fromkeys(SCRAPED, "1"), "every target up", 20, lambda: f"{up()}")


@pytest.mark.usefixtures("swarm")
def test_prometheus_sees_the_predictions_of_all_services(stack: Stack) -> None:
    expression = 'sum by (service) (rate(http_requests_total{handler="/predict", status="200"}[8s]))'

    def rates() -> dict[str, float]:
        return values_by_service(stack.url("PROMETHEUS_PORT"), expression)

    wait_until(lambda: rates().keys() == set(SERVICES) and min(rates().values()) > 1, "predictions of all", 30)


# This load asks the services directly. What is drawn of the gateway is tested where there is one under load.
DRAWN = [each for each in panel_queries(SERVICES) if each.speaks_for_all and each.dashboard != "moving-over"]


@pytest.mark.usefixtures("swarm")
@pytest.mark.parametrize("panel", DRAWN, ids=str)
def test_panel_has_data_of_all_services(stack: Stack, panel: PanelQuery) -> None:
    def drawn() -> set[str]:
        return set(values_by_service(stack.url("PROMETHEUS_PORT"), panel.expression))

    wait_until(lambda: drawn() == set(SERVICES), f"{panel} draws all services", 30, lambda: panel.expression)


@pytest.mark.usefixtures("swarm")
def test_grafana_shows_the_dashboard_without_a_login(stack: Stack) -> None:
    if "grafana" not in stack.containers:
        pytest.skip(f"the image {stack.settings['GRAFANA_IMAGE']} cannot be had here")
    grafana = stack.url("GRAFANA_PORT")

    dashboard = local_http.get(f"{grafana}/api/dashboards/uid/side-by-side")
    answer = local_http.get(f"{grafana}/api/datasources/proxy/uid/prometheus/api/v1/query", params={"query": "up"})

    assert dashboard.json()["meta"]["provisioned"] is True
    assert answer.json()["status"] == "success"


def statistics(stack: Stack) -> list[dict[str, Any]]:
    """Return Locust's statistics of each request name."""
    stats = local_http.get(f"{stack.url('LOCUST_PORT')}/stats/requests").json()["stats"]
    return [entry for entry in stats if entry["name"] != "Aggregated"]


def query(stack: Stack, expression: str) -> list[dict[str, Any]]:
    """Return what Prometheus answers to an instant query."""
    url = f"{stack.url('PROMETHEUS_PORT')}/api/v1/query"
    answer = local_http.get(url, params={"query": expression}).json()
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result
