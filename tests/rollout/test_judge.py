"""The judge of a rollout: it can say yes, no, and that it cannot tell."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from serving_lab.rollout import plan
from serving_lab.rollout.harm import Past
from serving_lab.rollout.judge import AtOnce, Evidence, Look, Machine, Outcome, Standing, judge, judge_at_once
from serving_lab.rollout.memory import MemoryReading
from serving_lab.rollout.requests import Columns

from rollout.simulation import BUCKETS, LOW, MIDDLE, Planted, Traffic, World, met_by, plan_for, rollout

PLAN = plan_for(MIDDLE)
STAGE = PLAN.stages[2]
SECONDS = 60.0
PAST = Past(np.full(BUCKETS, 50), np.zeros(BUCKETS, dtype=np.int64))
LAST, EARLY = Look(final=True), Look(may_promote=False)


def side(
    seed: int, n: int = 6000, slower: float = 1.0, failed: int = 0, users: int = 300, websocket: bool = False
) -> Columns:
    """Requests of one slice within a minute, the first ones failed."""
    random = np.random.default_rng(seed)
    return Columns.of(
        at=random.uniform(0, SECONDS, n).tolist(),
        ms=(slower * random.lognormal(1.5, 0.4, n)).tolist(),
        failed=[number < failed for number in range(n)],
        user=random.integers(seed * 1000, seed * 1000 + users, n).tolist(),
        operation=[0] * n,
        websocket=[websocket] * n,
    )


def evidence(candidate: Columns, control: Columns) -> Evidence:
    """What was seen of both in a minute."""
    return Evidence(SECONDS, candidate, control, ("GET /",), PAST, met_by(candidate))


HEALTHY = evidence(side(1), side(2))


def test_a_healthy_candidate_goes_on_after_the_shortest_hold() -> None:
    found = judge(HEALTHY, STAGE, PLAN, Look())

    assert found.outcome is Outcome.PROMOTE
    assert {each.name: each.standing for each in found.criteria} == dict.fromkeys(
        ("errors", "p50", "p99"), Standing.WITHIN
    )
    assert judge(HEALTHY, STAGE, PLAN, EARLY).outcome is Outcome.HOLD


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (side(1, slower=1.3), "P50 1."),
        (side(1, failed=200), "failed requests +"),
    ],
)
def test_what_is_proven_to_be_worse_rolls_back_before_the_shortest_hold(candidate: Columns, said: str) -> None:
    found = judge(evidence(candidate, side(2)), STAGE, PLAN, EARLY)

    assert found.outcome is Outcome.ROLL_BACK
    assert said in found.why
    passed = [each for each in found.criteria if each.standing is Standing.BEYOND]
    assert passed
    assert all(each.limit == each.beyond != each.within for each in passed), "the limit that was passed is named"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (evidence(Columns.none(), side(2)), "no request reached the candidate"),
        (evidence(side(1), Columns.none()), "no request reached its control"),
        (evidence(side(1, users=2), side(2)), "only 2 buckets of users"),
        (evidence(side(1, n=100), side(2, n=100)), "failed requests"),
        (replace(HEALTHY, blind="the gateway does not answer"), "the gateway does not answer"),
        (replace(HEALTHY, machine=Machine(30.0, "its host took 0.8 cores away")), "its host took 0.8 cores away"),
    ],
)
def test_what_is_missing_is_never_a_pass(seen: Evidence, why: str) -> None:
    held, ended = (judge(seen, STAGE, PLAN, look) for look in (Look(), LAST))

    assert (held.outcome, ended.outcome) == (Outcome.HOLD, Outcome.CANNOT_TELL)
    assert why in ended.why


def test_a_criterion_that_is_asked_and_has_no_reading_is_no_pass() -> None:
    asked = plan.read(None, "primary", "candidate")

    found = judge(HEALTHY, asked.stages[2], asked, LAST)

    assert found.outcome is Outcome.CANNOT_TELL
    assert "memory" in found.why


def test_some_things_need_no_statistics() -> None:
    assert judge_at_once(AtOnce(), PLAN).outcome is Outcome.HOLD
    for seen in (
        AtOnce(causes=("POST /predict $.prediction",)),
        AtOnce(dead="it is not ready"),
        AtOnce(in_a_row=PLAN.failures_in_a_row),
    ):
        assert judge_at_once(seen, PLAN).outcome is Outcome.ROLL_BACK
        assert judge(replace(HEALTHY, at_once=seen), STAGE, PLAN, EARLY).outcome is Outcome.ROLL_BACK


def test_one_user_who_fails_only_with_the_candidate_is_enough() -> None:
    healthy = side(1)
    one = healthy.user == healthy.user[0]
    harmed = replace(healthy, failed=one)

    found = judge(evidence(harmed, side(2)), STAGE, PLAN, EARLY)

    assert found.outcome is Outcome.ROLL_BACK
    assert f"the users of bucket {healthy.user[0]}" in found.why


def test_one_user_who_failed_before_as_well_is_not_the_candidates_fault() -> None:
    healthy = side(1)
    one = healthy.user == healthy.user[0]
    failed_before = PAST.failed.copy()
    failed_before[healthy.user[0]] = 50
    seen = replace(evidence(replace(healthy, failed=one), side(2)), past=Past(PAST.requests, failed_before))

    assert judge(seen, STAGE, PLAN, EARLY).outcome is Outcome.HOLD


def test_a_user_whose_requests_fail_when_everybodys_do_is_not_the_candidates_fault() -> None:
    candidate, control = (replace(each, failed=each.at < SECONDS / 10) for each in (side(1, users=20), side(2)))

    assert judge(evidence(candidate, control), STAGE, PLAN, EARLY).outcome is Outcome.HOLD


def test_failures_of_websockets_alone_are_seen() -> None:
    healthy = side(1)
    websocket = np.arange(len(healthy)) < 100
    candidate = replace(healthy, websocket=websocket, failed=websocket)
    control = replace(side(2), websocket=websocket)

    found = judge(evidence(candidate, control), STAGE, PLAN, EARLY)

    assert found.outcome is Outcome.ROLL_BACK
    assert "WebSockets" in found.why


@pytest.mark.parametrize(
    ("growth", "outcome"), [(0.0, Outcome.PROMOTE), (0.5, Outcome.ROLL_BACK)], ids=["steady", "leaks"]
)
def test_memory_that_grows_without_end_rolls_back(growth: float, outcome: Outcome) -> None:
    asked = plan.read(None, "primary", "candidate")

    found = judge(replace(HEALTHY, memory=memory(growth)), asked.stages[2], asked, Look())

    assert found.outcome is outcome


def memory(growth: float) -> Sequence[MemoryReading]:
    """Readings of a minute, in which the candidate grows by this share."""
    size = 100e6
    random = np.random.default_rng(1)
    return [
        MemoryReading(second, size * (1 + growth * second / SECONDS) + random.uniform(0, 1e4), size)
        for second in range(int(SECONDS))
    ]


@pytest.mark.service
@pytest.mark.parametrize(
    ("traffic", "planted", "outcomes"),
    [
        (MIDDLE, Planted(), {Outcome.PROMOTE}),
        (MIDDLE, Planted(slower=1.2), {Outcome.ROLL_BACK}),
        (MIDDLE, Planted(failing=0.02), {Outcome.ROLL_BACK}),
        (LOW, Planted(failing=0.02), {Outcome.ROLL_BACK}),
        (MIDDLE, Planted(one_user=True), {Outcome.ROLL_BACK}),
    ],
    ids=["healthy", "slower by 20%", "fails 2%", "fails 2%, little traffic", "fails for one user"],
)
def test_whole_rollouts_in_simulated_time_end_as_they_should(
    traffic: Traffic, planted: Planted, outcomes: set[Outcome]
) -> None:
    runs = [rollout(plan_for(traffic), World(traffic, planted, np.random.default_rng(seed))) for seed in range(2)]

    assert {run.outcome for run in runs} == outcomes, runs
