"""The comparison page's JSON: what is new since the last answer, services that are down or started anew, downloads."""

from __future__ import annotations

import csv
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.load import RunningLocust, running_locust
from support.services import free_port, wait_until
from support.stand_in import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.service


class Metrics:
    """A service of which nothing but /metrics answers, and says that it answers ten requests a second."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._started = time.monotonic()

    def exposition(self) -> str:
        requests = 10 * (time.monotonic() - self._started)
        return (
            f'http_requests_total{{handler="/predict",method="POST",status="200"}} {requests}\n'
            f'http_request_duration_seconds_bucket{{handler="/predict",le="0.1",method="POST"}} {requests}\n'
            f'http_request_duration_seconds_bucket{{handler="/predict",le="+Inf",method="POST"}} {requests}\n'
            'service_memory_bytes{kind="pss"} 1e8\nservice_memory_limit_bytes 1e9\n'
        )


@contextmanager
def serving(metrics: Metrics, port: int) -> Iterator[str]:
    """Serve the metrics at this port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            payload = metrics.exposition().encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def data(locust: RunningLocust, **query: str | int) -> dict[str, Any]:
    response = httpx.get(f"{locust.base_url}/compare/data", params=query, timeout=10, trust_env=False)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def test_a_service_goes_and_comes_back_while_the_other_is_drawn_on(tmp_path: Path) -> None:
    flask, fastapi, port = Metrics(), Metrics(), free_port()
    with (
        serving(flask, free_port()) as flask_url,
        running_locust(tmp_path, FLASK_URL=flask_url, FASTAPI_URL=f"http://127.0.0.1:{port}") as locust,
    ):
        wait_until(lambda: "requests" in data(locust)["points"][-1]["flask"], "figures of the one that is up")
        answer = data(locust)
        assert answer["services"]["fastapi"]["problem"] == "[Errno 111] Connection refused"
        assert answer["services"]["flask"]["problem"] is None
        assert "memory_bytes" not in answer["points"][-1]["fastapi"]
        assert {condition["verdict"] for condition in answer["conditions"]} == {"unknown"}

        with serving(fastapi, port):
            wait_until(lambda: "requests" in data(locust)["points"][-1]["fastapi"], "figures of both")
            point = data(locust)["points"][-1]
            assert point["fastapi"]["requests_per_second"] == pytest.approx(10, rel=0.2)
            assert point["fastapi"]["p50_seconds"] == pytest.approx(0.05)

            fastapi.restart()
            wait_until(lambda: data(locust)["services"]["fastapi"]["restarts"] == 1, "the restart is noticed")
            assert all(point["fastapi"].get("requests_per_second", 0) >= 0 for point in data(locust)["points"]), (
                "a restart is no negative rate"
            )


def test_the_page_is_told_only_what_is_new_and_a_new_locust_tells_all(tmp_path: Path) -> None:
    with serving(Metrics(), free_port()) as url, running_locust(tmp_path, FLASK_URL=url, FASTAPI_URL=url) as locust:
        wait_until(lambda: len(data(locust)["points"]) >= 2, "two points")
        first = data(locust)
        known = first["points"][0]["sequence"]

        newer = data(locust, since=known, session=first["session"])
        stranger = data(locust, since=10**6, session="of an earlier Locust")

        assert newer["points"][0]["sequence"] == known + 1
        assert stranger["points"][0]["sequence"] == known


@pytest.mark.parametrize("since", ["-1", "x", "1.5"])
def test_a_wrong_question_is_refused(quiet: RunningLocust, since: str) -> None:
    response = httpx.get(f"{quiet.base_url}/compare/data", params={"since": since}, trust_env=False)

    assert response.status_code == 400
    assert response.json() == {"error": f"since must be a whole number, not {since!r}"}


@pytest.mark.parametrize(
    "path", ["runs/latest.csv", "runs/latest.json", "runs/20200101T000000Z.csv", "runs/latest.xml"]
)
def test_a_run_that_is_not_there_is_not_found(quiet: RunningLocust, path: str) -> None:
    assert httpx.get(f"{quiet.base_url}/compare/{path}", trust_env=False).status_code == 404


def test_plotly_comes_from_this_host_and_is_kept_by_the_browser(quiet: RunningLocust) -> None:
    page = httpx.get(f"{quiet.base_url}/compare", trust_env=False).text
    source = next(part for part in page.split('"') if "plotly" in part)

    script = httpx.get(f"{quiet.base_url}{source}", trust_env=False)

    assert "max-age=31536000" in script.headers["Cache-Control"]
    assert b"plotly.js v" in script.content[:200]
    assert "//" not in source


def test_a_run_has_exact_totals_and_can_be_downloaded(tmp_path: Path) -> None:
    with (
        stand_in() as users_see,
        serving(Metrics(), free_port()) as url,
        running_locust(tmp_path, FLASK_URL=url, FASTAPI_URL=users_see.base_url, THINK_TIME_MAX_SECONDS=0.1) as locust,
    ):
        locust.post("/swarm", user_count=2, spawn_rate=2)
        wait_until(lambda: bool(data(locust)["runs"]), "a run")
        wait_until(lambda: len(data(locust)["points"]) >= 4, "some points")
        locust.post("/stop")
        wait_until(lambda: data(locust)["runs"][-1]["stopped"] is not None, "the end")

        run = data(locust)["runs"][-1]
        saved = httpx.get(f"{locust.base_url}/compare/runs/{run['id']}.json", trust_env=False).json()
        table = httpx.get(f"{locust.base_url}/compare/runs/latest.csv", trust_env=False)

    assert run["users"] == 2
    assert run["summary"]["flask"]["requests_per_second"] == pytest.approx(10, rel=0.2)
    assert run["summary"]["flask"]["peak_memory_bytes"] == 1e8
    assert "fastapi" not in run["summary"], "it has no metrics"
    assert table.headers["Content-Disposition"] == f'attachment; filename="run-{run["id"]}.csv"'
    rows = list(csv.DictReader(table.text.splitlines()))
    assert [float(row["flask_memory_bytes"]) for row in rows] == [1e8] * len(saved["points"])
    assert {row["fastapi_memory_bytes"] for row in rows if "fastapi_memory_bytes" in row} <= {""}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocust]:
    """Locust with nothing to compare."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running_locust(tmp_path_factory.mktemp("quiet"), FLASK_URL=nowhere, FASTAPI_URL=nowhere) as running:
        yield running
