"""What the locustfile does as a program: its verdicts on right and wrong services, its tokens, its /metrics."""

import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from support.load import OUTPUT, LoadRun, command, environment, process_ended, run_headless, running_locust
from support.services import free_port, wait_until
from support.stand_in import RIGHT, Reply, Request, Respond, batch_predict, predict, stand_in

pytestmark = pytest.mark.service

USERS = ("--users", 4, "--spawn-rate", 4)
THINKING = {"THINK_TIME_MIN_SECONDS": 0.02, "THINK_TIME_MAX_SECONDS": 0.02}


def run(directory: Path, settings: Mapping[str, float] = MappingProxyType({}), **wrong: Respond) -> LoadRun:
    """A run against a right stand-in for Flask and one for FastAPI that answers wrongly as told, all paths asked."""
    with stand_in() as flask, stand_in(**wrong) as fastapi:
        return run_headless(
            directory,
            *USERS,
            until=lambda: all(service.asked[path] >= 2 for service in (flask, fastapi) for path in RIGHT),
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
            **settings,
        )


def changed(**change: object) -> Respond:
    """A prediction with fields put in, or taken out where they are None."""

    def respond(request: Request) -> Reply:
        status, answer = predict(request)
        return status, {key: value for key, value in (answer | change).items() if value is not None}

    return respond


def test_a_run_without_failures_exits_0(tmp_path: Path) -> None:
    finished = run(tmp_path)

    assert finished.exit_code == 0, finished.output
    assert finished.failures == 0
    assert set(finished.statistics) == {
        f"{service} {path}" for service in ("flask-api", "fastapi-api") for path in RIGHT
    }


@pytest.mark.parametrize(
    ("respond", "message"),
    [
        (changed(cached=None), "$.cached is missing"),
        (lambda _: (503, {"error": "Service unavailable", "detail": None}), "status 503: Service unavailable"),
        (lambda _: (401, {"error": "Token is invalid", "detail": None}), "status 401: Token is invalid"),
    ],
    ids=["field", "status", "token"],
)
def test_a_wrong_answer_is_a_failure_and_the_run_exits_1(tmp_path: Path, respond: Respond, message: str) -> None:
    finished = run(tmp_path, predict=respond)

    wrong = finished.statistics["fastapi-api /predict"]["num_failures"]
    assert finished.exit_code == 1
    assert wrong == finished.failures > 0
    assert f"requests failed, most often fastapi-api /predict: {message}" in finished.output


def test_services_that_predict_differently_are_a_failure(tmp_path: Path) -> None:
    finished = run(tmp_path, {"REPEAT_SHARE": 1, "REPEAT_POOL_SIZE": 3}, predict=changed(prediction=1.0))

    assert finished.exit_code == 1
    assert "$.prediction differs from an earlier answer to the same row" in finished.output


def test_every_kind_of_answer_is_read(tmp_path: Path) -> None:
    def row_too_few(request: Request) -> Reply:
        status, answer = batch_predict(request)
        return status, answer | {"predictions": answer["predictions"][1:]}

    finished = run(
        tmp_path,
        predict=changed(prediction="152.1"),
        batch_predict=row_too_few,
        model_info=lambda _: (200, {}),
        health=lambda _: (200, {"status": "healthy"}),
    )

    assert {
        "fastapi-api /batch-predict",
        "fastapi-api /model-info",
        "fastapi-api /health",
    } <= finished.statistics.keys()
    for name, entry in finished.statistics.items():
        wrong = name.startswith("fastapi-api") and name != "fastapi-api /login"
        assert entry["num_failures"] == (entry["num_requests"] if wrong else 0), name


def test_failures_before_a_statistics_reset_still_count(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    def ill_at_first(request: Request) -> Reply:
        seen["predict"] += 1
        return (503, {"error": "Service unavailable", "detail": None}) if seen["predict"] < 3 else predict(request)

    with stand_in() as flask, stand_in(predict=ill_at_first) as fastapi:
        finished = run_headless(
            tmp_path,
            *("--reset-stats", "--users", 4, "--spawn-rate", 1),
            until=lambda: "Resetting stats" in (tmp_path / OUTPUT).read_text(),
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
        )

    assert finished.exit_code == 1
    assert finished.failures == 0
    assert "ERROR/serving_lab.load.verdict: 2 of " in finished.output


def test_a_service_that_is_down_is_a_failure(tmp_path: Path) -> None:
    with stand_in() as flask:
        finished = run_headless(
            tmp_path,
            *USERS,
            until=lambda: flask.asked.total() > 100,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=f"http://127.0.0.1:{free_port()}",
        )

    assert finished.exit_code == 1
    assert "fastapi-api /login: [Errno 111] Connection refused" in finished.output
    assert "fastapi-api /predict" not in finished.statistics, "asked without a token"


def test_a_run_in_which_nothing_was_asked_cannot_tell(tmp_path: Path) -> None:
    finished = run_headless(tmp_path, "--users", 0, "--run-time", 1)

    assert finished.exit_code == 2
    assert "no request was answered" in finished.output


def test_a_token_that_is_refused_is_renewed_and_the_request_repeated(tmp_path: Path) -> None:
    uses: Counter[str] = Counter()

    def forgetful(request: Request) -> Reply:
        uses[request.authorization] += 1
        return (
            (401, {"error": "Token is invalid", "detail": None})
            if uses[request.authorization] > 5
            else predict(request)
        )

    finished = run(tmp_path, predict=forgetful)

    assert finished.exit_code == 0, finished.output
    assert (
        finished.statistics["fastapi-api /login"]["num_requests"]
        > finished.statistics["flask-api /login"]["num_requests"]
    )
    assert max(uses.values()) == 6


def test_one_service_can_be_chosen_and_a_host_given_to_locust_changes_nothing(tmp_path: Path) -> None:
    with stand_in() as flask, stand_in() as fastapi:
        finished = run_headless(
            tmp_path,
            *USERS,
            *("--host", fastapi.base_url, "flask-api"),
            until=lambda: flask.asked.total() > 20,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
        )

    assert finished.exit_code == 0, finished.output
    assert {name.partition(" ")[0] for name in finished.statistics} == {"flask-api"}
    assert fastapi.asked.total() == 0


@pytest.mark.parametrize(
    ("settings", "complaint", "hint"),
    [
        (
            {"THINK_TIME_MIN_SECONDS": "soon"},
            "THINK_TIME_MIN_SECONDS must be a number from 0 to 3600, not 'soon'",
            "change it in .env or in the shell",
        ),
        (
            {"API_PASSWORD_FILE": "/no/where", "API_PASSWORD": ""},
            "API_PASSWORD_FILE names /no/where, which cannot be read: No such file or directory",
            "in .env or the shell: API_PASSWORD, or API_PASSWORD_FILE and a file that holds it, not both",
        ),
    ],
)
def test_a_wrong_setting_is_a_line_and_a_hint_and_exit_code_2(
    tmp_path: Path, settings: dict[str, Any], complaint: str, hint: str
) -> None:
    finished = run_headless(tmp_path, **settings)

    assert finished.exit_code == 2
    assert finished.output == f"locust: {complaint}\n hint: {hint}\n"


def test_counters_of_metrics_do_not_fall_with_a_reset_or_a_new_run(tmp_path: Path) -> None:
    with (
        stand_in() as flask,
        stand_in() as fastapi,
        running_locust(tmp_path, FLASK_API_URL=flask.base_url, FASTAPI_API_URL=fastapi.base_url, **THINKING) as locust,
    ):
        assert locust.total("locust_state", state="ready") == 1
        locust.post("/swarm", user_count=4, spawn_rate=4)
        wait_until(lambda: locust.total("locust_requests_total") > 100, "a hundred requests")
        assert locust.total("locust_users") == 4
        assert locust.total("locust_user_class_users", user_class="flask-api") == 2
        assert locust.total("locust_user_class_users", user_class="fastapi-api") == 2
        assert locust.total("locust_state", state="running") == 1

        locust.post("/stop")
        wait_until(lambda: locust.total("locust_state", state="stopped") == 1, "stopped")
        before = locust.metrics()
        locust.post("/stats/reset")
        locust.post("/swarm", user_count=2, spawn_rate=2)
        wait_until(lambda: locust.total("locust_state", state="running") == 1, "running again")
        after = locust.metrics()

    counters = [key for key in before if key[0].endswith("_total")]
    assert counters
    assert all(after[key] >= before[key] for key in counters)
    assert sum(after[key] for key in counters) > sum(before[key] for key in counters)


def test_failures_are_exported_by_request_name(tmp_path: Path) -> None:
    with (
        stand_in() as flask,
        stand_in(predict=changed(cached=None)) as fastapi,
        running_locust(
            tmp_path,
            "--autostart",
            "--users",
            2,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
            **THINKING,
        ) as locust,
    ):
        wait_until(lambda: locust.total("locust_requests_total", name="fastapi-api /predict") > 0, "a prediction")
        wait_until(lambda: locust.total("locust_requests_total", name="flask-api /predict") > 0, "a prediction")

        assert locust.total("locust_request_failures_total", service="fastapi-api", name="fastapi-api /predict") > 0
        assert locust.total("locust_request_failures_total", service="flask-api") == 0


def test_a_master_speaks_for_its_workers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        flask, fastapi = stack.enter_context(stand_in()), stack.enter_context(stand_in())
        urls = {"FLASK_API_URL": flask.base_url, "FASTAPI_API_URL": fastapi.base_url} | THINKING
        port = free_port()
        bind = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port)
        locust = stack.enter_context(running_locust(tmp_path, "--master", *bind, **urls))
        stack.enter_context(
            process_ended(
                subprocess.Popen(
                    command("--worker", "--master-host", "127.0.0.1", "--master-port", port),
                    env=environment(**urls),
                    cwd=tmp_path,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        )
        wait_until(lambda: locust.total("locust_workers") == 1, "a worker")
        locust.post("/swarm", user_count=4, spawn_rate=4)

        wait_until(lambda: locust.total("locust_requests_total", service="flask-api") > 0, "the worker's requests")
        wait_until(lambda: locust.total("locust_cpu_usage_ratio", process="worker-0") > 0, "the worker's vitals")
        assert locust.total("locust_users") == 4
        assert 0 < locust.total("locust_requests_total") <= flask.asked.total() + fastapi.asked.total()
