"""Where the time of a budget goes: to scenarios that are not decided."""

import time
from collections.abc import Sequence

from serving_lab.bench.scenario_run import ScenarioRun
from serving_lab.experiment.arms import LoadDriver
from serving_lab.experiment.sequential import looks
from serving_lab.text.progress import Progress

_SHARES = 3
"""So many times its share of the time is the most that a scenario plans with: others may be decided soon. With more of
them, less of the error could be spent within the share itself."""


class Schedule:
    """Measures scenarios until they are decided or the time is over.

    First each in turn, for its share of the time that is left at most. What is left then goes to those that are not
    decided, from look to look, to the one that has had the least.

    Args:
        runs: The scenarios.
        deadline: When all of it must have ended, by `time.monotonic`.
    """

    def __init__(self, runs: Sequence[ScenarioRun], deadline: float) -> None:
        self._runs = tuple(runs)
        self._deadline = deadline
        self._last: ScenarioRun | None = None

    def run(self, driver: LoadDriver, progress: Progress) -> None:
        """Measure all of them.

        Raises:
            LabError: no load can be sent.
        """
        progress = _Elapsed(progress)
        targets = len(driver.targets)
        for at, run in enumerate(self._runs):
            later = self._runs[at + 1 :]
            least = sum(each.design.expected_seconds(each.form, targets, warm=True) for each in later)
            until = time.monotonic() + self._left / (1 + len(later))
            self._last = run
            run.prepare(driver, progress, warm=at > 0)
            run.measure(driver, progress, run.most, self._deadline - least)
            # How many pairs there may be is decided before the first look, by how long they take.
            left = self._deadline - least - time.monotonic()
            run.plan(min(_SHARES * max(0.0, until - time.monotonic()), left), targets)
            self._look(run, driver, self._deadline - least)
            while time.monotonic() < until and self._step(run, driver, progress, self._deadline - least):
                pass
        waiting = list(self._runs)
        while waiting := [run for run in waiting if not run.done]:
            run = min(waiting, key=lambda each: each.seconds)
            if self._left < run.pair_seconds(targets):
                waiting.remove(run)
                continue
            if self._last is not run:
                self._last = run
                run.resume(driver)
            if not self._step(run, driver, progress, self._deadline):
                waiting.remove(run)
        for run in self._runs:
            run.end()

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _step(self, run: ScenarioRun, driver: LoadDriver, progress: Progress, deadline: float) -> bool:
        """Measure to the next look, or as far as there is time, and return whether there was time for any pair."""
        if run.done:
            return False
        before = run.measured
        to = next(pairs for pairs in looks(run.design.pairs_of(run.form), run.most) if pairs > run.whole)
        run.measure(driver, progress, to, deadline)
        self._look(run, driver, deadline)
        return run.measured > before

    def _look(self, run: ScenarioRun, driver: LoadDriver, deadline: float) -> None:
        left = max(0.0, deadline - time.monotonic())
        run.look(driver.targets, run.whole + int(left / run.pair_seconds(len(driver.targets))))


class _Elapsed:
    """Progress of a measurement that ends at a certain time: the time that has passed, whatever was expected."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._told = time.monotonic()

    def phase(self, name: str, note: str = "") -> None:
        self._shown.phase(name, note)

    def expect(self, amount: float) -> None:
        """A deadline does not move."""

    def advance(self, amount: float = 1) -> None:  # noqa: ARG002 - what was expected
        now = time.monotonic()
        self._shown.advance(now - self._told)
        self._told = now

    def remark(self, text: str) -> None:
        self._shown.remark(text)
