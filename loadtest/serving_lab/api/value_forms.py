"""How the values that stand in requests are written in a description."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from serving_lab.api.values import (
    Choice,
    Column,
    Either,
    Number,
    Pool,
    Row,
    Several,
    Unique,
    UnknownValueError,
    Value,
    sources,
)
from serving_lab.text.yaml_file import YamlFile

_LARGEST_COUNT = 100_000


class ValueForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value as it stands in a description: one of the kinds, and what belongs to it."""

    row: list[Column] | str | None = None
    """Columns, or a JSON file of them: an array of one number of each."""
    number: Column | None = None
    choice: list[Any] | None = None
    """One of these, be they texts, numbers or whole objects."""
    lines: str | None = None
    """A text file: one of its lines, as JSON where it is JSON, else as text."""
    pool: str | None = None
    """Another value: `size` draws of it, the same in every run."""
    size: int | None = None
    either: dict[str, float] | None = None
    """Other values by weight."""
    several: str | None = None
    """Another value: an array of `count` draws of it."""
    count: int | list[int] | None = None
    """How many, or from how many to how many."""
    unique: int | None = None
    """A text of so many random hexadecimal digits, such as an id."""


def read(file: YamlFile, forms: Mapping[str, ValueForm]) -> dict[str, Value]:
    """The values of a description.

    Raises:
        LabError: one makes no sense, or a file that it names cannot be read.
    """
    values = {name: _value(file, f"values.{name}", form) for name, form in forms.items()}
    try:
        sources(values)
    except UnknownValueError as error:
        raise file.fault("values", str(error)) from None
    return values


def _value(file: YamlFile, place: str, form: ValueForm) -> Value:
    given = {name for name, value in msgspec.structs.asdict(form).items() if value is not None}
    match form:
        case ValueForm(row=list() | str() as columns) if given == {"row"}:
            return Row(_checked(file, place, _columns(file, place, columns)))
        case ValueForm(number=Column() as column) if given == {"number"}:
            return Number(_checked(file, place, [column])[0])
        case ValueForm(choice=list() as choices) if given == {"choice"} and choices:
            return Choice([json.dumps(each) for each in choices])
        case ValueForm(lines=str() as path) if given == {"lines"}:
            return Choice([_line(line) for line in _lines(file, place, path)])
        case ValueForm(pool=str() as of, size=int() as size) if given == {"pool", "size"}:
            return Pool(of, _count(file, f"{place}.size", size))
        case ValueForm(several=str() as of, count=int() as count) if given == {"several", "count"}:
            number = _count(file, f"{place}.count", count)
            return Several(of, number, number)
        case ValueForm(several=str() as of, count=[fewest, most]) if given == {"several", "count"} and fewest <= most:
            return Several(of, _count(file, f"{place}.count", fewest), _count(file, f"{place}.count", most))
        case ValueForm(unique=int() as digits) if given == {"unique"}:
            return Unique(_count(file, f"{place}.unique", digits))
        case ValueForm(either=dict() as weights) if given == {"either"} and weights:
            if not all(0 < weight < float("inf") for weight in weights.values()):
                raise file.fault(f"{place}.either", "weights are numbers above 0")
            return Either(weights)
    raise file.fault(
        place, "it is not one of: row, number, choice, lines, pool with size, several with count, either, unique"
    )


def _columns(file: YamlFile, place: str, given: list[Column] | str) -> list[Column]:
    if isinstance(given, list):
        return given
    path = file.path.parent / given
    try:
        return msgspec.json.decode(_read(file, place, path), type=list[Column])
    except msgspec.DecodeError as error:
        raise file.fault(place, f"{path} is not a list of columns: {error}") from None


def _checked(file: YamlFile, place: str, columns: list[Column]) -> list[Column]:
    for column in columns:
        if len(column.quantiles) < 2 or sorted(column.quantiles) != column.quantiles:
            raise file.fault(place, "quantiles are two numbers at least, in rising order")
    if not columns:
        raise file.fault(place, "there are no columns")
    return columns


def _lines(file: YamlFile, place: str, path: str) -> list[str]:
    lines = [line for line in _read(file, place, file.path.parent / path).decode(errors="replace").splitlines() if line]
    if not lines:
        raise file.fault(place, f"{path} is empty")
    return lines


def _line(line: str) -> str:
    try:
        json.loads(line)
    except ValueError:
        return json.dumps(line)
    return line


def _read(file: YamlFile, place: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise file.fault(place, f"{path}: {error.strerror}", hint="paths are relative to this file") from None


def _count(file: YamlFile, place: str, count: int) -> int:
    if not 1 <= count <= _LARGEST_COUNT:
        raise file.fault(place, f"from 1 to {_LARGEST_COUNT}")
    return count
