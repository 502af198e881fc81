"""The services of the catalogue as real processes, or as addresses of a stack that already runs."""

import contextlib
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from serving_lab.targets.catalogue import Besides, Catalogue

from support import local_http
from support.tiers import at_least

RUNNING_URLS: Mapping[str, str] = dict(
    target.split("=", 1) for target in os.environ.get("CONTRACT_TARGETS", "").split()
)
"""Of a stack that already runs, by service; empty where the tests start the services."""

CATALOGUE = Catalogue.read(Path(__file__).parents[2] / "loadtest" / "catalogue.yaml")
SERVICE_NAMES = tuple(entry.name for entry in CATALOGUE.entries if not RUNNING_URLS or entry.name in RUNNING_URLS)
"""The baseline first."""
BASELINE, *CANDIDATES = SERVICE_NAMES

Setting = str | int | float | Path | None

SECRET_KEY = "a-secret-key-for-tests-that-is-long-enough-for-HS512-too-0123456789"
USERNAME = "tester"
PASSWORD = "correct horse battery staple"

START_SECONDS = 60.0
STOP_SECONDS = 45.0
REFUSE_SECONDS = 20.0

# Below the range the kernel hands to outgoing connections, so that a load beside cannot take the port meanwhile.
PORTS = range(20000, 32000)
CLAIMED_SECONDS = 900.0
"""How long a port is kept for whom it was given to."""


def with_besides(what: Besides) -> tuple[str, ...]:
    """Return the services that have this on top of the contract."""
    return tuple(entry.name for entry in CATALOGUE.entries if what in entry.besides and entry.name in SERVICE_NAMES)


def without_besides(what: Besides) -> tuple[str, ...]:
    """Return the services that have only the contract in this respect."""
    return tuple(name for name in SERVICE_NAMES if name not in with_besides(what))


@dataclass(frozen=True)
class RunningService:
    """A service that answers.

    `process` and `directory`, where it runs and its output is kept, are None where somebody else started it.
    """

    name: str
    base_url: str
    username: str
    password: str
    secret_key: str
    process: subprocess.Popen[bytes] | None = None
    directory: Path | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for raw sockets."""
        url = httpx.URL(self.base_url)
        return url.host, url.port or 80

    @property
    def pid(self) -> int:
        """The arbiter's process id."""
        if self.process is None:
            raise RuntimeError(f"{self.name} was not started here: it has no process to look at")
        return self.process.pid

    def client(self, token: str | None = None, *, keep_alive: bool = True) -> httpx.Client:
        """Return an HTTP client, signed in where given a token; `keep_alive=False` opens a connection a request."""
        return local_http.client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            limits=httpx.Limits(max_keepalive_connections=20 if keep_alive else 0),
            timeout=30,
        )

    def login(self) -> str:
        """Return a fresh token of this service."""
        with self.client() as client:
            response = client.post("/login", json={"username": self.username, "password": self.password})
        response.raise_for_status()
        token = response.json()["token"]
        assert isinstance(token, str)
        return token

    def worker_pids(self) -> list[int]:
        """Return the worker processes, the oldest first: the arbiter's children that hold its listening socket."""
        listening = _socket_inodes(self.pid)
        return [pid for pid in children(self.pid) if _socket_inodes(pid) & listening]

    def pin(self, processor: int) -> None:
        """Keep all of it on one processor."""
        for pid in (self.pid, *children(self.pid)):
            for thread in (Path("/proc") / str(pid) / "task").iterdir():
                os.sched_setaffinity(int(thread.name), {processor})

    def stdout(self) -> str:
        """Return what the service printed so far."""
        return self._log("stdout")

    def stderr(self) -> str:
        """Return what the service printed to stderr so far."""
        return self._log("stderr")

    def _log(self, stream: str) -> str:
        path = self.directory / stream if self.directory else None
        return path.read_text(errors="replace") if path and path.exists() else ""


StartedService = Callable[[str], RunningService]
"""Gives the service of this name, which runs."""


def settings_environment(model_dir: Path | str, **settings: Setting) -> dict[str, str]:
    """Return the whole environment of a service process; a setting that is None is left out."""
    defaults: dict[str, Setting] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOST": "127.0.0.1",
        "PORT": free_port(),
        "WORKERS": 2,
        "SECRET_KEY": SECRET_KEY,
        "API_USERNAME": USERNAME,
        "API_PASSWORD": PASSWORD,
        "MODEL_DIR": model_dir,
        "DRAIN_SECONDS": 0,
        "DOCUMENTATION": "true",
        "LOGIN_RATE_LIMIT": "100000/second",
    }
    return {key: str(value) for key, value in (defaults | settings).items() if value is not None}


def command(name: str) -> list[str]:
    """Return the console script of the environment the tests run in."""
    return [str(Path(sys.executable).parent / name)]


@contextlib.contextmanager
def running_service(
    name: str, model_dir: Path | str, by: Sequence[str] = (), /, **settings: Setting
) -> Iterator[RunningService]:
    """Start the service as its users do, yield it when it is ready, and stop it as an engine does.

    Settings are given by their environment names, and `by` is as `launched_service` has it. On leaving, the service
    gets SIGTERM and must exit 0 within STOP_SECONDS with no process left behind; what it printed is shown where it does
    not.
    """
    with launched_service(name, model_dir, by, **settings) as service:
        wait_until_ready(service)
        yield service
        stop(service)


@contextlib.contextmanager
def running_services(
    model_dir: Path | str, names: Sequence[str] = SERVICE_NAMES, **settings: Setting
) -> Iterator[Mapping[str, RunningService]]:
    """Start services side by side with the same settings, as `running_service` does with one."""
    with contextlib.ExitStack() as stack:
        group = {name: stack.enter_context(launched_service(name, model_dir, **settings)) for name in names}
        for service in group.values():
            wait_until_ready(service)
        yield group
        for service in group.values():
            terminate(service)
        for service in group.values():
            wait_stopped(service)


@contextlib.contextmanager
def launched_service(
    name: str, model_dir: Path | str, by: Sequence[str] = (), /, **settings: Setting
) -> Iterator[RunningService]:
    """Start the process only: for tests of the start and the end themselves. Whatever is left is killed on leaving.

    `by` is a command that ends in becoming the service.
    """
    at_least("service", name)
    environment = settings_environment(model_dir, **settings)
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    with (directory / "stdout").open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [*by, *command(name)], env=environment, cwd=directory, stdout=stdout, stderr=stderr, start_new_session=True
        )
    service = RunningService(
        name=name,
        base_url=f"http://127.0.0.1:{environment['PORT']}",
        username=environment.get("API_USERNAME", ""),
        password=environment.get("API_PASSWORD", ""),
        secret_key=environment.get("SECRET_KEY", ""),
        process=process,
        directory=directory,
    )
    try:
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


@dataclass(frozen=True)
class Refusal:
    """How a service ended that did not start."""

    exit_code: int
    stdout: str
    stderr: str


def refusal(name: str, model_dir: Path | str, **settings: Setting) -> Refusal:
    """Start a service that is expected not to start, and return how it ended."""
    with launched_service(name, model_dir, **settings) as service:
        assert service.process is not None
        try:
            exit_code = service.process.wait(REFUSE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{name} did not refuse {settings}\n{report(service)}") from None
        return Refusal(exit_code, service.stdout(), service.stderr())


def refusals(model_dir: Path | str, **settings: Setting) -> list[Refusal]:
    """Start all services, which are expected not to start, and return how they ended."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda name: refusal(name, model_dir, **settings), SERVICE_NAMES))


def wait_until_ready(service: RunningService) -> None:
    """Return when /ready answers 200; raise with the service's stderr where it ends or takes too long."""

    def ready() -> bool:
        if service.process is not None and service.process.poll() is not None:
            raise AssertionError(f"{service.name} ended before it was ready\n{report(service)}")
        try:
            return local_http.get(f"{service.base_url}/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(ready, f"{service.name} ready", seconds=START_SECONDS, explain=lambda: report(service))


def stop(service: RunningService) -> None:
    """Ask the service to end and check that it ends well."""
    terminate(service)
    wait_stopped(service)


def terminate(service: RunningService) -> None:
    """Send SIGTERM to the arbiter, as a container engine does; nothing where it has ended."""
    assert service.process is not None
    service.process.send_signal(signal.SIGTERM)


def wait_stopped(service: RunningService) -> None:
    """Wait for the end that SIGTERM asked for: exit code 0 within STOP_SECONDS, and nothing left running."""
    assert service.process is not None
    try:
        service.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{service.name} ignored SIGTERM for {STOP_SECONDS:.0f} s\n{report(service)}") from None
    assert service.process.returncode == 0, f"{service.name} ended badly on SIGTERM\n{report(service)}"
    left = process_group(service.pid)
    assert not left, f"{service.name} left processes behind: {left}\n{report(service)}"


def report(service: RunningService, characters: int = 6000) -> str:
    """Return what a person needs to see of a service that misbehaved."""
    code = service.process.poll() if service.process else None
    return (
        f"exit code: {code}\n--- stdout\n{service.stdout()[-characters:]}\n--- stderr\n{service.stderr()[-characters:]}"
    )


def wait_until(
    condition: Callable[[], bool], what: str, seconds: float = 20.0, explain: Callable[[], str] = lambda: ""
) -> None:
    """Poll until the condition holds; fail with its name where it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{explain()}")
        time.sleep(0.02)


def free_port() -> int:
    """Return a TCP port nobody listens on, and that was given to no other test of this or another process lately."""
    for port in random.sample(PORTS, 200):
        if not _claimed(port):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no free port between 20000 and 32000")


def _claimed(port: int) -> bool:
    """Whether the port is now this caller's: between choosing one and listening there, minutes may pass."""
    directory = Path(tempfile.gettempdir()) / f"serving-lab-test-ports-{os.getuid()}"
    directory.mkdir(exist_ok=True)
    claim = directory / str(port)
    with contextlib.suppress(FileNotFoundError):
        if time.time() - claim.stat().st_mtime > CLAIMED_SECONDS:
            claim.unlink()
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def listens(port: int) -> bool:
    """Return whether somebody listens at a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def children(pid: int) -> list[int]:
    """Return the live child processes of a process, oldest first."""
    found = sorted(child for child, (state, parent, _) in _processes() if parent == pid and state != "Z")
    return sorted(found, key=_started)  # numbers begin anew where they end: they say nothing of age


def process_group(group: int) -> list[int]:
    """Return the live processes of a process group."""
    return sorted(pid for pid, (state, _, its_group) in _processes() if its_group == group and state != "Z")


def _started(pid: int) -> float:
    """When a process was started; one that is gone comes last."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return math.inf


def _processes() -> Iterator[tuple[int, tuple[str, int, int]]]:
    """Yield pid, (state, parent, process group) of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # The name is in brackets and may hold anything, spaces and brackets too.
                state, parent, group, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
                yield int(entry.name), (state, int(parent), int(group))


def _socket_inodes(pid: int) -> set[str]:
    """Return the sockets a process holds."""
    inodes = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                target = str(descriptor.readlink())
                if target.startswith("socket:"):
                    inodes.add(target)
    return inodes
