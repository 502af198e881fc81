"""JSON as it was written."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
