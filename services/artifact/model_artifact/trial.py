"""Tries a model out in a process of its own, with bounds of time and memory."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from model_artifact.errors import ArtifactError, Reason

SECONDS = 20.0
MEMORY_BYTES = 512 << 20
REFUSED = 3
"""Status of a process that refuses its model."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a model that may be used."""

    digest: str
    """Of the artifact (`model_artifact.files.Artifact.digest`)."""
    version: str
    sha256: str
    """Of model.onnx."""
    largest_difference: float
    """From scikit-learn's answers to the golden rows, relative."""
    row_seconds: float
    """What the slowest of the timed rows took, each at its fastest."""
    memory_bytes: int
    """By which the process grew at most."""


class Refusal(msgspec.Struct, frozen=True):
    """What the process says of a model that may not be used."""

    reason: Reason
    text: str


def try_out(directory: Path, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> Trial:
    """Try a model out, and wait for it.

    Args:
        directory: of the model.
        seconds: how long the trial may take.
        memory_bytes: by how much its process may grow once it has loaded its libraries.

    Raises:
        ArtifactError: the model may not be used.
    """
    checking = Checking(directory, seconds=seconds, memory_bytes=memory_bytes)
    try:
        while (trial := checking.poll()) is None:
            checking.wait(0.05)
        return trial
    finally:
        checking.kill()


class Checking:
    """A trial that is under way; for a caller that must not wait."""

    def __init__(self, directory: Path, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        """Start it; the arguments are those of `try_out`."""
        self._ends = time.monotonic() + seconds
        self._seconds = seconds
        # Files in memory, not pipes: a process that writes without end fills no pipe, and meets its limit.
        self._answer = os.fdopen(os.memfd_create("trial"), "rb")
        self._complaint = os.fdopen(os.memfd_create("trial-errors"), "rb")
        self._process = subprocess.Popen(  # noqa: S603 - this package's own module
            [
                *(sys.executable, "-I", "-B", "-m", "model_artifact.trial_process"),
                *(str(directory.absolute()), str(seconds), str(memory_bytes)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._answer,
            stderr=self._complaint,
            cwd="/",
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"},
            start_new_session=True,
        )

    def poll(self) -> Trial | None:
        """What was seen, once the trial has ended.

        Raises:
            ArtifactError: the model may not be used.
        """
        status = self._process.poll()
        if status is None:
            if time.monotonic() < self._ends:
                return None
            self.kill()
            raise ArtifactError(Reason.TIME, f"its trial took more than {self._seconds:g} s")
        answer = _content(self._answer)
        if status == 0:
            return msgspec.json.decode(answer, type=Trial)
        if status == REFUSED:
            refusal = msgspec.json.decode(answer, type=Refusal)
            raise ArtifactError(refusal.reason, refusal.text)
        if status == -signal.SIGXCPU:
            raise ArtifactError(Reason.TIME, f"its trial took more than {self._seconds:g} s of processor time")
        ended = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        said = _content(self._complaint).decode(errors="replace").strip().splitlines()
        raise ArtifactError(Reason.CRASH, f"its trial ended with {ended}" + (f": {said[-1][:200]}" if said else ""))

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended, or so long."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def kill(self) -> None:
        """End it; does nothing if it has ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
