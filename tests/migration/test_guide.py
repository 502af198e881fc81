"""docs/migration-guide.md, followed from its top to its end: every block is saved, typed, or compared."""

import contextlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import httpx
import jwt
import pytest
import yaml
from serving_lab import exit_codes
from support import local_http
from support.follow import Follower, Knowing
from support.needs import needed
from support.page import Page, Reader

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

PAGE = Page("docs/migration-guide.md")
PORTS = (5001, 5002, 5003, 5010, 8000, 8080, 8090, 8404)
ROW = {"distance_km": 3.2, "items": 4}
FIGURES = PAGE.block("", "that blocks")
"""What `make bench-async` printed; tests/migration/test_waiting.py runs it and compares."""
TOLD = {exit_codes.OK, exit_codes.CANNOT_TELL}
"""Of what is measured: a busy machine may leave it undecided."""


@contextlib.contextmanager
def recorded_traffic(reader: Reader) -> Iterator[None]:
    """What clients send through the tap before it is ended."""
    with local_http.client(base_url=f"http://127.0.0.1:{reader.ports['5010']}") as client:
        credentials = {"username": "driver", "password": reader.environment["DRIVER_PASSWORD"]}
        token = client.post("/login", json=credentials).json()["token"]
        for path in ("/health", "/orders/1/eta", "/orders/2/eta", "/orders/7/eta"):
            client.get(path, headers={"Authorization": f"Bearer {token}"})
        for items in (1, 50, 100, 101):
            client.post("/predict", json=ROW | {"items": items}, headers={"Authorization": f"Bearer {token}"})
    yield


@contextlib.contextmanager
def users(reader: Reader) -> Iterator[None]:
    """Traffic at the gateway, of many users."""
    ended = threading.Event()
    sending = threading.Thread(target=_send, args=(reader, ended))
    sending.start()
    try:
        yield
    finally:
        ended.set()
        sending.join()


def _send(reader: Reader, ended: threading.Event) -> None:
    chance = random.Random(1)  # noqa: S311
    tokens = [jwt.encode({"user": f"driver {number}"}, reader.environment["SECRET_KEY"]) for number in range(200)]
    with local_http.client(base_url=f"http://127.0.0.1:{reader.ports['8080']}") as client:
        while not ended.wait(0.01):
            headers = {"Authorization": f"Bearer {chance.choice(tokens)}"}
            with contextlib.suppress(httpx.TransportError):
                client.post("/predict", json=ROW | {"items": chance.randint(1, 100)}, headers=headers)


KNOWING = Knowing(
    instead={"make bench-async": lambda: FIGURES},
    exit_codes={
        ("4. The parity net", "lab parity --primary http://127.0.0.1:5001 --candidate http://127.0.0.1:5002"): {1},
        ("15. Measure", "lab bench"): TOLD,
        ("19. Rollout", "lab rollout run"): {0},
    },
    shorter={"lab parity": "--generate 20"},
    listening={"haproxy": "8080"},
    meanwhile={"kill %lab": recorded_traffic, "lab rollout run": users},
)


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Follower]:
    needed("haproxy", package="haproxy")
    with Follower(PAGE, tmp_path_factory.mktemp("reader"), *PORTS, knowing=KNOWING) as follower:
        yield follower


@pytest.mark.parametrize("section", PAGE.sections)
def test_a_section_is_followed(follower: Follower, section: str) -> None:
    follower.follow(section)


def test_the_container_has_all_that_the_service_needs(follower: Follower, tmp_path: Path) -> None:
    """Its linter passes, and what it copies, alone, starts by its command."""
    follower.follow("17. CI")
    source, text = follower.reader.directory, PAGE.file("Dockerfile")
    code, said = follower.reader.run("hadolint Dockerfile")
    assert code == 0, said
    reader = _elsewhere(follower, tmp_path)
    lines = re.findall(r"^(COPY|CMD) (.+)$", text, re.MULTILINE)
    copied = [name for instruction, names in lines if instruction == "COPY" for name in names.split()[:-1]]
    for name in copied:
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy
        copy(source / name, tmp_path / name)
    for requirement in (tmp_path / "requirements.txt").read_text().splitlines()[1:]:
        distribution(requirement)
    (command,) = [json.loads(words) for instruction, words in lines if instruction == "CMD"]

    with reader.running(shlex.join(command), "8000"):
        health = local_http.get(f"http://127.0.0.1:{reader.ports['8000']}/health")

    assert (health.status_code, health.json()) == (200, {"status": "healthy"})


def test_the_job_in_ci_passes(follower: Follower, tmp_path: Path) -> None:
    follower.follow("17. CI")
    reader = _elsewhere(follower, tmp_path)
    shutil.copy(follower.reader.directory / "model.joblib", tmp_path)
    for block in follower.followed:
        if block.file:
            reader.save(block.file, reader.here(block.text))
    with (tmp_path / "eta.yaml").open("a") as description:
        description.write("  intended: eta-intended.yaml\n")
    job = yaml.safe_load((tmp_path / ".github" / "workflows" / "migration.yml").read_text())["jobs"]["parity"]
    reader.environment |= job["env"]
    commands = [step["run"] for step in job["steps"] if "run" in step and not step["run"].startswith("pip ")]

    for command in commands:
        words = ["sh", "-ec", command.replace("lab parity", "lab parity --generate 20")]
        with (tmp_path / "output").open("wb") as output:
            process = subprocess.Popen(
                words, cwd=tmp_path, env=reader.everything, start_new_session=True, stdout=output, stderr=output
            )
            try:
                assert process.wait(120) == 0, (tmp_path / "output").read_text()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # what it has started too, as the runner does


def _elsewhere(follower: Follower, directory: Path) -> Reader:
    """The same reader in another directory, on other ports."""
    return Reader(directory, *PORTS, environment=follower.reader.environment)


def test_nothing_is_left_that_was_not_followed(follower: Follower) -> None:
    follower.follow(PAGE.sections[-1])

    assert [block.line for block in follower.followed] == [block.line for block in PAGE.blocks]
