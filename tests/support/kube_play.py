"""Manifests run by `podman kube play`, in a storage of its own: nobody's containers are touched.

podman knows a part of Kubernetes only. What is written otherwise for it is said at `for_podman`; Services, policies and
whatever else it does not know are left out.
"""

import base64
import copy
import os
import re
import resource
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.needs import needed

_KINDS = ("Secret", "ConfigMap", "Deployment")
_NPROC = 32768  # podman lowers its own limit to this
_ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=4)"
_COMPLETE = (4, 4)
"""The version that writes the files of a Secret as they are, and quotes the words of a probe's command."""


@dataclass(frozen=True)
class Podman:
    """podman with its storage, networks apart, in a directory."""

    directory: Path
    program: str

    @classmethod
    def new(cls, directory: Path) -> "Podman":
        """Prepare it; skip the test where there is no podman."""
        podman = cls(directory, needed("podman", package="podman"))
        limits = {
            name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1] for name in ("nofile", "nproc")
        }
        limits["nproc"] = _NPROC if limits["nproc"] < 0 else min(_NPROC, limits["nproc"])
        # Without the right to raise limits, containers cannot have podman's own defaults.
        ulimits = ", ".join(f'"{name}={limit}:{limit}"' for name, limit in limits.items() if limit >= 0)
        podman._configuration.write_text(
            f"[containers]\ndefault_ulimits = [{ulimits}]\n"
            # The other runtime, crun, refuses hosts that have both versions of control groups.
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nlock_type = "file"\n'
        )
        return podman

    def __call__(self, *arguments: str, check: bool = True, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of it."""
        result = subprocess.run(
            [self.program, *self._where, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or result.returncode == 0, (
            f"podman {' '.join(arguments[:3])}\n{result.stdout}\n{result.stderr}"
        )
        return result

    def load(self, images: Sequence[str]) -> None:
        """Take over images of the container engine."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                [self.program, *self._where, "load", "--quiet"],
                env=self._environment,
                stdin=saved.stdout,
                check=True,
                timeout=300,
            )

    def left(self) -> list[str]:
        """Containers and pods that are there, running or not."""
        containers = self("ps", "--all", "--quiet", "--external").stdout.split()
        return [*containers, *self("pod", "ps", "--quiet").stdout.split()]

    def remove(self) -> None:
        """Remove everything that it has."""
        self("pod", "rm", "--all", "--force", check=False)
        self("rmi", "--all", "--force", check=False)  # nothing stays mounted then
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def version(self) -> tuple[int, ...]:
        """Such as (4, 3)."""
        found = re.search(r"(\d+)\.(\d+)", self("--version").stdout)
        assert found
        return int(found[1]), int(found[2])

    @property
    def _configuration(self) -> Path:
        return self.directory / "containers.conf"

    @property
    def _where(self) -> list[str]:
        return [f"--{name}={self.directory / name}" for name in ("root", "runroot", "tmpdir")]

    @property
    def _environment(self) -> dict[str, str]:
        # Probes are run by the test, at the time it wants: without systemd podman has nothing to run them with.
        return {**os.environ, "CONTAINERS_CONF": str(self._configuration), "DISABLE_HC_SYSTEMD": "true"}


def for_podman(
    objects: Sequence[Mapping[str, Any]], ports: Mapping[str, int], version: tuple[int, ...]
) -> list[dict[str, Any]]:
    """The objects that podman knows, so that it takes them as a cluster would.

    Args:
        objects: As kustomize renders them, and the Secret.
        ports: The port on this machine for each service, which podman publishes; it knows no Services.
        version: podman's.
    """
    known = [copy.deepcopy(dict(each)) for each in objects if each["kind"] in _KINDS]
    for deployment in known:
        if deployment["kind"] != "Deployment":
            continue
        name, pod = deployment["metadata"]["name"], deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        container["image"] = f"localhost/{container['image']}:latest"  # as `podman load` calls it
        container["ports"] = [{**each, "hostPort": ports[name], "hostIP": "127.0.0.1"} for each in container["ports"]]
        _probe_by_command(container, version)
        _own_volumes(name, pod, container)
        if version < _COMPLETE:
            _secrets_as_settings(pod)
    if version < _COMPLETE:
        known += [_as_settings(each) for each in known if each["kind"] == "Secret"]
    return known


def _probe_by_command(container: dict[str, Any], version: tuple[int, ...]) -> None:
    """It asks with curl, which the images do not have, and knows no names of ports."""
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[kind].pop("httpGet")
        command = ["python", "-c", _ASK, f"http://127.0.0.1:{ports[asked['port']]}{asked['path']}"]
        container[kind]["exec"] = {"command": [*map(shlex.quote, command)] if version < _COMPLETE else command}


def _own_volumes(name: str, pod: dict[str, Any], container: dict[str, Any]) -> None:
    """Its volumes of one name are one for all pods."""
    for each in (*pod["volumes"], *container["volumeMounts"]):
        each["name"] = f"{name}-{each['name']}"


def _secrets_as_settings(pod: dict[str, Any]) -> None:
    """It writes the files of a Secret in base64, and those of a ConfigMap as they are."""
    for volume in pod["volumes"]:
        if secret := volume.pop("secret", None):
            volume["configMap"] = {"name": secret["secretName"], "items": secret["items"], "optional": False}


def _as_settings(secret: Mapping[str, Any]) -> dict[str, Any]:
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": secret["metadata"], "data": data}


def written(objects: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write objects to a file, which is returned."""
    path.write_text(yaml.safe_dump_all(objects))
    return path
