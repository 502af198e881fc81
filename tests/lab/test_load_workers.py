"""The load from several processes on this host: what the lab shows of them, and a run that loses one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import local_http
from support.checkout import Checkout, new_checkout
from support.load import RunningLocust
from support.services import free_port, wait_until

pytestmark = pytest.mark.stack

USERS = 12
WORKERS = 2
ROW = re.compile(r"^ (locust-worker-\d) +running +ready +- +(\d+) +\d+ MiB", re.MULTILINE)


@pytest.fixture(scope="module")
def distributed(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    """The lab, up on this host with two processes that send the load."""
    copy = new_checkout(tmp_path_factory.mktemp("distributed") / "checkout", model_dir)
    copy.environment["LOCUST_MASTER_PORT"] = str(free_port())
    result = copy.lab("up", "--mode", "native", LOCUST_WORKERS=str(WORKERS))
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    yield copy
    copy.lab("down")


@pytest.fixture(scope="module")
def locust(distributed: Checkout) -> RunningLocust:
    """Locust's master."""
    return RunningLocust(
        f"http://127.0.0.1:{distributed.environment['LOCUST_PORT']}",
        distributed.root / ".run" / "logs" / "locust.log",
    )


def test_ps_and_logs_know_the_workers(distributed: Checkout) -> None:
    assert [name for name, _ in ROW.findall(distributed.lab("ps").stdout)] == ["locust-worker-1", "locust-worker-2"]

    both = distributed.lab("logs", "--no-follow", "locust-worker")
    one = distributed.lab("logs", "--no-follow", "locust-worker-2")

    assert {line.split(" | ")[0].strip() for line in both.stdout.splitlines() if " | " in line} == {
        "locust-worker-1",
        "locust-worker-2",
    }
    assert "locust-worker-1" not in one.stdout


def test_a_run_outlives_a_worker_and_says_that_it_lost_one(distributed: Checkout, locust: RunningLocust) -> None:
    wait_until(lambda: locust.total("locust_workers") == WORKERS, "both workers")
    locust.post("/swarm", user_count=USERS, spawn_rate=USERS)
    wait_until(lambda: locust.total("locust_users") == USERS, "all users")
    wait_until(lambda: locust.total("locust_requests_total") > 50, "requests")
    assert locust.total("locust_workers_lost_total") == 0
    assert locust.total("locust_workers_expected") == WORKERS

    psutil.Process(int(dict(ROW.findall(distributed.lab("ps").stdout))["locust-worker-1"])).kill()

    wait_until(
        lambda: locust.total("locust_workers_lost_total") == 1, "the loss is counted", explain=locust.log.read_text
    )
    before = locust.total("locust_requests_total")
    wait_until(lambda: locust.total("locust_requests_total") > before + 20, "the run goes on")
    assert re.search(
        r"WARNING/serving_lab\.load\.workers: Worker \S+ is lost; \d of 2 workers take over", locust.log.read_text()
    )
    wait_until(lambda: locust.total("locust_workers") == WORKERS, "it was replaced")
    wait_until(lambda: locust.total("locust_users") == USERS, "all users are back", explain=locust.log.read_text)
    assert locust.total("locust_state", state="running") == 1


def test_the_live_page_speaks_for_all_workers(locust: RunningLocust) -> None:
    def complete(point: dict[str, Any]) -> bool:
        generator, services = point["generator"], point["services"].values()
        # A service that did not answer in time has no figures in this point.
        told = all(service.get("failed_ratio") is not None for service in services)
        whole = generator["workers"] == WORKERS and generator["users"] == USERS
        # The master calls a worker lost when it has not heard of it for some seconds.
        return bool(whole and told and generator["workers_lost"] >= 1)

    point: dict[str, Any] = {}

    def seen() -> bool:
        for newest in local_http.get(f"{locust.base_url}/live/data").json()["points"][-1:]:
            point.update(newest)
        return bool(point) and complete(point)

    wait_until(seen, "all workers, users and services on the page", explain=locust.log.read_text)
    assert point["generator"]["workers_expected"] == WORKERS
    assert {service["failed_ratio"] for service in point["services"].values()} == {0}


def test_a_headless_load_uses_as_many_processes(distributed: Checkout, locust: RunningLocust) -> None:
    locust.post("/stop")

    result = distributed.lab("load", "--users", "4", "--rate", "4", "--duration", "3s", LOCUST_WORKERS=str(WORKERS))

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"flask-api /predict +[1-9]", result.stdout + result.stderr)
