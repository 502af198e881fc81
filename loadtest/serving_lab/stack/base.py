"""What a stack can do, whether it runs in containers, on the host or in a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from serving_lab.errors import LabError
from serving_lab.stack.headless import LocustRun
from serving_lab.stack.preflight import Check
from serving_lab.stack.service import Service
from serving_lab.stack.updates import Instances


class Mode(StrEnum):
    """How the stack runs."""

    CONTAINERS = "containers"
    NATIVE = "native"
    KUBERNETES = "kubernetes"


def on_this_machine(mode: Mode | None) -> Mode | None:
    """The mode, where it is not that of a cluster.

    Raises:
        LabError: it is.
    """
    if mode is Mode.KUBERNETES:
        raise LabError("this command runs the services on this machine", hint="MODE=containers, or MODE=native")
    return mode


@dataclass(frozen=True)
class Status:
    """One service as it is now; `memory_bytes` is None where it cannot be known, `port` where there is none."""

    name: str
    state: str
    healthy: bool
    port: int | None
    pid: int
    memory_bytes: int | None


class Stack(Protocol):
    """The services, in one of the modes."""

    mode: Mode

    def running(self) -> bool:
        """Whether anything of it runs."""

    def checks(self) -> list[Check]:
        """What must hold before `up`."""

    def build(self) -> None:
        """Build what `up` starts.

        Raises:
            LabError: something cannot be built.
        """

    def remove_built(self) -> None:
        """Remove what `build` made; the stack is down."""

    def up(self) -> Sequence[Service]:
        """Bring it up and wait until it is ready; return the services that answer.

        Raises:
            LabError: it cannot come up; nothing of it is left running.
        """

    def down(self) -> bool:
        """End it and remove what it left; return whether there was anything."""

    def restart(self, names: Sequence[str]) -> None:
        """Restart these services (none named: all) and wait until they are ready."""

    def logs(self, names: Sequence[str], *, follow: bool, lines: int) -> int:
        """Print the last lines of these services (none named: all), and what follows; return an exit code."""

    def status(self) -> list[Status]:
        """The state of each service."""

    def instances(self) -> Instances:
        """What starts and ends second instances of the services."""

    def load(self, load: LocustRun) -> int:
        """Run the load without a web UI; return Locust's exit code."""

    def generator(self) -> tuple[list[str], dict[str, str]]:
        """A command that starts a process of the load generator, and its environment.

        Raises:
            LabError: it cannot be built.
        """

    def inside_url(self, service: Service) -> str:
        """The base URL at which the generator reaches a service."""

    def facts(self, service: Service) -> dict[str, str]:
        """What only the stack knows of how a service runs, such as its image, by name."""
