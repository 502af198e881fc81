"""How busy the load generator is: a saturated generator measures its own slowness."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from serving_lab.load.workers import present

SAMPLE_SECONDS = 1.0
NAP_SECONDS = 0.02

# A process can use one core. Locust itself warns from 0.9 of a core, and does not notice a process that waits for one.
SATURATED_CPU_RATIO = 0.8
SATURATED_DELAY_SECONDS = 0.1


@dataclass(frozen=True)
class Vitals:
    """One generator process over the last second: share of a core used, longest wait of a greenlet for its turn."""

    cpu_ratio: float = 0.0
    delay_seconds: float = 0.0

    @property
    def saturated(self) -> bool:
        """Whether response times measured in this state include the generator's own slowness."""
        return self.cpu_ratio > SATURATED_CPU_RATIO or self.delay_seconds > SATURATED_DELAY_SECONDS


class VitalsMonitor:
    """Watches this process; a worker sends its vitals to its master with the statistics."""

    def __init__(self, environment: Environment) -> None:
        self._runner = environment.runner
        self._own = Vitals()
        self._workers: dict[str, Vitals] = {}
        if isinstance(self._runner, WorkerRunner):
            environment.events.report_to_master.add_listener(self._report)
        elif isinstance(self._runner, MasterRunner):
            environment.events.worker_report.add_listener(self._collect)
        gevent.spawn(self._watch)

    def by_process(self) -> dict[str, Vitals]:
        """Vitals of this process, and on a master of every worker connected now, by a name such as ``worker-0``."""
        if not isinstance(self._runner, MasterRunner):
            return {"local": self._own}
        connected = self._runner.clients
        workers = {
            f"worker-{self._runner.get_worker_index(client)}": vitals
            for client, vitals in self._workers.items()
            if client in connected and present(connected[client])
        }
        return {"master": self._own} | workers

    def _watch(self) -> None:
        while True:
            started, started_cpu = time.monotonic(), time.process_time()
            longest = 0.0
            for _ in range(int(SAMPLE_SECONDS / NAP_SECONDS)):
                due = time.monotonic() + NAP_SECONDS
                gevent.sleep(NAP_SECONDS)
                longest = max(longest, time.monotonic() - due)
            cpu_ratio = (time.process_time() - started_cpu) / (time.monotonic() - started)
            self._own = Vitals(cpu_ratio=cpu_ratio, delay_seconds=longest)

    def _report(self, data: dict[str, Any], **_: object) -> None:
        data["vitals"] = asdict(self._own)

    def _collect(self, client_id: str, data: dict[str, Any], **_: object) -> None:
        if "vitals" in data:
            self._workers[client_id] = Vitals(**data["vitals"])
