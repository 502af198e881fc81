"""The bytes of a document, JSON or YAML, as JSON values: both forms of one document give the same."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

_MOST_VALUES = 2_000_000
"""With its aliases written out; the largest public documents have a tenth of it."""
_DEEPEST = 2000
"""Levels, each of which takes YAML's parser longer than the one above it."""
_MERGE = "<<"
_TAG = "tag:yaml.org,2002:"
# The core schema of YAML 1.2, 10.3.2: `on`, `12:30` and `2026-01-31` are texts, as they are in JSON.
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class UnreadableError(ValueError):
    """It is neither JSON nor YAML; the text says why, in one line."""


def read(content: bytes) -> Any:  # noqa: ANN401
    """The value that the bytes stand for.

    Raises:
        UnreadableError: they are neither JSON nor YAML, or too much.
    """
    # The parser of YAML takes seconds for long documents.
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}:
        try:
            return json.loads(content, parse_int=_integer)
        except RecursionError:
            pass  # the parser of YAML goes deeper
        except ValueError as error:
            try:
                return _from_yaml(content)
            except UnreadableError:
                raise UnreadableError(_one_line(error)) from None
    return _from_yaml(content)


def _from_yaml(content: bytes) -> Any:  # noqa: ANN401
    builder = _Builder()
    try:
        for event in yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnreadableError(_one_line(error)) from None
    return builder.value


@dataclass
class _Open:
    """A mapping or a sequence that has not ended yet."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)
    size: int = 1


class _Builder:
    """Builds a value from the events of YAML's parser; nothing calls itself, whatever the depth."""

    def __init__(self) -> None:
        self.value: Any = None
        self._documents = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _at(event, "a second document begins here")
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                opened: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
                if self._open and self._open[-1].key is None and isinstance(self._open[-1].value, dict):
                    raise _at(event, "a key is a text in JSON")
                self._open.append(_Open(opened, event.anchor))
                if len(self._open) > _DEEPEST:
                    raise _at(event, f"it is nested more than {_DEEPEST:,} levels deep")
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                ended = self._open.pop()
                if isinstance(ended.value, dict):
                    for merged in ended.merged:
                        for key, value in merged.items():
                            ended.value.setdefault(key, value)
                self._add(event, ended.value, ended.anchor, ended.size)
            case yaml.ScalarEvent():
                self._add(event, event, event.anchor, 1)
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise _at(event, f"*{event.anchor} stands for nothing, or for what holds it")
                value, size = self._anchors[event.anchor]
                self._add(event, value, None, size)

    def _add(self, event: yaml.Event, value: Any, anchor: str | None, size: int) -> None:  # noqa: ANN401
        """Put a value where the document has come to; a scalar comes as its event, because a key is its text."""
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.value = _plain(value)
            return
        holder = self._open[-1]
        holder.size += size
        if holder.size > _MOST_VALUES:
            raise _at(event, f"with its aliases written out, it has more than {_MOST_VALUES:,} values")
        if isinstance(holder.value, list):
            holder.value.append(_plain(value))
        elif holder.key is None:
            if not isinstance(value, yaml.ScalarEvent):
                raise _at(event, "a key is a text in JSON")
            holder.key = value.value
        else:
            if holder.key == _MERGE:
                holder.merged += _merged(value)
            else:
                holder.value[holder.key] = _plain(value)
            holder.key = None


def _merged(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """The mappings that `<<` names; the earlier ones win."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield each


def _plain(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, yaml.ScalarEvent):
        return value
    text = value.value
    if value.tag is None and value.implicit[0]:
        return _resolved(text)
    if value.tag in {f"{_TAG}{name}" for name in ("null", "bool", "int", "float")}:
        return _resolved(text)
    return text


def _resolved(text: str) -> object:
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NO_NUMBER.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _integer(text: str) -> int | float:
    """The number; one of thousands of digits only roughly, because Python refuses to read it."""
    try:
        return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
    except ValueError:
        return float(text)


def _at(event: yaml.Event, problem: str) -> UnreadableError:
    return UnreadableError(f"line {event.start_mark.line + 1}: {problem}" if event.start_mark else problem)


def _one_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark and error.problem:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split()) or type(error).__name__
