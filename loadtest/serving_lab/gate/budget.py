"""The time for everything, and a command that ends within a share of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from serving_lab.gate.kept import Kept

_POLL_SECONDS = 0.1
_MOST_SLACK_SECONDS, _SLACK = 15.0, 0.25


@dataclass(frozen=True)
class Budget:
    """The time for everything, which begins with it."""

    seconds: float
    _began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds; 0 where it is over."""
        return max(0.0, self.seconds - (time.monotonic() - self._began))


def slack(seconds: float) -> float:
    """Return how much of a part's time is kept for what it takes longer than it plans, and to write what it has."""
    return min(_MOST_SLACK_SECONDS, seconds * _SLACK)


def watch(kept: Kept, seconds: float, show: Callable[[str], None], patience: float = 0.0) -> bool:
    """Wait for a command to end and show its lines; interrupt it before its time is over, and return False.

    Args:
        kept: The command.
        seconds: Its time.
        show: What takes a line.
        patience: Seconds that it has beyond its time to write what it has, before it is killed.
    """
    end, interrupted = time.monotonic() + seconds, False
    begun = ""
    with kept.output.open(encoding="utf-8", errors="replace") as output:
        while True:
            code = kept.poll()
            *whole, begun = (begun + output.read()).split("\n")
            for line in whole:
                show(line)
            if code is not None:
                return not interrupted
            if not interrupted and time.monotonic() > end - slack(seconds) / 2:
                interrupted = True
                kept.interrupt()
            elif time.monotonic() > end + patience:
                kept.stop()
            time.sleep(_POLL_SECONDS)
