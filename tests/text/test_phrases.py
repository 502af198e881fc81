"""Numbers are said as people say them, and no rounding turns a change around."""

import pytest
from serving_lab.experiment import wording
from serving_lab.text import phrases
from serving_lab.text.phrases import AMOUNT, COUNTED, HEIGHT, LENGTH, Words


@pytest.mark.parametrize(
    ("words", "ratio", "said"),
    [
        (COUNTED, 1.12, "12% more"),
        (COUNTED, 1.923, "1.92 times as many"),
        (COUNTED, 12.34, "12.3 times as many"),
        (COUNTED, 0.7, "30% fewer"),
        (HEIGHT, 0.8, "20% lower"),
        (HEIGHT, 1.05, "5.0% higher"),
        (AMOUNT, 0.996, "0.4% less"),
        (AMOUNT, 1.0004, "no change"),
        (LENGTH, 2.0, "2.00 times as long"),
        (HEIGHT, 0.002, "99.8% lower"),
    ],
)
def test_a_ratio_is_said_as_a_change(words: Words, ratio: float, said: str) -> None:
    assert phrases.change(words, ratio) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.08, 1.16, "8.0% to 16% more"),
        (1.7, 2.1, "1.70 to 2.10 times as many"),
        (1.2, 1.8, "1.20 to 1.80 times as many"),
        (0.84, 0.96, "4.0% to 16% fewer"),
        (0.97, 1.08, "3.0% fewer to 8.0% more"),
        (0.5, 2.0, "50% fewer to 2.00 times as many"),
        (0.001, 1e300, "99.9% fewer to any number of times as many"),
    ],
)
def test_an_interval_is_said_from_the_smaller_change_to_the_larger(low: float, high: float, said: str) -> None:
    assert phrases.interval(COUNTED, low, high) == said


def test_what_is_not_known_is_said_to_be() -> None:
    assert phrases.estimate(COUNTED, None, None, None) == "not known"
    assert phrases.estimate(COUNTED, 1.2, None, None) == "20% more"
    assert wording.value("p99", None) == phrases.UNKNOWN


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(1.12, "+12%"), (0.65, f"{phrases.MINUS}35%"), (1.923, "1.92\N{MULTIPLICATION SIGN}"), (1.0, "±0%")],
)
def test_a_ratio_in_a_few_characters(ratio: float, said: str) -> None:
    assert phrases.short(ratio) == said


@pytest.mark.parametrize(
    ("metric", "amount", "said"),
    [
        ("throughput", 1234.4, "1,234 requests/s"),
        ("knee", 98.76, "98.8 requests/s"),
        ("p99", 0.01234, "12.3 ms"),
        ("p50", 0.000456, "456 µs"),
        ("cpu", 1.4, "1.40 s"),
    ],
)
def test_values_have_three_digits_and_the_unit_that_suits_them(metric: str, amount: float, said: str) -> None:
    assert wording.value(metric, amount) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (0.0042, "0.4%"), (0.0994, "9.9%"), (0.0996, "10%"), (0.5, "50%"), (0.9996, "100.0%"), (1.5, "150%")],
)
def test_shares_have_a_digit_more_where_they_are_small(share: float, said: str) -> None:
    assert phrases.percent(share) == said


def test_a_change_that_only_a_wonder_would_be_is_not_called_detectable() -> None:
    assert [phrases.detectable_change(share) for share in (0.025, 1e300, None)] == ["2.5%", None, None]


def test_sizes_are_in_powers_of_two() -> None:
    assert [phrases.size(412 << 20), phrases.size(3 << 30), phrases.size(1 << 19)] == [
        "412 MiB",
        "3.00 GiB",
        "0.500 MiB",
    ]


def test_a_list_ends_with_and() -> None:
    assert [phrases.listed(["a"]), phrases.listed(["a", "b"]), phrases.listed(["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]
