"""The state of the rollout of a folder, which survives its process, and the lock that makes it the only one."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from serving_lab.errors import LabError
from serving_lab.rollout.result import Decision, Ending, StageRecord

_SCHEMA = "serving-lab.rollout-state/1"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a rollout between any two of its steps."""

    schema: str = _SCHEMA
    started: str
    """UTC, ISO 8601."""
    process: int
    gateway: str
    """Address of its runtime socket."""
    primary: str
    candidate: str
    model: str | None = None
    """The version of the model that the candidate serves, where that is what is rolled out."""
    tap: int | None = None
    """The process of its tap."""
    file: str | None
    """Of its stages."""
    stage: int = 0
    """Number of the present one; 0 is shadow."""
    stage_name: str = ""
    share: int = 0
    """Basis points that the gateway was last told. It is written before the gateway is told."""
    ending: Ending | None = None
    """None: it goes on, or was killed."""
    why: str = ""
    stages: list[StageRecord] = []
    """Those that are over."""
    decisions: list[Decision] = []


class StateFile:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rollout-state.json"
        self._lock = folder / "rollout.lock"

    def read(self) -> State | None:
        """What was last written; None where there was never a rollout.

        Raises:
            LabError: it cannot be read.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise LabError(f"{self.path}: {error}", hint="lab rollout abort sets the share to 0") from error

    def write(self, state: State) -> None:
        """Write it, so that whatever happens meanwhile either the old or the new one is there in full.

        Raises:
            LabError: it cannot be written.
        """
        temporary = self.path.with_suffix(".new")
        try:
            with temporary.open("wb") as stream:
                stream.write(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise LabError(f"{self.path}: {error.strerror}", hint="--output DIR") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only rollout meanwhile; the kernel frees the lock whatever becomes of the process.

        Raises:
            LabError: another one runs.
        """
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            stream = self._lock.open("a+")
        except OSError as error:
            raise LabError(f"{self._lock}: {error.strerror}", hint="--output DIR") from error
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.seek(0)
                raise LabError(
                    f"a rollout runs already: process {stream.read().strip() or 'unknown'}",
                    hint="lab rollout status says how far it is, lab rollout abort ends it",
                ) from None
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield

    def holder(self) -> int | None:
        """The process of the rollout that runs; None: none does."""
        try:
            with self._lock.open("r") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(stream.read().strip() or 0)
        except (OSError, ValueError):
            return None
        return None
