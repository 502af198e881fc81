"""What is planted in a service is found: a slow start, held memory, CPU time; and nothing is left behind."""

from pathlib import Path

import pytest
from serving_lab.footprint.result import FootprintResult
from serving_lab.results import files
from support.processors import undisturbed

from footprint.files import footprint, running, target, write

pytestmark = [pytest.mark.service, pytest.mark.alone]

SLEEP_SECONDS = 1.0
BALLAST_BYTES = 40_000_000
SPIN_SECONDS = 0.005


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def measured(folder: Path) -> FootprintResult:
    """The small service as it is, and with everything planted."""
    planted = {"sleep": SLEEP_SECONDS, "ballast": BALLAST_BYTES, "spin": SPIN_SECONDS, "document": 1, "own_tokens": 1}
    path = write(folder, {"plain": target(folder=folder), "heavy": target(folder=folder, **planted)})
    short = ("--starts", "3", "--rounds", "1", "--seconds", "2")
    run = footprint("--profile", path, *short, cwd=folder, first=undisturbed())
    assert run.returncode == 0, run.stdout + run.stderr
    assert "first right answer" in run.stdout
    return files.read(folder / "results" / "footprint.json", FootprintResult)


def test_a_slow_start_shows_in_its_milestone(measured: FootprintResult) -> None:
    plain, heavy = (each.start_up for each in measured.targets)
    assert plain is not None
    assert heavy is not None

    # A busy machine makes every start longer, and none shorter than what was planted.
    assert heavy.milestones["ready"].lowest >= SLEEP_SECONDS
    assert heavy.milestones["ready"].median > plain.milestones["ready"].median
    for start in (*plain.starts, *heavy.starts):
        assert 0 < start.seconds["ready"] < start.seconds["answered"]
    (ready,) = (each for each in measured.ratios if each.measure == "start:ready")
    assert ready.pairs == 3
    assert ready.ratio > 1
    assert ready.low is not None


def test_an_instance_that_refuses_what_another_gave_is_signed_in_to_and_that_is_told(measured: FootprintResult) -> None:
    told = "every instance wants a sign-in of its own, which is in its first right answer"

    assert [each for each in measured.warnings if told in each] == [f"heavy: {told}"]


def test_starts_alternate(measured: FootprintResult) -> None:
    positions = [[start.position for start in each.start_up.starts] for each in measured.targets if each.start_up]
    assert [sorted(pair) for pair in zip(*positions, strict=True)] == [[1, 2]] * 3
    assert all(position[0] != position[1] for position in positions)


def test_held_memory_and_cpu_time_show_in_the_round(measured: FootprintResult) -> None:
    (plain,), (heavy,) = (each.rounds for each in measured.targets)

    assert plain.settled
    assert heavy.settled
    assert plain.idle_pss_bytes is not None
    assert heavy.idle_pss_bytes is not None
    assert heavy.idle_pss_bytes - plain.idle_pss_bytes == pytest.approx(BALLAST_BYTES, rel=0.1)
    assert heavy.peak_pss_bytes is not None
    assert heavy.peak_pss_bytes >= heavy.idle_pss_bytes
    assert plain.cpu_seconds_per_1000 is not None
    assert heavy.cpu_seconds_per_1000 is not None
    more = (heavy.cpu_seconds_per_1000 - plain.cpu_seconds_per_1000) / 1000
    assert more == pytest.approx(SPIN_SECONDS, rel=0.4)
    # Both got the same load, and answered it.
    assert plain.answered == heavy.answered > 100
    assert plain.wrong == heavy.wrong == {}
    # On the host there is no control group of its own.
    assert plain.idle_cgroup_bytes is None


def test_nothing_runs_afterwards(measured: FootprintResult, folder: Path) -> None:
    assert measured.targets
    assert running(folder) == []
