"""Second instances of services in containers: one more container of the service, of the image as it is now."""

import math
import time
from collections.abc import Sequence

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gateway.config import CHALLENGER, NEXT
from serving_lab.project import Project
from serving_lab.stack import engine
from serving_lab.stack.compose import Compose
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import LOOPBACK, Service
from serving_lab.stack.updates import Challenger

READY_SECONDS = 180
_STOP_SECONDS = 10
_POLL_SECONDS = 0.2
_SHOWN_LOG_LINES = 20
_LABEL = "serving-lab.next"
"""On a second instance: which checkout it belongs to, and the service."""


class ContainerInstances:
    """What `updates` does with the instances of services in containers."""

    def __init__(self, compose: Compose, project: Project, settings: Settings, console: Console) -> None:
        self._compose = compose
        self._project = project
        self._settings = settings
        self._console = console

    def start_next(self, service: Service) -> tuple[str, int]:
        """Start a container that is like the service's own, but publishes no port."""
        container = self._start(service, service.name, f"{service.name}{NEXT}")
        return engine.address(container), service.container_port

    def has_next(self, service: Service) -> bool:
        """Whether the engine has one, running or not."""
        return bool(self._next(service.name))

    def end_next(self, service: Service) -> None:
        """Stop it, which waits for what it has begun, and remove it."""
        self._remove(self._next(service.name))

    def start_challenger(self, service: Service, alias: str) -> Challenger:
        """Start a container that is like the service's own, but follows this alias; its port is one of this machine."""
        published = f"{LOOPBACK}::{service.container_port}"
        self._start(service, CHALLENGER, CHALLENGER, "--env", f"MODEL_ALIAS={alias}", "--publish", published)
        found = self.challenger()
        if found is None:
            raise LabError(f"{CHALLENGER} has ended again", hint="docker compose ps --all")
        return found

    def challenger(self) -> Challenger | None:
        """The container that runs."""
        for container in self._next(CHALLENGER):
            for inside, here in engine.published_ports(container).items():
                return Challenger(engine.address(container), inside, f"http://{LOOPBACK}:{here}")
        return None

    def end_challenger(self) -> None:
        """Stop it, which waits for what it has begun, and remove it."""
        self._remove(self._next(CHALLENGER))

    def end_all_next(self) -> bool:
        """End the second instances of all services; return whether there was one."""
        left = [each for name in self._names for each in self._next(name)]
        self._remove(left)
        return bool(left)

    def restart(self, service: Service) -> None:
        """Restart the service's container, or make it anew where its image has changed."""
        own = self._own(service)
        if own and engine.image_digest(own) == engine.image_id(engine.image_of(own)):
            self._compose.run("restart", *self._stop_timeout, service.name)
            self._up(service, "--no-recreate")
        else:
            self._console.print(f"The image of {service.name} has changed: its container is made anew")
            self._up(service, "--force-recreate", *self._stop_timeout)

    def ensure(self, service: Service) -> None:
        """Start the service's container if it does not run."""
        self._up(service, "--no-recreate")

    def address(self, service: Service) -> str | None:
        """Where the service's container is on the stack's network."""
        return f"{engine.address(self._own(service))}:{service.container_port}"

    def _start(self, service: Service, mark: str, name: str, *options: str) -> str:
        """Start one more container of a service, wait until it is healthy, and return its id."""
        label = f"{_LABEL}={self._mark(mark)}"
        started = self._compose.run(
            "run", "--detach", "--no-deps", "--label", label, *options, service.name, capture=True
        )
        if started.returncode != 0 or not (found := self._next(mark)):
            raise LabError(f"{name} did not start: {started.stderr.strip()}", hint="docker compose ps --all")
        self._wait(found[0], name)
        return found[0]

    def _up(self, service: Service, *options: str) -> None:
        waiting = ("--detach", "--wait", "--wait-timeout", str(READY_SECONDS), "--no-deps", "--no-build")
        if self._compose.run("up", *waiting, *options, service.name).returncode != 0:
            self._compose.run("logs", "--tail", str(_SHOWN_LOG_LINES), service.name)
            raise LabError(f"{service.name} did not become healthy; its last log lines are above")

    def _wait(self, container: str, name: str) -> None:
        started = time.monotonic()
        with self._console.status(f"waiting for {name}"):
            while (health := engine.health(container)) != "healthy":
                elapsed = time.monotonic() - started
                if not health or elapsed > READY_SECONDS:
                    for line in engine.last_lines(container, _SHOWN_LOG_LINES):
                        self._console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
                    raise LabError(
                        f"{name} did not become healthy; its last log lines are above", hint="fix what they say"
                    )
                time.sleep(_POLL_SECONDS)
        self._console.print(f"[green]ready[/] {name} after {time.monotonic() - started:.1f} s")

    def _own(self, service: Service) -> str:
        return next((each.id for each in self._compose.containers() if each.service == service.name), "")

    @property
    def _names(self) -> Sequence[str]:
        """What second instances are marked with: the service, or that they are the challenger."""
        return [*(each.name for each in self._settings.catalogue.entries), CHALLENGER]

    def _next(self, name: str) -> Sequence[str]:
        return engine.labelled(f"{_LABEL}={self._mark(name)}")

    def _mark(self, name: str) -> str:
        return f"{name} of {self._project.root}"

    def _remove(self, containers: Sequence[str]) -> None:
        for container in containers:
            engine.stop(container, math.ceil(self._settings.stop_seconds) + _STOP_SECONDS)
            engine.docker("rm", "--force", "--volumes", container)

    @property
    def _stop_timeout(self) -> tuple[str, str]:
        return "--timeout", str(math.ceil(self._settings.stop_seconds) + _STOP_SECONDS)
