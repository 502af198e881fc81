"""The container engine and its command line: whether it answers, what it has, and whether an image can be had."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from serving_lab.errors import LabError
from serving_lab.stack.engine_output import the_object, used_memory

_ANSWER_SECONDS = 15.0
_WORK_SECONDS = 120.0
_REGISTRY_SECONDS = 5.0
_DOCKER_HUB = "registry-1.docker.io"


@dataclass(frozen=True)
class Engine:
    """An engine that answers, with Compose of version 2 or newer."""

    version: str
    compose_version: str
    memory_bytes: int
    data_dir: Path
    limits_processors: bool
    """Whether containers may be given a share of the processors (SERVICE_CPUS)."""
    own_way_out: bool
    """Whether it fetches images through a mirror or proxy of its own, which this process need not reach."""

    @classmethod
    def find(cls) -> "Engine":
        """Ask for the engine.

        Raises:
            LabError: none answers, or Compose is missing; the message says which.
        """
        hint = "make engine (Debian and Ubuntu) or install Docker, or bring the lab up without: make up MODE=native"
        try:
            info = _ask("info", "--format", "{{json .}}")
        except FileNotFoundError:
            raise LabError("the docker command is missing", hint=hint) from None
        except subprocess.TimeoutExpired:
            raise LabError(
                "the container engine does not answer in time", hint="restart it; docker info must answer"
            ) from None
        facts = the_object(info.stdout, "docker info") if info.returncode == 0 else {}
        if "host" in facts:
            facts = _of_podman(facts)
        if "ServerVersion" not in facts or facts.get("ServerErrors"):
            reason = (info.stderr.strip().splitlines() or facts.get("ServerErrors") or ["it says nothing"])[-1]
            raise LabError(f"no container engine answers ({reason})", hint=hint)
        compose = _ask("compose", "version", "--short")
        version = compose.stdout.strip().removeprefix("v")
        if compose.returncode != 0 or not version[:1].isdigit() or version.startswith("1."):
            raise LabError("the docker compose plugin is missing (version 2 or newer is needed)", hint=hint)
        return cls(
            version=facts["ServerVersion"],
            compose_version=version,
            memory_bytes=int(facts["MemTotal"]),
            data_dir=Path(facts["DockerRootDir"]),
            limits_processors=bool(facts.get("CpuCfsQuota", True)),
            own_way_out=bool(facts.get("HttpsProxy") or (facts.get("RegistryConfig") or {}).get("Mirrors")),
        )

    @property
    def available_bytes(self) -> int:
        """Memory containers may still take; in a virtual machine or on another host only its total is known."""
        if sys.platform == "linux" and "DOCKER_HOST" not in os.environ:
            return min(self.memory_bytes, psutil.virtual_memory().available)
        return self.memory_bytes

    def may_fetch(self, image: str) -> bool:
        """Whether the registry an image comes from can be reached; asked first, because a pull may wait for minutes."""
        first, _, rest = image.partition("/")
        registry = first if rest and ("." in first or ":" in first or first == "localhost") else _DOCKER_HUB
        if self.own_way_out:
            return True
        try:
            urllib.request.urlopen(f"https://{registry}/v2/", timeout=_REGISTRY_SECONDS).close()
        except urllib.error.HTTPError:
            return True  # it wants a login first, as registries do
        except OSError:
            return False
        return True


def docker(*arguments: str, environment: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Run a docker command and return what it prints.

    Raises:
        LabError: it fails and `check` is set, or takes longer than two minutes.
    """
    try:
        result = _run(arguments, _WORK_SECONDS, environment)
    except FileNotFoundError:
        raise LabError("the docker command is missing", hint="make engine") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"docker {arguments[0]} does not end", hint="restart the engine") from None
    if check and result.returncode != 0:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines() or ["it does not say why"]
        raise LabError(f"docker {arguments[0]}: {said[-1]}", hint="docker ps, docker images")
    return result.stdout


def inspected(kind: str, name: str) -> dict[str, Any]:
    """What the engine knows of an image or a container.

    Raises:
        LabError: it has none of this name.
    """
    try:
        said = docker(kind, "inspect", name)
    except LabError as error:
        if not re.search("no such|not known", str(error), re.IGNORECASE):
            raise
        raise LabError(f"the engine has no {kind} {name}", hint=f"docker pull {name}, or make build") from None
    return the_object(said, f"docker {kind} inspect")


def has_image(image: str) -> bool:
    """Whether the engine holds this image already."""
    return _ask("image", "inspect", image).returncode == 0


def pull(image: str) -> bool:
    """Fetch an image, showing how it goes; return whether that worked."""
    return subprocess.run(["docker", "pull", image], check=False).returncode == 0  # noqa: S603, S607


def memory_bytes(containers: list[str]) -> dict[str, int]:
    """The memory each running container is charged, by the first twelve digits of its id."""
    if not containers:
        return {}
    return used_memory(_ask("stats", "--no-stream", "--format", "{{.ID}} {{.MemUsage}}", *containers).stdout)


def image_digest(container: str) -> str:
    """The digest of the image that a container was made of; empty where there is no such container."""
    return _ask("inspect", "--format", "{{.Image}}", container).stdout.strip()


def image_of(container: str) -> str:
    """The name of a container's image, such as `serving-lab/flask-api`; empty without such a container."""
    return _ask("inspect", "--format", "{{.Config.Image}}", container).stdout.strip()


def image_id(image: str) -> str:
    """The digest that an image has now; empty where there is none of this name."""
    return _ask("image", "inspect", "--format", "{{.Id}}", image).stdout.strip()


def address(container: str) -> str:
    """The address of a container on its first network; empty where it has none."""
    said = _ask("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container).stdout
    return (said.split() or [""])[0]


def published_ports(container: str) -> dict[int, int]:
    """The ports of this machine at which a running container answers, by its own."""
    said = _ask("inspect", "--format", "{{json .NetworkSettings.Ports}}", container).stdout
    published: dict[str, list[dict[str, str]] | None] = json.loads(said or "{}")
    return {int(port.partition("/")[0]): int(at[0]["HostPort"]) for port, at in published.items() if at}


def health(container: str) -> str:
    """What its health check says: starting, healthy, or unhealthy; empty where the container does not run."""
    said = _ask("inspect", "--format", "{{.State.Running}} {{.State.Health.Status}}", container).stdout.split()
    return said[1] if len(said) > 1 and said[0] == "true" else ""


def labelled(label: str) -> list[str]:
    """The containers with a label (`name=value`), running or not."""
    return _ask("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}").stdout.split()


def volumes(project: str) -> dict[str, str]:
    """The volumes of a Compose project: the name that the engine has for each, by that in compose.yaml."""
    wanted = f"label=com.docker.compose.project={project}"
    form = '{{.Label "com.docker.compose.volume"}} {{.Name}}'
    lines = _ask("volume", "ls", "--filter", wanted, "--format", form).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


def remove_volumes(names: Collection[str]) -> None:
    """Remove these volumes, which nothing uses any more.

    Raises:
        LabError: one cannot be removed.
    """
    if names:
        docker("volume", "rm", *names)


def remove_images(label: str) -> None:
    """Remove the images with a label (`name=value`), which no container uses.

    Raises:
        LabError: one cannot be removed.
    """
    # By number: one whose name another has taken over has none.
    if listed := set(_ask("image", "ls", "--quiet", "--filter", f"label={label}").stdout.split()):
        docker("image", "rm", "--force", *listed)


def last_lines(container: str, count: int) -> list[str]:
    """The last lines that a container wrote."""
    said = _ask("logs", "--tail", str(count), container)
    return (said.stdout + said.stderr).splitlines()


def stop(container: str, seconds: int) -> None:
    """Tell a container to end, and wait; it is killed after so many seconds."""
    _run(("stop", "--time", str(seconds), container), seconds + _ANSWER_SECONDS)


def started(container: str) -> float:
    """When a container was last started, in seconds since 1970."""
    # As JSON it is RFC 3339 whichever engine prints it.
    said = _ask("inspect", "--format", "{{json .State.StartedAt}}", container).stdout
    return datetime.fromisoformat(json.loads(said)).timestamp()


def pid(container: str) -> int:
    """The first process of a container, as this host counts; 0 where it does not run."""
    return int(_ask("inspect", "--format", "{{.State.Pid}}", container).stdout or 0)


def pid_here(container: str) -> int | None:
    """The first process of a container among those of this machine; None: it is elsewhere, as in a virtual machine."""
    if sys.platform != "linux" or "DOCKER_HOST" in os.environ:
        return None
    return pid(container) or None


def serving(address: str, published: int | None) -> str | None:
    """The running container that has an address, or publishes a port; None where there is none."""
    running = _ask("ps", "--quiet").stdout.split()
    said = _ask("inspect", *running).stdout if running else ""
    for each in json.loads(said or "[]"):
        network = each["NetworkSettings"]
        addresses = {own.get("IPAddress") for own in (network.get("Networks") or {}).values()}
        ports = [binding["HostPort"] for bound in (network.get("Ports") or {}).values() for binding in bound or ()]
        if address in addresses or str(published) in ports:
            return str(each["Id"])
    return None


def _of_podman(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What `podman info` says, under Docker's names."""
    host, store = facts["host"], facts.get("store", {})
    return {
        "ServerVersion": f"Podman {facts['version']['Version']}" if "version" in facts else "Podman",
        "MemTotal": host["memTotal"],
        "DockerRootDir": store.get("graphRoot", "/var/lib/containers/storage"),
        "CpuCfsQuota": "cpu" in host.get("cgroupControllers", ["cpu"]),
    }


def _ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(arguments, _ANSWER_SECONDS)


def _run(
    arguments: tuple[str, ...], seconds: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["docker", *arguments],  # noqa: S607
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        start_new_session=True,  # Ctrl-C must not end the command that removes a container
    )
