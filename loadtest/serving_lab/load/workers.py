"""Whether a master still has all of its workers: a lost one must be noticed, although the run goes on."""

import logging

import gevent
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, WorkerNode

POLL_SECONDS = 1.0

logger = logging.getLogger(__name__)


class WorkerWatch:
    """Counts the workers lost while their master runs; does nothing in a process that is not a master."""

    def __init__(self, environment: Environment) -> None:
        self.lost = 0
        self.expected = 0
        if isinstance(environment.runner, MasterRunner):
            options = environment.parsed_options
            self.expected = options.expect_workers if options else 0
            gevent.spawn(self._watch, environment.runner)

    def _watch(self, master: MasterRunner) -> None:
        connected: set[str] = set()
        while True:
            now = {client.id for client in list(master.clients.all) if present(client)}
            for worker in sorted(connected - now):
                self.lost += 1
                logger.warning(
                    "Worker %s is lost; %d of %d workers take over its users", worker, len(now), self.expected
                )
            connected = now
            gevent.sleep(POLL_SECONDS)


def present(client: WorkerNode) -> bool:
    """Whether a worker is there: Locust keeps those that went missing for another minute."""
    return bool(client.state != STATE_MISSING)
