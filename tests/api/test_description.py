"""A description says how to sign in, what is sent and what a right answer is; what is wrong is told with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from serving_lab.api.agreement import Agree
from serving_lab.api.description import Description
from serving_lab.api.profile_file import read_description
from serving_lab.api.request import Request
from serving_lab.api.values import Choice, Pool, Row, Several, Unique
from serving_lab.errors import LabError
from serving_lab.project import Project

ENVIRONMENT = {"API_USERNAME": "lab", "API_PASSWORD": "secret"}
HOME: dict[str, Any] = {"request": {"path": "/"}}


def load(directory: Path, **content: object) -> Description:
    path = directory / "api.yaml"
    path.write_text(yaml.safe_dump(content))
    return read_description(path, ENVIRONMENT)


def home(**changes: object) -> dict[str, object]:
    return {"requests": {"home": HOME | changes}}


def test_the_labs_own_can_be_read() -> None:
    api = read_description(Project.find().api_file, ENVIRONMENT)

    assert api.sign_in is not None
    assert b"secret" in api.sign_in.request.body
    assert sum(api.mixes["mixed"].values()) == sum(api.mixes["measured"].values()) == 100
    assert {name for name, call in api.requests.items() if call.websocket} == set(api.mixes["messages"])
    assert all(call.expectation.only for call in api.requests.values())
    assert {"Content-Type", "X-Request-ID", "X-Process-Time"} <= api.requests["health"].expectation.headers.keys()


def test_little_is_enough(tmp_path: Path) -> None:
    assert load(tmp_path) == Description()
    assert load(tmp_path, **home()).requests["home"].expectation.statuses == (200,)


def test_requests_are_signed_in_unless_they_say_otherwise(tmp_path: Path) -> None:
    api = load(
        tmp_path,
        sign_in={"request": {"method": "POST", "path": "/login"}, "save": {"token": "$.token"}},
        authorization={"X-Token": "${token}"},
        before=[{"path": "/reset"}],
        requests={"in": HOME, "out": {"request": {"path": "/", "signed_in": False}}},
    )

    header = ("X-Token", "${token}")
    assert api.sign_in is not None
    assert api.sign_in.request == Request("POST", "/login")
    assert api.before == (Request("GET", "/reset", (header,)),)
    assert (api.requests["in"].request.headers, api.requests["in"].signed_in) == ((header,), True)
    assert (api.requests["out"].request.headers, api.requests["out"].signed_in) == ((), False)


def test_a_form_is_encoded_and_what_is_filled_in_later_stays(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text('before: [{method: POST, path: /, form: {user: "${host}", "a b": "p&s+w%d=é"}}]', encoding="utf-8")

    [request] = read_description(path, {}).before

    assert request.body == b"user=${host}&a+b=p%26s%2Bw%25d%3D%C3%A9"
    assert request.header("content-type") == "application/x-www-form-urlencoded"


def test_values_come_from_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "columns.json").write_text('[{"quantiles": [1, 2]}]')
    (tmp_path / "words.txt").write_text('word\n{"a": 1}\n')

    values = load(
        tmp_path,
        values={
            "row": {"row": "columns.json"},
            "known": {"pool": "row", "size": 2},
            "word": {"lines": "words.txt"},
            "two": {"several": "row", "count": 2},
            "some": {"several": "row", "count": [1, 3]},
            "id": {"unique": 8},
        },
    ).values

    assert isinstance(values["row"], Row)
    assert values["known"] == Pool("row", 2)
    assert values["word"] == Choice(['"word"', '{"a": 1}'])
    assert (values["two"], values["some"], values["id"]) == (Several("row", 2, 2), Several("row", 1, 3), Unique(8))


def test_what_agrees_may_be_told_by_a_value_of_the_request(tmp_path: Path) -> None:
    number = {"number": {"quantiles": [1, 2]}}
    body = {"path": "/", "method": "POST", "json": {"n": "${n}", "all": "${all}"}}
    agree = [
        "$.whole",
        {"path": "$.one", "of": "n", "as": "one", "per": "$.version"},
        {"path": "$.each", "of": "all", "as": "one"},
    ]

    api = load(
        tmp_path,
        values={"n": number, "all": {"several": "n", "count": 2}},
        requests={"home": {"request": body, "agree": agree}},
    )

    assert api.requests["home"].agree == (
        Agree("$.whole", ("all", "n"), "home"),
        Agree("$.one", ("n",), "one", "$.version"),
        Agree("$.each", ("all",), "one", each=True),
    )


def test_what_every_answer_has_is_expected_of_each(tmp_path: Path) -> None:
    api = load(
        tmp_path,
        every_answer={"headers": {"A": "text", "B": "text"}},
        **home(expect={"headers": {"B": {"is": "b"}, "C": "text"}}),
    )

    assert api.requests["home"].expectation.headers == {"A": "text", "B": {"is": "b"}, "C": "text"}


def sign_in(**changes: object) -> dict[str, object]:
    return {"sign_in": {"request": {"path": "/login"}, "save": {"token": "$.token"}, **changes}}


POST = {"path": "/", "method": "POST", "json": {"id": "${id}"}}
ID = {"id": {"unique": 4}}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"sing_in": {}}, "unknown key sing_in"),
        ({"login": {}}, "api.yaml:1: login: is called sign_in now"),
        ({"sign_in": {"save": {"a": "$.a"}}}, "api.yaml:1: sign_in: there is no request"),
        (sign_in(save={}), "sign_in.save: it is empty"),
        (sign_in(save={"token": "token"}), "sign_in.save.token: 'token' is not a JSON path"),
        (sign_in(save={"token": {}}), "sign_in.save.token: it is one of {cookie: NAME} and {header: NAME}"),
        (sign_in(lifetime="expires"), "sign_in.lifetime: 'expires' is not a JSON path"),
        (sign_in(request={}), "sign_in.request: there is no path"),
        (sign_in(request={"path": "/${token}"}), "sign_in.request: ${token} is not defined"),
        (sign_in(expect={"json": {"$.a": "nummer"}}), "sign_in.expect.json: 'nummer' is not a rule"),
        ({"authorization": {"A": "${token}"}}, "authorization: ${token} is not saved by sign_in"),
        (
            {"authorization": {"A": "${env:NO}"}},
            "api.yaml:2: authorization.A: refers to the unset environment variable 'NO'",
        ),
        ({"before": [{"path": "/${token}"}]}, "before[0]: ${token} is not defined"),
        ({"error_message": "error"}, "error_message: 'error' is not a JSON path"),
        ({"every_answer": {"headers": {"A": "nummer"}}}, "every_answer.headers: 'nummer' is not a rule"),
        ({"requests": {"home": {}}}, "requests.home: it has one of request and websocket"),
        (home(websocket={"path": "/"}), "requests.home: it has one of request and websocket"),
        (home(request={"path": "/${id}"}), "requests.home.request: ${id} is not defined"),
        (home(request={"path": "/", "method": "HEAD"}), "answers to HEAD have no body"),
        (home(request={"path": "/", "chunked": True}), "these are sent with Content-Length"),
        (
            {"requests": {"home": {"websocket": {"path": "/", "method": "POST"}}}},
            "requests.home.websocket.method: a WebSocket is opened with GET",
        ),
        (home(expect={"json": {"$.a": "nummer"}}), "requests.home.expect.json: 'nummer' is not a rule"),
        (home(expect={"json": {"$.a": {"is": "${id}"}}}), "the request is not sent with a value 'id'"),
        (home(expect={"headers": {"A": {"pattern": "("}}}), "requests.home.expect.headers: '(' is not a regular"),
        (home(agree=["a"]), "requests.home.agree[0]: 'a' is not a JSON path"),
        (home(agree=[{"path": "$.a", "per": "b"}]), "requests.home.agree[0].per: 'b' is not a JSON path"),
        (home(agree=[{"path": "$.a", "of": "id"}]), "requests.home.agree[0].of: the request is not sent with a value"),
        ({"values": {"row": {}}}, "values.row: it is not one of: row, number"),
        ({"values": {"row": {"row": [{"quantiles": [2, 1]}]}}}, "quantiles are two numbers at least, in rising order"),
        ({"values": {"row": {"row": "none.json"}}}, "none.json: No such file or directory"),
        ({"values": {"row": {"pool": "other", "size": 3}}}, "values: there is no value 'other'"),
        ({"values": {"row": {"several": "row", "count": 0}}}, "values.row.count: from 1"),
        ({"values": {"row": {"several": "row", "count": [3, 2]}}}, "values.row: it is not one of"),
        ({"values": {"host": {"choice": [1]}}}, "values.host: sign_in saves a variable of this name"),
        ({"mixes": {"all": {}}}, "mixes.all: there are no requests in it"),
        ({"mixes": {"all": {"home": 1}}}, "mixes.all.home: there is no request 'home'"),
        (home() | {"mixes": {"all": {"home": -1}}}, "mixes.all.home: a weight is a number above 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: dict[str, object], complaint: str) -> None:
    with pytest.raises(LabError) as raised:
        load(tmp_path, **content)

    assert complaint in str(raised.value)
    assert str(tmp_path / "api.yaml") in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.hint
    assert raised.value.exit_code == 2


def test_what_lets_requests_in_may_be_in_the_query(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text(
        "authorization_query: {key: 'a&b'}\n"
        "requests: {one: {request: {path: '/a?x=1'}}, own: {request: {path: '/a?key=7'}},"
        " open: {request: {path: /a, signed_in: false}}}\n"
    )

    requests = read_description(path, {}).requests

    assert [each.request.target for each in requests.values()] == ["/a?x=1&key=a%26b", "/a?key=7", "/a"]
