"""The live page's JSON: any number of services, new points only, services that are down or restarted, downloads."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from support import local_http
from support.live import LABELS, NAMES, Metrics, running_live, serving
from support.load import RunningLocust
from support.services import free_port, wait_until
from support.stand_in import stand_in

pytestmark = pytest.mark.service


def data(locust: RunningLocust, **query: str | int) -> dict[str, Any]:
    response = local_http.get(f"{locust.base_url}/live/data", params=query, timeout=10)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def newest(locust: RunningLocust) -> dict[str, dict[str, float]]:
    """The newest figures of each service, once there are any."""
    wait_until(lambda: bool(data(locust)["points"]), "a point")
    services = data(locust)["points"][-1]["services"]
    assert isinstance(services, dict)
    return services


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_page_is_told_of_every_service_the_baseline_first(tmp_path: Path, count: int) -> None:
    with serving(Metrics(), free_port()) as url, running_live(tmp_path, *[url] * count) as locust:
        wait_until(lambda: bool(data(locust)["points"]), "a point")
        answer = data(locust)

    assert [service["name"] for service in answer["services"]] == NAMES[:count]
    assert [service["label"] for service in answer["services"]] == LABELS[:count]
    assert [service["role"] for service in answer["services"]] == ["baseline", "candidate", "candidate"][:count]
    assert len({service["colour"] for service in answer["services"]}) == count
    assert list(answer["points"][-1]["services"]) == NAMES[:count]
    assert {tuple(condition["values"]) for condition in answer["conditions"]} == {tuple(NAMES[:count])}


def test_a_service_goes_and_comes_back_while_the_others_are_drawn_on(tmp_path: Path) -> None:
    old, new, port = Metrics(), Metrics(), free_port()
    nowhere = f"http://127.0.0.1:{port}"
    with serving(old, free_port()) as old_url, running_live(tmp_path, old_url, nowhere, old_url) as locust:
        wait_until(lambda: "requests" in newest(locust)["old-api"], "figures of the one that is up")
        answer = data(locust)
        assert [service["problem"] for service in answer["services"]] == [None, "[Errno 111] Connection refused", None]
        assert "memory_bytes" not in answer["points"][-1]["services"]["new-api"]
        verdicts = {condition["name"]: condition["verdict"] for condition in answer["conditions"]}
        assert verdicts["Memory limit"] == "unknown", "one of them does not say"

        with serving(new, port):
            wait_until(lambda: "requests" in newest(locust)["new-api"], "figures of all")
            figures = newest(locust)["new-api"]
            assert figures["requests_per_second"] == pytest.approx(10, rel=0.2)
            assert figures["p50_seconds"] == pytest.approx(0.05)

            new.restart()
            wait_until(lambda: data(locust)["services"][1]["restarts"] == 1, "the restart is noticed")
            rates = [point["services"]["new-api"].get("requests_per_second", 0) for point in data(locust)["points"]]
            assert min(rates) >= 0, "a restart is no negative rate"


def test_the_page_is_told_only_what_is_new_and_a_new_locust_tells_all(tmp_path: Path) -> None:
    with serving(Metrics(), free_port()) as url, running_live(tmp_path, url, url) as locust:
        wait_until(lambda: len(data(locust)["points"]) >= 2, "two points")
        first = data(locust)
        known = first["points"][0]["sequence"]

        newer = data(locust, since=known, session=first["session"])
        stranger = data(locust, since=10**6, session="of an earlier Locust")

        assert newer["points"][0]["sequence"] == known + 1
        assert stranger["points"][0]["sequence"] == known


@pytest.mark.parametrize("since", ["-1", "x", "1.5"])
def test_a_wrong_question_is_refused(quiet: RunningLocust, since: str) -> None:
    response = local_http.get(f"{quiet.base_url}/live/data", params={"since": since})

    assert response.status_code == 400
    assert response.json() == {"error": f"since must be a whole number, not {since!r}"}


@pytest.mark.parametrize(
    "path", ["runs/latest.csv", "runs/latest.json", "runs/20200101T000000Z.csv", "runs/latest.xml"]
)
def test_a_run_that_is_not_there_is_not_found(quiet: RunningLocust, path: str) -> None:
    assert local_http.get(f"{quiet.base_url}/live/{path}").status_code == 404


def test_plotly_comes_from_this_host_and_is_kept_by_the_browser(quiet: RunningLocust) -> None:
    where = f"{quiet.base_url}/live"
    source = next(part for part in local_http.get(where).text.split('"') if "plotly" in part)

    script = local_http.get(urljoin(where, source))

    assert "max-age=31536000" in script.headers["Cache-Control"]
    assert b"plotly.js v" in script.content[:200]
    assert "//" not in source


def test_a_run_has_exact_totals_and_can_be_downloaded(tmp_path: Path) -> None:
    with (
        stand_in() as no_metrics,
        serving(Metrics(), free_port()) as url,
        running_live(tmp_path, url, no_metrics.base_url, url) as locust,
    ):
        locust.post("/swarm", user_count=3, spawn_rate=3)
        wait_until(lambda: bool(data(locust)["runs"]), "a run")
        wait_until(lambda: len(data(locust)["points"]) >= 4, "some points")
        locust.post("/stop")
        wait_until(lambda: data(locust)["runs"][-1]["stopped"] is not None, "the end")

        run = data(locust)["runs"][-1]
        saved = local_http.get(f"{locust.base_url}/live/runs/{run['id']}.json").json()
        table = local_http.get(f"{locust.base_url}/live/runs/latest.csv")

    assert run["users"] == 3
    assert run["summary"].keys() == {"old-api", "third-api"}, "the other has no metrics"
    assert run["summary"]["old-api"]["requests_per_second"] == pytest.approx(10, rel=0.2)
    assert run["summary"]["old-api"]["peak_memory_bytes"] == 1e8
    assert [service["label"] for service in saved["services"]] == LABELS[:3]
    assert saved["points"][-1]["time"] == run["stopped"], "a run that has ended gets no more points"
    assert table.headers["Content-Disposition"] == f'attachment; filename="run-{run["id"]}.csv"'
    rows = list(csv.DictReader(table.text.splitlines()))
    assert [float(row["old-api_memory_bytes"]) for row in rows] == [1e8] * len(saved["points"])
    assert {row["new-api_memory_bytes"] for row in rows if "new-api_memory_bytes" in row} <= {""}
    assert {row["generator_users"] for row in rows} <= {"0", "1", "2", "3"}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocust]:
    """Locust with services that do not answer."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running_live(tmp_path_factory.mktemp("quiet"), nowhere, nowhere) as running:
        yield running
