"""Whether an answer is right: its status, and the values in its body.

A rule is `number`, `integer`, `text`, `boolean`, `list`, `object` or `any`, or an object: `{is: VALUE}` (exactly this),
`{list: RULE, length: N}` (a list of so many), `{above: N}`, `{below: N}` (numbers). `true`, `false`, `null` and numbers
stand for themselves.
"""

import math
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from serving_lab.api import json_path

Rule = Callable[[Any], bool]


class WrongRuleError(ValueError):
    """A rule says nothing that can be checked."""


class Checker:
    """Checks the answers to one request."""

    def __init__(self, statuses: list[int], rules: Mapping[str, Any]) -> None:
        """Raises WrongRuleError: a rule or a path is none."""
        self._statuses = frozenset(statuses)
        self._rules = [(path, _steps(path), rule(each)) for path, each in rules.items()]
        self._decode = msgspec.json.Decoder().decode
        self._is_right = _right_type(rules)

    def wrong(self, status: int, body: bytes) -> str | None:
        """Return what is wrong with an answer; None where it is right.

        The text holds no value of the answer, so that like faults add up.
        """
        if status not in self._statuses:
            return f"status {status}"
        if self._is_right is not None and self._is_right(body):
            return None
        if not self._rules:
            return None
        try:
            document = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "the body is not JSON"
        for path, steps, holds in self._rules:
            value = document
            try:
                for step in steps:
                    value = value[step]
            except (KeyError, IndexError, TypeError):
                return f"{path} is missing"
            if not holds(value):
                return f"{path} is not what it should be"
        return None


def rule(given: object) -> Rule:
    """Return the test that a rule means.

    Raises:
        WrongRuleError: it is none.
    """
    match given:
        case str() if given in _KINDS:
            return _KINDS[given]
        case None | bool() | int() | float():
            return _exactly(given)
        case dict() if (found := _compound(given)) is not None:
            return found
    raise WrongRuleError(f"{given!r} is no rule: write one of {', '.join(_KINDS)}, a value, or {{is: VALUE}}")


def _compound(given: dict[str, Any]) -> Rule | None:
    match given, len(given):
        case {"is": constant}, 1:
            return _exactly(constant)
        case {"above": int() | float() as limit}, 1:
            return lambda value: _is_number(value) and value > limit
        case {"below": int() | float() as limit}, 1:
            return lambda value: _is_number(value) and value < limit
        case {"list": item, "length": int() as length}, 2:
            return _list(rule(item), length)
        case {"list": item}, 1:
            return _list(rule(item), None)
    return None


def _right_type(rules: Mapping[str, Any]) -> Callable[[bytes], bool] | None:
    """Return what tells whether a body is right by decoding it as a type, several times as fast as rule by rule.

    None where a rule is more than a type, or true or false, of a field of the whole.
    """
    fields: list[tuple[str, Any, Any]] = []
    constants = {}
    for path, given in rules.items():
        name, steps = f"field_{len(fields)}", _steps(path)
        if len(steps) != 1 or not isinstance(steps[0], str):
            return None
        if isinstance(given, bool):
            constants[name] = given
        elif not isinstance(given, str) or given not in _TYPES:
            return None
        kind = bool if isinstance(given, bool) else _TYPES[given]
        fields.append((name, kind, msgspec.field(name=steps[0])))
    if not fields:
        return None
    decode = msgspec.json.Decoder(msgspec.defstruct("Right", fields)).decode
    read = attrgetter(*constants) if constants else None
    wanted = tuple(constants.values()) if len(constants) > 1 else next(iter(constants.values()), None)

    def holds(body: bytes) -> bool:
        try:
            right = decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return read is None or bool(read(right) == wanted)

    return holds


_TYPES: dict[str, Any] = {"number": float, "integer": int, "text": str, "boolean": bool, "any": Any}


def _steps(path: str) -> list[str | int]:
    try:
        return json_path.steps(path)
    except ValueError as error:
        raise WrongRuleError(str(error)) from None


def _list(item: Rule, length: int | None) -> Rule:
    def holds(value: object) -> bool:
        return isinstance(value, list) and length in (None, len(value)) and all(map(item, value))

    return holds


def _exactly(constant: object) -> Rule:
    return lambda value: type(value) is type(constant) and value == constant


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_KINDS: dict[str, Rule] = {
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "any": lambda _: True,
}
