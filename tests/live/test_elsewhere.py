"""Load that Locust did not send is a run too: when it begins, and when it ends."""

import pytest
from serving_lab.live.elsewhere import ElsewhereWatch
from serving_lab.live.runs import Run, RunLog


@pytest.fixture
def log() -> RunLog:
    return RunLog()


def told(watch: ElsewhereWatch, *rates: float, since: float = 0) -> None:
    """A reading every two seconds."""
    for number, rate in enumerate(rates):
        watch.take_in(since + 2 * number, rate)


def test_requests_that_go_on_are_a_run_that_ends_with_the_last_of_them(log: RunLog) -> None:
    told(ElsewhereWatch(log), 0, 50, 60, 40, 30, 0, 0, 0, 0)

    [run] = log.runs
    assert (run.elsewhere, run.started, run.stopped) == (True, 6, 8)


@pytest.mark.parametrize("rates", [(0, 0, 0, 0), (0.5, 0.9, 1, 0.5), (50, 50, 0, 50, 50, 0)])
def test_health_checks_and_single_bursts_are_none(log: RunLog, rates: tuple[float, ...]) -> None:
    told(ElsewhereWatch(log), *rates)

    assert not log.runs


def test_a_pause_of_a_reading_does_not_end_it(log: RunLog) -> None:
    told(ElsewhereWatch(log), 50, 50, 50, 0, 50, 0, 0, 50)

    [run] = log.runs
    assert run.stopped is None


def test_while_locust_runs_and_just_after_it_all_requests_are_its_own(log: RunLog) -> None:
    watch = ElsewhereWatch(log)
    own = Run(started=0)
    log.runs.append(own)

    told(watch, 50, 50, 50, 50)
    own.stopped = 8
    told(watch, 50, 20, 0, 0, since=8)

    assert list(log.runs) == [own]


def test_a_run_of_locust_ends_that_from_elsewhere(log: RunLog) -> None:
    watch = ElsewhereWatch(log)
    told(watch, 50, 50, 50, 50)

    watch.end()

    [run] = log.runs
    assert run.stopped == 6
