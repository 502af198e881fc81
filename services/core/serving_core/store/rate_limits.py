"""Rate limits: how many requests a client may send per window, counted for all workers together."""

import hashlib
import math
import time

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from serving_core.http.errors import TooManyRequestsError
from serving_core.runtime.shared_memory import SharedTable

_MAX_CLIENTS = 10_000


class RateLimiter:
    """Allows the requests of each client until its window is full."""

    def __init__(self, name: str, rate: str, storage: Storage) -> None:
        """`rate` is, for example, `100/minute`; clients see the name in a header."""
        self._name = name
        self._limit: RateLimitItem = parse(rate)
        self._windows = FixedWindowRateLimiter(storage)

    def check(self, client: str, cost: int = 1) -> None:
        """Count a cost against the window of a client; a cost above what remains is refused and not counted.

        Raises:
            TooManyRequestsError: the window is full; tells when the next one opens.
        """
        fits = cost == 1 or self._windows.test(self._limit, self._name, client, cost=cost)
        if fits and self._windows.hit(self._limit, self._name, client, cost=cost):
            return
        window = self._windows.get_window_stats(self._limit, self._name, client)
        raise TooManyRequestsError(
            limit=self._name,
            quota=self._limit.amount,
            window_seconds=self._limit.get_expiry(),
            remaining=window.remaining,
            reset_seconds=max(1, math.ceil(window.reset_time - time.time())),
        )


class SharedMemoryStorage(Storage):
    """Window counters in memory that all workers share; the memory storage of `limits` belongs to one process."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._table = SharedTable(_MAX_CLIENTS)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: shared memory does not fail like a server."""
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to the counter of a window; after the end of a window a new one starts and lasts `expiry` seconds."""
        digest, now = _digest(key), time.time()
        with self._table as table:
            count, ends = table.get(digest) or (0.0, 0.0)
            if ends <= now:
                count, ends = 0.0, now + expiry
            table.put(digest, count + amount, ends)
        return int(count + amount)

    def get(self, key: str) -> int:
        """The counter of the current window; 0 if there is none."""
        count, ends = self._window(key)
        return int(count) if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """The end of a window (seconds since the epoch)."""
        return self._window(key)[1]

    def check(self) -> bool:
        """Shared memory is always available."""
        return True

    def reset(self) -> int | None:
        """Remove all windows; returns how many there were."""
        with self._table as table:
            return table.clear()

    def clear(self, key: str) -> None:
        """Reset one window."""
        with self._table as table:
            table.put(_digest(key), 0.0, 0.0)

    def _window(self, key: str) -> tuple[float, float]:
        with self._table as table:
            return table.get(_digest(key)) or (0.0, time.time())


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=SharedTable.KEY_BYTES).digest()
