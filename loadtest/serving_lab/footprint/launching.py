"""A target that is started to be measured, and ended after it."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from serving_lab.api.endpoint import Endpoint
from serving_lab.wire.ports import LOOPBACK


class Launched(Protocol):
    """A fresh instance; it may not be ready yet."""

    @property
    def zero(self) -> float:
        """When it was there to be started: `time.perf_counter`."""

    @property
    def container(self) -> str | None:
        """Its container; None where it is a process of this host."""

    @property
    def pid(self) -> int:
        """Its first process, as this host counts."""

    def ended(self) -> str | None:
        """Return how it ended and its last words; None while it runs."""


class Launcher(Protocol):
    """Starts instances of one target."""

    def launch(self, port: int) -> AbstractContextManager[Launched]:
        """Start a fresh instance that answers on this port of the loopback; after it nothing of it is left.

        Raises:
            LabError: it cannot be started.
        """


def address(port: int) -> Endpoint:
    """Return where an instance on this port answers."""
    return Endpoint.parse(f"http://{LOOPBACK}:{port}")


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait: what was started is ended first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
