"""The stack in containers, under a project name and on ports of its own: a user's running stack is not touched."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving_lab.project import Project
from serving_lab.stack.environment import merged, read

from support.services import CATALOGUE, PASSWORD, SECRET_KEY, USERNAME, free_port

SERVICES = tuple(entry.name for entry in CATALOGUE.entries)
"""All services under test, the baseline first: the stack is tested with every profile that one of them has."""
PORTS = {entry.name: entry.port_setting for entry in CATALOGUE.entries}
OF_OWN_CODE = (*SERVICES, "locust")
OWN_IMAGES = (*OF_OWN_CODE, "registry")
WITHOUT_GRAFANA = (*OWN_IMAGES, "model-sync", "gateway", "prometheus")
CONTAINERS = (*WITHOUT_GRAFANA, "grafana")

# The stack is tested with its defaults, whatever a user's .env says; but the images are those that can be had here.
_OF_THIS_MACHINE = ("GRAFANA_IMAGE", "CA_BUNDLE")
_PORTS = (
    *PORTS.values(),
    "LOCUST_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
    "GATEWAY_PORT",
    "GATEWAY_CONTROL_PORT",
    "REGISTRY_PORT",
    "MODEL_SYNC_PORT",
)


@dataclass(frozen=True)
class Stack:
    """A Compose project made of the repository's compose.yaml."""

    project: Project
    settings: Mapping[str, str]
    containers: Sequence[str]
    """The services of compose.yaml that run: all of them, or all but grafana."""

    def url(self, setting: str) -> str:
        """Return the address that a port's setting (such as FLASK_PORT) publishes."""
        return f"http://127.0.0.1:{self.settings[setting]}"

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run docker compose on this project."""
        return run(["docker", "compose", *arguments], environment={**os.environ, **self.settings}, check=check)

    def container(self, service: str) -> str:
        """Return the id of a service's container, running or not; docker compose takes twenty times as long."""
        labels = {"project": self.settings["COMPOSE_PROJECT_NAME"], "service": service, "oneoff": "False"}
        wanted = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return run(["docker", "ps", "--all", "--quiet", "--no-trunc", *wanted]).stdout.strip()

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        return docker_json("container", "inspect", self.container(service))

    def image(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's image."""
        return docker_json("image", "inspect", str(self.inspect(service)["Image"]))

    def execute(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside a service's container."""
        return run(["docker", "exec", self.container(service), *command], check=check)

    def python(self, service: str, script: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """Run a script with the Python of a service's container; return the JSON it prints."""
        return json.loads(self.execute(service, "python", "-c", script, *arguments).stdout)


def stack_settings(project_name: str, base_images: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults, ports of nobody else, and credentials the tests know."""
    project = Project.find()
    defaults = {name: value for name, value in read(project.env_example).items() if value}
    here = merged(project, os.environ)
    return {
        **defaults,
        **{name: here[name] for name in _OF_THIS_MACHINE if name in here},
        **base_images,
        **dict(zip(_PORTS, map(str, free_ports(len(_PORTS))), strict=True)),
        "COMPOSE_PROFILES": ",".join(["registry", *(entry.profile for entry in CATALOGUE.entries if entry.profile)]),
        "COMPOSE_PROJECT_NAME": project_name,
        "SECRET_KEY": SECRET_KEY,
        "API_USERNAME": USERNAME,
        "API_PASSWORD": PASSWORD,
        "SECRET_KEY_PREVIOUS": "the key before that, which is accepted for a while",
        "GRAFANA_ADMIN_PASSWORD": "the password of Grafana's admin",
    }


def free_ports(count: int) -> list[int]:
    """Return this many different TCP ports nobody listens on."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def docker_json(*arguments: str) -> dict[str, Any]:
    """Return the one object that a docker command prints as a JSON list."""
    (found,) = json.loads(run(["docker", *arguments]).stdout)
    assert isinstance(found, dict)
    return found


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    check: bool = True,
    seconds: float = 900,
) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository's root; fail with what it printed where it fails and must not."""
    result = subprocess.run(
        command,
        cwd=Project.find().root,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert not check or result.returncode == 0, f"{' '.join(command[:6])} failed\n{result.stdout}\n{result.stderr}"
    return result
