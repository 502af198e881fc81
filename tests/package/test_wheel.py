"""The distribution as people install it: a wheel in an empty environment, used outside of any checkout."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest
from support.checkout import REPOSITORY
from support.services import free_port

# Two implementations of one API; the new one answers one question otherwise.
SERVICE = """
import http.server, json, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        answers = {"/about": {"words": 2, "version": sys.argv[2]}, "/ready": {}}
        body = json.dumps(answers.get(self.path)).encode()
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
PROFILE = """
requests:
  about: {request: {path: /about}, expect: {json: {$.words: 2}}, agree: [$.words]}
mixes:
  all: {about: 1}
parity:
  corpus: [corpus.yaml]
bench:
  scenarios: {few: {requests: {about: 1}, connections: 2}}
footprint:
  ready: /ready
  first: about
  load: {mix: all, rate: 20}
  targets:
    old: {command: [python3, service.py, "${port}", one]}
    new: {command: [python3, service.py, "${port}", two]}
"""
CORPUS = "requests: [{name: about, path: /about}]"
DOCUMENT = '{"openapi": "3.1.0", "paths": {"/about": {"get": {"responses": {"200": {"description": "ok"}}}}}}'


@dataclass(frozen=True)
class Installed:
    """The command `lab` of the wheel, and a directory of a user's own."""

    lab: Path
    directory: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it there, with nothing of this environment."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "SSL_CERT_FILE") if name in os.environ}
        return subprocess.run(
            [self.lab, *arguments],
            cwd=self.directory,
            env={**kept, "PATH": f"{self.lab.parent}:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy that has nothing of a checkout around it."""
    source = tmp_path_factory.mktemp("source") / "loadtest"
    shutil.copytree(REPOSITORY / "loadtest", source, ignore=shutil.ignore_patterns("__pycache__"))
    uv("build", "--wheel", "--out-dir", str(source.parent), str(source))
    (built,) = source.parent.glob("serving_lab-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an empty environment."""
    directory = tmp_path_factory.mktemp("user")
    uv("venv", "--python", sys.executable, str(directory / "venv"))
    uv("pip", "install", "--python", str(directory / "venv"), str(wheel))
    return Installed(directory / "venv" / "bin" / "lab", directory)


@pytest.fixture(scope="module")
def services(installed: Installed) -> Iterator[list[str]]:
    """The addresses of both implementations."""
    files = {"service.py": SERVICE, "profile.yaml": PROFILE, "corpus.yaml": CORPUS, "openapi.json": DOCUMENT}
    for name, content in files.items():
        (installed.directory / name).write_text(content)
    ports = [free_port(), free_port()]
    commands = [
        [sys.executable, "service.py", str(port), name] for port, name in zip(ports, ("one", "two"), strict=True)
    ]
    running = [subprocess.Popen(command, cwd=installed.directory) for command in commands]
    try:
        for port in ports:
            wait_for(port)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in running:
            process.kill()
            process.wait()


def uv(*arguments: str) -> None:
    """Run the uv of this checkout."""
    program = [sys.executable, str(REPOSITORY / "deploy" / "bootstrap.py"), *arguments]
    done = subprocess.run(program, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"uv {arguments[0]}\n{done.stderr}"


def wait_for(port: int) -> None:
    """Wait until a service answers."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/ready")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    pytest.fail(f"nothing answers at port {port}")


def test_metadata_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
        licences = [each for each in archive.namelist() if each.endswith("/licenses/LICENSE")]
        assert archive.read(licences[0]) == (REPOSITORY / "LICENSE").read_bytes()
    assert (metadata["Name"], metadata["License-Expression"]) == ("serving-lab", "Apache-2.0")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert set(metadata.get_all("Provides-Extra", ())) == {"explain", "load", "model", "stack"}


def test_the_base_is_light(installed: Installed) -> None:
    packages = {path.name for path in (installed.lab.parent.parent).glob("lib/python3*/site-packages/*")}
    assert not packages & {"locust", "supervisor", "plotly", "gevent", "flask", "fastapi", "sklearn", "onnxruntime"}


def test_it_says_its_version_and_commands(installed: Installed) -> None:
    assert installed.run("--version").stdout == "lab 0.1.0\n"
    shown = installed.run("--help")
    assert shown.returncode == 0
    assert {"init", "parity", "bench", "footprint", "report", "compare", "history", "checklist"} <= set(
        shown.stdout.split()
    )


def test_answers_are_compared(installed: Installed, services: list[str]) -> None:
    old, new = services
    done = installed.run(
        "parity",
        "--primary",
        old,
        "--candidate",
        new,
        "--profile",
        "profile.yaml",
        "--generate",
        "0",
        "--output",
        "found",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "$.version" in done.stdout
    assert (installed.directory / "found" / "parity.html").is_file()


def test_a_description_is_drafted_and_compared_by(installed: Installed, services: list[str]) -> None:
    old, new = services
    done = installed.run("init", old, "--openapi", "openapi.json", "--output", "drafted.yaml")
    assert done.returncode == 0, done.stderr
    sides = ("--primary", old, "--candidate", new, "--profile", "drafted.yaml")
    done = installed.run("parity", *sides, "--generate", "0", "--output", "drafted")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "$.version" in done.stdout


@pytest.fixture(scope="module")
def measured(installed: Installed, services: list[str]) -> Path:
    """A result of `lab bench`."""
    targets = [
        argument
        for name, url in zip(("old", "new"), services, strict=True)
        for argument in ("--target", f"{name}={url}")
    ]
    options = ("--profile", "profile.yaml", "--pairs", "3", "--seconds", "0.5", "--output", "found/bench.json")
    done = installed.run("bench", *targets, *options)
    # On a busy machine it may refuse to conclude: then it says so with 2, and writes what it measured all the same.
    assert done.returncode in {0, 2}, done.stdout + done.stderr
    return installed.directory / "found" / "bench.json"


def test_results_are_compared_and_reported(installed: Installed, measured: Path) -> None:
    assert measured.is_file()
    compared = installed.run("compare", str(measured), str(measured))
    assert compared.returncode in {0, 2}
    assert "Traceback" not in compared.stderr
    looked_at = installed.run("history", str(measured))
    if all(scenario["refused"] for scenario in json.loads(measured.read_text())["scenarios"]):
        assert (looked_at.returncode, looked_at.stderr[:34]) == (2, "error: there is nothing to look at")
    else:
        assert looked_at.returncode == 0, looked_at.stderr
    reported = installed.run("report", "--results", "found")
    assert reported.returncode == 0, reported.stderr
    assert (installed.directory / "found" / "report.html").is_file()


def test_the_checklist_is_ticked_by_what_was_found(installed: Installed, services: list[str], measured: Path) -> None:
    pair = [f"{name}={url}" for name, url in zip(("old", "new"), services, strict=True)]
    sides = ("--primary", services[0], "--candidate", services[1], "--profile", "profile.yaml")
    installed.run("parity", *sides, "--generate", "0", "--output", str(measured.parent))

    done = installed.run("checklist", "--results", "found", "--baseline", pair[0], "--candidate", pair[1])

    assert done.returncode == 0, done.stderr
    document = (measured.parent / "checklist.md").read_text()
    assert "different: 1 undeclared cause, at GET /about" in document
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("services")
def test_starts_and_memory_are_measured(installed: Installed) -> None:
    counts = ("--starts", "1", "--rounds", "1", "--seconds", "1", "--no-type-check")
    done = installed.run("footprint", "--profile", "profile.yaml", *counts, "--output", "found")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (installed.directory / "found" / "footprint.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (("report", "--results", "empty"), "empty", "lab bench, lab parity, lab footprint"),
        (("compare", "none.json", "none.json"), "none.json: No such file", "lab bench writes one"),
        (("bench",), "is not inside a checkout", "--target NAME=URL"),
        (("parity",), "is not inside a checkout", "--primary URL --candidate URL"),
        (("footprint",), "is not inside a checkout", "--profile FILE"),
        (("checklist",), "which services is this checklist about?", "--baseline old=http"),
        (("token",), "is not inside a checkout", "URL --profile FILE"),
        (("up",), "is not inside a checkout", "cd to"),
    ],
)
def test_messages_speak_to_who_has_no_checkout(
    installed: Installed, arguments: tuple[str, ...], problem: str, hint: str
) -> None:
    done = installed.run(*arguments)
    assert done.returncode == 2
    assert problem in done.stderr
    assert hint in done.stderr
    assert "make " not in done.stderr
