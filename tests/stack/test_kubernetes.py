"""The manifests run: `podman kube play` starts the images from them, with their settings, secrets and probes."""

import json
import os
import re
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from kubernetes.rendered import DIRECTORY, rendered
from serving_lab.project import Project
from serving_lab.stack.environment import read
from support import local_http
from support.checkout import REPOSITORY
from support.kube_play import Podman, for_podman, written
from support.services import CATALOGUE, PASSWORD, SECRET_KEY, RunningService, wait_until_ready
from support.stack import Stack, free_ports

pytestmark = pytest.mark.stack

NAMES = tuple(entry.name for entry in CATALOGUE.entries if entry.profile is None)
LAB_USER = read(Project(REPOSITORY).env_example)["API_USERNAME"]
PART = ("login", "paths", "headers", "tokens")
"""The files of the contract that run here; `make kubernetes-proof` runs all."""


@dataclass(frozen=True)
class Played:
    """The pods of the local overlay."""

    podman: Podman
    manifests: Path
    ports: Mapping[str, int]

    def container(self, name: str) -> str:
        """The container of a service."""
        image = f"localhost/serving-lab/{name}:latest"
        return self.podman("ps", "--quiet", "--filter", f"ancestor={image}").stdout.strip()


@pytest.fixture(scope="module")
def played(
    stack: Stack,  # noqa: ARG001 - its images are built
) -> Iterator[Played]:
    """The services as pods of the stack's images, ready; whatever is left of them afterwards is removed."""
    directory = Path(tempfile.mkdtemp(prefix="pods-"))  # podman refuses paths of more than 50 characters
    podman = Podman.new(directory)
    podman.load([f"serving-lab/{name}" for name in NAMES])
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    objects = for_podman([_credentials(), *rendered(DIRECTORY / "overlays" / "local")], ports, podman.version)
    manifests = written(objects, directory / "manifests.yaml")
    try:
        podman("kube", "play", str(manifests))
        for name, port in ports.items():
            pod = RunningService(name, f"http://127.0.0.1:{port}", LAB_USER, PASSWORD, SECRET_KEY)
            wait_until_ready(pod)
        yield Played(podman, manifests, ports)
    finally:
        podman.remove()


def test_each_probe_of_a_pod_is_answered(played: Played) -> None:
    for name in NAMES:
        checked = json.loads(played.podman("inspect", played.container(name)).stdout)[0]["Config"]["Healthcheck"]

        assert f":{CATALOGUE.entry(name).port}/health" in " ".join(checked["Test"])
        played.podman("healthcheck", "run", played.container(name))
        assert _status(played.ports[name], "/health") == _status(played.ports[name], "/ready") == 200


def test_pods_run_as_the_manifests_say(played: Played) -> None:
    for name in NAMES:
        lines = played.podman("exec", played.container(name), "cat", "/proc/1/status").stdout.splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        touched = played.podman("exec", played.container(name), "touch", "/probe", check=False)
        limits = json.loads(played.podman("inspect", played.container(name)).stdout)[0]["HostConfig"]

        assert set(status["Uid"]) == {"10001"}
        assert int(status["CapEff"][0], 16) == int(status["CapBnd"][0], 16) == 0
        assert status["NoNewPrivs"] == ["1"]
        assert "Read-only file system" in touched.stderr
        assert (limits["Memory"], limits["NanoCpus"]) == (1 << 30, 10**9)


def test_the_contract_holds(played: Played) -> None:
    whole = os.environ.get("KUBERNETES_CONTRACT") == "whole"
    files = ["tests/contract"] if whole else [f"tests/contract/test_{name}.py" for name in PART]
    targets = " ".join(f"{name}=http://127.0.0.1:{port}" for name, port in played.ports.items())
    own = {"CONTRACT_TARGETS": targets, "API_USERNAME": LAB_USER, "API_PASSWORD": PASSWORD, "SECRET_KEY": SECRET_KEY}

    checked = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *files],
        cwd=REPOSITORY,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout[-8000:]
    assert re.search(r"\d{2,} passed", checked.stdout), checked.stdout[-8000:]


def test_nothing_is_left_when_they_go_down(played: Played) -> None:
    played.podman("kube", "down", str(played.manifests))

    assert played.podman.left() == []
    assert not any(_status(port, "/health") for port in played.ports.values())


def _status(port: int, path: str) -> int:
    """What a pod answers; 0: nothing."""
    try:
        return local_http.get(f"http://127.0.0.1:{port}{path}").status_code
    except httpx.TransportError:
        return 0


def _credentials() -> Mapping[str, object]:
    values = {"SECRET_KEY": SECRET_KEY, "SECRET_KEY_PREVIOUS": "", "API_PASSWORD": PASSWORD, "CACHE_URL": ""}
    data = {name: b64encode(value.encode()).decode() for name, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "credentials"}, "data": data}
