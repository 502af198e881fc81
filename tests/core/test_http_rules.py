"""JSON as it was written."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_core.http.errors import InvalidRequestError
from serving_core.http.rules import as_written, decode_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["id", "ID", "x", '"', "}"]), JSON, min_size=1), st.booleans())
def test_every_field_is_found_in_any_layout(fields: dict[str, Any], wide: bool) -> None:
    text = json.dumps(fields, indent="\t" if wide else None, ensure_ascii=wide)
    decode_object(text.encode())

    for name, value in fields.items():
        assert json.loads(as_written(text.encode(), name)) == value


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ('{"id": 1e400}', "1e400"),
        ('{"id": 12345678901234567890.10}', "12345678901234567890.10"),
        (r'{"id": "\ud800", "x": "\ud800"}', r'"\ud800"'),
        (' { "id" : [ 1 ] } ', "[ 1 ]"),
        (r'{"\u0069d": 1}', "1"),
        ('{"id": 1, "x": {"id": 2}, "id": 3}', "3"),
    ],
)
def test_nothing_of_it_is_lost(text: str, literal: str) -> None:
    assert as_written(text.encode(), "id") == literal


def nested(depth: int, middle: str = "", end: str = "]") -> bytes:
    return f'{{"x": {"[" * (depth - 1)}{middle}{end * (depth - 1)}}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        nested(501),
        nested(501, "x"),
        nested(501, end=""),
        nested(501, middle='"', end=""),
        nested(20_000),
        b'{"a":' * 501 + b"1" + b"}" * 501,
        b"[" * 501,
    ],
    ids=["deep", "broken inside", "open", "open text", "deeper", "objects", "no object"],
)
def test_what_is_nested_too_deeply_is_told_so_however_broken_it_is(body: bytes) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        decode_object(body)
    assert refused.value.detail == "Nested too deeply"


@pytest.mark.parametrize(
    "body",
    [nested(500), b'{"x": [%s0]}' % (b"[], " * 2000), b'{"x": "%s\\"%s"}' % (b"[" * 900, b"{" * 900)],
    ids=["as deep as may be", "many beside each other", "within a text"],
)
def test_whether_it_is_decoded_does_not_depend_on_who_asks(body: bytes) -> None:
    def from_a_depth_of(frames: int) -> object:
        return from_a_depth_of(frames - 1) if frames else decode_object(body)

    assert from_a_depth_of(200)


def test_a_text_without_an_end_takes_no_longer_than_others() -> None:
    with pytest.raises(InvalidRequestError, match="Malformed JSON"):
        decode_object(b"[]" * 501 + b'"\\' * 500_000)
