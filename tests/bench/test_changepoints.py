"""Of series whose truth is known, moves are found where they are, and noise is left alone. Seeds are fixed."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from serving_lab.bench.changepoints import Finding, SeriesPoint, fewest, find

pytestmark = pytest.mark.service

NOISE = 0.03
ERROR = 0.01
"""Standard error of each run, from the spread within it."""
LENGTH = 30


def points(values: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[SeriesPoint]:
    return [SeriesPoint(float(value), ERROR) for value in values]


def noise(generator: np.random.Generator, length: int = LENGTH) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return generator.normal(0, NOISE, length)


def stepped(generator: np.random.Generator, *steps: tuple[int, float], length: int = LENGTH) -> list[SeriesPoint]:
    """Return noise that moves by each step: from which index on, and by which share."""
    values = noise(generator, length)
    for at, change in steps:
        values[at:] += math.log1p(change)
    return points(values)


def places(finding: Finding) -> list[int]:
    return [shift.at for shift in finding.shifts]


def alarm(finding: Finding) -> bool:
    return bool(finding.shifts) or finding.drift is not None


@pytest.mark.parametrize("length", [8, LENGTH])
def test_of_200_series_of_pure_noise_at_most_one_in_twenty_gives_an_alarm(length: int) -> None:
    generator = np.random.default_rng(11)

    alarms = [alarm(find(points(noise(generator, length)))) for _ in range(200)]

    assert sum(alarms) <= 10


def test_noise_with_heavy_tails_gives_hardly_more_alarms() -> None:
    generator = np.random.default_rng(12)

    alarms = [alarm(find(points(NOISE * generator.standard_t(3, LENGTH)))) for _ in range(200)]

    assert sum(alarms) <= 16  # 5% with the chance of 200 series


def test_of_histories_of_twenty_series_of_pure_noise_at_most_one_in_twenty_has_any_alarm() -> None:
    generator = np.random.default_rng(13)

    alarms = [any(alarm(find(points(noise(generator)), series=20)) for _ in range(20)) for _ in range(25)]

    assert sum(alarms) <= 3


@pytest.mark.parametrize("at", [5, 15, 25])
def test_a_step_of_a_tenth_in_noise_of_three_hundredths_is_found_where_it_is(at: int) -> None:
    generator = np.random.default_rng(14)

    found = [find(stepped(generator, (at, 0.1))) for _ in range(40)]

    assert sum(any(abs(place - at) <= 1 for place in places(each)) for each in found) >= 36
    assert sum(len(each.shifts) == 1 for each in found) >= 35


def test_its_size_is_within_the_interval_and_its_chance_is_small() -> None:
    generator = np.random.default_rng(15)

    shifts = [find(stepped(generator, (15, 0.1))).shifts[0] for _ in range(40)]

    assert sum((shift.size.low or 9) <= 1.1 <= (shift.size.high or 0) for shift in shifts) >= 35
    assert max(shift.chance for shift in shifts) < 0.05


@pytest.mark.parametrize(
    "steps", [((10, 0.15), (20, 0.1)), ((10, 0.15), (20, -0.15)), ((10, -0.12), (22, 0.25))], ids=str
)
def test_two_steps_are_both_found(steps: tuple[tuple[int, float], ...]) -> None:
    generator = np.random.default_rng(16)

    found = [find(stepped(generator, *steps)) for _ in range(40)]

    both = [all(any(abs(place - at) <= 1 for place in places(each)) for at, _ in steps) for each in found]
    assert sum(both) >= 35


def test_a_slow_drift_is_called_a_drift_and_not_pinned_on_a_commit() -> None:
    generator = np.random.default_rng(17)

    found = [find(points(noise(generator) + np.linspace(0, math.log(1.25), LENGTH))) for _ in range(40)]

    drifts = [each.drift for each in found if each.drift is not None]
    assert len(drifts) >= 35
    assert np.mean(drifts) == pytest.approx(0.25, abs=0.03)
    assert all(each.shifts == [] for each in found if each.drift is not None)


@pytest.mark.parametrize("at", [0, 1, 15, 28, 29])
def test_a_single_outlier_is_no_move(at: int) -> None:
    generator = np.random.default_rng(18)
    alarms = []
    for _ in range(60):
        values = noise(generator)
        values[at] += 0.4
        alarms.append(alarm(find(points(values))))

    assert sum(alarms) <= 6


def test_an_outlier_does_not_hide_a_step() -> None:
    generator = np.random.default_rng(19)
    found = []
    for _ in range(40):
        values = noise(generator)
        values[15:] += math.log(1.1)
        values[7] += 0.5
        found.append(find(points(values)))

    assert sum(any(abs(place - 15) <= 1 for place in places(each)) for each in found) >= 37


def test_runs_that_were_noisy_in_themselves_count_less() -> None:
    generator = np.random.default_rng(20)
    doubtful, sure = [], []
    for _ in range(40):
        values = noise(generator)
        values[-3:] += 0.12
        errors = [ERROR] * (LENGTH - 3) + [0.3] * 3
        doubtful.append(alarm(find([SeriesPoint(float(v), e) for v, e in zip(values, errors, strict=True)])))
        sure.append(alarm(find(points(values))))

    assert sum(sure) >= 30
    assert sum(doubtful) <= 4


def test_a_run_whose_spread_is_unknown_can_be_looked_at() -> None:
    generator = np.random.default_rng(21)
    shifted = stepped(generator, (15, 0.2))

    assert places(find([SeriesPoint(point.value, None) for point in shifted])) == [15]
    assert places(find([SeriesPoint(shifted[0].value, None), *shifted[1:]])) == [15]


@pytest.mark.parametrize("series", [1, 9, 36, 100])
def test_with_fewer_values_than_are_said_to_be_needed_not_even_a_huge_step_is_found(series: int) -> None:
    needed = fewest(series)

    assert alarm(find(huge_step(needed), series=series))
    assert not alarm(find(huge_step(needed - 1), series=series))


def huge_step(length: int) -> list[SeriesPoint]:
    values = np.random.default_rng(22).normal(0, 0.001, length)
    values[length // 2 :] += 1
    return points(values)


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_short_series_shows_nothing(length: int) -> None:
    assert find(points([0.1] * length)) == Finding([], None)


def test_values_that_never_vary_show_nothing_and_a_step_between_two_such_levels_is_found() -> None:
    assert find(points([0.1] * LENGTH)) == Finding([], None)
    assert places(find(points([0.1] * 15 + [0.2] * 15))) == [15]


def test_the_same_series_gives_the_same_answer() -> None:
    series = stepped(np.random.default_rng(23), (15, 0.06))

    assert find(series) == find(series)
