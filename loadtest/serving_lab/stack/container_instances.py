"""Second instances of services in containers: one more container of the service, of the image as it is now."""

import math
import time
from collections.abc import Sequence

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.gateway.config import NEXT
from serving_lab.project import Project
from serving_lab.stack import engine
from serving_lab.stack.compose import Compose
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import Service

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
        label = f"{_LABEL}={self._mark(service.name)}"
        started = self._compose.run("run", "--detach", "--no-deps", "--label", label, service.name, capture=True)
        name = f"{service.name}{NEXT}"
        if started.returncode != 0 or not (found := self._next(service.name)):
            raise LabError(f"{name} did not start: {started.stderr.strip()}", hint="docker compose ps --all")
        self._wait(found[0], name)
        return engine.address(found[0]), service.container_port

    def has_next(self, service: Service) -> bool:
        """Whether the engine has one, running or not."""
        return bool(self._next(service.name))

    def end_next(self, service: Service) -> None:
        """Stop it, which waits for what it has begun, and remove it."""
        self._remove(self._next(service.name))

    def end_all_next(self) -> bool:
        """Do so with those of all services; return whether there was one."""
        left = self._next("")
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

    def _next(self, name: str) -> Sequence[str]:
        """The second instances of a service; of all services if the name is empty."""
        wanted = [self._mark(each.name) for each in self._settings.catalogue.entries if name in {"", each.name}]
        return [found for mark in wanted for found in engine.labelled(f"{_LABEL}={mark}")]

    def _mark(self, name: str) -> str:
        return f"{name} of {self._project.root}"

    def _remove(self, containers: Sequence[str]) -> None:
        for container in containers:
            engine.stop(container, math.ceil(self._settings.stop_seconds) + _STOP_SECONDS)
            engine.docker("rm", "--force", "--volumes", container)

    @property
    def _stop_timeout(self) -> tuple[str, str]:
        return "--timeout", str(math.ceil(self._settings.stop_seconds) + _STOP_SECONDS)
