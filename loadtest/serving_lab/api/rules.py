"""Rules about a value in an answer, as people write them: what it must be, in words, as a test and as a type.

A rule is `number`, `integer`, `text`, `non_empty_text`, `utc_time`, `boolean`, `list`, `object` or `any`; `true`,
`false`, `null` and numbers stand for themselves; or it is an object:

- `{is: VALUE}`: exactly this
- `{above: N}`, `{at_least: N}`, `{below: N}`, `{at_most: N}`: a number in this range; also together
- `{pattern: REGEX}`: a text that this matches from its beginning to its end
- `{list: RULE}`, `{list: RULE, length: N}`: a list of these, of so many
- `{object: RULE}`: an object whose every member is one of these
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta

_LIMITS = {"above": "gt", "at_least": "ge", "below": "lt", "at_most": "le"}
_LARGEST = sys.float_info.max
_LARGEST_LITERAL = 1 << 63


class WrongRuleError(ValueError):
    """A rule says nothing that can be checked."""


class Rule(NamedTuple):
    """What a value must be."""

    words: str
    holds: Callable[[Any], bool]
    type: Any = None
    """JSON that decodes into this type holds; None where there is no such type. It is several times as fast."""


def rule(given: object) -> Rule:
    """What a rule means.

    Raises:
        WrongRuleError: it is not a rule.
    """
    match given:
        case str() if given in _KINDS:
            return _KINDS[given]
        case None | bool() | int() | float():
            return _exactly(given)
        case dict() if (found := _compound(given)) is not None:
            return found
    raise WrongRuleError(f"{given!r} is not a rule: write one of {', '.join(_KINDS)}, a value, or {{is: VALUE}}")


def kind(value: object) -> str:
    """What sort of JSON value this is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names[type(value)]


def _compound(given: dict[str, Any]) -> Rule | None:
    match given, len(given):
        case {"is": constant}, 1:
            return _exactly(constant)
        case {"pattern": str() as pattern}, 1:
            return _pattern(pattern)
        case {"list": item, "length": int() as length}, 2 if not isinstance(length, bool):
            return _list(rule(item), length)
        case {"list": item}, 1:
            return _list(rule(item), None)
        case {"object": member}, 1:
            return _object(rule(member))
    if given and all(name in _LIMITS and _is_number(limit) for name, limit in given.items()):
        return _within(given)
    return None


def _exactly(constant: Any) -> Rule:  # noqa: ANN401 - JSON
    known = type(constant)
    typed = known is str or (known is int and abs(constant) < _LARGEST_LITERAL)
    return Rule(
        json.dumps(constant),
        lambda value: type(value) is known and value == constant,
        Literal[constant] if typed else None,
    )


def _within(limits: Mapping[str, float]) -> Rule:
    above, at_least, below, at_most = (limits.get(name) for name in _LIMITS)

    def holds(value: Any) -> bool:  # noqa: ANN401 - JSON
        return (
            _is_number(value)
            and (above is None or value > above)
            and (at_least is None or value >= at_least)
            and (below is None or value < below)
            and (at_most is None or value <= at_most)
        )

    words = " and ".join(f"{name.replace('_', ' ')} {limit:g}" for name, limit in limits.items())
    bounds: Any = {_LIMITS[name]: limit for name, limit in limits.items()}
    # The library takes one limit for each side.
    typed = not {"gt", "ge"} <= bounds.keys() and not {"lt", "le"} <= bounds.keys()
    return Rule(f"a number {words}", holds, Annotated[float, Meta(**bounds)] if typed else None)


def _pattern(pattern: str) -> Rule:
    try:
        matches = re.compile(pattern).fullmatch
    except re.error as error:
        raise WrongRuleError(f"{pattern!r} is not a regular expression: {error}") from None
    return Rule(
        f"a text like {pattern}",
        lambda value: isinstance(value, str) and matches(value) is not None,
        Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")],
    )


def _list(item: Rule, length: int | None) -> Rule:
    holds = item.holds
    many = "a list" if length is None else f"a list of {length}"
    bounds = Meta() if length is None else Meta(min_length=length, max_length=length)
    return Rule(
        f"{many}, each {item.words}",
        lambda value: isinstance(value, list) and length in (None, len(value)) and all(map(holds, value)),
        Annotated[list[item.type], bounds] if item.type is not None else None,  # type: ignore[name-defined]
    )


def _object(member: Rule) -> Rule:
    holds = member.holds
    return Rule(
        f"an object, each member {member.words}",
        lambda value: isinstance(value, dict) and all(map(holds, value.values())),
        dict[str, member.type] if member.type is not None else None,  # type: ignore[name-defined]
    )


def _is_number(value: Any) -> bool:  # noqa: ANN401 - JSON
    # The comparison holds for neither NaN nor infinity, nor for an integer beyond a double.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_utc_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta()
    except ValueError:
        return False


_KINDS: dict[str, Rule] = {
    "number": Rule("a number", _is_number, float),
    "integer": Rule("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool), int),
    "text": Rule("a text", lambda value: isinstance(value, str), str),
    "non_empty_text": Rule(
        "a text that is not empty",
        lambda value: isinstance(value, str) and value != "",
        Annotated[str, Meta(min_length=1)],
    ),
    "utc_time": Rule("a UTC time", _is_utc_time),
    "boolean": Rule("true or false", lambda value: isinstance(value, bool), bool),
    "list": Rule("a list", lambda value: isinstance(value, list), list),
    "object": Rule("an object", lambda value: isinstance(value, dict), dict),
    "any": Rule("anything", lambda _: True, Any),
}
