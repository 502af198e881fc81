"""A gateway before two small services, one with a planted fault, and clients that send to it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scipy import stats
from serving_lab.results import files
from serving_lab.rollout.command import FILE
from serving_lab.rollout.result import RolloutResult, StageRecord
from support.gateway import RunningGateway, running_gateway
from support.load import answers
from support.services import free_port, wait_until

HERE = Path(__file__).parent
OLD, NEW = "old", "new"
USERS, RATE = 300, 150.0
LONGEST_SECONDS = 120.0
LAB = [sys.executable, "-c", "from serving_lab.cli import main; main()", "rollout"]

STAGES = """
shadow: null
hold: {least: 2, most: 25}
limits: {error_points: 1, p50: 1.12, p99: 3, memory_per_hour: 2000}
stages:
  - share: 10
    within: {error_points: 8, p50: 2, p99: null, memory_per_hour: null}
    beyond: {memory_per_hour: null}
  - share: 50
    within: {error_points: 2, p99: null, memory_per_hour: null}
    beyond: {memory_per_hour: null}
  - share: 100
    within: {error_points: 3, p50: 2, p99: null, memory_per_hour: null}
    beyond: {error_points: 3, p50: 3, p99: 20, memory_per_hour: null}
# The machines that run tests are busy, and both sides feel it alike.
machine: {stolen: 1, waiting: 1.1}
"""

IN_SHADOW = STAGES.replace("shadow: null", "shadow: {requests: 400, hold: {least: 2, most: 25}}")
SHORT = "most: 25", "most: 8"
"""What to replace in either for a rollout that is going to be cut short."""


@dataclass
class World:
    """All that runs."""

    gateway: RunningGateway
    servers: Mapping[str, subprocess.Popen[bytes]]
    urls: Mapping[str, str]
    clients: subprocess.Popen[str]
    directory: Path

    @property
    def output(self) -> Path:
        """Where results go."""
        return self.directory / "results"

    def command(self, name: str, *options: str) -> list[str]:
        """A command line of `lab rollout`."""
        address = ["--gateway", self.gateway.control.address, "--output", str(self.output)]
        if name in {"run", "resume"}:
            address += [word for service in self.urls.items() for word in ("--service", "=".join(service))]
            address.append(str(self.directory / "stages.yaml"))
        return [*LAB, name, *address, *options]

    def lab(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run one to its end."""
        return subprocess.run(
            self.command(name, *options), capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )

    def result(self) -> RolloutResult:
        """What the last rollout wrote."""
        return files.read(self.output / FILE, RolloutResult)

    def met(self) -> Mapping[str, int]:
        """End the clients; how often each status was met, and `none`."""
        self.clients.terminate()
        output, _ = self.clients.communicate(timeout=30)
        met: dict[str, int] = json.loads(output)
        return met


ALL_WELL = {"200", "101"}
"""The statuses of requests and WebSockets that succeeded."""


@contextlib.contextmanager
def world(directory: Path, *faults: str, stages: str = STAGES, rate: float = RATE) -> Iterator[World]:
    """Start everything, and end it; the candidate has these faults."""
    (directory / "stages.yaml").write_text(stages)
    with contextlib.ExitStack() as stack:
        servers, urls = {}, {}
        for name in (OLD, NEW):
            port = free_port()
            command = [sys.executable, str(HERE / "planted.py"), name, str(port), *(faults if name == NEW else ())]
            servers[name] = subprocess.Popen(command)
            stack.callback(servers[name].wait)
            stack.callback(servers[name].kill)
            urls[name] = f"http://127.0.0.1:{port}"
        for name, url in urls.items():
            # What a client met before its service had started would be no failure of the gateway.
            wait_until(partial(answers, f"{url}/ready"), f"the {name} service")
        gateway = stack.enter_context(running_gateway(directory, urls))
        gateway.control.choose(NEW)
        sent = [gateway.url.rpartition(":")[2], str(rate), str(USERS), str(LONGEST_SECONDS)]
        clients = subprocess.Popen([sys.executable, str(HERE / "clients.py"), *sent], stdout=subprocess.PIPE, text=True)
        stack.callback(clients.wait)
        stack.callback(clients.kill)
        yield World(gateway, servers, urls, clients, directory)


def outside(stage: StageRecord) -> bool:
    """Whether the candidate got another share of the requests than 99 of 100 random choices of users would give it."""
    least, most = stats.binom.interval(0.99, USERS, stage.share / 10_000)
    return stage.observed_share is not None and not least <= stage.observed_share * USERS <= most
