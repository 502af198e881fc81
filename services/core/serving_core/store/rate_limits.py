"""Rate limits: how many requests a client may send in a window, counted for the service and not per worker."""

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
    """Lets each client through until its window is full."""

    def __init__(self, name: str, rate: str, storage: Storage) -> None:
        """`rate` is such as `100/minute`; a client is told the name."""
        self._name = name
        self._limit: RateLimitItem = parse(rate)
        self._windows = FixedWindowRateLimiter(storage)

    def check(self, client: str, cost: int = 1) -> None:
        """Count so much against a client's window; what costs more than is left is refused and costs nothing.

        Raises:
            TooManyRequestsError: the window is full; says when the next one opens.
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
    """Window counters in memory that all workers share: the package's own memory storage is one per process."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._table = SharedTable(_MAX_CLIENTS)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: shared memory does not fail as a server does."""
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a window's counter; a window that has passed starts anew and lasts `expiry` seconds."""
        digest, now = _digest(key), time.time()
        with self._table as table:
            count, ends = table.get(digest) or (0.0, 0.0)
            if ends <= now:
                count, ends = 0.0, now + expiry
            table.put(digest, count + amount, ends)
        return int(count + amount)

    def get(self, key: str) -> int:
        """The counter of a window that has not passed, else 0."""
        count, ends = self._window(key)
        return int(count) if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When a window ends (seconds since the epoch)."""
        return self._window(key)[1]

    def check(self) -> bool:
        """Shared memory is always there."""
        return True

    def reset(self) -> int | None:
        """Forget all windows; returns how many there were."""
        with self._table as table:
            return table.clear()

    def clear(self, key: str) -> None:
        """Forget one window."""
        with self._table as table:
            table.put(_digest(key), 0.0, 0.0)

    def _window(self, key: str) -> tuple[float, float]:
        with self._table as table:
            return table.get(_digest(key)) or (0.0, time.time())


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=SharedTable.KEY_BYTES).digest()
