"""Two JSON documents compared as a client with types reads them."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from serving_lab.api.json_path import member
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown
from serving_lab.parity.judgement.forms import Exact
from serving_lab.parity.judgement.rules import Rules, distance
from serving_lab.text import tokens


class NoNumber(str):
    """NaN, Infinity or -Infinity: some write it, few read it, and it is not JSON."""

    __slots__ = ()


class Extreme(str):
    """A number that no float holds, larger or nearer to zero than any, in its one spelling."""

    __slots__ = ()


class Repeating(dict[str, Any]):
    """An object in which a key occurs twice; the last one counts."""


def parse(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """The document; integers stay distinct from other numbers.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(body, parse_constant=NoNumber, parse_float=_float, object_pairs_hook=_object)


def _float(written: str) -> float | Extreme:
    number = float(written)
    if math.isinf(number) or (number == 0 and any(digit in "123456789" for digit in written.lower().split("e")[0])):
        try:
            return Extreme(Decimal(written).normalize())
        except InvalidOperation:
            return Extreme(written.lower())
    return number


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
        yield Difference(DifferenceKind.TYPE, where, *types, values=(Exact(types[0]), Exact(types[1])))
    elif isinstance(primary, dict):
        yield from _objects(primary, candidate, rules, where)
    elif isinstance(primary, list):
        yield from _arrays(primary, candidate, rules, where)
    elif types[0] in {"integer", "decimal number"}:
        yield from _numbers(primary, candidate, rules, where)
    elif primary != candidate:
        kind = DifferenceKind.VALUE if isinstance(primary, bool) else DifferenceKind.TEXT
        yield Difference(kind, where, shown(primary), shown(candidate), values=(primary, candidate))


def places(document: Any, where: str = "$") -> Iterator[str]:  # noqa: ANN401 - JSON
    """The path of each value, as a difference there would have it."""
    yield where
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, _member(where, key))
    elif isinstance(document, list):
        for value in document:
            yield from places(value, f"{where}[*]")


def _type(value: object) -> str:
    match value:
        case NoNumber():
            return str(value)
        case Extreme():
            return "decimal number"
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
    entries = [_entries(side, other, rules, where) for side, other in ((primary, candidate), (candidate, primary))]
    if any(entries):
        sides = (shown(keys[0]) if keys else None for keys in entries)
        yield Difference(DifferenceKind.KEYS, where, next(sides), next(sides), values=(entries[0], entries[1]))
        for key, other in zip(*entries, strict=False):
            yield from differences(primary[key], candidate[other], rules, f"{where}[*]")
    for key in primary | candidate:
        at = _member(where, key)
        if key in primary and key in candidate:
            yield from differences(primary[key], candidate[key], rules, at)
        elif key in entries[0] or key in entries[1]:
            continue
        elif primary.get(key) is None and candidate.get(key) is None:
            nulls = ("null" if key in side else None for side in (primary, candidate))
            yield Difference(DifferenceKind.NULL_OR_ABSENT, at, next(nulls), next(nulls))
        elif key in primary:
            yield Difference(DifferenceKind.MISSING, at, _type(primary[key]), None)
        else:
            yield Difference(DifferenceKind.EXTRA, at, None, _type(candidate[key]))


def _entries(side: dict[str, Any], other: dict[str, Any], rules: Rules, where: str) -> list[str]:
    """The keys that one side alone has, and that nobody chose: those of a map, not of a record."""
    alone = [key for key in side if key not in other]
    return (
        alone if where in rules.leeway.maps else [key for key in alone if key.isdigit() or tokens.has_identifier(key)]
    )


def _member(where: str, key: str) -> str:
    """The path of a member; what has a key that nobody chose is an entry like any other."""
    return f"{where}[*]" if tokens.has_identifier(key) else member(where, key)


def _arrays(primary: list[Any], candidate: list[Any], rules: Rules, where: str) -> Iterator[Difference]:
    if len(primary) != len(candidate):
        lengths = len(primary), len(candidate)
        yield Difference(DifferenceKind.LENGTH, where, str(lengths[0]), str(lengths[1]), values=lengths)
        if where not in rules.leeway.lengths:
            return
    elif primary == candidate and _written(primary) == _written(candidate):
        return
    if where in rules.unordered or where in rules.leeway.unordered:
        primary, candidate = _sorted(primary), _sorted(candidate)
    elif sorted(map(_written, primary)) == sorted(map(_written, candidate)):
        yield Difference(DifferenceKind.ORDER, where, shown(primary), shown(candidate))
        return
    elif _in_another_order(primary, candidate):
        yield Difference(DifferenceKind.ORDER, where, shown(primary), shown(candidate))
        primary, candidate = _sorted(primary), _sorted(candidate)
    for left, right in zip(primary, candidate, strict=False):
        yield from differences(left, right, rules, f"{where}[*]")


def _in_another_order(primary: list[Any], candidate: list[Any]) -> bool:
    """Whether both have the same items, but for numbers and identifiers in them, each at another place."""
    if not all(isinstance(item, dict | str) for item in primary):
        return False
    left, right = ([tokens.masked(_written(item)) for item in side] for side in (primary, candidate))
    return left != right and sorted(left) == sorted(right)


def _sorted(items: list[Any]) -> list[Any]:
    """The items in one order: by what is the same about them first."""
    return sorted(items, key=lambda item: (tokens.masked(_written(item)), _written(item)))


def _written(value: Any) -> str:  # noqa: ANN401 - JSON
    """The value in one spelling: unlike values that are equal (1 and 1.0) differ in it, orders of keys do not."""
    return json.dumps(value, sort_keys=True)


def _numbers(primary: Any, candidate: Any, rules: Rules, where: str) -> Iterator[Difference]:  # noqa: ANN401
    if primary == candidate or where in rules.counters:
        return
    sides = shown(primary), shown(candidate)
    if isinstance(primary, Extreme) or isinstance(candidate, Extreme):
        yield Difference(DifferenceKind.NUMBER, where, *sides)
        return
    tolerance = rules.tolerance(where)
    if tolerance and tolerance.accepts(primary, candidate):
        return
    yield Difference(DifferenceKind.NUMBER, where, *sides, distance(primary, candidate), values=(primary, candidate))
