"""The prediction log: one JSON line per predicted row, written outside the request path.

A request only appends to a bounded queue. In each worker a thread writes the queued rows. Rows that do not fit into the
queue or cannot be written are dropped and counted; no request waits for the log or fails because of it.
"""

import logging
import threading
from collections import deque
from typing import Protocol

import msgspec
from prometheus_client import Counter

from serving_core.runtime.log_file import RotatingFile, StandardOutput
from serving_core.runtime.settings import Settings

_WRITE_INTERVAL_SECONDS = 0.05
_BATCH_ENTRIES = 1000
_CLOSE_TIMEOUT_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One predicted row."""

    time: str
    """When the row was predicted: UTC, ISO 8601."""
    request_id: str
    user: str
    features: list[float]
    prediction: float
    cached: bool
    model_version: str


class Destination(Protocol):
    """Where lines are written to."""

    def write(self, lines: list[bytes]) -> None:
        """Write whole lines, or raise OSError."""


class PredictionLog:
    """The queue and the thread that empties it once it is started."""

    def __init__(self, destination: Destination, max_entries: int, written: Counter, dropped: Counter) -> None:
        self._destination = destination
        self._max_entries = max_entries
        self._written = written
        self._dropped = dropped
        self._queue: deque[LogEntry] = deque()
        self._encode = msgspec.json.Encoder().encode
        self._stopping = threading.Event()
        self._failing = False
        self._writer: threading.Thread | None = None

    def start(self) -> None:
        """Start writing; after the fork, which marks all threads that were made before as ended, begun or not."""
        self._writer = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._writer.start()

    def record(self, entry: LogEntry) -> None:
        """Queue a row; if the queue is full, count it as dropped."""
        if len(self._queue) < self._max_entries:
            self._queue.append(entry)
        else:
            self._dropped.inc()

    def close(self) -> None:
        """Write the queued rows and stop; waits at most five seconds for a stuck destination."""
        self._stopping.set()
        if self._writer:
            self._writer.join(_CLOSE_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(_WRITE_INTERVAL_SECONDS):
            self._write_queued()
        self._write_queued()

    def _write_queued(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH_ENTRIES))]
            try:
                self._destination.write([self._encode(entry) + b"\n" for entry in batch])
            except OSError as error:
                self._dropped.inc(len(batch))
                if not self._failing:
                    _logger.error("prediction log: %s; predictions continue without it", error)
                self._failing = True
            else:
                self._written.inc(len(batch))
                self._failing = False


def open_prediction_log(settings: Settings, written: Counter, dropped: Counter) -> PredictionLog | None:
    """The log according to the settings; None if it is off. Create it before the fork: all workers share its lock."""
    match settings.prediction_log:
        case "off":
            return None
        case "stdout":
            destination: Destination = StandardOutput()
        case path:
            destination = RotatingFile(path, settings.prediction_log_max_bytes, settings.prediction_log_backups)
    return PredictionLog(destination, settings.prediction_log_queue_entries, written, dropped)
