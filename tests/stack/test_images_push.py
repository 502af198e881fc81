"""`make images-push`: images go to a registry, and clusters take them from there by digest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kubernetes.rendered import of_kind, pod_of, rendered
from kubernetes_manifests.files import DIRECTORY, IMAGES
from serving_lab.stack.engine import Engine
from support import local_http
from support.checkout import Checkout, new_checkout
from support.needs import needed
from support.services import free_port, wait_until
from support.stack import run

pytestmark = pytest.mark.stack

OWN = f"serving-lab-push-test-{os.getpid()}"
NAMES = ("flask-api", "fastapi-api", "lab")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of a registry on this machine, which Docker trusts without TLS."""
    address = f"127.0.0.1:{free_port()}"
    configuration = tmp_path / "registry.yml"
    configuration.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\nhttp: {{addr: {address}}}\n"
    )
    program = needed("docker-registry", package="docker-registry")
    with subprocess.Popen(
        [program, "serve", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as it:
        try:
            wait_until(lambda: _answers(f"http://{address}/v2/"), "the registry")
            yield address
        finally:
            it.terminate()


@pytest.fixture
def checkout(engine: Engine, tmp_path: Path) -> Iterator[Checkout]:  # noqa: ARG001 - asks for one that answers
    """A checkout whose images are small ones of its own."""
    copy = new_checkout(tmp_path / "checkout")
    compose = copy.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("image: serving-lab/", f"image: {OWN}/"))
    assert run_in(copy, "-m", "kubernetes_manifests").returncode == 0
    try:
        yield copy
    finally:
        run(["docker", "rmi", "--force", *run(["docker", "images", "--quiet", f"{OWN}/*"]).stdout.split()], check=False)


def test_clusters_take_what_was_pushed(checkout: Checkout, registry: str) -> None:
    for name in NAMES:
        _make_small_image(f"{OWN}/{name}")

    pushed = run_in(checkout, "-m", "kubernetes_manifests.images", f"{registry}/team")

    assert pushed.returncode == 0, pushed.stderr
    deployments = of_kind(rendered(checkout.root / DIRECTORY / "overlays" / "production"), "Deployment")
    images = [pod_of(each)["containers"][0]["image"] for each in deployments]
    assert sorted(image.partition("@")[0] for image in images) == [f"{registry}/team/{name}" for name in NAMES[1::-1]]
    for image in images:
        repository, _, digest = image.removeprefix(f"{registry}/").partition("@")
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        found = local_http.get(f"http://{registry}/v2/{repository}/manifests/{digest}", headers=accept)
        assert found.headers["Docker-Content-Digest"] == digest


def test_an_image_that_is_not_here_is_named(checkout: Checkout) -> None:
    before = (checkout.root / IMAGES).read_text()

    pushed = run_in(checkout, "-m", "kubernetes_manifests.images", "127.0.0.1:1")

    assert pushed.returncode == 2
    assert pushed.stderr == f"there is no image {OWN}/flask-api\nhint: make build MODE=containers\n"
    assert (checkout.root / IMAGES).read_text() == before


def run_in(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the checkout's deploy/."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout.root,
        env={**checkout.environment, "PYTHONPATH": str(checkout.root / "deploy")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _make_small_image(name: str) -> None:
    """Of nothing but its name, so that no other image is the same."""
    run(["docker", "build", "--quiet", "--tag", name, "-"], stdin=f"FROM scratch\nLABEL name={name}\n")


def _answers(url: str) -> bool:
    try:
        return local_http.get(url).status_code == 200
    except httpx.TransportError:
        return False
