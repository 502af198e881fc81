"""An answer is right where its status and the values in its body are what the profile says."""

from __future__ import annotations

import pytest
from serving_lab.generator.checks import Checker, WrongRuleError

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
        (200, b"\xff", "the body is not JSON"),
        (200, b'{"cached": false, "rows": [1, 2]}', "$.prediction is missing"),
        (200, b"[]", "$.prediction is missing"),
        (200, b'{"prediction": "1.5", "cached": false, "rows": [1, 2]}', "$.prediction is not what it should be"),
        (200, b'{"prediction": true, "cached": false, "rows": [1, 2]}', "$.prediction is not what it should be"),
        (200, b'{"prediction": 1.5, "cached": 0, "rows": [1, 2]}', "$.cached is not what it should be"),
        (200, b'{"prediction": 1.5, "cached": false, "rows": [1]}', "$.rows is not what it should be"),
        (200, b'{"prediction": 1.5, "cached": false, "rows": [1, null]}', "$.rows is not what it should be"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(status: int, body: bytes, wrong: str) -> None:
    assert Checker([200], PREDICTION).wrong(status, body) == wrong


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        ("integer", b"1", b"1.5"),
        ("text", b'"a"', b"1"),
        ("boolean", b"true", b"1"),
        ("object", b"{}", b"[]"),
        ("list", b"[]", b"{}"),
        ({"is": "healthy"}, b'"healthy"', b'"ill"'),
        ({"above": 0}, b"0.1", b"0"),
        ({"below": 1}, b"0.1", b"1"),
        (None, b"null", b"0"),
        (3, b"3", b"4"),
    ],
)
def test_each_rule_tells_right_from_wrong(rule: object, right: bytes, wrong: bytes) -> None:
    checker = Checker([200], {"$": rule})

    assert checker.wrong(200, right) is None
    assert checker.wrong(200, wrong) == "$ is not what it should be"


def test_without_rules_only_the_status_counts() -> None:
    assert Checker([200, 201], {}).wrong(201, b"anything") is None


@pytest.mark.parametrize("rule", ["nummer", {"list": "nummer"}, {"is": 1, "above": 2}, {}, [1]])
def test_what_is_no_rule_is_refused(rule: object) -> None:
    with pytest.raises(WrongRuleError, match="is no rule"):
        Checker([200], {"$": rule})


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(WrongRuleError, match="is no JSON path"):
        Checker([200], {"prediction": "number"})
