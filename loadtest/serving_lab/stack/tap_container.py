"""The tap of a rollout in a container: on the network of the services, which believe what it says of clients."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from serving_lab.errors import LabError
from serving_lab.gateway.tap_launcher import TapArguments, detached, ended
from serving_lab.stack import engine
from serving_lab.stack.compose import Compose

SERVICE = "tap"
_STOP_SECONDS = 5
_LABEL = "serving-lab.tap"
_RECORDING, _DESCRIPTION = Path("/recording"), Path("/description")


@dataclass(frozen=True)
class TapInContainer:
    """Runs `lab tap` of the lab's image."""

    compose: Compose
    checkout: Path
    urls: Mapping[str, str]
    """Where containers reach a service, by where this machine does."""
    port: int = 8092
    relay_port: int = 8093

    def start(self, arguments: TapArguments, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the container, as the user who runs the rollout: the recording is theirs."""
        self.remove()
        folder = arguments.record.parent.resolve()
        inside = replace(
            arguments,
            primary=self.urls[arguments.primary],
            candidate=self.urls[arguments.candidate],
            record=_RECORDING / arguments.record.name,
        )
        mounts = ["--volume", f"{folder}:{_RECORDING}"]
        if arguments.description:
            inside = replace(inside, description=_DESCRIPTION / arguments.description.name)
            mounts += ["--volume", f"{arguments.description.parent.resolve()}:{_DESCRIPTION}:ro"]
        command, environment = self.compose.command(
            *("run", "--rm", "--no-deps", "--no-TTY", "--use-aliases", "--user", f"{os.getuid()}:{os.getgid()}"),
            *("--label", self._label, *mounts, SERVICE),
            *inside.written(listen=f"0.0.0.0:{self.port}", relay=f"0.0.0.0:{self.relay_port}"),
        )
        return detached(command, log, environment)

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        """Stop the container: a signal for the process that waits for it does not reach it."""
        for container in engine.labelled(self._label):
            engine.stop(container, _STOP_SECONDS)
        ended(process, _STOP_SECONDS)
        self.remove()

    def end_left(self, process: int | None, record: Path) -> None:  # noqa: ARG002 - of all launchers
        """Remove the container: there is one in a checkout."""
        self.remove()

    def host(self) -> str:
        """The address of the container.

        Raises:
            LabError: it does not run.
        """
        for container in engine.labelled(self._label):
            if address := engine.address(container):
                return address
        raise LabError("the container of the tap does not run", hint="docker compose ps --all")

    def remove(self) -> None:
        """Remove what a rollout that was killed has left."""
        for container in engine.labelled(self._label):
            engine.docker("rm", "--force", "--volumes", container)

    @property
    def _label(self) -> str:
        return f"{_LABEL}={self.checkout}"
