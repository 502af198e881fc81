"""A rollout of the lab in containers: the tap runs beside the services, and the share ends at the candidate."""

import itertools
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_lab.gateway.control import Control
from serving_lab.results import files
from serving_lab.rollout.command import FILE
from serving_lab.rollout.result import Ending, RolloutResult
from serving_lab.stack.tap_container import SERVICE
from support import local_http
from support.clients import ROW
from support.services import CATALOGUE, wait_until
from support.stack import Stack, run
from support.tokens import claims, sign

pytestmark = pytest.mark.stack

LAB = str(Path(sys.executable).parent / "lab")
CANDIDATE = CATALOGUE.candidates[0].name
USERS = 60
# What it proves of the services does not matter here: that is for tests with planted faults.
STAGES = """
shadow: {requests: 100, hold: {least: 2, most: 60}}
hold: {least: 2, most: 60}
limits: {error_points: 20, p50: 20, p99: null, memory_per_hour: null}
stages: [{share: 50}, {share: 100}]
machine: {stolen: 1, waiting: 1.1}
"""


@pytest.fixture
def control(stack: Stack) -> Iterator[Control]:
    control = Control(f"tcp:127.0.0.1:{stack.settings['GATEWAY_CONTROL_PORT']}")
    wait_until(lambda: control.server(CANDIDATE, CANDIDATE).up, "the gateway sees the candidate")
    yield control
    control.set_share(0)


@pytest.fixture
def answered(stack: Stack) -> Iterator[Counter[int]]:
    """How often users of the gateway got each status, while they go on to ask."""
    statuses: Counter[int] = Counter()
    done = threading.Event()
    token = sign(claims(), stack.settings["SECRET_KEY"])

    def ask() -> None:
        with local_http.client(base_url=stack.url("GATEWAY_PORT")) as client:
            for number in itertools.count():
                if done.wait(0.01):
                    return
                headers = {"Authorization": f"Bearer {token}", "Cookie": f"lab-user={number % USERS}"}
                row = [*ROW[:-1], number / 1000]  # another one each time: nothing is in a cache
                statuses[client.post("/predict", json={"features": row}, headers=headers).status_code] += 1

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for each in asking:
        each.start()
    yield statuses
    done.set()
    for each in asking:
        each.join()


def test_traffic_is_mirrored_compared_and_moved_over(
    stack: Stack, control: Control, answered: Counter[int], tmp_path: Path
) -> None:
    stages = tmp_path / "stages.yaml"
    stages.write_text(STAGES)
    command = [LAB, "rollout", "run", str(stages), "--candidate", CANDIDATE, "--output", str(tmp_path)]

    said = run(command, environment={**os.environ, **stack.settings}, seconds=240, check=False)

    assert said.returncode == 0, f"{said.stdout}\n{said.stderr}\n{(tmp_path / 'rollout-tap.log').read_text()}"
    result = files.read(tmp_path / FILE, RolloutResult)
    assert result.ending is Ending.PROMOTED
    assert result.mirror
    assert sum(result.mirror.compared.values()) >= 100
    assert control.share() == 10_000
    assert control.server(CANDIDATE, CANDIDATE).requests > USERS
    assert set(answered) == {200}
    # A container that ends is removed a moment later.
    wait_until(lambda: SERVICE not in _services_of(stack), "the tap is gone")


def _services_of(stack: Stack) -> set[str]:
    return set(stack.compose("ps", "--all", "--format", "{{.Service}}").stdout.split())
