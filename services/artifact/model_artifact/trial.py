"""Tries a model out in a process of its own, with bounds of time and memory."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from model_artifact.errors import ArtifactError, Reason

SECONDS = 20.0
MEMORY_BYTES = 512 << 20
ROW_SECONDS = 0.02
"""A forest of 100 trees takes a thousandth of it."""


class Trial(msgspec.Struct, frozen=True, kw_only=True, tag=True):
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


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """What the process says of a model that may not be used."""

    reason: Reason
    text: str


@dataclass(frozen=True)
class Bounds:
    """What a trial may take."""

    seconds: float = SECONDS
    """All of it."""
    memory_bytes: int = MEMORY_BYTES
    """By how much its process may grow once it has loaded its libraries."""
    row_seconds: float = ROW_SECONDS
    """One row."""


def try_out(
    directory: Path, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES, row_seconds: float = ROW_SECONDS
) -> Trial:
    """Try a model out within the bounds of `Bounds`, and wait for it.

    Raises:
        ArtifactError: the model may not be used.
    """
    checking = Checking(directory, Bounds(seconds, memory_bytes, row_seconds))
    try:
        while (trial := checking.poll()) is None:
            checking.wait(0.05)
        return trial
    finally:
        checking.kill()


class Checking:
    """A trial that is under way; for a caller that must not wait."""

    def __init__(self, directory: Path, bounds: Bounds | None = None) -> None:
        """Start it in a process of its own, which gets nothing of this one but the name of the directory."""
        self._bounds = bounds or Bounds()
        self._ends = time.monotonic() + self._bounds.seconds
        # Files in memory, not pipes: a process that writes without end fills no pipe, and meets its limit.
        self._answer, self._complaint = _file_in_memory("answer"), _file_in_memory("complaint")
        self._process = subprocess.Popen(  # noqa: S603 - this package's own module
            [
                *(sys.executable, "-I", "-B", "-m", "model_artifact.trial_process"),
                *(str(directory.absolute()), msgspec.json.encode(self._bounds).decode()),
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
            raise ArtifactError(Reason.TIME, f"its trial took more than {self._bounds.seconds:g} s")
        try:
            # The answer counts, and not the status: a server that waits for all its children may have taken that.
            answer = msgspec.json.decode(_content(self._answer), type=Trial | Refusal)
        except msgspec.MsgspecError:
            raise self._death(status) from None
        if isinstance(answer, Refusal):
            raise ArtifactError(answer.reason, answer.text)
        return answer

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

    def _death(self, status: int) -> ArtifactError:
        said = _content(self._complaint).decode(errors="replace").strip().splitlines()
        last = f": {said[-1]}" if said else ""
        if status == -signal.SIGXCPU:
            return ArtifactError(Reason.TIME, f"its trial took more than {self._bounds.seconds:g} s of processor time")
        if "bad_alloc" in last or "MemoryError" in last:
            return ArtifactError(Reason.MEMORY, f"it needs more than {self._bounds.memory_bytes >> 20} MiB{last}")
        ended = f"signal {-status}" if status < 0 else f"status {status}"
        return ArtifactError(Reason.CRASH, f"its trial ended with {ended} and no answer{last}")


def _file_in_memory(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "rb")


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
