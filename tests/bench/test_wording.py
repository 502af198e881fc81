"""What people read of a measurement."""

import pytest
from serving_lab.bench.hints import hints
from serving_lab.experiment import wording
from serving_lab.experiment.records import GeneratorHealth
from serving_lab.experiment.validity import disturbances
from serving_lab.text import phrases


def test_requests_that_met_a_closed_idle_connection_are_told_by_target() -> None:
    assert wording.of_sent_again([("old", 0), ("new", 2), ("old", 0), ("new", 1), ("third", 1)]) == [
        "new closed idle connections just as requests were sent on them; sent again: 3 requests (keep-alive)",
        "third closed idle connections just as requests were sent on them; sent again: 1 request (keep-alive)",
    ]


@pytest.mark.parametrize(
    ("ratio", "shown"), [(0.0, "-100.0%"), (1.123, "+12.3%"), (11.0, "+1000.0%"), (385_771.6, "over +1,000%")]
)
def test_a_change_beyond_all_sense_is_no_figure(ratio: float, shown: str) -> None:
    assert phrases.signed(ratio) == shown


def test_what_would_help_is_said_once_for_each_kind_of_reason() -> None:
    refused = [
        "3 of 4 pairs do not count: other programs kept 1.77 cores busy: burner 1.50",
        "2 of 4 pairs do not count: other programs kept 1.20 cores busy",
        "new does not keep up with 320 requests/s",
    ]

    assert list(hints(refused)) == [
        "end them, or measure on a machine that does nothing else",
        "a longer --budget waits for moments in which the machine is quiet",
        "a lower rate in the scenario, or {of_peak: 0.5}, which every target can carry",
    ]
    assert list(hints([])) == []


def test_each_fault_of_an_arm_has_a_hint() -> None:
    worst = GeneratorHealth(cpu_share=1.0, waited_share=1.0, lag_p99=1.0, start_skew=1.0, lost={"one": "ended"})

    found = disturbances(worst, {"mean": 0.001}, other_cpu=2.0, target_waited=None, stolen=1.0)

    assert len(found) == 7
    assert all(list(hints([fault])) for fault in found)
