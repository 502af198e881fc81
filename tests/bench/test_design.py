"""How long a measurement is expected to take, and that its parts add up to it."""

import pytest
from serving_lab.bench.design import (
    KNEE_SECONDS,
    PREPARATION_SECONDS,
    SEARCH_SECONDS,
    WARM_SECONDS,
    WARM_UP_SECONDS,
    Design,
)
from serving_lab.experiment.profile import ObjectiveForm, ScenarioForm

CLOSED = ScenarioForm(requests={"predict": 1})
KNEE = ScenarioForm(requests={"predict": 1}, loop="knee", objective=ObjectiveForm(p99_seconds=0.1))


@pytest.mark.parametrize("form", [CLOSED, KNEE], ids=["closed", "knee"])
@pytest.mark.parametrize("targets", [2, 3])
def test_preparation_and_pairs_are_all_that_is_expected(form: ScenarioForm, targets: int) -> None:
    design = Design(pairs=10, seconds=5.0, seed=0, margin=0.03)

    parts = targets * PREPARATION_SECONDS + design.pairs_of(form) * design.pair_seconds(form, targets)

    assert design.expected_seconds(form, targets) == parts
    assert design.pair_seconds(form, targets) == pytest.approx(targets / 2 * design.pair_seconds(form, 2))


def test_a_knee_gets_half_as_many_pairs_but_never_fewer_than_three() -> None:
    assert [Design(pairs, 5.0, 0, 0.03).pairs_of(KNEE) for pairs in (20, 9, 3)] == [10, 5, 3]
    assert Design(20, 5.0, 0, 0.03).pairs_of(CLOSED) == 20


def test_a_budget_is_at_least_preparation_and_the_pairs_of_the_first_look() -> None:
    design = Design.asked(None, None, None, 0, None)

    assert (design.pairs, design.seconds, design.margin, design.budget) == (None, None, 0.05, 300)
    assert design.expected_seconds(CLOSED, 2) == 2 * WARM_UP_SECONDS + 4 * design.pair_seconds(CLOSED, 2)
    assert design.expected_seconds(KNEE, 2, warm=True) == 2 * (WARM_SECONDS + SEARCH_SECONDS) + 3 * 2 * KNEE_SECONDS
    assert design.pairs_of(KNEE) == 3


def test_pairs_are_long_and_their_margin_is_narrow() -> None:
    assert Design.asked(None, 10, None, 7, None) == Design(10, 5.0, 7, 0.03)
    assert Design.asked(None, 10, 2.0, 7, 4.0) == Design(10, 2.0, 7, 0.04)
    assert Design.asked("90s", None, 2.0, 7, 4.0) == Design(None, 2.0, 7, 0.04, 90)


def test_arms_are_as_short_as_their_answers_allow() -> None:
    within = Design.asked(None, None, None, 0, None)

    assert within.arm_seconds([5000.0, 2600.0]) == 0.6
    assert within.arm_seconds([5000.0, 1300.0]) == pytest.approx(1.0)
    assert within.arm_seconds([5000.0, 400.0]) == pytest.approx(0.75), "too slow for a P99 of its own"
    assert within.arm_seconds([30.0, 650.0]) == 2.0, "no arm of a bearable length has many answers"
    assert Design.asked(None, None, 0.5, 0, None).arm_seconds([30.0]) == 0.5
