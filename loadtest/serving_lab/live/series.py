"""The readings of one service over time: its counts through restarts, and its figures over a sliding window."""

from collections import deque
from dataclasses import dataclass, field

from serving_lab.live.figures import Figures
from serving_lab.targets.reading import Conditions, Counters, Gauges, Reading

WINDOW_SECONDS = 10.0


@dataclass(frozen=True)
class State:
    """Everything counted since a service was first read, and the time of the last reading (monotonic, s)."""

    time: float
    counted: Counters


@dataclass
class Series:
    """The readings of one service. After a gap longer than the window its figures start again."""

    window: deque[State] = field(default_factory=deque)
    conditions: Conditions | None = None
    gauges: Gauges | None = None
    problem: str | None = None
    """Why the last reading failed; None where it did not."""
    restarts: int = 0
    _last: Counters | None = None
    _counted: Counters = field(default_factory=Counters)

    @property
    def latest(self) -> State | None:
        """The state at the last successful reading, however long ago."""
        return self.window[-1] if self.window else None

    @property
    def requests_per_second(self) -> float:
        """The rate between the last two readings; 0 before the second, and while the service does not answer."""
        if self.problem or len(self.window) < 2:
            return 0.0
        before, now = self.window[-2], self.window[-1]
        return (now.counted.requests - before.counted.requests) / (now.time - before.time)

    def add(self, time: float, reading: Reading) -> Figures | None:
        """Take in a reading; return the figures over the window, or None after the first reading."""
        if self._last is not None:
            increase = reading.counters.increase_since(self._last)
            self.restarts += increase is reading.counters
            self._counted += increase
        self._last = reading.counters
        self.conditions, self.gauges, self.problem = reading.conditions, reading.gauges, None
        self.window.append(State(time, self._counted))
        while time - self.window[0].time > WINDOW_SECONDS:
            self.window.popleft()
        return figures_between(self.window[0], self.window[-1])

    def miss(self, problem: str) -> None:
        """Note that the service did not answer."""
        self.gauges, self.problem = None, problem


def figures_between(first: State, last: State) -> Figures | None:
    """The figures from one state to a later one; None where no time lies between them."""
    seconds = last.time - first.time
    return Figures.of(last.counted - first.counted, seconds) if seconds > 0 else None
