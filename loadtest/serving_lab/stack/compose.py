"""Docker Compose, run for a checkout with the settings of the stack."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.engine import inspected
from serving_lab.stack.engine_output import label, objects
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import LOCUST_WORKER

MODELS_IN_CONTAINERS = "/opt/models"
"""Where containers have the models of the registry, as compose.yaml says."""


@dataclass(frozen=True)
class Container:
    """A container of the stack."""

    id: str
    service: str
    number: int
    """From 1; above that only workers are."""
    state: str
    healthy: bool
    checkout: str
    """The directory Compose was run for."""
    project: str
    """The name that Compose has for all of them together."""

    @property
    def name(self) -> str:
        """Its service's, with its number where there may be several."""
        return f"{self.service}-{self.number}" if self.service == LOCUST_WORKER else self.service

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Container":
        """Read an entry of `docker compose ps`; versions before 2.21 print no labels."""
        labels = facts.get("Labels") or inspected("container", facts["ID"])["Config"]["Labels"]
        return cls(
            id=facts["ID"][:12],
            service=facts["Service"],
            number=int(label(labels, "com.docker.compose.container-number") or "1"),
            state=facts["State"],
            healthy=facts.get("Health") == "healthy",
            checkout=label(labels, "com.docker.compose.project.working_dir") or "",
            project=label(labels, "com.docker.compose.project") or "",
        )


class Compose:
    """The command line of Compose, and the containers that it started."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._project = project
        self._settings = settings

    def run(self, *arguments: str, capture: bool = False, **overriding: str) -> subprocess.CompletedProcess[str]:
        """Run a command; `overriding` are settings of this run."""
        command, environment = self.command(*arguments, **overriding)
        return subprocess.run(command, env=environment, capture_output=capture, text=True, check=False)  # noqa: S603

    def command(self, *arguments: str, **overriding: str) -> tuple[list[str], dict[str, str]]:
        """A command as it is run, and its environment."""
        # Not .env: all settings come from here, and Compose would print a line that it cannot parse.
        project = ("--project-directory", str(self._project.root), "--env-file", os.devnull)
        # All that may run are looked at and removed; which ones start, `up` names.
        command = ["docker", "compose", *project, "--profile", "*", *arguments]
        settings = {
            **self._settings.public,
            "CONFIG_DIR": str(self._project.config_dir),
            "CA_BUNDLE": ca_bundle(self._settings),
            "MODEL_UPDATES_DIR": MODELS_IN_CONTAINERS if self._settings.with_registry else "",
            **overriding,
        }
        environment = {**os.environ, **settings}
        if arguments[0] != "run" and (workers := settings["LOCUST_WORKERS"]) != "0":
            environment |= {"LOCUST_MODE_MASTER": "true", "LOCUST_EXPECT_WORKERS": workers}
        return command, environment

    def containers(self) -> list[Container]:
        """The containers of this checkout, running or not."""
        return [container for container in self.of_project() if container.checkout == str(self._project.root)]

    def of_project(self) -> list[Container]:
        """The containers of all checkouts whose project has the same name."""
        result = self.run("ps", "--all", "--format", "json", capture=True)
        if result.returncode != 0:
            raise LabError(f"docker compose ps: {result.stderr.strip()}")
        return [Container.read(each) for each in objects(result.stdout, "docker compose ps --format json")]


def ca_bundle(settings: Settings) -> str:
    """The file of certificate authorities that builds trust; empty: none but the usual ones.

    Raises:
        LabError: CA_BUNDLE names no file.
    """
    given = settings.environment.get("CA_BUNDLE", "")
    if given and not Path(given).is_file():
        raise LabError(f"CA_BUNDLE names {given}, which is not a file", hint="change it in .env")
    found = given or os.environ.get("SSL_CERT_FILE", "")
    return str(Path(found).resolve()) if found and Path(found).is_file() else ""
