"""A version of the model that runs in a process of its own, with bounds of time and memory."""

import math
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from serving_lab.errors import LabError
from serving_lab.predictions.populations import Numbers
from serving_lab.text import how_to

SECONDS = 300.0
"""Processor time of all that a version is asked."""
ANSWER_SECONDS = 60.0
MEMORY_BYTES = 512 << 20
"""By which the process may grow once it has loaded its libraries."""
_LONGEST_ANSWER = 64 << 20
_SHOWN = 200
_BATCH = 2000
"""Rows that are asked at once."""


class ModelRunError(Exception):
    """A version that cannot be asked; the text is one line."""

    def __init__(self, directory: Path, text: str) -> None:
        super().__init__(text)
        self.directory = directory


def need_runtime() -> None:
    """Make sure that models can be run here.

    Raises:
        LabError: what it takes is not installed.
    """
    for name in ("model_artifact", "onnxruntime"):
        if find_spec(name) is None:
            raise LabError(f"{name}, which this command needs, is not installed", hint=how_to.install("model"))


class RunningModel:
    """A version that answers; a context manager, which ends its process."""

    def __init__(self, directory: Path) -> None:
        """Start it; what is wrong with it is told when it is asked first."""
        self._directory = directory
        # A file, not a pipe: nobody reads it unless the process dies.
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process runs
        self._process = subprocess.Popen(  # noqa: S603 - this package's own module
            [
                *(sys.executable, "-I", "-B", "-m", "serving_lab.model_judge.runner"),
                *(str(directory.absolute()), str(SECONDS), str(MEMORY_BYTES)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaint,
            cwd="/",
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"},
            start_new_session=True,
        )
        self.memory_bytes = 0
        """Most that its process had in memory so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._complaint.close()

    def predict(self, rows: Numbers) -> Numbers:
        """Predictions of rows, shape (rows, features), as shape (rows,).

        Raises:
            ModelRunError: its process died, took too long, or said what is no prediction.
        """
        found: list[float] = []
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH].tolist()
            predictions = self._ask(part, 0).predictions
            if len(predictions) != len(part) or not all(map(math.isfinite, predictions)):
                raise ModelRunError(self._directory, f"it does not answer {len(part)} rows with as many numbers")
            found += predictions
        return np.asarray(found, dtype=np.float64)

    def seconds(self, rows: Numbers, calls: int) -> float:
        """Median time of a prediction of one row, in seconds; rows are taken in turn.

        Raises:
            ModelRunError: as `predict` does.
        """
        seconds = self._ask(rows.tolist(), calls).seconds
        if not 0 < seconds < math.inf:
            raise ModelRunError(self._directory, f"it says that a prediction takes {seconds} s")
        return seconds

    def _ask(self, rows: Sequence[Sequence[float]], calls: int) -> "_Answer":
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        deadline = threading.Timer(ANSWER_SECONDS, self._process.kill)
        deadline.start()
        try:
            self._process.stdin.write(msgspec.json.encode({"rows": rows, "calls": calls}) + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline(_LONGEST_ANSWER)
        except BrokenPipeError:
            line = b""
        finally:
            deadline.cancel()
        if not line.endswith(b"\n"):
            self._process.kill()
            raise ModelRunError(self._directory, f"its process ended without an answer{self._said()}")
        try:
            answer = msgspec.json.decode(line, type=_Answer)
        except msgspec.DecodeError as error:
            raise ModelRunError(self._directory, f"its process said what is no answer: {error}") from None
        self.memory_bytes = max(self.memory_bytes, answer.memory_bytes)
        return answer

    def _said(self) -> str:
        """What the process said last, and how it ended."""
        self._complaint.seek(0)
        lines = self._complaint.read().decode(errors="replace").strip().splitlines()
        return f" (status {self._process.wait()})" + (f": {lines[-1][:_SHOWN]}" if lines else "")


class _Answer(msgspec.Struct, frozen=True):
    """As `runner` writes it, which is not imported here: it loads the runtime."""

    predictions: list[float] = []
    seconds: float = 0.0
    memory_bytes: int = 0
