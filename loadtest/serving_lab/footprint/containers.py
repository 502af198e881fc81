"""Targets in containers: a service with the settings of its compose file, or any image."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.footprint.launching import undisturbed
from serving_lab.stack import engine
from serving_lab.stack.engine import docker, inspected
from serving_lab.wire.ports import LOOPBACK

_LAST_LINES = 5
_PREFIX = "lab-footprint"


@dataclass(frozen=True)
class Container:
    """A container that was started."""

    zero: float
    id: str

    @property
    def container(self) -> str:
        """Its id."""
        return self.id

    @property
    def pid(self) -> int:
        """Its first process, as this host counts; 0 where it does not run."""
        return engine.pid(self.id)

    def ended(self) -> str | None:
        """Return how it ended and its last words; None while it runs."""
        state = inspected("container", self.id)["State"]
        if state["Running"]:
            return None
        said = docker("logs", "--tail", str(_LAST_LINES), self.id).strip()
        return f"exit code {state['ExitCode']} {state['Error']}".strip() + (f": {said}" if said else "")


@dataclass(frozen=True)
class ComposeLauncher:
    """Starts a service of a compose file, with the same image, settings and limits, in a project of its own."""

    project_directory: Path
    service: str
    port_setting: str
    environment: Mapping[str, str]
    """The settings that the compose file reads."""

    @property
    def image(self) -> str:
        """The image its containers are made from."""
        return next(iter(self._compose(0, "config", "--images", self.service).split()), "")

    @contextlib.contextmanager
    def launch(self, port: int) -> Iterator[Container]:
        """Start a fresh container; after it, it and its network are gone."""
        try:
            self._compose(port, "create", "--no-build", self.service)
            container = self._compose(port, "ps", "--all", "--quiet", self.service).strip()
            yield _started(container)
        finally:
            with undisturbed():
                self._compose(port, "kill", check=False)
                self._compose(port, "down", "--volumes", "--remove-orphans")

    def _compose(self, port: int, *arguments: str, check: bool = True) -> str:
        directory = ("--project-directory", str(self.project_directory), "--env-file", os.devnull)
        project = (*directory, "--project-name", f"{_PREFIX}-{port}")
        settings = {**self.environment, self.port_setting: str(port), "BIND_ADDRESS": LOOPBACK}
        return docker("compose", *project, *arguments, environment={**os.environ, **settings}, check=check)


@dataclass(frozen=True)
class ImageLauncher:
    """Starts an image as it is, without limits."""

    image: str
    port: int
    """Where it listens."""
    environment: Mapping[str, str]

    @contextlib.contextmanager
    def launch(self, port: int) -> Iterator[Container]:
        """Start a fresh container; after it, it is gone."""
        name = f"{_PREFIX}-{port}"
        published = ("--publish", f"{LOOPBACK}:{port}:{self.port}")
        try:
            with self._settings() as settings:
                created = docker(
                    "create", "--pull", "never", "--name", name, "--env-file", settings, *published, self.image
                )
            yield _started(created.strip())
        finally:
            with undisturbed():
                docker("rm", "--force", "--volumes", name, check=False)

    @contextlib.contextmanager
    def _settings(self) -> Iterator[str]:
        """The environment as a file: a command line is seen by all on this host."""
        for name, value in self.environment.items():
            if "\n" in value:
                raise LabError(
                    f"{name} has more than one line, and a container's environment has room for one",
                    hint="change it in the footprint file",
                )
        with tempfile.NamedTemporaryFile("w", prefix="footprint-", encoding="utf-8") as file:  # mode 0600
            file.writelines(f"{name}={value}\n" for name, value in self.environment.items())
            file.flush()
            yield file.name


def _started(container: str) -> Container:
    zero = time.perf_counter()
    # Waited for, although the service may be ready some milliseconds before the command ends: what is sent while the
    # container's network is not up makes the kernel ask for its address once more only a second later.
    docker("start", container)
    return Container(zero, container)
