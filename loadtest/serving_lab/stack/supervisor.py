"""supervisord, which keeps the programs on the host alive: its configuration, and a client of its socket."""

import http.client
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

import psutil

from serving_lab.errors import LabError
from serving_lab.stack.service import without_number

RUN_DIR_VARIABLE = "LAB_RUN_DIR"
"""In the environment of every program, so that one whose supervisord was killed is still found and ended."""

_GROUP = "lab"
_LOG_BYTES, _LOG_BACKUPS = 10 << 20, 2
_START_SECONDS = 15.0
_SOCKET_PATH_BYTES = 103  # macOS; Linux has 107
_TEMPORARY_SUFFIX = ".1234567"  # supervisord binds a name with its process id first


@dataclass(frozen=True)
class Program:
    """One program under supervision."""

    name: str
    command: tuple[str, ...]
    stop_seconds: float
    """How long it may take to end after SIGTERM before it is killed."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it sees besides the environment all programs share."""
    stop_signal: str = "TERM"


class State(StrEnum):
    """What supervisord says of a program."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"

    @property
    def over(self) -> bool:
        """Whether the program ended and will not be started again by itself."""
        return self in {State.EXITED, State.FATAL, State.STOPPED}


@dataclass(frozen=True)
class Process:
    """A program as it runs; `pid` is 0 where it does not."""

    name: str
    state: State
    pid: int
    description: str
    started: int
    """When it was last started, in whole seconds since 1970."""

    @property
    def service(self) -> str:
        """The service it belongs to."""
        return without_number(self.name)


class Supervisor:
    """The supervisord of one run directory; whether it runs is asked of its socket and of nothing else."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._socket = run_dir / "supervisor.sock"
        self._added = run_dir / "added"

    def identity(self) -> str | None:
        """The identity that the running supervisord was started with; None where none runs."""
        try:
            return cast("str", self._call("getIdentification"))
        except (OSError, http.client.HTTPException):
            return None

    def processes(self) -> list[Process]:
        """The programs, sorted by name."""
        return [
            Process(
                name=str(info["name"]),
                state=State(str(info["statename"])),
                pid=cast("int", info["pid"]),
                description=str(info["description"]),
                started=cast("int", info["start"]),
            )
            for info in cast("list[dict[str, object]]", self._call("getAllProcessInfo"))
        ]

    def log_file(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.run_dir / "logs" / f"{name}.log"

    def start(self, identity: str, programs: list[Program], environment: Mapping[str, str]) -> None:
        """Start supervisord in the background, and with it the programs, which see `environment`.

        Raises:
            LabError: it does not start.
        """
        if len(os.fsencode(f"{self._socket}{_TEMPORARY_SUFFIX}")) > _SOCKET_PATH_BYTES:
            raise LabError(
                f"{self.run_dir} is too long a path for a socket", hint="move the checkout to a shorter path"
            )
        (self.run_dir / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run_dir.chmod(0o700)
        configuration = self.run_dir / "supervisord.conf"
        configuration.write_text(self._configuration(identity, programs), encoding="utf-8")
        # Settings and commands travel in supervisord's own environment, and paths are relative: its configuration has
        # no quoting for a path such as `100% #1`.
        commands = {_command_variable(program.name): shlex.join(program.command) for program in programs}
        result = subprocess.run(  # noqa: S603
            [Path(sys.executable).parent / "supervisord", "-c", configuration],
            cwd=self.run_dir.parent,
            env={**os.environ, **environment, **commands, RUN_DIR_VARIABLE: str(self.run_dir)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0 or not wait_for(lambda: self.identity() is not None, _START_SECONDS):
            said = (result.stdout + result.stderr).strip() or "it does not say why"
            raise LabError(f"supervisord did not start: {said}")

    def restart(self, names: Sequence[str]) -> None:
        """Stop these programs and start them again."""
        for name in names:
            if not next(process for process in self.processes() if process.name == name).state.over:
                self._call("stopProcess", f"{_GROUP}:{name}", False)
        wait_for(lambda: all(process.state.over for process in self.processes() if process.name in names), 3600)
        for name in names:
            self._call("startProcess", f"{_GROUP}:{name}", False)

    def start_stopped(self, name: str) -> None:
        """Start a program that is over or about to be; one that runs stays as it is."""

        def state() -> State:
            return next(process.state for process in self.processes() if process.name == name)

        wait_for(lambda: state() is not State.STOPPING, 3600)
        if state().over:
            self._call("startProcess", f"{_GROUP}:{name}", False)

    def add(self, program: Program, like: str) -> None:
        """Start one more program beside those of the group.

        Args:
            program: What is started; its command is that of `like`.
            like: The name of a program that was there from the start.
        """
        path = self._added / f"{program.name}.conf"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text("\n".join(self._section(program, like)) + "\n", encoding="utf-8")
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name)

    def remove(self, name: str) -> None:
        """End a program that was added, and forget it."""
        (self._added / f"{name}.conf").unlink(missing_ok=True)
        if any(process.name == name for process in self.processes()):
            self._call("stopProcessGroup", name, False)
            wait_for(lambda: all(each.state.over for each in self.processes() if each.name == name), 3600)
            self._call("removeProcessGroup", name)
        self._call("reloadConfig")

    def stop(self) -> bool:
        """End supervisord and all programs, and remove the run directory; return whether there was anything to end."""
        found = self.run_dir.exists()
        if self.identity() is not None:
            pid = cast("int", self._call("getPID"))
            self._call("shutdown")
            wait_for(lambda: not psutil.pid_exists(pid), 3600)  # it kills what outstays its stop_seconds
        found |= self._end_orphans()
        shutil.rmtree(self.run_dir, ignore_errors=True)
        return found

    def _end_orphans(self) -> bool:
        orphans = [process for process in psutil.process_iter() if self._started_here(process)]
        for process in orphans:
            _signal(process.terminate)
        _, alive = psutil.wait_procs(orphans, timeout=30)
        for process in alive:
            _signal(process.kill)
        return bool(orphans)

    def _started_here(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(RUN_DIR_VARIABLE) == str(self.run_dir) and process.pid != os.getpid()
        except (psutil.Error, OSError):
            return False

    def _call(self, method: str, *arguments: str | bool) -> object:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._socket))
        with proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.run_dir.parent))

    def _configuration(self, identity: str, programs: list[Program]) -> str:
        lines = [
            "[unix_http_server]",
            f"file={self._relative(self._socket)}",
            "chmod=0700",
            "[supervisord]",
            f"identifier={identity}",
            "directory=.",
            f"logfile={self._relative(self.log_file('supervisord'))}",
            f"pidfile={self._relative(self.run_dir / 'supervisord.pid')}",
            "silent=true",
            *(["user=root"] if os.geteuid() == 0 else []),  # said outright, or it warns that nobody said it
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            f"[group:{_GROUP}]",  # a group's programs stop side by side, programs of their own one after another
            f"programs={','.join(program.name for program in programs)}",
            "[include]",
            f"files={self._added.name}/*.conf",  # relative to this file
        ]
        for program in programs:
            lines += self._section(program, program.name)
        return "\n".join(lines) + "\n"

    def _section(self, program: Program, command_of: str) -> list[str]:
        pairs = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
        return [
            f"[program:{program.name}]",
            f"command=%(ENV_{_command_variable(command_of)})s",
            *([f"environment={pairs}"] if pairs else []),
            # A wrong setting (exit code 2) or a damaged model (1) stays wrong; after a crash a restart may help.
            "autorestart=unexpected",
            "exitcodes=1,2",
            "startsecs=1",
            "startretries=0",
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={program.stop_seconds:.0f}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={self._relative(self.log_file(program.name))}",
            f"stdout_logfile_maxbytes={_LOG_BYTES}",
            f"stdout_logfile_backups={_LOG_BACKUPS}",
        ]


def wait_for(condition: Callable[[], bool], timeout_seconds: float, interval_seconds: float = 0.1) -> bool:
    """Wait until the condition holds; return whether it did in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval_seconds)
    return True


def _command_variable(name: str) -> str:
    return f"COMMAND_OF_{name.replace('-', '_')}"  # a shell, which may stand before, drops odd names


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002 - there is one host: the socket
        return _UnixConnection(self._path)
