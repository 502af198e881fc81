"""Load that this Locust does not send, told from what the services count."""

from collections import deque

from serving_lab.live.runs import Run, RunLog

LEAST_PER_SECOND = 1.0
"""Fewer requests may be those of health checks."""
_READINGS = 3
"""So many in a row must be alike: the last requests of a run are still counted when it has stopped."""


class ElsewhereWatch:
    """Begins and ends the runs of load from elsewhere."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._busy: deque[bool] = deque(maxlen=_READINGS)
        self._busy_until = 0.0

    @property
    def busy(self) -> bool:
        """Whether requests came between the last two readings."""
        return bool(self._busy) and self._busy[-1]

    def take_in(self, moment: float, requests_per_second: float) -> None:
        """Take in the rate of all services together, and the time of the reading; begin or end a run."""
        if self._log.running(elsewhere=False):
            self._busy.clear()
            return
        self._busy.append(requests_per_second > LEAST_PER_SECOND)
        if self.busy:
            self._busy_until = moment
        if len(self._busy) < _READINGS:
            return
        if all(self._busy) and not self._log.unfinished:
            self._log.runs.append(Run(started=moment, elsewhere=True))
        elif not any(self._busy):
            self.end()

    def end(self) -> None:
        """End the run from elsewhere, if there is one: when its last requests were seen."""
        for run in self._log.running(elsewhere=True):
            run.stopped = max(run.started, self._busy_until)
