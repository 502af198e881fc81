"""The registry of models and model-sync as the lab runs them on the host; tests may hang, kill and start them."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import httpx
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import installation
from serving_lab.stack.environment import Settings
from serving_lab.stack.programs import Tools, programs_for, shared_environment
from serving_lab.stack.service import MODEL_SYNC, REGISTRY
from serving_lab.stack.supervisor import Program

from support import local_http
from support.checkout import REPOSITORY, Checkout
from support.needs import lacking
from support.services import wait_until
from support.tiers import at_least

_NO_TOOLS = Tools(None, None, None, None, {})


def lend_environment(checkout: Checkout) -> None:
    """Let a copy of the repository use the registry's environment of this one, which is installed if need be."""
    (REPOSITORY / "build").mkdir(exist_ok=True)
    with (REPOSITORY / "build" / "registry.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with patch.dict(os.environ, {"UV": os.environ.get("UV") or _uv()}):
            try:
                program = installation.install_registry(Project(REPOSITORY))
            except LabError as error:
                lacking(f"{error}: is there a package index?")
    (checkout.root / "build" / "registry").mkdir(parents=True)
    (checkout.root / "build" / "registry" / "venv").symlink_to(program.parents[1])


def _uv() -> str:
    bootstrap = [sys.executable, str(REPOSITORY / "deploy" / "bootstrap.py")]
    return subprocess.run(bootstrap, capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Running:
    """One of the lab's programs, in a process group of its own."""

    program: Program
    environment: Mapping[str, str]
    directory: Path
    ready_url: str
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self.program.command,
                cwd=self.directory,
                env={**self.environment, **self.program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until(self._answers, f"{self.program.name} ready", seconds=180, explain=lambda: self.log[-4000:])

    def hang(self) -> None:
        """Let it take connections, and answer none."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash of the machine does."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def terminate(self) -> int:
        """End it as the lab does; return its exit code."""
        assert self._process, "it does not run"
        self._process.terminate()
        code = self._process.wait(20)
        self.kill()
        return code

    @property
    def _log(self) -> Path:
        return self.directory / f"{self.program.name}-{httpx.URL(self.ready_url).port}.log"

    def _signal(self, number: signal.Signals) -> None:
        assert self._process, "it does not run"
        os.killpg(self._process.pid, number)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log[-4000:]
        try:
            return local_http.get(self.ready_url, timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@contextlib.contextmanager
def running_registry(checkout: Checkout) -> Iterator[Running]:
    """Start the registry of a copy of the repository, and end it whatever became of it."""
    at_least("service", "the registry of models")
    lend_environment(checkout)
    with _running(checkout, REGISTRY, "/health", {}) as registry:
        yield registry


@contextlib.contextmanager
def running_sync(checkout: Checkout, **environment: str) -> Iterator[Running]:
    """Start the model-sync of a copy of the repository, by default with its settings, and end it in any case."""
    with _running(checkout, MODEL_SYNC, "/metrics", environment) as sync:
        yield sync


@contextlib.contextmanager
def _running(checkout: Checkout, name: str, ready_path: str, own: Mapping[str, str]) -> Iterator[Running]:
    project = Project(checkout.root)
    settings = Settings.load(project, {**checkout.environment, **own})
    environment = {**checkout.environment, **shared_environment(project, settings, project.run_dir), **own}
    programs = {each.name: each for each in programs_for(project, settings, _NO_TOOLS, project.run_dir)}
    url = f"http://127.0.0.1:{settings.ports[name]}{ready_path}"
    running = Running(programs[name], environment, checkout.root, url)
    try:
        running.start()
        yield running
    finally:
        running.kill()
