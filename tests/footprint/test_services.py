"""Our two services on this host, measured as whoever runs the lab does it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_lab.footprint.result import FootprintResult
from serving_lab.results import files
from serving_lab.stack.supervisor import Supervisor
from support.checkout import Checkout, new_checkout

pytestmark = pytest.mark.service

SHORT = ("--starts", "1", "--rounds", "1", "--seconds", "1", "--no-type-check")


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Checkout]:
    copy = new_checkout(tmp_path_factory.mktemp("own") / "checkout", model_dir)
    yield copy
    copy.lab("down")


def test_both_are_measured_while_the_lab_is_up(checkout: Checkout) -> None:
    without = checkout.lab("footprint", *SHORT)
    assert (without.returncode, "the lab is not up" in without.stderr) == (2, True)
    up = checkout.lab("up", "--mode", "native", WORKERS="2", DRAIN_SECONDS="0")
    assert up.returncode == 0, up.stdout + up.stderr
    supervisor = Supervisor(checkout.root / ".run")
    before = [process.pid for process in supervisor.processes()]

    run = checkout.lab("footprint", *SHORT, WORKERS="2", DRAIN_SECONDS="0")

    assert run.returncode == 0, run.stdout + run.stderr
    result = files.read(checkout.root / "results" / "footprint.json", FootprintResult)
    assert (result.mode, result.partial, [each.name for each in result.targets]) == (
        "native",
        False,
        ["flask-api", "fastapi-api"],
    )
    for target in result.targets:
        assert target.image is None
        assert target.start_up is not None
        assert all(0 < start.seconds["ready"] < start.seconds["answered"] < 30 for start in target.start_up.starts)
        (round_,) = target.rounds
        assert round_.workers == 2
        assert round_.wrong == {}
        assert round_.source == "its own metrics"
        assert round_.idle_pss_bytes is not None
        assert 20e6 < round_.idle_pss_bytes < 500e6
        assert target.code is not None
        assert target.code.annotated_share == 1.0
        assert 0 < (target.code.validation_lines or 0) < target.code.all_lines
    flask, fastapi = (target.code.documented_operations for target in result.targets if target.code)
    assert (flask, fastapi) == (0, 10)
    # The lab itself was left alone: its processes are those from before.
    assert [process.pid for process in supervisor.processes()] == before
