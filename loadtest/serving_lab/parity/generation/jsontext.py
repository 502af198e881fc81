"""JSON read and written so that everything else stays as it was: spelling of numbers, repeated keys, NaN."""

import json
from collections.abc import Iterator
from dataclasses import dataclass


class Literal(str):
    """Text that stands in the JSON as it is: a number in its own spelling, NaN, or what is not JSON at all."""

    __slots__ = ()


@dataclass(frozen=True)
class Members:
    """An object: its keys, which may repeat, and their values."""

    keys: tuple[str, ...] = ()
    values: tuple["Value", ...] = ()

    @classmethod
    def of(cls, *pairs: tuple[str, "Value"]) -> "Members":
        """The object with these keys and values."""
        return cls(tuple(key for key, _ in pairs), tuple(value for _, value in pairs))

    @property
    def pairs(self) -> list[tuple[str, "Value"]]:
        """The keys with their values, in order."""
        return list(zip(self.keys, self.values, strict=True))


_LEVELS = 100

Value = None | bool | str | Literal | tuple["Value", ...] | Members
IndexPath = tuple[int, ...]
"""Where a value is: the index of the item or member at each level."""


def read(body: bytes) -> Value:
    """The body's value.

    Raises:
        ValueError: the body is not JSON, or nested too deeply to be changed.
    """
    try:
        plain = json.loads(
            body.decode(),
            object_pairs_hook=lambda pairs: Members.of(*((key, _frozen(value)) for key, value in pairs)),
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=Literal,
        )
        value = _frozen(plain)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level = [value]
    for _ in range(_LEVELS):
        level = [child for outer in level for child in children(outer)]
    if level:
        raise ValueError("nested too deeply")
    return value


def write(value: Value) -> bytes:
    """The value as JSON; a lone surrogate, which UTF-8 cannot hold, as an escape."""
    return _text(value).encode("utf-8", "backslashreplace")


def children(value: Value) -> tuple[Value, ...]:
    """The items of an array, the values of an object."""
    if isinstance(value, Members):
        return value.values
    return value if isinstance(value, tuple) else ()


def paths(value: Value, here: IndexPath = ()) -> Iterator[IndexPath]:
    """The path of each value, outer ones first."""
    yield here
    for index, child in enumerate(children(value)):
        yield from paths(child, (*here, index))


def at(value: Value, path: IndexPath) -> Value:
    """The value at a path."""
    for index in path:
        value = children(value)[index]
    return value


def replaced(value: Value, path: IndexPath, new: Value) -> Value:
    """The value with another one at a path."""
    if not path:
        return new
    index, inside = path[0], children(value)
    changed = (*inside[:index], replaced(inside[index], path[1:], new), *inside[index + 1 :])
    return Members(value.keys, changed) if isinstance(value, Members) else changed


def _frozen(plain: object) -> Value:
    if isinstance(plain, list):
        return tuple(map(_frozen, plain))
    if plain is None or isinstance(plain, bool | str | Members):
        return plain
    raise TypeError(f"json.loads returned a {type(plain).__name__}")


def _text(value: Value) -> str:
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, Members):
        return "{" + ", ".join(f"{_text(key)}: {_text(child)}" for key, child in value.pairs) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
