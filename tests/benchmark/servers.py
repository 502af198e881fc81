"""The servers that are measured: services, no-ops of their frameworks, and servers without a framework."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from serving_lab.errors import LabError
from serving_lab.targets.catalogue import Entry
from support import local_http
from support.services import free_port, running_service, wait_until
from support.tokens import claims, sign

SECRET_KEY = "a-key-for-measuring-that-is-long-enough-for-every-algorithm-0123456789"
TOKEN = sign(claims(), SECRET_KEY)
BARE = {"bare_wsgi": "bare WSGI", "bare_asgi": "bare ASGI"}
_ROW = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]
_THREADS = 4
_TESTS = Path(__file__).parents[1]
_NO_OPS = Path(__file__).parent / "no_ops"


@dataclass(frozen=True)
class Server:
    """A server that answers POST /predict."""

    name: str
    url: str
    pid: int
    yardstick: str | None = None
    """The name of the server that it is compared with."""

    def cpu_seconds(self) -> float:
        """The processor time of all its processes so far."""
        first = psutil.Process(self.pid)
        return sum(sum(process.cpu_times()[:2]) for process in (first, *first.children(recursive=True)))


@contextlib.contextmanager
def running(services: Sequence[Entry], model_dir: Path) -> Iterator[list[Server]]:
    """Start all servers on the processors of this process; each service comes right before its no-op.

    Raises:
        LabError: one of them does not answer as it should.
    """
    with contextlib.ExitStack() as stack:
        servers = []
        for entry in services:
            package = entry.name.replace("-", "_")
            no_op = f"no-op of {entry.label}" if (_NO_OPS / f"{package}.py").exists() else None
            servers.append(Server(entry.label, *stack.enter_context(_service(entry, model_dir)), no_op))
            if no_op:
                servers.append(Server(no_op, *stack.enter_context(_gunicorn(package))))
        servers += [Server(name, *stack.enter_context(_gunicorn(module))) for module, name in BARE.items()]
        servers.append(Server("wrk's own limit", *stack.enter_context(_responder())))
        for server in servers:
            _check(server)
        yield servers


@contextlib.contextmanager
def _service(entry: Entry, model_dir: Path) -> Iterator[tuple[str, int]]:
    # As in the images.
    settings = {"WORKERS": 1, "THREADS": _THREADS, "DOCUMENTATION": None, "OPENBLAS_NUM_THREADS": 1}
    with running_service(entry.name, model_dir, SECRET_KEY=SECRET_KEY, **settings) as service:
        yield service.base_url, service.pid


@contextlib.contextmanager
def _gunicorn(module: str) -> Iterator[tuple[str, int]]:
    """A no-op under gunicorn, with the settings that `serving_core.server` gives it."""
    name = f"benchmark.no_ops.{module}"
    flags = ["--preload", "--no-control-socket", "--log-level=warning", f"--threads={_THREADS}", "--keep-alive=75"]
    command = [sys.executable, "-m", "gunicorn", f"--config=python:{name}", f"{name}:app", *flags]
    with _process(command, "--bind=127.0.0.1:{port}") as running:
        yield running


@contextlib.contextmanager
def _responder() -> Iterator[tuple[str, int]]:
    with _process([sys.executable, "-m", "benchmark.no_ops.responder"], "{port}") as running:
        yield running


@contextlib.contextmanager
def _process(command: Sequence[str], where: str) -> Iterator[tuple[str, int]]:
    """Run a server at a free port, and yield its URL and process id when it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*command, where.format(port=port)], cwd=_TESTS) as process:
        try:
            wait_until(lambda: _answers(url), " ".join(command))
            yield url, process.pid
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return _ask(url).status_code == 200
    except httpx.TransportError:
        return False


def _ask(url: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return local_http.post(f"{url}/predict", json={"features": _ROW}, headers=headers)


def _check(server: Server) -> None:
    response = _ask(server.url)
    if response.status_code != 200 or set(response.json()) != {"prediction", "cached", "model_version"}:
        raise LabError(f"{server.name} answers {response.status_code}: {response.text}")
