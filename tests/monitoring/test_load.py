"""The parts of the load: its settings, what it draws, and how strictly it reads an answer."""

import json
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml
from serving_lab.api.description import Call
from serving_lab.api.values import Row, sources
from serving_lab.errors import LabError
from serving_lab.load.consistency import Consistency
from serving_lab.load.drafts import Draft
from serving_lab.load.profile import LoadProfile, tasks
from serving_lab.load.settings import LoadSettings
from serving_lab.project import Project
from serving_lab.text.settings import SettingError
from support.stand_in import RIGHT, Request

PROFILE = LoadProfile.load(Project.find(Path(__file__)).api_file, {"API_USERNAME": "user", "API_PASSWORD": "password"})
API = PROFILE.api
ROWS = [[1.0] * 10] * 6
REQUEST = Request({"features": ROWS[0], "samples": ROWS}, "")


def test_settings_have_defaults_and_empty_counts_as_absent() -> None:
    settings = LoadSettings.from_environment({"THINK_TIME_MIN_SECONDS": "", "REPEAT_SHARE": "0.25"})

    assert settings == LoadSettings(repeat_share=0.25)
    assert settings.think_time_min_seconds <= settings.think_time_max_seconds


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"THINK_TIME_MIN_SECONDS": "nan"}, "THINK_TIME_MIN_SECONDS must be a number from 0 to 3600, not 'nan'"),
        ({"THINK_TIME_MAX_SECONDS": "-1"}, "THINK_TIME_MAX_SECONDS must be a number from 0 to 3600, not '-1'"),
        ({"THINK_TIME_MIN_SECONDS": "2"}, "THINK_TIME_MIN_SECONDS must not be above THINK_TIME_MAX_SECONDS"),
        ({"REPEAT_SHARE": "1.1"}, "REPEAT_SHARE must be a number from 0 to 1, not '1.1'"),
        ({"REPEAT_POOL_SIZE": "0"}, "REPEAT_POOL_SIZE must be a whole number from 1 to 1000000, not '0'"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        LoadSettings.from_environment(wrong)

    assert str(refused.value) == message


class TestProfile:
    def load(self, directory: Path, load: object) -> LoadProfile:
        path = directory / "api.yaml"
        message = {"websocket": {"path": "/ws", "json": {}}}
        content = {
            "requests": {"home": {"request": {"path": "/"}}, "say": message, "tell": {"websocket": {"path": "/other"}}},
            "mixes": {"all": {"home": 1}, "say": {"say": 1}, "both": {"say": 1, "tell": 1}},
            "load": load,
        }
        path.write_text(yaml.safe_dump(content))
        return LoadProfile.load(path, {})

    def test_it_says_which_mixes_are_asked(self, tmp_path: Path) -> None:
        assert self.load(tmp_path, {"mix": "all"}).messages == {}
        assert self.load(tmp_path, {"mix": "all", "websocket": "say"}).messages == {"say": 1}

    @pytest.mark.parametrize(
        ("load", "complaint"),
        [
            ({}, "load: there is no mix"),
            ({"mix": "none"}, "load.mix: there is no mix 'none' in the description"),
            ({"mix": "say"}, "load.mix.say: 'say' is not a request"),
            ({"mix": "all", "websocket": "all"}, "load.websocket.home: 'home' is not a message on a WebSocket"),
            ({"mix": "all", "websocket": "both"}, "load.websocket: its messages are for several paths"),
        ],
    )
    def test_what_is_wrong_is_told(self, tmp_path: Path, load: object, complaint: str) -> None:
        with pytest.raises(LabError) as raised:
            self.load(tmp_path, load)

        assert complaint in str(raised.value)

    def test_the_password_may_stand_in_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("of a file\n")
        environment = {"API_USERNAME": "user", "API_PASSWORD_FILE": str(tmp_path / "password")}
        path = Project.find().api_file

        sign_in = LoadProfile.load(path, environment).api.sign_in
        assert sign_in is not None
        assert b"of a file" in sign_in.request.body
        with pytest.raises(SettingError, match=r"^API_PASSWORD is set, and API_PASSWORD_FILE too$"):
            LoadProfile.load(path, environment | {"API_PASSWORD": "here"})
        with pytest.raises(SettingError, match=r"^API_PASSWORD_FILE names /no/where, which cannot be read: No such f"):
            LoadProfile.load(path, environment | {"API_PASSWORD_FILE": "/no/where"})


def drawn(name: str, count: int, profile: LoadProfile = PROFILE) -> list[str]:
    chance, draw = random.Random(1), sources(profile.api.values)[name]  # noqa: S311 - repeatable
    return [draw(chance) for _ in range(count)]


def test_rows_follow_the_patients() -> None:
    row = API.values["new_row"]
    assert isinstance(row, Row)

    columns = list(zip(*(json.loads(text) for text in drawn("new_row", 4000)), strict=True))

    assert len(columns) == 10
    for feature, column in zip(row.columns, columns, strict=True):
        assert feature.quantiles[0] <= min(column)
        assert max(column) <= feature.quantiles[-1]
        spread = feature.quantiles[8] - feature.quantiles[2]
        assert statistics.median(column) == pytest.approx(feature.quantiles[5], abs=max(0.1 * spread, 1))


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_the_stated_share_of_rows_repeats(share: float) -> None:
    profile = PROFILE.repeating(share, 50)
    pool = set(drawn("known_row", 5000, profile))

    rows = drawn("row", 10_000, profile)

    fresh = [row for row in rows if row not in pool]
    assert len(pool) == 50
    assert len(set(fresh)) == len(fresh)
    assert 1 - len(fresh) / len(rows) == pytest.approx(share, abs=0.02)


def test_tasks_come_by_their_weights() -> None:
    named = [task.__name__ for task in tasks({"often": 7, "seldom": 2.5, "hardly": 0.0001, "never": 0.5})]

    assert [named.count(name) for name in ("often", "seldom", "hardly", "never")] == [700, 250, 1, 50]


def test_a_request_has_what_was_drawn_and_what_the_sign_in_gave() -> None:
    draft = Draft.of(API.requests["predict"], {"token": "abc"}, sources(API.values))

    request = draft.draw(random.Random(1))  # noqa: S311 - repeatable

    assert (request.path, request.headers["Authorization"]) == ("/predict", "Bearer abc")
    assert json.loads(request.body) == {"features": json.loads(request.sent["row"])}
    assert draft.filled(request.sent) == request


# What a call is answered rightly, by its name.
ANSWERS: dict[str, dict[str, Any]] = {
    "predict": RIGHT["/predict"](REQUEST)[1],
    "batch_predict_few": RIGHT["/batch-predict"](REQUEST)[1],
    "model_info": RIGHT["/model-info"](REQUEST)[1],
    "health": RIGHT["/health"](REQUEST)[1],
    "predict_message": RIGHT["/predict"](REQUEST)[1] | {"id": "abc"},
    "batch_message": RIGHT["/batch-predict"](REQUEST)[1] | {"id": "abc"},
}
SENT = {"row": json.dumps(ROWS[0]), "few_rows": json.dumps(ROWS), "id": '"abc"'}
FIELDS = [(name, field) for name, answer in ANSWERS.items() for field in answer]


def wrong(name: str, answer: dict[str, Any]) -> str | None:
    body = json.dumps(answer).replace("Infinity", "1e400").encode()
    return API.requests[name].expectation.checker.knowing(SENT).wrong(200, body)


def test_every_request_of_the_load_is_checked_here() -> None:
    assert {*PROFILE.mix, *PROFILE.messages} == ANSWERS.keys()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_right_answer_passes(name: str) -> None:
    assert wrong(name, ANSWERS[name]) is None


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_missing_field_is_wrong(name: str, field: str) -> None:
    answer = {key: value for key, value in ANSWERS[name].items() if key != field}

    assert wrong(name, answer) == f"$.{field} is missing"


@pytest.mark.parametrize(("name", "field"), FIELDS)
@pytest.mark.parametrize("value", [None, [], "", float("inf"), 10**400], ids=["null", "list", "empty", "inf", "huge"])
def test_a_field_of_another_kind_is_wrong(name: str, field: str, value: object) -> None:
    found = wrong(name, ANSWERS[name] | {field: value})

    # JSON knows numbers of any size, but no reader keeps 1e400 apart from infinity.
    assert found is not None
    assert found.startswith(f"$.{field} is ") or found == "the body is not JSON"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("predict", {"cached": 1}, "$.cached is a number, not true or false"),
        ("predict", {"prediction": True}, "$.prediction is a boolean, not a number"),
        ("predict", {"extra": 1}, "unexpected field extra"),
        ("batch_predict_few", {"count": 7}, "$.count is a number, not 6"),
        ("batch_predict_few", {"predictions": [1.0] * 5}, "$.predictions is a list, not a list of 6, each a number"),
        ("batch_predict_few", {"predictions": ["2"] * 6}, "$.predictions is a list, not a list of 6, each a number"),
        ("batch_predict_few", {"inference_ms": -1}, "$.inference_ms is a number, not a number at least 0"),
        ("health", {"status": "ill"}, '$.status is a text, not "healthy"'),
        ("health", {"timestamp": "2025-01-01T00:00:00"}, "$.timestamp is a text, not a UTC time"),
        ("health", {"timestamp": "2025-01-01T00:00:00+02:00"}, "$.timestamp is a text, not a UTC time"),
        ("health", {"uptime_seconds": -1}, "$.uptime_seconds is a number, not a number at least 0"),
        (
            "model_info",
            {"model_type": "linear"},
            "$.model_type is a text, not a text like random_forest|gradient_boosting",
        ),
        ("model_info", {"input_features": 11}, "$.input_features is a number, not 10"),
        ("model_info", {"feature_names": ["age"]}, "$.feature_names is a list, not "),
        ("model_info", {"metrics": {"mae": "43"}}, "$.metrics is an object, not an object, each member a number"),
        ("model_info", {"format": "pickle"}, '$.format is a text, not "onnx"'),
        ("model_info", {"sha256": "F" * 64}, "$.sha256 is a text, not a text like [0-9a-f]{64}"),
        ("predict_message", {"id": "abcd"}, '$.id is a text, not "abc"'),
        ("batch_message", {"id": 1}, '$.id is a number, not "abc"'),
    ],
)
def test_a_wrong_answer_says_what_is_wrong(name: str, change: dict[str, Any], message: str) -> None:
    found = wrong(name, ANSWERS[name] | change)

    assert found is not None
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token": ""}, "$.token is a text, not a text that is not empty"),
        ({"token_type": "basic"}, '$.token_type is a text, not "bearer"'),
        ({"expires_in": 0}, "$.expires_in is a number, not a number above 0"),
        ({"more": 1}, "unexpected field more"),
    ],
)
def test_a_wrong_sign_in_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    assert API.sign_in is not None
    right = RIGHT["/login"](REQUEST)[1]

    found = [API.sign_in.expectation.checker.wrong(200, json.dumps(each).encode()) for each in (right, right | change)]

    assert found == [None, message]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, None),
        ({"content-type": "application/json; charset=utf-8"}, None),
        ({"content-type": "text/html"}, "header Content-Type is not a text like application/json *(;.*)?"),
        ({"x-request-id": ""}, "header X-Request-ID is not a text that is not empty"),
        ({"x-process-time": None}, "header X-Process-Time is missing"),
    ],
)
def test_every_answer_has_the_headers_of_the_contract(headers: dict[str, str | None], message: str | None) -> None:
    right = {"content-type": "application/json", "x-request-id": "1", "x-process-time": "0.1"}
    expected = [*API.requests.values(), API.sign_in]

    found = {each.expectation.header_checker.wrong((right | headers).get) for each in expected if each}

    assert found == {message}


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"prediction": NaN}', b"\xff"])
def test_a_body_that_is_not_json_is_wrong(content: bytes) -> None:
    assert API.requests["predict"].expectation.checker.wrong(200, content) == "the body is not JSON"


class TestConsistency:
    """One model has one answer for the same features, whichever service, request or message asks."""

    KNOWN, NEW = drawn("known_row", 1)[0], "[2.0]"
    DIFFERS = "$.prediction differs from an earlier answer to the same row"

    @pytest.fixture
    def consistency(self) -> Consistency:
        return Consistency(API)

    def one(self, consistency: Consistency, row: str, prediction: float, version: str = "1") -> str | None:
        return self.asked(consistency, API.requests["predict"], {"row": row}, prediction, version)

    def asked(
        self, consistency: Consistency, call: Call, sent: dict[str, str], prediction: object, version: str = "1"
    ) -> str | None:
        field = "predictions" if isinstance(prediction, list) else "prediction"
        return consistency.wrong(call, sent, json.dumps({field: prediction, "model_version": version}).encode())

    def test_another_prediction_is_wrong(self, consistency: Consistency) -> None:
        assert self.one(consistency, self.KNOWN, 150.0) is None
        assert self.one(consistency, self.KNOWN, 150.0 * (1 + 1e-12)) is None
        assert self.one(consistency, self.KNOWN, 150.1) == self.DIFFERS

    def test_another_model_may_say_otherwise(self, consistency: Consistency) -> None:
        assert self.one(consistency, self.KNOWN, 150.0) is None
        assert self.one(consistency, self.KNOWN, 120.0, version="2") is None
        assert self.one(consistency, self.KNOWN, 150.0, version="2") == self.DIFFERS

    def test_what_is_asked_once_is_not_remembered(self, consistency: Consistency) -> None:
        assert self.one(consistency, self.NEW, 90.0) is None
        assert self.one(consistency, self.NEW, 91.0) is None
        assert consistency._seen == {}

    @pytest.mark.parametrize("name", ["batch_predict_few", "batch_message"])
    def test_a_batch_gives_what_its_rows_give(self, consistency: Consistency, name: str) -> None:
        call, sent = API.requests[name], {"few_rows": f"[{self.NEW},{self.KNOWN}]", "id": '"a"'}
        assert self.one(consistency, self.KNOWN, 150.0) is None

        assert self.asked(consistency, call, sent, [90.0, 150.0]) is None
        assert (
            self.asked(consistency, call, sent, [150.0, 90.0])
            == "$.predictions differs from an earlier answer to the same few_rows"
        )
        assert self.asked(consistency, call, sent, [90.0]) == "$.predictions does not have an item for each of few_rows"

    def test_a_message_gives_what_a_request_gives(self, consistency: Consistency) -> None:
        call = API.requests["predict_message"]
        assert self.one(consistency, self.KNOWN, 150.0) is None

        assert self.asked(consistency, call, {"row": self.KNOWN, "id": '"a"'}, 150.0) is None
        assert self.asked(consistency, call, {"row": self.KNOWN, "id": '"b"'}, 151.0) == self.DIFFERS

    def test_a_request_without_values_is_always_the_same(self, consistency: Consistency) -> None:
        call = API.requests["model_info"]
        answers = [b'{"version": "%s", "sha256": "%s"}' % each for each in ((b"1", b"a"), (b"2", b"b"), (b"1", b"c"))]

        assert [consistency.wrong(call, {}, answer) for answer in answers] == [
            None,
            None,
            "$.sha256 differs from an earlier answer to the same request",
        ]
