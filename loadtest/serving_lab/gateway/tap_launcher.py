"""How a tap beside the gateway is run: as a process of this machine, or however a stack does."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

_AGAIN = 0.2
"""Share of the mirrored requests that the primary is sent once more: what varies is learned from them."""
_END_SECONDS = 5.0
_RECORD = "record="


@dataclass(frozen=True)
class TapArguments:
    """What a tap does."""

    primary: str
    """Base URL, as it is reached from this machine."""
    candidate: str
    """Likewise."""
    record: Path
    description: Path | None
    """Of the API: which operations may be repeated."""

    def written(self, *, listen: str, relay: str, source: str | None = None) -> list[str]:
        """The arguments of `lab tap`, which listens at these addresses."""
        return [
            *("--primary", self.primary, "--candidate", self.candidate, f"--{_RECORD}{self.record}"),
            *("--listen", listen, "--relay", relay, "--again", str(_AGAIN)),
            *(("--source", source) if source else ()),
            *(("--description", str(self.description)) if self.description else ()),
        ]


class TapLauncher(Protocol):
    """What runs a tap."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def relay_port(self) -> int:
        """Where it takes WebSockets."""

    def start(self, arguments: TapArguments, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start one; the process runs as long as it does."""

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        """End it, after what it has begun, and wait until it has."""

    def end_left(self, process: int | None, record: Path) -> None:
        """End the one for this recording, by the process that `start` gave, whose parent was killed."""

    def host(self) -> str:
        """Where this machine and the gateway reach it, once it runs.

        Raises:
            LabError: it is nowhere.
        """


@dataclass(frozen=True)
class TapBeside:
    """A process of this machine."""

    address: str
    port: int
    relay_port: int
    source: str | None = None
    """The address that it calls services from; None: whichever the system chooses."""

    def start(self, arguments: TapArguments, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start it."""
        listen, relay = f"{self.address}:{self.port}", f"{self.address}:{self.relay_port}"
        command = [sys.executable, "-c", "from serving_lab.cli import main; main()", "tap"]
        return detached([*command, *arguments.written(listen=listen, relay=relay, source=self.source)], log)

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask it to end; after some seconds it is killed."""
        process.terminate()
        ended(process, _END_SECONDS)

    def end_left(self, process: int | None, record: Path) -> None:
        """End the process, if it still is that tap."""
        if process is None:
            return
        with contextlib.suppress(OSError):
            arguments = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
            if f"--{_RECORD}{record.resolve()}" in arguments:
                os.kill(process, signal.SIGTERM)

    def host(self) -> str:
        """Where it listens."""
        return self.address


def ended(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Wait until a process has ended, and kill it after so many seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def detached(
    command: Sequence[str], log: IO[bytes], environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own: Ctrl-C is for the rollout, which ends the tap when it is no longer needed."""
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
    )
