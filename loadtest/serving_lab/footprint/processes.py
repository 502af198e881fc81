"""Targets as processes of this host."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.api import template
from serving_lab.errors import LabError
from serving_lab.footprint.launching import undisturbed

_SHOWN_CHARACTERS = 600
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class HostProcess:
    """A process that was started."""

    zero: float
    _process: subprocess.Popen[bytes]
    _output: Path

    @property
    def container(self) -> None:
        """It has none."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ended(self) -> str | None:
        """Return how it ended and its last words; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        said = self._output.read_text(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        return f"exit code {code}" + (f": {said}" if said else "")


@dataclass(frozen=True)
class ProcessLauncher:
    """Starts a program; `${port}` in its command and environment is where it is to listen."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    stop_seconds: float = _STOP_SECONDS
    """How long it may take to end before it is killed."""

    @contextlib.contextmanager
    def launch(self, port: int) -> Iterator[HostProcess]:
        """Start it; after it, it and its children are gone."""
        filled = template.fill([list(self.command), dict(self.environment)], {"port": str(port)})
        command, environment = filled
        with tempfile.NamedTemporaryFile(prefix="footprint-") as output:
            zero = time.perf_counter()
            try:
                process = subprocess.Popen(  # noqa: S603
                    command,
                    env={**os.environ, **environment},
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise LabError(f"{command[0]} cannot be started: {error.strerror}", hint="make install") from error
            try:
                yield HostProcess(zero, process, Path(output.name))
            finally:
                with undisturbed():
                    self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.stop_seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its session: also what it left behind
        process.wait()
