"""A circuit breaker in front of an optional server, which is not called any more while it does not answer."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from prometheus_client import Gauge

FAILURES_IN_A_ROW = 3
PROBE_INTERVAL_SECONDS = 1.0
# The same reason is told again only after this time: a server that is almost full fails again and again.
TELL_INTERVAL_SECONDS = 60.0

_logger = logging.getLogger(__name__)


class StoreError(Exception):
    """The server did not answer correctly, or was not called because of earlier failures."""


class Circuit:
    """Allows calls; once they fail, it blocks them until the server answers a probe.

    A missing answer may be bad luck, so it takes a few in a row. One refusal (read-only, full) is enough: it will come
    again, if only at some calls, since a cache that cannot be written still answers look-ups.

    Wrap each call in `with circuit:`; it is safe for threads. Created before the fork; each worker has its own state.

    While the circuit is open, the probe runs in its own thread: no request waits for it, and a worker without requests
    also notices that the server is back. (pybreaker probes with a request and holds its lock during every call, so
    threads would wait for each other.)
    """

    def __init__(
        self,
        use: str,
        *,
        errors: type[Exception],
        refusals: type[Exception],
        probe: Callable[[], object],
        is_open: Gauge,
    ) -> None:
        """Create it closed.

        Args:
            use: what the server is used for; each use fails alone, so it has a circuit of its own.
            errors: failures of the server.
            refusals: those that are answers.
            probe: does what the calls do, and raises an error while they would fail.
            is_open: set to 1 meanwhile.
        """
        self._use = use
        self._errors = errors
        self._refusals = refusals
        self._probe = probe
        self._gauge = is_open
        self._lock = threading.Lock()
        self._failures = 0
        self._open = False
        self._told, self._quiet_until, self._level = "", 0.0, logging.WARNING

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
            if self._open or (self._failures < FAILURES_IN_A_ROW and not isinstance(error, self._refusals)):
                return
            self._open = True
        self._gauge.set(1)
        self._tell(str(error))
        threading.Thread(target=self._close_when_answered, name="store-probe", daemon=True).start()

    def _tell(self, reason: str) -> None:
        now = time.monotonic()
        repeated = reason == self._told and now < self._quiet_until
        self._level = logging.DEBUG if repeated else logging.WARNING
        if not repeated:
            self._told, self._quiet_until = reason, now + TELL_INTERVAL_SECONDS
        _logger.log(self._level, "store, %s: %s; requests continue without it", self._use, reason)

    def _close_when_answered(self) -> None:
        answered = False
        while not answered:
            time.sleep(PROBE_INTERVAL_SECONDS)
            try:
                self._probe()
                answered = True
            except self._errors:
                _logger.debug("store, %s: no answer yet", self._use)
        _logger.log(min(self._level, logging.INFO), "store, %s: answers again", self._use)
        self._gauge.set(0)
        self._failures = 0
        self._open = False
