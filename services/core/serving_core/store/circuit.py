"""A circuit breaker in front of an optional server: after a few failures in a row it is not called any more."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from prometheus_client import Gauge

FAILURES_IN_A_ROW = 3
PROBE_INTERVAL_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class StoreError(Exception):
    """The server did not answer correctly, or was not called because of earlier failures."""


class Circuit:
    """Allows calls; after a few failures in a row it blocks them until the server answers a probe.

    Wrap each call in `with circuit:`; it is safe for threads. Created before the fork; each worker has its own state.

    While the circuit is open, the probe runs in its own thread: no request waits for it, and a worker without requests
    also notices that the server is back. (pybreaker probes with a request and holds its lock during every call, so
    threads would wait for each other.)
    """

    def __init__(self, errors: type[Exception], probe: Callable[[], object], is_open: Gauge) -> None:
        """`errors` are failures of the server; `probe` raises one while it fails; `is_open` is set to 1 meanwhile."""
        self._errors = errors
        self._probe = probe
        self._gauge = is_open
        self._lock = threading.Lock()
        self._failures = 0
        self._open = False

    @property
    def doubtful(self) -> bool:
        """Whether the last call failed."""
        return self._failures > 0

    def __enter__(self) -> None:
        if self._open:
            raise StoreError("not called: it did not answer before")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._errors):
            self._failed(error)
            raise StoreError(str(error)) from error
        self._failures = 0

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._failures += 1
            if self._open or self._failures < FAILURES_IN_A_ROW:
                return
            self._open = True
        self._gauge.set(1)
        _logger.warning("store: %s; requests continue without it", error)
        threading.Thread(target=self._close_when_answered, name="store-probe", daemon=True).start()

    def _close_when_answered(self) -> None:
        answered = False
        while not answered:
            time.sleep(PROBE_INTERVAL_SECONDS)
            try:
                self._probe()
                answered = True
            except self._errors:
                _logger.debug("store: no answer yet")
        _logger.info("store: answers again")
        self._gauge.set(0)
        self._failures = 0
        self._open = False
