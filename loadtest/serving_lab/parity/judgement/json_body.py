"""Two JSON documents compared as a client with types reads them."""

import json
from collections.abc import Iterator
from typing import Any

from serving_lab.api.json_path import member
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown
from serving_lab.parity.judgement.rules import Rules, distance


class NoNumber(str):
    """NaN, Infinity or -Infinity: some write it, few read it, and it is not JSON."""

    __slots__ = ()


class Repeating(dict[str, Any]):
    """An object in which a key occurs twice; the last one counts."""


def parse(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """The document; integers stay distinct from other numbers.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(body, parse_constant=NoNumber, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else Repeating(made)


def differences(primary: Any, candidate: Any, rules: Rules, where: str = "$") -> Iterator[Difference]:  # noqa: ANN401
    """What differs between two documents, outermost first.

    Raises:
        RecursionError: they are nested too deeply.
    """
    types = _type(primary), _type(candidate)
    if set(types) == {"integer", "decimal number"}:
        yield Difference(DifferenceKind.NUMBER_TYPE, where, *types, values=(primary, candidate))
        yield from _numbers(primary, candidate, rules, where)
    elif types[0] != types[1]:
        yield Difference(DifferenceKind.TYPE, where, *types)
    elif isinstance(primary, dict):
        yield from _objects(primary, candidate, rules, where)
    elif isinstance(primary, list):
        yield from _arrays(primary, candidate, rules, where)
    elif types[0] in {"integer", "decimal number"}:
        yield from _numbers(primary, candidate, rules, where)
    elif primary != candidate:
        kind = DifferenceKind.VALUE if isinstance(primary, bool) else DifferenceKind.TEXT
        yield Difference(kind, where, shown(primary), shown(candidate), values=(primary, candidate))


def _type(value: object) -> str:
    match value:
        case NoNumber():
            return str(value)
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "decimal number"
        case str():
            return "text"
        case list():
            return "array"
    return "object"


def _objects(primary: dict[str, Any], candidate: dict[str, Any], rules: Rules, where: str) -> Iterator[Difference]:
    if isinstance(primary, Repeating) is not isinstance(candidate, Repeating):
        left, right = (
            "a key twice" if isinstance(side, Repeating) else "each key once" for side in (primary, candidate)
        )
        yield Difference(DifferenceKind.REPEATED, where, left, right)
    for key in primary | candidate:
        at = member(where, key)
        if key in primary and key in candidate:
            yield from differences(primary[key], candidate[key], rules, at)
        elif primary.get(key) is None and candidate.get(key) is None:
            nulls = ("null" if key in side else None for side in (primary, candidate))
            yield Difference(DifferenceKind.NULL_OR_ABSENT, at, next(nulls), next(nulls))
        elif key in primary:
            yield Difference(DifferenceKind.MISSING, at, _type(primary[key]), None)
        else:
            yield Difference(DifferenceKind.EXTRA, at, None, _type(candidate[key]))


def _arrays(primary: list[Any], candidate: list[Any], rules: Rules, where: str) -> Iterator[Difference]:
    if len(primary) != len(candidate):
        yield Difference(DifferenceKind.LENGTH, where, str(len(primary)), str(len(candidate)))
        return
    if primary == candidate and _written(primary) == _written(candidate):
        return
    ordered = sorted(primary, key=_written), sorted(candidate, key=_written)
    if where in rules.unordered:
        primary, candidate = ordered
    elif _written(ordered[0]) == _written(ordered[1]):
        yield Difference(DifferenceKind.ORDER, where, shown(primary), shown(candidate))
        return
    for left, right in zip(primary, candidate, strict=True):
        yield from differences(left, right, rules, f"{where}[*]")


def _written(value: Any) -> str:  # noqa: ANN401 - JSON
    """The value in one spelling: unlike values that are equal (1 and 1.0) differ in it, orders of keys do not."""
    return json.dumps(value, sort_keys=True)


def _numbers(primary: float, candidate: float, rules: Rules, where: str) -> Iterator[Difference]:
    if primary == candidate or where in rules.counters:
        return
    tolerance = rules.tolerance(where)
    if tolerance and tolerance.accepts(primary, candidate):
        return
    sides = shown(primary), shown(candidate)
    yield Difference(DifferenceKind.NUMBER, where, *sides, distance(primary, candidate), values=(primary, candidate))
