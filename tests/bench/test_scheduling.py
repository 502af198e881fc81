"""Where a budget's time goes: to scenarios that are not decided, and to none when all are or it is over."""

import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from made.measurement import make_arm
from serving_lab.api.description import Description
from serving_lab.bench.design import Design
from serving_lab.bench.scenario_run import ScenarioRun
from serving_lab.bench.scheduling import Schedule
from serving_lab.experiment.arms import ArmSlot, LoadDriver, MeasuredArm
from serving_lab.experiment.order import blocks_while_looking
from serving_lab.experiment.profile import ScenarioForm
from serving_lab.experiment.targets import Target, parse
from serving_lab.text.progress import Progress
from support.quiet import Quiet

OLD, NEW = parse("old=http://127.0.0.1:1"), parse("new=http://127.0.0.1:2")
PREPARATION, ARM, ANSWERS = 10.0, 2.0, 1000
USUAL = {"throughput": 1000.0, "p50": 0.01, "p99": 0.02, "cpu": 0.5}


@dataclass
class Clock:
    now: float = 0.0


@dataclass
class Driver:
    """Has targets and sends nothing."""

    targets: tuple[Target, ...] = (OLD, NEW)
    api: Description = field(default_factory=Description)


@dataclass
class Simulated(ScenarioRun):
    """A scenario whose candidate takes `slowness` times as long, where arms take time that passes at once."""

    clock: Clock = field(default_factory=Clock)
    slowness: float = 1.0
    spread: Mapping[str, float] = field(default_factory=dict)
    spoiled: float = 0.0
    """Share of the arms that do not count."""
    taken: Mapping[str, float] = field(default_factory=dict)
    """By target, the share of its arms that others take, on average; each arm's is at most twice as much."""
    turns: list[str] = field(default_factory=list)

    def prepare(self, driver: LoadDriver, progress: Progress, *, warm: bool = False) -> None:
        progress.phase(self.name)
        assert warm is bool(self.turns)
        self.clock.now += PREPARATION
        self.arm_seconds = ARM
        self.most = self.design.pairs_of(self.form)
        self._orders = blocks_while_looking(driver.targets, random.Random(self.name))  # noqa: S311 - reproducible
        self._chance = np.random.default_rng(len(self.name))

    def _arm(self, driver: LoadDriver, target: Target, slot: ArmSlot) -> MeasuredArm:
        assert target in driver.targets
        self.clock.now += ARM
        self.turns.append(self.name)
        times = self.slowness if target is NEW else 1.0
        values = {}
        for metric, usual in USUAL.items():
            noise = math.exp(self._chance.normal(0, self.spread.get(metric, 0.01)))
            values[metric] = usual * noise * (1 / times if metric == "throughput" else times)
        faults = ["other programs kept 1.00 cores busy"] if self._chance.random() < self.spoiled else []
        taken = self._chance.uniform(0, 2) * self.taken.get(target.name, 0.0)
        disturbances = ["other programs kept 1.00 cores busy"] if taken > 0 else []
        arm = make_arm(target.name, slot.pair, values, faults=faults, taken=taken, disturbances=disturbances)
        latencies = np.repeat([values["p50"], values["p99"]], [ANSWERS * 49 // 50, ANSWERS // 50])
        return MeasuredArm(arm, latencies, latencies, kept_up=True)

    def _restarted(self) -> list[str]:
        return []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: found.now)
    return found


def scheduled(clock: Clock, budget: float, **scenarios: Mapping[str, object]) -> dict[str, Simulated]:
    """Measure scenarios with these properties within a budget."""
    form = ScenarioForm(requests={"predict": 1})
    design = Design(None, None, 1, 0.05, budget)
    turns: list[str] = []
    runs = {
        name: Simulated(name, form, design, clock=clock, turns=turns, **properties)  # type: ignore[arg-type]
        for name, properties in scenarios.items()
    }
    Schedule(list(runs.values()), budget).run(cast("LoadDriver", Driver()), Quiet())
    return runs


NOISY = {"spread": dict.fromkeys(USUAL, 0.3)}


def test_scenarios_that_are_decided_end_it_long_before_the_budget(clock: Clock) -> None:
    runs = scheduled(clock, 600, one={"slowness": 1.5}, other={"slowness": 1.5})

    assert [run.whole for run in runs.values()] == [4, 4]
    assert clock.now == 2 * PREPARATION + 2 * 4 * 2 * ARM


def test_what_decided_scenarios_leave_goes_to_those_that_are_not(clock: Clock) -> None:
    runs = scheduled(clock, 300, noisy=NOISY, decided={"slowness": 1.5}, also={"slowness": 1.5})

    assert [runs[name].whole for name in ("decided", "also")] == [4, 4]
    share = (300 - PREPARATION) / 3
    assert runs["noisy"].seconds > 1.5 * share
    assert runs["noisy"].turns.index("also") < len(runs["noisy"].turns) - 1 - runs["noisy"].turns[::-1].index("noisy")


def test_nothing_is_measured_beyond_the_budget(clock: Clock) -> None:
    runs = scheduled(clock, 200, one=NOISY, two=NOISY, three=NOISY)

    assert clock.now <= 200
    assert clock.now > 200 - 2 * 2 * ARM
    whole = [run.whole for run in runs.values()]
    assert max(whole) - min(whole) <= 4


def test_the_last_look_is_at_all_pairs_that_there_are(clock: Clock) -> None:
    for run in scheduled(clock, 157, one=NOISY, two=NOISY).values():
        assert run.looks[0] == 4
        assert run.looks[-1] == run.whole
        assert list(run.looks) == sorted(set(run.looks))


def test_a_metric_that_the_time_left_cannot_tell_holds_nothing_up(clock: Clock) -> None:
    p99_is_noisy = {"spread": {"p99": 0.5}}
    runs = scheduled(clock, 300, one=p99_is_noisy)

    found = {each.metric: each.verdict for each in runs["one"].concluded([OLD, NEW], None).comparisons}
    assert (found["throughput"], found["p50"], found["p99"]) == ("equivalent", "equivalent", "undecided")
    assert clock.now < 150


def test_a_metric_that_it_can_tell_is_waited_for(clock: Clock) -> None:
    soon = scheduled(clock, 300, one={"spread": {"p99": 0.01}})["one"]
    later = scheduled(clock, clock.now + 300, one={"spread": {"p99": 0.04}})["one"]

    assert later.whole > soon.whole
    found = {each.metric: each.verdict for each in later.concluded([OLD, NEW], None).comparisons}
    assert found == dict.fromkeys(USUAL, "equivalent")


def test_disturbed_pairs_are_measured_again_and_refuse_a_scenario_if_they_are_many(clock: Clock) -> None:
    runs = scheduled(clock, 400, few={"spoiled": 0.1, **NOISY}, many={"spoiled": 0.9, **NOISY})

    assert runs["few"].measured > runs["few"].whole > 4
    assert not runs["few"].refused
    assert "pairs do not count: other programs kept 1.00 cores busy" in runs["many"].refused[0]
    assert clock.now > 380


def test_a_machine_that_others_use_still_gives_verdicts_but_none_on_the_slowest_answers(clock: Clock) -> None:
    shared = {"taken": {"old": 0.2, "new": 0.2}}
    runs = scheduled(clock, 300, slower={"slowness": 1.5, **shared}, same=shared)

    found = {
        name: {each.metric: each for each in run.concluded([OLD, NEW], None).comparisons} for name, run in runs.items()
    }
    words = {name: {metric: each.verdict for metric, each in of.items()} for name, of in found.items()}
    assert words["slower"] == {"throughput": "slower", "p50": "slower", "p99": "undecided", "cpu": "slower"}
    assert words["same"] == {"throughput": "equivalent", "p50": "equivalent", "p99": "undecided", "cpu": "equivalent"}
    assert "the slowest answers are their work" in found["same"]["p99"].why
    assert all(run.measured > 1.2 * run.whole for run in runs.values()), "pairs of unlike arms were measured again"
    assert all(0.1 < of["p50"].taken < 0.3 and of["cpu"].taken == 0 for of in found.values())


def test_what_disturbs_one_target_alone_refuses_a_scenario(clock: Clock) -> None:
    run = scheduled(clock, 300, one={"taken": {"new": 0.12}, **NOISY})["one"]

    assert run.whole > 4
    assert "most of them because of new: other programs took more of its time than of that of old" in run.refused[0]


def test_scenarios_of_which_no_pair_counts_are_tried_until_the_time_is_over(clock: Clock) -> None:
    runs = scheduled(clock, 200, one={"spoiled": 1.0}, two={"spoiled": 1.0})

    assert clock.now > 190
    assert [run.whole for run in runs.values()] == [0, 0]
    measured = [run.measured for run in runs.values()]
    assert abs(measured[0] - measured[1]) <= 8
    assert all("no pair" not in run.refused[0] and "pairs do not count" in run.refused[0] for run in runs.values())


def test_the_result_says_which_design_it_was(clock: Clock) -> None:
    run = scheduled(clock, 100, one={"slowness": 1.5})["one"]
    fixed = ScenarioRun("one", run.form, Design(10, 5.0, 1, 0.03))

    assert run.concluded([OLD, NEW], None).looks == [4]
    assert fixed.concluded([OLD, NEW], None).looks == []
    with pytest.raises(ValueError, match="a number of pairs or a budget"):
        Design(10, 5.0, 1, 0.03, budget=300)
