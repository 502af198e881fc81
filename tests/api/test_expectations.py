"""An answer is right where status, values and headers are what is expected, whichever way they are checked."""

import json
from typing import ClassVar

import pytest
from serving_lab.api.expectations import Checker, Expectation, HeaderChecker
from serving_lab.api.rules import WrongRuleError

PREDICTION = {"$.prediction": "number", "$.cached": False, "$.rows": {"list": "number", "length": 2}}
RIGHT = b'{"prediction": 1.5, "cached": false, "rows": [1, 2.5]}'


def test_a_right_answer_has_nothing_wrong() -> None:
    assert Checker([200], PREDICTION).wrong(200, RIGHT) is None


@pytest.mark.parametrize(
    ("status", "body", "wrong"),
    [
        (500, RIGHT, "status 500"),
        (200, b"<html>", "the body is not JSON"),
        (200, b'{"prediction": 1', "the body is not JSON"),
        (200, b'{"prediction": NaN, "cached": false, "rows": [1, 2]}', "the body is not JSON"),
        (200, b"\xff", "the body is not JSON"),
        (200, b'{"cached": false, "rows": [1, 2]}', "$.prediction is missing"),
        (200, b"[]", "$.prediction is missing"),
        (200, b'{"prediction": "1.5", "cached": false, "rows": [1, 2]}', "$.prediction is a text, not a number"),
        (200, b'{"prediction": true, "cached": false, "rows": [1, 2]}', "$.prediction is a boolean, not a number"),
        (200, b'{"prediction": 1.5, "cached": 0, "rows": [1, 2]}', "$.cached is a number, not false"),
        (200, b'{"prediction": 1.5, "cached": true, "rows": [1, 2]}', "$.cached is a boolean, not false"),
        (200, b'{"prediction": 1.5, "cached": false, "rows": [1]}', "$.rows is a list, not a list of 2, each a number"),
        (200, b'{"prediction": 1.5, "cached": false, "rows": [1, null]}', "$.rows is a list, not a list of 2, each a"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(status: int, body: bytes, wrong: str) -> None:
    found = Checker([200], PREDICTION).wrong(status, body)

    assert found is not None
    assert found.startswith(wrong)


HUGE = b"1" + b"0" * 400
RULES: list[tuple[object, bytes, bytes]] = [
    ("number", b"1", b"true"),
    ("number", b"1.5", HUGE),
    ("integer", b"1", b"1.5"),
    ("integer", b"1", b"true"),
    ("text", b'""', b"1"),
    ("non_empty_text", b'"a"', b'""'),
    ("utc_time", b'"2025-01-01T00:00:00Z"', b'"2025-01-01T00:00:00"'),
    ("utc_time", b'"2025-01-01T00:00:00+00:00"', b'"2025-01-01T00:00:00+02:00"'),
    ("utc_time", b'"2025-01-01T00:00:00Z"', b'"soon"'),
    ("boolean", b"true", b"1"),
    ("object", b"{}", b"[]"),
    ("list", b"[]", b"{}"),
    ({"is": "healthy"}, b'"healthy"', b'"ill"'),
    ({"is": ["a", "b"]}, b'["a", "b"]', b'["b", "a"]'),
    ({"is": True}, b"true", b"1"),
    ({"above": 0}, b"0.1", b"0"),
    ({"at_least": 0}, b"0", b"-0.1"),
    ({"below": 1}, b"0.1", b"1"),
    ({"at_most": 1}, b"1", b"1.1"),
    ({"above": 0, "at_most": 1}, b"1", b"0"),
    ({"above": 0, "at_least": 0}, b"1", b"0"),
    ({"at_least": 0}, b"1", b'"1"'),
    ({"pattern": "[0-9a-f]{4}"}, b'"00ff"', b'"00ff0"'),
    ({"pattern": "a|b"}, b'"b"', b'"ab"'),
    ({"pattern": "a"}, b'"a"', b'"a\\n"'),
    ({"list": "number"}, b"[]", b'["1"]'),
    ({"list": {"above": 0}, "length": 1}, b"[1]", b"[0]"),
    ({"object": "number"}, b'{"a": 1}', b'{"a": "1"}'),
    (None, b"null", b"0"),
    (False, b"false", b"0"),
    (3, b"3", b"4"),
    (3, b"3", b"3.0"),
    (10**20, str(10**20).encode(), b"1"),
]


@pytest.mark.parametrize(("rule", "right", "wrong"), RULES)
def test_each_rule_tells_right_from_wrong(rule: object, right: bytes, wrong: bytes) -> None:
    """At the whole of a body rule by rule, in a field of it by decoding it as a type."""
    whole, in_field = Checker([200], {"$": rule}), Checker([200], {"$.it": rule}, only=True)

    assert whole.wrong(200, right) is None
    assert in_field.wrong(200, b'{"it": %s}' % right) is None
    for found in (whole.wrong(200, wrong), in_field.wrong(200, b'{"it": %s}' % wrong)):
        assert found is not None
        assert found.startswith("$")


def test_other_fields_are_let_through_unless_there_may_be_none() -> None:
    body = b'{"a": 1, "b": 2, "c": 3}'

    assert Checker([200], {"$.a": "number"}).wrong(200, body) is None
    assert Checker([200], {"$.a": "number"}, only=True).wrong(200, body) == "unexpected field b, c"
    assert Checker([200], {"$.a": "number", "$.b": 2, "$.c": "any"}, only=True).wrong(200, body) is None
    assert Checker([200], {}, only=True).wrong(200, b"[]") == "the body is a list, not an object"


def test_without_rules_only_the_status_counts() -> None:
    assert Checker([200, 201], {}).wrong(201, b"anything") is None


class TestWhatWasSent:
    RULES: ClassVar = {"$.id": {"is": "${id}"}, "$.rows": {"list": "number", "length": "${rows.length}"}}

    def test_an_answer_is_checked_with_it(self) -> None:
        checker = Checker([200], self.RULES)

        sent = checker.knowing({"id": '"x"', "rows": "[[1], [2]]"})

        assert sent.wrong(200, b'{"id": "x", "rows": [1, 2]}') is None
        assert sent.wrong(200, b'{"id": "y", "rows": [1, 2]}') == '$.id is a text, not "x"'
        assert sent.wrong(200, b'{"id": "x", "rows": [1]}') == "$.rows is a list, not a list of 2, each a number"

    def test_many_requests_leave_little_behind(self) -> None:
        checker = Checker([200], {"$.id": {"is": "${id}"}})

        for number in range(3000):
            assert checker.knowing({"id": str(number)}).wrong(200, b'{"id": %d}' % number) is None
        assert len(checker._known) <= 1000

    def test_rules_without_references_are_for_all_requests(self) -> None:
        checker = Checker([200], PREDICTION)

        assert checker.knowing({"rows": "[]"}) is checker

    def test_the_names_are_known(self) -> None:
        assert Expectation(rules=self.RULES).sent == {"id", "rows"}


class TestHeaders:
    RULES: ClassVar = {"Content-Type": {"pattern": "application/json *(;.*)?"}, "X-Request-ID": "non_empty_text"}

    @pytest.mark.parametrize(
        ("headers", "wrong"),
        [
            ({"Content-Type": "application/json", "X-Request-ID": "1"}, None),
            ({"Content-Type": "application/json ; charset=utf-8", "X-Request-ID": "1"}, None),
            ({"Content-Type": "text/html", "X-Request-ID": "1"}, "header Content-Type is not a text like application/"),
            ({"Content-Type": "application/json"}, "header X-Request-ID is missing"),
            ({"Content-Type": "application/json", "X-Request-ID": ""}, "header X-Request-ID is not a text that is not"),
        ],
    )
    def test_they_are_checked(self, headers: dict[str, str], wrong: str | None) -> None:
        found = HeaderChecker(self.RULES).wrong({name.lower(): value for name, value in headers.items()}.get)

        assert (found or "").startswith(wrong or "")
        assert (found is None) is (wrong is None)


@pytest.mark.parametrize(
    "rule",
    [
        "nummer", {"list": "nummer"}, {"is": 1, "above": 2}, {}, [1], {"above": "1"}, {"list": "number", "length": "2"},
        {"list": "number", "length": True}, {"object": "nummer"}, {"list": "number", "length": "${rows}"},
    ],
)  # fmt: skip
def test_what_is_not_a_rule_is_refused(rule: object) -> None:
    with pytest.raises(WrongRuleError, match="is not a rule"):
        Checker([200], {"$": rule})


def test_what_is_not_a_regular_expression_is_refused() -> None:
    with pytest.raises(WrongRuleError, match="is not a regular expression"):
        Checker([200], {"$": {"pattern": "("}})


def test_what_is_not_a_path_is_refused() -> None:
    with pytest.raises(WrongRuleError, match="is not a JSON path"):
        Checker([200], {"prediction": "number"})


def test_rules_survive_the_way_to_the_generator() -> None:
    assert json.loads(json.dumps(PREDICTION)) == PREDICTION
