"""Load shapes: how many users there are when, what is wrong with a setting, and where a ramp ends."""

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from serving_lab.load.requests import Requests
from serving_lab.load.shape_settings import Kind, ShapeSettings
from serving_lab.text.settings import SettingError
from support.load import run_headless, running_locust
from support.services import wait_until
from support.stand_in import Reply, Request, predict, stand_in

pytestmark = pytest.mark.service


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.CONSTANT, [100, 100, 100, 100, 100, 100]),
        (Kind.STEP, [25, 25, 50, 75, 100, 100]),
        (Kind.SPIKE, [10, 10, 100, 100, 10, 10]),
        (Kind.RAMP, [1, 20, 40, 60, 80, 100]),
    ],
)
def test_a_shape_says_how_many_users_there_are(kind: Kind, expected: list[int]) -> None:
    settings = ShapeSettings(kind, users=100, seconds=60, steps=4)

    assert [settings.users_at(second) for second in (0, 12, 24, 36, 48, 60)] == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"LOAD_SHAPE": "sine"}, "LOAD_SHAPE must be one of none, constant, step, spike, ramp, not 'sine'"),
        ({"LOAD_SHAPE_USERS": "0"}, "LOAD_SHAPE_USERS must be a whole number from 1 to 1000000, not '0'"),
        ({"LOAD_SHAPE_SECONDS": "0"}, "LOAD_SHAPE_SECONDS must be a number from 1 to 86400, not '0'"),
        ({"LOAD_SHAPE_STEPS": "2.5"}, "LOAD_SHAPE_STEPS must be a whole number from 1 to 1000, not '2.5'"),
        ({"LOAD_SHAPE_MAX_ERROR_SHARE": "5%"}, "LOAD_SHAPE_MAX_ERROR_SHARE must be a number from 0 to 1, not '5%'"),
        ({"LOAD_SHAPE_MAX_P99_SECONDS": "-1"}, "LOAD_SHAPE_MAX_P99_SECONDS must be a number from 0 to 3600, not '-1'"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        ShapeSettings.from_environment(wrong)

    assert str(refused.value) == message


def test_without_a_setting_there_is_no_shape() -> None:
    assert ShapeSettings.from_environment({"LOAD_SHAPE": ""}) == ShapeSettings(kind=Kind.NONE)


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        (Requests(1000, 0, Counter({10: 985, 2000: 15})), "Flask had a P99 of 2.00 s (limit 1 s)"),
        (Requests(1000, 0, Counter({10: 995, 2000: 5})), None),
        (Requests(1000, 20, Counter({10: 1000})), "Flask failed 2.0% of its requests (limit 1.0%)"),
        (Requests(1000, 10, Counter({10: 1000})), None),
        (Requests(50, 50, Counter({9000: 50})), None),
    ],
    ids=["slow", "few slow", "failing", "few failures", "too few to tell"],
)
def test_a_limit_is_passed_by_failures_or_by_the_p99(requests: Requests, expected: str | None) -> None:
    assert ShapeSettings(Kind.RAMP).passed_limit("Flask", requests) == expected


def test_requests_add_up() -> None:
    total = Requests(2, 1, Counter({5: 2}))
    total.add(Requests(3, 0, Counter({5: 1, 7: 2})))

    assert total == Requests(5, 1, Counter({5: 3, 7: 2}))
    assert [total.quantile_seconds(q) for q in (0.5, 0.6, 1.0)] == [0.005, 0.005, 0.007]


def test_a_ramp_ends_where_a_service_slows_down_and_says_at_how_many_users(tmp_path: Path) -> None:
    def slow(request: Request) -> Reply:
        time.sleep(0.2)
        return predict(request)

    with stand_in() as flask, stand_in(predict=slow) as fastapi:
        finished = run_headless(
            tmp_path,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
            LOAD_SHAPE="ramp",
            LOAD_SHAPE_USERS=40,
            LOAD_SHAPE_SECONDS=20,
            LOAD_SHAPE_MAX_P99_SECONDS=0.15,
            THINK_TIME_MAX_SECONDS=0.01,
        )

    assert finished.exit_code == 0, finished.output
    found = re.search(r"Ramp ended at (\d+) users: (.*)", finished.output)
    assert found, finished.output
    assert 1 <= int(found[1]) <= 40
    assert re.search(r"FastAPI had a P99 of \d+\.\d+ s \(limit 0\.15 s\)", found[2])


def test_a_shape_that_ends_without_a_finding_ends_the_run(tmp_path: Path) -> None:
    with stand_in() as flask, stand_in() as fastapi:
        finished = run_headless(
            tmp_path,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
            LOAD_SHAPE="step",
            LOAD_SHAPE_USERS=4,
            LOAD_SHAPE_STEPS=2,
            LOAD_SHAPE_SECONDS=4,
            THINK_TIME_MAX_SECONDS=0.05,
        )

    assert finished.exit_code == 0, finished.output
    assert "updating to 2 users" in finished.output
    assert "updating to 4 users" in finished.output
    assert flask.asked.total() > 0


def test_a_shape_runs_from_the_start_button_too(tmp_path: Path) -> None:
    with (
        stand_in() as flask,
        stand_in() as fastapi,
        running_locust(
            tmp_path,
            FLASK_API_URL=flask.base_url,
            FASTAPI_API_URL=fastapi.base_url,
            LOAD_SHAPE="constant",
            LOAD_SHAPE_USERS=6,
            LOAD_SHAPE_SECONDS=60,
            THINK_TIME_MAX_SECONDS=0.05,
        ) as locust,
    ):
        locust.post("/swarm")

        wait_until(lambda: locust.total("locust_users") == 6, "the shape's users")


def test_a_wrong_shape_is_a_line_and_a_hint_and_exit_code_2(tmp_path: Path) -> None:
    finished = run_headless(tmp_path, LOAD_SHAPE="sine")

    assert finished.exit_code == 2
    complaint = "LOAD_SHAPE must be one of none, constant, step, spike, ramp, not 'sine'"
    assert finished.output == f"locust: {complaint}\n hint: change it in .env or in the shell\n"
