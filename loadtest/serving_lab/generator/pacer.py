"""An alarm that rings to the tenth of a millisecond; the event loop's own timers know whole milliseconds."""

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable

_MONOTONIC = 1
_NONBLOCKING_CLOSED_ON_EXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_SHORTEST_NS = 1


class _Itimerspec(ctypes.Structure):
    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_seconds", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Pacer:
    """Calls back once for each time it is set; on Linux by a timer of the kernel, elsewhere by the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: int | None = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._timer = self._libc.timerfd_create(_MONOTONIC, _NONBLOCKING_CLOSED_ON_EXEC)
            if self._timer < 0:
                raise OSError(ctypes.get_errno(), "timerfd_create")
            loop.add_reader(self._timer, self._ring)

    def ring_at(self, when: float) -> None:
        """Ring at this time of `time.perf_counter`, or at once where it has passed."""
        seconds = when - time.perf_counter()
        if seconds <= 0:
            self._loop.call_soon(self._call)
        elif self._timer is None:
            self._loop.call_later(seconds, self._call)
        else:
            whole, part = divmod(max(int(seconds * 1e9), _SHORTEST_NS), 1_000_000_000)
            setting = _Itimerspec(0, 0, whole, part)
            if self._libc.timerfd_settime(self._timer, 0, ctypes.byref(setting), None) != 0:
                raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._loop.remove_reader(self._timer)
            os.close(self._timer)
            self._timer = None

    def _ring(self) -> None:
        if self._timer is not None:
            os.read(self._timer, 8)
            self._call()
