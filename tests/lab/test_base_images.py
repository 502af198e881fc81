"""Where `make up` takes its base images from: fetched, built earlier, built now, or the lab runs on the host."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.base import Mode
from serving_lab.stack.base_images import NoBaseImagesError
from serving_lab.stack.choice import to_bring_up
from serving_lab.stack.engine import Engine
from serving_lab.stack.environment import ensure_env_file, read
from support.checkout import new_checkout

# An engine that answers; which images it has is said by files named after them.
DOCKER = """#!/bin/sh
case "$*" in
info*) echo '{"ServerVersion": "28.0", "MemTotal": 8000000000, "DockerRootDir": "/"}' ;;
"compose version"*) echo 2.26.1 ;;
"image inspect serving-lab/"*) test -e HERE/built ;;
"image inspect haproxy:"*) exit 1 ;;
"image inspect"*) test -e HERE/fetched ;;
*buildx*) touch HERE/built ;;
esac
"""


@dataclass
class Machine:
    """A fresh clone beside an engine that has no image and reaches no registry."""

    root: Path
    engine: Path
    asked: list[str] = field(default_factory=list)
    answer: bool = False

    def have_built_images(self) -> None:
        """As if the base images had been built here, in whatever clone."""
        (self.engine / "built").touch()

    def have_all_but_the_gateways(self) -> None:
        """As if the other base images had been fetched at a time when there was a registry."""
        (self.engine / "fetched").touch()

    def mode(self, asked_for: Mode | None = None) -> Mode:
        """Choose as `make up` does."""
        return to_bring_up(Project(self.root), asked_for, Console(quiet=True), self._consent)[0].mode

    def setting(self, name: str) -> str:
        """What .env says."""
        return read(self.root / ".env")[name]

    def _consent(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    engine = tmp_path / "engine"
    engine.mkdir()
    for name, script in (("docker", DOCKER.replace("HERE", str(engine))), ("debootstrap", "#!/bin/sh\n")):
        program = engine / name
        program.write_text(script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    checkout = new_checkout(tmp_path / "clone")
    for name, value in checkout.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("PYTHON_IMAGE", "PROMETHEUS_IMAGE", "REDIS_IMAGE", "HAPROXY_IMAGE", "COMPOSE_PROFILES", "YES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{engine}:{checkout.environment['PATH']}")
    monkeypatch.setattr(Engine, "may_fetch", lambda *_: False)
    ensure_env_file(Project(checkout.root))
    return Machine(checkout.root, engine)


def test_images_built_in_another_clone_are_used_without_asking(machine: Machine) -> None:
    machine.have_built_images()

    assert machine.mode() is Mode.CONTAINERS
    assert machine.setting("PYTHON_IMAGE").startswith("serving-lab/python:")
    assert machine.asked == []


def test_nobody_who_agrees_means_the_host(machine: Machine) -> None:
    assert machine.mode() is Mode.NATIVE
    assert "about two minutes" in machine.asked[0]
    assert machine.setting("PYTHON_IMAGE").startswith("python:")


def test_containers_that_were_asked_for_are_not_replaced_by_the_host(machine: Machine) -> None:
    with pytest.raises(NoBaseImagesError) as refused:
        machine.mode(Mode.CONTAINERS)
    assert refused.value.hint == "make base-images, or YES=1"


def test_a_machine_that_cannot_build_them_is_not_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert machine.mode() is Mode.NATIVE
    assert machine.asked == []


def test_who_agrees_gets_them_built(machine: Machine) -> None:
    machine.answer = True
    script = machine.root / "deploy" / "base-images.sh"
    # Debian itself is there, so that no debootstrap runs; the other images are built.
    script.write_text(script.read_text().replace('if wanted "$DEBIAN_IMAGE"; then build_debian', "if false; then :"))

    assert machine.mode() is Mode.CONTAINERS
    assert machine.setting("PROMETHEUS_IMAGE").startswith("serving-lab/prometheus:")


def test_an_image_of_ones_own_is_never_replaced(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.have_built_images()
    monkeypatch.setenv("PYTHON_IMAGE", "registry.example.org/python:3.13")

    with pytest.raises(LabError) as refused:
        machine.mode()
    assert str(refused.value) == "the image registry.example.org/python:3.13 cannot be had (PYTHON_IMAGE)"
    assert refused.value.hint == "set PYTHON_IMAGE in .env to another"


def test_the_gateways_image_is_taken_from_here_where_only_it_is_missing(machine: Machine) -> None:
    machine.have_all_but_the_gateways()
    machine.have_built_images()

    assert machine.mode() is Mode.CONTAINERS
    assert machine.setting("HAPROXY_IMAGE").startswith("serving-lab/haproxy:")
    assert machine.asked == []


def test_the_lab_does_without_the_gateways_image(machine: Machine) -> None:
    machine.have_all_but_the_gateways()

    assert machine.mode() is Mode.CONTAINERS
    assert len(machine.asked) == 1
    assert machine.setting("HAPROXY_IMAGE").startswith("haproxy:")
