"""Docker Compose, run for a checkout with the settings of the stack."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import LOCUST_WORKER


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

    @property
    def name(self) -> str:
        """Its service's, with its number where there may be several."""
        return f"{self.service}-{self.number}" if self.service == LOCUST_WORKER else self.service

    @classmethod
    def read(cls, line: str) -> "Container":
        """Read a line of `docker compose ps`."""
        facts = json.loads(line)
        labels = dict(label.partition("=")[::2] for label in facts["Labels"].split(","))
        return cls(
            id=facts["ID"],
            service=facts["Service"],
            number=int(labels.get("com.docker.compose.container-number", "1")),
            state=facts["State"],
            healthy=facts["Health"] == "healthy",
            checkout=labels.get("com.docker.compose.project.working_dir", ""),
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
            "CA_BUNDLE": _ca_bundle(self._settings),
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
        return [Container.read(line) for line in result.stdout.splitlines()]


def _ca_bundle(settings: Settings) -> str:
    given = settings.environment.get("CA_BUNDLE", "")
    if given and not Path(given).is_file():
        raise LabError(f"CA_BUNDLE names {given}, which is not a file", hint="change it in .env")
    found = given or os.environ.get("SSL_CERT_FILE", "")
    return str(Path(found).resolve()) if found and Path(found).is_file() else ""
