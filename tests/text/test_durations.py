"""Lengths of time are read as people write them."""

import pytest
from serving_lab.errors import LabError
from serving_lab.text.durations import parse


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1.5m", 90), (" 2M5S ", 125)]
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert parse(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "m", "-5m", "5 m", "5d", "30s5m", "nan", "1e3"])
def test_what_is_none_is_named_with_examples(text: str) -> None:
    with pytest.raises(LabError, match=r"--budget .* is not a length of time") as raised:
        parse(text, "--budget")

    assert raised.value.hint == "such as 90s, 5m, or 1h30m"
