"""Warm-up ends where two stretches of it are alike, and no sooner."""

import random

import pytest
from serving_lab.experiment.warm_up import COMPARED, steady, window_when_warm


def test_level_values_are_steady() -> None:
    assert steady([100.0] * 2 * COMPARED)


def test_too_few_are_not() -> None:
    assert not steady([100.0] * (2 * COMPARED - 1))


def test_what_still_grows_is_not() -> None:
    assert not steady([100 * 1.05**step for step in range(2 * COMPARED)])


def test_a_slow_start_is_forgotten_once_it_is_past() -> None:
    slow, fast = [30.0] * 6, [100.0] * COMPARED

    assert not steady([*slow, *fast])
    assert steady([*slow, *fast, *fast])


def test_a_window_without_answers_is_not() -> None:
    assert not steady([100.0] * (2 * COMPARED - 1) + [0.0])


@pytest.mark.parametrize("spread", [0.02, 0.2])
def test_noise_alone_is_steady_mostly(spread: float) -> None:
    chance = random.Random(1)  # noqa: S311 - reproducible, not secret
    found = [steady([100 * (1 + chance.gauss(0, spread)) for _ in range(2 * COMPARED)]) for _ in range(300)]

    assert sum(found) > 240


@pytest.mark.parametrize(("rate", "seconds"), [(None, 0.25), (2000.0, 0.125), (100.0, 0.2), (20.0, 0.25)])
def test_windows_of_a_warm_target_are_as_short_as_their_answers_allow(rate: float | None, seconds: float) -> None:
    assert window_when_warm(rate) == seconds
