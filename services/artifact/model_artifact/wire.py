"""Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/), one message at a time.

Only fields of a schema are read; any other is an error. So is what parsers read in different ways: a second value of a
field that has one, groups, and numbers that are longer than they may be. Nested messages stay bytes until they are read
by their own schema, so no input is nested too deep.
"""

import re
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from enum import Enum

from model_artifact.errors import ArtifactError, Reason

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_MAX_TAG = 1 << 32
_SMALL = 1 << 21
_MOST_INTEGERS, _MOST_PARTS = 500_000, 1000
"""In a repeated field: what bounds time and memory of reading a file that is within the largest size."""


class Kind(Enum):
    """What a field of a schema is."""

    INTEGER = "integer"
    """An int64; in a repeated field each by itself or packed."""
    BYTES = "bytes"
    """Also of a nested message, or a text."""


@dataclass(frozen=True)
class Field:
    """A field that a message may have."""

    name: str
    kind: Kind
    repeated: bool = False


Schema = Mapping[int, Field]


@dataclass
class Message:
    """The fields that were there, by name."""

    integers: dict[str, list[int]] = field(default_factory=dict)
    bytes: dict[str, list[memoryview]] = field(default_factory=dict)

    def integer(self, name: str) -> int:
        """The value of a field that is not repeated; 0, as in protobuf, if it is not there."""
        return self.integers.get(name, [0])[0]

    def content(self, name: str) -> memoryview:
        """The bytes of a field that is not repeated; none if it is not there."""
        return self.bytes.get(name, [memoryview(b"")])[0]

    def text(self, name: str) -> str:
        """The text of a field that is not repeated."""
        return decoded(self.content(name))

    def texts(self, name: str) -> list[str]:
        """The texts of a repeated field."""
        return [decoded(value) for value in self.bytes.get(name, [])]

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        return name in self.integers or name in self.bytes


def parse(data: memoryview, schema: Schema, where: str) -> Message:
    """Read a message.

    Args:
        data: all of it.
        schema: the fields that it may have.
        where: what it is, for errors.

    Raises:
        ArtifactError: it is not a message, or has a field that is not in the schema.
    """
    message = Message()
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position, end, where)
        number, wire_type = tag >> 3, tag & 7
        known = schema.get(number)
        if known is None or tag >= _MAX_TAG:
            raise refused(where, f"has field {number}, which is not allowed")
        if wire_type == _VARINT and known.kind is Kind.INTEGER:
            value, position = _varint(data, position, end, where)
            integers = message.integers.setdefault(known.name, [])
            integers.append(_signed(value))
            single = len(integers) == 1
            if known.repeated:
                if value < _SMALL:
                    position = _keep_run(integers, data, position, tag)
                _check_count(integers, _MOST_INTEGERS, known, where)
        elif wire_type == _LENGTH:
            size, position = _varint(data, position, end, where)
            if size > end - position:
                raise refused(where, f"says that {known.name} has {size} bytes, and has {end - position} left")
            content = data[position : position + size]
            position += size
            single = _keep(message, known, content, where)
        else:
            raise refused(where, f"has {known.name} of wire type {wire_type}")
        if not single and not known.repeated:
            raise refused(where, f"has {known.name} more than once")
    return message


def decoded(content: memoryview) -> str:
    """A text.

    Raises:
        ArtifactError: it is not UTF-8.
    """
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        raise ArtifactError(Reason.STRUCTURE, "the graph has a text that is not UTF-8") from None


def refused(where: str, what: str) -> ArtifactError:
    """The error that says what is wrong with a part of a graph."""
    return ArtifactError(Reason.STRUCTURE, f"{where} {what}")


def _keep(message: Message, known: Field, content: memoryview, where: str) -> bool:
    """Keep what stood behind a length; returns whether it is the first of its field."""
    if known.kind is Kind.BYTES:
        values = message.bytes.setdefault(known.name, [])
        values.append(content)
        _check_count(values, _MOST_PARTS, known, where)
        return len(values) == 1
    if not known.repeated:
        raise refused(where, f"has {known.name} of wire type {_LENGTH}")
    integers = message.integers.setdefault(known.name, [])
    position, end = 0, len(content)
    while position < end:
        value, position = _varint(content, position, end, where)
        integers.append(_signed(value))
        _check_count(integers, _MOST_INTEGERS, known, where)
    return True


def _check_count(values: Sized, most: int, known: Field, where: str) -> None:
    if len(values) > most:
        raise refused(where, f"has more than {most} of {known.name}")


def _keep_run(integers: list[int], data: memoryview, position: int, tag: int) -> int:
    """Keep the numbers below _SMALL that follow under the same tag; lists are long, so this reads many at once.

    Returns the position behind them.
    """
    if tag >= 0x80:
        return position
    found = re.compile(rb"(?:%b[\x80-\xff]{0,2}[\x00-\x7f]){0,10000}+" % re.escape(bytes([tag]))).match(data, position)
    run = found.group() if found else b""
    if len(run) == 2 * run[::2].count(tag):
        integers += run[1::2]
    else:
        written = [int.from_bytes(each, "little") for each in re.findall(rb".([\x80-\xff]*.)", run, re.DOTALL)]
        # Seven bits of each byte, moved together.
        integers += [each & 0x7F | each >> 1 & 0x3F80 | each >> 2 & 0x1FC000 for each in written]
    return position + len(run)


def _varint(data: memoryview, position: int, end: int, where: str) -> tuple[int, int]:
    """An unsigned number of 64 bits, and the position behind it."""
    if position < end and data[position] < 0x80:
        return data[position], position + 1
    value = shift = 0
    for index in range(position, min(end, position + _MAX_VARINT_BYTES)):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                raise refused(where, "has a number of more than 64 bits")
            return value, index + 1
        shift += 7
    raise refused(where, "breaks off in a number" if end - position < _MAX_VARINT_BYTES else "has a number without end")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
