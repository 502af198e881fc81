"""How long a measurement is expected to take, and that its parts add up to it."""

import pytest
from serving_lab.bench.scenario_run import PREPARATION_SECONDS, Design
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
