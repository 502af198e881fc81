"""In containers the generator runs beside the services, on their network, and leaves nothing behind."""

import os
import sys
from pathlib import Path

import pytest
from exercise.drift import drifted, ratios
from exercise.page import RESULTS
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.services import CATALOGUE, PASSWORD, SECRET_KEY
from support.stack import SERVICES, Stack, run

pytestmark = pytest.mark.stack

CANDIDATE = CATALOGUE.candidates[0].name


def test_the_services_are_measured_on_their_own_network(stack: Stack, tmp_path: Path) -> None:
    lab, output = Path(sys.executable).parent / "lab", tmp_path / "bench.json"
    short = ("--scenario", "cached", "--pairs", "3", "--seconds", "3")  # on a busy machine 77 a second were answered

    measured = run(
        [str(lab), "bench", *short, "--output", str(output)],
        environment={**os.environ, **stack.settings},
        check=False,
        seconds=200,
    )

    # What else a machine that runs tests does may make it refuse a verdict, but not measure nothing.
    assert measured.returncode in {0, 2}, measured.stdout + measured.stderr
    written = output.read_text() + measured.stdout + measured.stderr
    assert not [secret for secret in (SECRET_KEY, PASSWORD) if secret in written]
    result = files.read(output, BenchResult)
    assert (result.testbed.mode, result.withheld) == ("containers", [])
    assert {target.name: target.url for target in result.targets} == {
        entry.name: f"http://{entry.name}:{entry.port}" for entry in CATALOGUE.entries
    }
    digests = next(each.values for each in result.conditions if each.name == "Image")
    assert digests == {name: stack.image(name)["Id"] for name in SERVICES}
    (scenario,) = result.scenarios
    assert {arm.target for arm in scenario.arms} == set(SERVICES)
    assert all(arm.answered > 100 and not arm.wrong for arm in scenario.arms)
    assert all(arm.values["cpu"] > 0 for arm in scenario.arms)
    shown = ratios(files.read(RESULTS / "bench.json", BenchResult), CANDIDATE)
    assert "cached/throughput" in shown
    assert drifted(shown, ratios(result, CANDIDATE)) == []
    project = f"label=com.docker.compose.project={stack.settings['COMPOSE_PROJECT_NAME']}"
    assert run(["docker", "ps", "--all", "--quiet", "--filter", project, "--filter", "name=-run-"]).stdout == ""
