"""Runs a service under gunicorn: preload, fork, watch, drain.

gunicorn is the arbiter of every service, so start, restart and shutdown are equal; only the worker class differs.
"""

import ctypes
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from serving_core.arbiter import ServiceArbiter
from serving_core.runtime.lifecycle import StartupError
from serving_core.runtime.logs import configure_logging
from serving_core.runtime.settings import Settings, SettingsError
from serving_core.service import Service

_WRONG_SETTING, _CANNOT_START = 2, 1
_IN_MEMORY = "/dev/shm"  # noqa: S108 - only where directories with random names are made
_MOST_CONNECTIONS, _OTHER_FILES = 10_000, 200
_WORKER_TIMEOUT_SECONDS = 30
# malloc.h: from which size on a block has pages of its own, and how much free memory at the end of the heap is kept.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _RETURNED_BYTES = -1, -3, 128 << 10


@dataclass(frozen=True)
class Program:
    """What distinguishes one service from another."""

    name: str
    """The name of the command."""
    framework: str
    """The web framework's distribution, such as `flask`."""
    server: str
    """The server and its workers, for people."""
    default_port: int
    worker_class: str
    """The worker class: gunicorn's name for it or its dotted path."""
    create_app: Callable[[Service], Any]
    """Creates the WSGI or ASGI application."""
    hooks: Callable[[Service], Mapping[str, Any]] = field(default=lambda _: {})
    """Further settings of gunicorn, such as hooks."""


def run(program: Program) -> None:
    """Run a service until it is told to stop; exits with 2 if a setting is invalid, with 1 if it cannot start."""
    try:
        settings = Settings.from_environment(os.environ, default_port=program.default_port)
    except SettingsError as error:
        _exit_with_line(program, error, _WRONG_SETTING)
    configure_logging(settings)
    # Until gunicorn installs its handler: exit in order, so that the directory below is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _return_memory()
    arbiter_pid = os.getpid()
    try:
        run_dir = _make_run_dir(settings, program.name)
    except OSError as error:
        _exit_with_line(program, f"RUN_DIR: cannot write to {error.filename}: {error.strerror}", _WRONG_SETTING)
    try:
        _check_address(settings)
        service = Service(settings, run_dir, name=program.name, framework=program.framework, server=program.server)
        _Application(program, service, run_dir).run()
    except StartupError as error:
        _exit_with_line(program, error, _CANNOT_START)
    finally:
        if os.getpid() == arbiter_pid:  # forked workers get here too
            shutil.rmtree(run_dir)


def _return_memory() -> None:
    """Let glibc return what large requests have used; by itself, it keeps the more the larger its blocks were."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_M_MMAP_THRESHOLD, _RETURNED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _RETURNED_BYTES)


def _exit_with_line(program: Program, line: object, status: int) -> NoReturn:
    print(f"{program.name}: {line}", file=sys.stderr)  # noqa: T201 - logging is not set up yet
    sys.exit(status)


def _make_run_dir(settings: Settings, name: str) -> Path:
    """A new directory: metrics files of an earlier run must not be counted again."""
    parent = settings.run_dir or (_IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))


def _check_address(settings: Settings) -> None:
    """Check before the model is loaded that the address is free; gunicorn retries for seconds and says less."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        # Name resolution fails with negative numbers, which strerror does not know.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "no such host"
        raise StartupError(f"cannot listen on HOST {settings.host}, PORT {settings.port}: {reason}") from None


def _connections() -> int:
    """How many connections a worker may have, most of them idle; asks for as many files as that takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - _OTHER_FILES, files // 2)


class _Application(BaseApplication):
    """The service as gunicorn sees it: settings and, on request, the application."""

    def __init__(self, program: Program, service: Service, run_dir: Path) -> None:
        self.service = service
        self._program = program
        self._run_dir = run_dir
        super().__init__(prog=program.name)

    def load_config(self) -> None:
        settings = self.service.settings
        options = {
            "bind": f"[{settings.host}]:{settings.port}"
            if ":" in settings.host
            else f"{settings.host}:{settings.port}",
            "proc_name": self._program.name,
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": self._program.worker_class,
            "preload_app": True,
            "timeout": _WORKER_TIMEOUT_SECONDS,
            "graceful_timeout": settings.graceful_timeout_seconds,
            "keepalive": settings.keep_alive_seconds,
            "worker_connections": _connections(),
            "worker_tmp_dir": str(self._run_dir),
            "control_socket_disable": True,  # two services of one user would use the same socket
            # Only TRUSTED_PROXIES decides what headers may say. gunicorn would believe these of any local client.
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "forwarded_allow_ips": "*",  # to believe nothing; gunicorn would look up each client before it does
            "logger_class": _JsonLogger,
            "pre_fork": ServiceArbiter.admit,
            "post_fork": ServiceArbiter.begin_worker,
            "child_exit": ServiceArbiter.forget,
            **self._program.hooks(self.service),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401 - gunicorn's own signature: WSGI or ASGI
        return self._program.create_app(self.service)

    def run(self) -> None:
        ServiceArbiter(self).run()


class _JsonLogger(Logger):
    """gunicorn's logger without its own handlers: `configure_logging` has already configured logging."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's own signature
        """Keep the handlers and levels."""

    def access(self, *_: object) -> None:
        """Nothing: the service writes its own access log."""
