"""What makes an arm worthless is named; what does not is let pass."""

import msgspec
import pytest
from serving_lab.experiment.records import GeneratorHealth
from serving_lab.experiment.validity import (
    disturbances,
    faults,
    keeps_up,
    one_sided,
    samples_needed,
    taken,
    unlike,
)

HEALTHY = GeneratorHealth(cpu_share=0.4, waited_share=0.01, lag_p99=0.0002)
LATENCY = {"mean": 0.002, "p99": 0.005}


def found(
    other_cpu: float | None = 0.05, waited: float | None = None, stolen: float = 0.0, **changes: float
) -> list[str]:
    generator = msgspec.structs.replace(HEALTHY, **changes)
    return disturbances(generator, LATENCY, other_cpu, waited, stolen, lambda: "dockerd 0.58")


def test_a_healthy_arm_has_no_fault() -> None:
    assert found() == []
    assert found(other_cpu=None) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cpu_share": 0.95}, "the generator was saturated: it used 95% of its core"),
        ({"waited_share": 0.2}, "the generator was starved: 20% of the time it had no processor"),
        ({"lag_p99": 0.004}, "the generator was late: P99 of its lag is 4.0 ms"),
        ({"other_cpu": 0.6}, "other programs kept 0.60 cores busy: dockerd 0.58"),
        (
            {"other_cpu": 0.6, "waited": 0.3},
            "other programs kept 0.60 cores busy while the target waited 30% of its time for one: dockerd 0.58",
        ),
        ({"stolen": 0.3}, "the machine's host took 0.30 cores away"),
    ],
)
def test_each_fault_is_named(changes: dict[str, float], named: str) -> None:
    assert found(**changes) == [named]


def test_who_was_busy_is_named_where_the_generator_had_no_processor() -> None:
    starved = "the generator was starved: 20% of the time it had no processor"

    assert found(waited_share=0.2, other_cpu=1.8, waited=0.02) == [f"{starved}; busy meanwhile: dockerd 0.58"]
    assert found(waited_share=0.2, other_cpu=0.1) == [starved]


def test_other_programs_that_took_nothing_from_the_target_do_no_harm() -> None:
    assert found(other_cpu=1.8, waited=0.02) == []


def test_a_target_whose_threads_wait_for_each_other_is_not_disturbed() -> None:
    assert found(other_cpu=0.1, waited=0.5) == []


def test_a_lag_is_judged_by_the_latencies_it_is_part_of() -> None:
    generator = GeneratorHealth(cpu_share=0.4, waited_share=0.01, lag_p99=0.004)

    assert disturbances(generator, {"mean": 0.05, "p99": 0.1}, 0.0, None, 0.0) == []


def test_a_percentile_needs_ten_answers_beyond_it() -> None:
    assert [samples_needed(share) for share in (0.5, 0.9, 0.99, 0.999)] == [20, 100, 1000, 10_000]


@pytest.mark.parametrize(
    ("late", "planned", "expected"),
    [(0, 0, True), (4, 73, True), (9, 73, True), (12, 73, False), (48, 640, True), (64, 640, False), (260, 5000, True)],
)
def test_few_late_answers_of_few_requests_are_chance(late: int, planned: int, *, expected: bool) -> None:
    assert keeps_up(late, planned) is expected


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, 0.0),
        ({"generator_waited": 0.1}, 0.1),
        ({"generator_waited": 0.1, "late": 0.2}, 0.2),
        ({"target_waited": 0.3, "other_cpu": 1.2}, 0.3),
        ({"target_waited": 0.8, "other_cpu": 0.5}, 0.5),
        ({"target_waited": 0.8, "other_cpu": 0.3}, 0.0),
        ({"target_waited": None, "other_cpu": 0.3}, 0.0),
        ({"target_waited": None, "other_cpu": 0.4}, 0.4),
        ({"target_waited": None, "other_cpu": None}, 0.0),
        ({"generator_waited": 0.6, "target_waited": 0.7, "other_cpu": 2.0, "stolen": 0.1}, 1.0),
    ],
)
def test_what_others_took_is_what_generator_and_target_waited_for(
    others: dict[str, float | None], expected: float
) -> None:
    nothing = {"generator_waited": 0.0, "late": 0.0, "target_waited": 0.0, "other_cpu": 0.0, "stolen": 0.0}

    assert taken(**(nothing | others)) == pytest.approx(expected)  # type: ignore[arg-type]


def test_an_arm_does_not_count_if_most_of_it_was_others_or_the_generator_never_paused() -> None:
    never_idle = GeneratorHealth(cpu_share=0.6, waited_share=0.35, lag_p99=None)
    why = ["other programs kept 1.20 cores busy"]

    assert faults(HEALTHY, 0.3, 1.2, why) == []
    assert faults(HEALTHY, 0.3, None, why) == why, "it is not known what the target had"
    assert faults(HEALTHY, 0.6, 1.2, why) == why
    assert faults(never_idle, 0.35, 1.2, why) == why
    assert faults(never_idle, 0.35, 1.2, []) == []
    assert faults(msgspec.structs.replace(HEALTHY, lost={"one": "it ended"}), 0.0, 0.1, why) == why


def test_a_pair_of_which_others_took_more_from_one_arm_compares_others() -> None:
    assert unlike({"old": 0.30, "new": 0.38}) == {}
    assert unlike({"old": 0.05, "new": 0.38}) == {
        "new": "other programs took more of its time than of that of old: 38% and 5%",
    }


@pytest.mark.parametrize(
    ("void", "whose"),
    [
        ({"old": 0, "new": 0}, None),
        ({"old": 2, "new": 5}, None),
        ({"old": 0, "new": 6}, "new"),
        ({"a": 9, "b": 8}, None),
    ],
)
def test_whose_arms_do_not_count_is_named_if_it_is_hardly_chance(void: dict[str, int], whose: str | None) -> None:
    assert one_sided(void) == whose
