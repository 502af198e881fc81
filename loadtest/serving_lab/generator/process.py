"""A process of the generator that the laboratory starts: on this host, or in a container of the stack."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving_lab.generator.link import Link

HERE = (sys.executable, "-m", "serving_lab.generator")
"""Starts a process of the generator on this host."""

_END_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """How a process of the generator is started."""

    name: str
    command: tuple[str, ...] = HERE
    environment: Mapping[str, str] | None = None
    processors: frozenset[int] | None = None
    """Where it may run; None: anywhere."""

    def open(self) -> "ProcessLink":
        """Start it."""
        ours, theirs = socket.socketpair()
        with theirs:
            # A session of its own: Ctrl-C is for the laboratory, which ends its processes itself.
            process = subprocess.Popen(  # noqa: S603
                self.command,
                env=self.environment,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                start_new_session=True,
            )
        if self.processors:
            # It may have ended already, which the first word to it finds out.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(process.pid, self.processors)
        return ProcessLink(self.name, ours, process)


class ProcessLink(Link):
    """The way to a process that was started here: its standard input and output."""

    def __init__(self, name: str, stream: socket.socket, process: subprocess.Popen[bytes]) -> None:
        super().__init__(name, stream, here=True)
        self.pid = process.pid
        self._process = process

    def close(self) -> None:
        """Close its streams, and wait for its end for some seconds; then it is ended."""
        self.hang_up()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def processes(
    count: int = 1,
    command: Sequence[str] = HERE,
    environment: Mapping[str, str] | None = None,
    processors: frozenset[int] | None = None,
) -> list[Process]:
    """So many processes of `command`: `python -m serving_lab.generator`, here or in a container."""
    return [Process(f"process {number}", tuple(command), environment, processors) for number in range(1, count + 1)]
