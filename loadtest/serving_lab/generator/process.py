"""A process of the generator that the laboratory starts: on this host, or in a container of the stack."""

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
        return ProcessLink(ours, process)


class ProcessLink(Link):
    """The way to a process that was started here: its standard input and output."""

    def __init__(self, stream: socket.socket, process: subprocess.Popen[bytes]) -> None:
        super().__init__(stream)
        self._process = process

    @property
    def pid(self) -> int:
        """Of what was started."""
        return self._process.pid

    def close(self) -> None:
        """Close its streams, and wait for its end for some seconds; then it is ended."""
        self.hang_up()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def processes(
    count: int = 1, command: Sequence[str] = HERE, environment: Mapping[str, str] | None = None
) -> list[Process]:
    """So many processes of `command`: `python -m serving_lab.generator`, here or in a container."""
    return [Process(f"process {number}", tuple(command), environment) for number in range(1, count + 1)]
