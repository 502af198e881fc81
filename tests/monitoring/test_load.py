"""The parts of the load: its settings, the vectors it draws, and how strictly it reads an answer."""

from __future__ import annotations

import json
import random
import statistics
from typing import TYPE_CHECKING, Any

import pytest
from serving_lab.load import answers
from serving_lab.load.answers import Consistency, Shape, WrongAnswer
from serving_lab.load.features import DIABETES_FEATURES, FeatureSource
from serving_lab.load.settings import LoadSettings, SettingError
from support.stand_in import RIGHT, Request

if TYPE_CHECKING:
    from pathlib import Path

CREDENTIALS = {"API_USERNAME": "user", "API_PASSWORD": "password"}

SHAPES: dict[str, Shape] = {
    "/login": answers.LOGIN,
    "/predict": answers.PREDICTION,
    "/batch-predict": answers.batch(2),
    "/model-info": answers.MODEL_INFO,
    "/health": answers.HEALTH,
}
REQUEST = Request({"features": [1.0] * 10, "samples": [[1.0] * 10] * 2}, "")


def right_answer(path: str) -> dict[str, Any]:
    return RIGHT[path](REQUEST)[1]


def test_settings_have_defaults_and_empty_counts_as_absent() -> None:
    settings = LoadSettings.from_environment(CREDENTIALS | {"FLASK_URL": "", "FASTAPI_URL": "http://fastapi-api:8000/"})

    assert settings.flask_url == "http://127.0.0.1:5000"
    assert settings.fastapi_url == "http://fastapi-api:8000"
    assert settings.think_time_min_seconds <= settings.think_time_max_seconds


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"API_PASSWORD": ""}, "API_PASSWORD is not set"),
        ({"FLASK_URL": "flask-api:5000"}, "FLASK_URL must be an http or https URL, not 'flask-api:5000'"),
        ({"FASTAPI_URL": "http://host:99999"}, "FASTAPI_URL must be an http or https URL, not 'http://host:99999'"),
        ({"THINK_TIME_MIN_SECONDS": "nan"}, "THINK_TIME_MIN_SECONDS must be a number from 0 to 3600, not 'nan'"),
        ({"THINK_TIME_MAX_SECONDS": "-1"}, "THINK_TIME_MAX_SECONDS must be a number from 0 to 3600, not '-1'"),
        ({"THINK_TIME_MIN_SECONDS": "2"}, "THINK_TIME_MIN_SECONDS must not be above THINK_TIME_MAX_SECONDS"),
        ({"REPEAT_SHARE": "1.1"}, "REPEAT_SHARE must be a number from 0 to 1, not '1.1'"),
        ({"REPEAT_POOL_SIZE": "0"}, "REPEAT_POOL_SIZE must be a whole number from 1 to 1000000, not '0'"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        LoadSettings.from_environment(CREDENTIALS | wrong)

    assert str(refused.value) == message


def test_the_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of a file\n")
    environment = {"API_USERNAME": "user", "API_PASSWORD_FILE": str(tmp_path / "password")}

    assert LoadSettings.from_environment(environment).password == "of a file"
    with pytest.raises(SettingError, match=r"^API_PASSWORD is set, and API_PASSWORD_FILE too$"):
        LoadSettings.from_environment(environment | CREDENTIALS)
    with pytest.raises(SettingError, match=r"^API_PASSWORD_FILE names /no/where, which cannot be read: No such file"):
        LoadSettings.from_environment(environment | {"API_PASSWORD_FILE": "/no/where"})


def test_vectors_follow_the_patients() -> None:
    source = FeatureSource(repeat_share=0, pool_size=1, generator=random.Random(1))  # noqa: S311 - repeatable

    columns = list(zip(*(source.draw() for _ in range(4000)), strict=True))

    assert len(columns) == 10
    for feature, column in zip(DIABETES_FEATURES, columns, strict=True):
        assert feature.deciles[0] <= min(column)
        assert max(column) <= feature.deciles[-1]
        spread = feature.deciles[8] - feature.deciles[2]
        assert statistics.median(column) == pytest.approx(feature.deciles[5], abs=max(0.1 * spread, 1))


def test_the_stated_share_of_vectors_repeats() -> None:
    source = FeatureSource(repeat_share=0.3, pool_size=50, generator=random.Random(1))  # noqa: S311 - repeatable
    pool = set(source.pool)

    drawn = [source.draw() for _ in range(10_000)]

    fresh = [vector for vector in drawn if vector not in pool]
    assert len(pool) == 50
    assert len(set(fresh)) == len(fresh)
    assert 1 - len(fresh) / len(drawn) == pytest.approx(0.3, abs=0.02)


def test_every_process_repeats_the_same_vectors() -> None:
    assert FeatureSource(0.5, 20).pool == FeatureSource(0.5, 20).pool


@pytest.mark.parametrize("path", SHAPES)
def test_a_right_answer_passes(path: str) -> None:
    answer = right_answer(path)

    assert answers.check(answers.parse(json.dumps(answer).encode()), SHAPES[path]) == answer


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, shape in SHAPES.items() for field in shape])
def test_a_missing_field_is_wrong(path: str, field: str) -> None:
    answer = right_answer(path)
    del answer[field]

    with pytest.raises(WrongAnswer, match=f"^missing field {field}$"):
        answers.check(answer, SHAPES[path])


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, shape in SHAPES.items() for field in shape])
@pytest.mark.parametrize("value", [None, [], "", float("inf"), 10**400], ids=["null", "list", "empty", "inf", "huge"])
def test_a_field_of_another_kind_is_wrong(path: str, field: str, value: object) -> None:
    with pytest.raises(WrongAnswer, match=f"^{field} is .*, not "):
        answers.check(right_answer(path) | {field: value}, SHAPES[path])


@pytest.mark.parametrize(
    ("path", "change", "message"),
    [
        ("/predict", {"cached": 1}, "cached is a number, not true or false"),
        ("/predict", {"prediction": True}, "prediction is a boolean, not a finite number"),
        ("/predict", {"extra": 1}, "unexpected field extra"),
        ("/batch-predict", {"count": 3}, "count is a number, not the number of rows sent"),
        (
            "/batch-predict",
            {"predictions": [1.0]},
            "predictions is a list, not a list of one finite number for each row sent",
        ),
        (
            "/batch-predict",
            {"predictions": [1.0, "2"]},
            "predictions is a list, not a list of one finite number for each row sent",
        ),
        ("/health", {"status": "ill"}, 'status is a text, not "healthy"'),
        ("/health", {"timestamp": "2025-01-01T00:00:00"}, "timestamp is a text, not a UTC time"),
        ("/health", {"timestamp": "2025-01-01T00:00:00+02:00"}, "timestamp is a text, not a UTC time"),
        ("/login", {"expires_in": 0}, "expires_in is a number, not a number of seconds above 0"),
        ("/model-info", {"sha256": "F" * 64}, "sha256 is a text, not 64 hexadecimal digits"),
    ],
)
def test_a_wrong_answer_says_what_is_wrong(path: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongAnswer) as wrong:
        answers.check(right_answer(path) | change, SHAPES[path])

    assert str(wrong.value) == message


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"prediction": NaN}', b"\xff"])
def test_a_body_that_is_not_json_is_wrong(content: bytes) -> None:
    with pytest.raises(WrongAnswer, match="body is not JSON"):
        answers.parse(content)


def test_one_model_has_one_answer_for_the_same_features() -> None:
    repeating, fresh = (1.0,) * 10, (2.0,) * 10
    consistency = Consistency(frozenset([repeating]))
    consistency.check([repeating, fresh], [150.0, 90.0], "1")

    consistency.check([repeating, fresh], [150.0 * (1 + 1e-12), 91.0], "1")
    consistency.check([repeating], [120.0], "2")
    with pytest.raises(WrongAnswer, match="differs from an earlier one"):
        consistency.check([repeating], [150.1], "1")
