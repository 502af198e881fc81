"""The scripts that change a machine say so first, and change nothing without consent. No engine is needed: docker and
the package manager are stand-ins that note how they were called.
"""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What each stand-in answers: an engine that is there, and one that is not.
ANSWERS = "exit 0"
SILENT = "exit 1"
ANSWERS_AS_ENGINE = 'case "$*" in *compose*) echo 2.26.1 ;; *) echo 28.0 ;; esac'


on_debian = pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="packages of Debian and Ubuntu only")


@dataclass(frozen=True)
class Machine:
    """A directory with the project's scripts, and stand-ins first on the PATH."""

    root: Path

    def replace(self, program: str, script: str) -> None:
        """Put a stand-in for a program first on the PATH."""
        path = self.root / "bin" / program
        path.write_text(f'#!/bin/sh\necho "{program} $*" >>{self.root}/calls\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of deploy/ with nobody at the terminal."""
        inherited = {name: value for name, value in os.environ.items() if name not in {"YES", "FORCE", "DOCKER_HOST"}}
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [self.root / "deploy" / script, *arguments],
            env={**inherited, "PATH": path, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self, program: str) -> list[str]:
        """Return how a stand-in was called."""
        log = self.root / "calls"
        return [line for line in log.read_text().splitlines() if line.split()[0] == program] if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without an engine, on which no package can really be installed."""
    machine = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / ".env.example", tmp_path)
    machine.replace("docker", SILENT)
    machine.replace("apt-get", SILENT)
    machine.replace("id", "echo 0")
    return machine


def test_engine_is_left_alone_where_one_answers(machine: Machine) -> None:
    machine.replace("docker", ANSWERS_AS_ENGINE)

    ended = machine.run("engine.sh", YES="1")

    assert ended.returncode == 0
    assert "nothing to do" in ended.stdout
    assert machine.calls("apt-get") == []


@on_debian
def test_engine_says_what_it_will_change_and_waits_for_consent(machine: Machine) -> None:
    ended = machine.run("engine.sh")

    assert ended.returncode == 1
    assert "This will change the system:" in ended.stdout
    assert "YES=1" in ended.stderr
    assert [call for call in machine.calls("apt-get") if " install" in call or " update" in call] == []


@on_debian
def test_engine_needs_root_and_says_so(machine: Machine) -> None:
    machine.replace("id", 'case "$1" in -u) echo 1000 ;; *) echo someone ;; esac')

    ended = machine.run("engine.sh", YES="1")

    assert ended.returncode == 1
    assert "sudo" in ended.stderr
    assert machine.calls("apt-get") == []


def test_engine_elsewhere_is_not_replaced_by_one_here(machine: Machine) -> None:
    ended = machine.run("engine.sh", YES="1", DOCKER_HOST="tcp://192.0.2.1:2375")

    assert ended.returncode == 1
    assert "DOCKER_HOST=tcp://192.0.2.1:2375" in ended.stderr
    assert machine.calls("apt-get") == []


def test_status_names_what_is_missing(machine: Machine) -> None:
    machine.replace("docker", 'case "$1" in compose) exit 1 ;; *) echo 28.0 ;; esac')

    ended = machine.run("engine.sh", "status")

    assert ended.returncode == 1
    assert "engine:  28.0 answers" in ended.stdout
    assert "compose: no version 2 found" in ended.stdout


def test_base_images_that_exist_are_recorded_and_not_built(machine: Machine) -> None:
    machine.replace("docker", ANSWERS)

    ended = machine.run("base-images.sh")

    assert ended.returncode == 0, ended.stderr
    assert not [call for call in machine.calls("docker") if " build" in call or " import" in call]
    assert settings(machine)["PYTHON_IMAGE"].startswith("serving-lab/python:")
    assert settings(machine)["PROMETHEUS_IMAGE"].startswith("serving-lab/prometheus:")
    assert settings(machine)["REDIS_IMAGE"].startswith("serving-lab/redis:")
    assert settings(machine)["HAPROXY_IMAGE"].startswith("serving-lab/haproxy:")
    assert stat.S_IMODE((machine.root / ".env").stat().st_mode) == 0o600


def test_base_images_change_four_lines_of_a_users_settings(machine: Machine) -> None:
    machine.replace("docker", ANSWERS)
    own = "# mine\nPYTHON_IMAGE=python:3.13\nSECRET_KEY=kept\nWORKERS=2"  # and no newline at the end
    (machine.root / ".env").write_text(own)

    ended = machine.run("base-images.sh")
    again = machine.run("base-images.sh")

    assert ended.returncode == again.returncode == 0
    recorded = settings(machine)
    added = ["PROMETHEUS_IMAGE", "REDIS_IMAGE", "HAPROXY_IMAGE"]
    assert list(recorded) == ["PYTHON_IMAGE", "SECRET_KEY", "WORKERS", *added]
    assert (recorded["SECRET_KEY"], recorded["WORKERS"]) == ("kept", "2")
    assert recorded["PYTHON_IMAGE"].startswith("serving-lab/python:")


def test_base_images_that_are_here_are_listed_without_a_change(machine: Machine) -> None:
    machine.replace("docker", 'case "$*" in *redis* | *haproxy*) exit 1 ;; esac')

    listed = machine.run("base-images.sh", "local")

    assert [line.split("=")[0] for line in listed.stdout.splitlines()] == ["PYTHON_IMAGE", "PROMETHEUS_IMAGE"]
    assert not (machine.root / ".env").exists()


def test_base_images_know_no_other_command(machine: Machine) -> None:
    ended = machine.run("base-images.sh", "remove")

    assert (ended.returncode, ended.stderr) == (
        1,
        "base-images: there is no command remove; the commands are build and local\n",
    )


def test_base_images_need_an_engine_and_say_so(machine: Machine) -> None:
    ended = machine.run("base-images.sh")

    assert ended.returncode == 1
    assert "make engine" in ended.stderr
    assert not (machine.root / ".env").exists()


def settings(machine: Machine) -> dict[str, str]:
    """Return the lines of .env that set something."""
    lines = (machine.root / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
