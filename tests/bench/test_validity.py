"""What makes an arm worthless is named; what does not is let pass."""

import pytest
from serving_lab.experiment.records import GeneratorHealth
from serving_lab.experiment.validity import faults, keeps_up, samples_needed

HEALTHY = {"cpu_share": 0.4, "waited_share": 0.01, "lag_p99": 0.0002}
LATENCY = {"mean": 0.002, "p99": 0.005}


def found(
    other_cpu: float | None = 0.05, waited: float | None = None, stolen: float = 0.0, **changes: float
) -> list[str]:
    generator = GeneratorHealth(**(HEALTHY | changes))
    return faults(generator, LATENCY, other_cpu, waited, stolen, lambda: "dockerd 0.58")


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

    assert faults(generator, {"mean": 0.05, "p99": 0.1}, 0.0, None, 0.0) == []


def test_a_percentile_needs_ten_answers_beyond_it() -> None:
    assert [samples_needed(share) for share in (0.5, 0.9, 0.99, 0.999)] == [20, 100, 1000, 10_000]


@pytest.mark.parametrize(
    ("late", "planned", "expected"),
    [(0, 0, True), (4, 73, True), (9, 73, True), (12, 73, False), (48, 640, True), (64, 640, False), (260, 5000, True)],
)
def test_few_late_answers_of_few_requests_are_chance(late: int, planned: int, *, expected: bool) -> None:
    assert keeps_up(late, planned) is expected
