"""Ports of this machine that lead to services in a cluster, kept open by supervisord as long as the lab is up."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.stack.kubectl import Kubectl
from serving_lab.stack.service import Service
from serving_lab.stack.supervisor import Program, Supervisor, wait_for

_STOP_SECONDS = 5.0
_READY_SECONDS = 60.0
_AGAIN_SECONDS = 1
_IDENTITY = "serving-lab-forwards"


class Forwards:
    """The forwards of one checkout."""

    def __init__(self, run_dir: Path) -> None:
        self._supervisor = Supervisor(run_dir)

    def open(self, kubectl: Kubectl, services: Sequence[Service], address: str) -> None:
        """Open a port for each of these services, those before are closed, and wait until all answer through it.

        Raises:
            LabError: one does not answer.
        """
        self.close()
        self._supervisor.start(_IDENTITY, [_program(kubectl, each, address) for each in services], {})
        waiting: list[Service] = []

        def answer() -> bool:
            waiting[:] = [each for each in services if not each.ready()]
            return not waiting

        if not wait_for(answer, _READY_SECONDS, interval_seconds=0.5):
            log = self._supervisor.log_file(waiting[0].name)
            said = (log.read_text(errors="replace").strip().splitlines() if log.exists() else []) or ["nothing"]
            raise LabError(
                f"{waiting[0].name} does not answer at {waiting[0].url}; kubectl port-forward says: {said[-1]}",
                hint="make ps, make logs; then make up MODE=kubernetes",
            )

    def close(self) -> bool:
        """Close them; return whether there were any."""
        return self._supervisor.stop()

    def names(self) -> set[str]:
        """The services that have one."""
        if self._supervisor.identity() is None:
            return set()
        return {process.name for process in self._supervisor.processes()}


def _program(kubectl: Kubectl, service: Service, address: str) -> Program:
    ports = f"{service.port}:{service.container_port}"
    forward = shlex.join(kubectl.command("port-forward", f"service/{service.name}", ports, "--address", address))
    # It ends with the pod it leads to. A trap passes on what ends the shell.
    script = (
        f"trap 'kill $child; exit 0' TERM; while :; do {forward} & child=$!; wait $child; sleep {_AGAIN_SECONDS}; done"
    )
    return Program(service.name, ("sh", "-c", script), _STOP_SECONDS)
