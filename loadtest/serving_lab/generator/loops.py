"""The two ways in which requests follow each other: a closed loop, and an open one."""

import asyncio
import contextlib
import math
import random
import time
from array import array
from collections import deque

from serving_lab.generator.connection import Connection
from serving_lab.generator.drawing import FEWEST_REQUESTS, MOST_REQUESTS
from serving_lab.generator.load_run import LATE, LOOK_SECONDS, LoadRun, until
from serving_lab.generator.messages import Closed, Open, RunCommand
from serving_lab.generator.pacer import Pacer


class ClosedLoadRun(LoadRun):
    """Every connection sends its next request as soon as it has its answer."""

    def __init__(self, run: RunCommand) -> None:
        most = MOST_REQUESTS
        if run.fastest is not None:
            most = max(FEWEST_REQUESTS, math.ceil(run.fastest * (run.lead_in_seconds + run.seconds)))
        super().__init__(run, most)

    async def _start(self, start: float) -> None:
        await until(start)
        for connection in list(self._connections):
            self._idle(connection)

    def _idle(self, connection: Connection) -> None:
        if not self._ending:
            connection.send(next(self._requests))

    def _moment(self, due: float, answered: float) -> float:  # noqa: ARG002 - the signature of all loads
        return answered

    async def _finish(self) -> None:
        self._ending = True
        with contextlib.suppress(TimeoutError):
            # What is open now was begun in the measured part but ends after it: it counts for neither.
            async with asyncio.timeout(self._run.timeout_seconds):
                await self._settled()


class OpenLoadRun(LoadRun):
    """Requests are due at their own times; one that finds no free connection waits, and its waiting counts."""

    def __init__(self, run: RunCommand, loop: Open) -> None:
        self._schedule = arrivals(loop, run.lead_in_seconds + run.seconds, random.Random(_seed(run.seed, loop)))  # noqa: S311
        super().__init__(run, most=len(self._schedule))
        self._next = 0
        self._free: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self._pacer: Pacer | None = None
        self._scheduled_in_measured = 0

    async def _start(self, start: float) -> None:
        self._schedule = array("d", (start + after for after in self._schedule))
        self._scheduled_in_measured = sum(self._begin <= due < self._end for due in self._schedule)
        self._free.extend(self._connections)
        self._pacer = Pacer(asyncio.get_running_loop(), self._hand_out)
        self._hand_out()

    def _hand_out(self) -> None:
        """Send what is due, and set the timer for the next request."""
        assert self._pacer is not None  # noqa: S101 - its timer fired
        now = time.perf_counter()
        schedule = self._schedule
        while self._next < len(schedule) and schedule[self._next] <= now:
            due = schedule[self._next]
            self._next += 1
            if due >= self._begin:
                self._lags.append(now - due)
            if connection := self._usable():
                connection.send(next(self._requests), due)
            else:
                self._waiting.append(due)
            now = time.perf_counter()
        if self._next < len(schedule):
            self._pacer.ring_at(schedule[self._next])

    def _usable(self) -> Connection | None:
        while self._free:
            connection = self._free.popleft()
            if connection.open and connection.request is None:
                return connection
        return None

    def _idle(self, connection: Connection) -> None:
        if self._waiting:
            connection.send(next(self._requests), self._waiting.popleft())
        else:
            self._free.append(connection)

    def _moment(self, due: float, answered: float) -> float:  # noqa: ARG002 - the signature of all loads
        return due

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(self._run.timeout_seconds):
                while self._waiting or self._next < len(self._schedule):
                    await asyncio.sleep(LOOK_SECONDS / 10)
                await self._settled()
        except TimeoutError:
            open_ones = [each.due for each in self._connections if each.request is not None]
            self._wrong += [(due, LATE) for due in (*open_ones, *self._waiting)]

    def _close(self) -> None:
        if self._pacer is not None:
            self._pacer.close()
        super()._close()

    def _planned(self, ended: int) -> int:  # noqa: ARG002 - known before
        return self._scheduled_in_measured


def load_run(run: RunCommand) -> LoadRun:
    """Return the run that a command asks for. Raises ValueError if the command is not valid."""
    match run.loop:
        case Closed():
            return ClosedLoadRun(run)
        case Open() as loop:
            return OpenLoadRun(run, loop)


def arrivals(loop: Open, seconds: float, chance: random.Random) -> "array[float]":
    """Times at which requests are due, in seconds from the start."""
    if loop.burstiness != 1:
        return _bursts(loop, seconds, chance)
    gap = 1 / loop.rate
    times = array("d")
    at = gap * chance.random()
    while at < seconds:
        times.append(at)
        at += gap if loop.arrivals == "constant" else chance.expovariate(loop.rate)
    return times


def _seed(seed: int, loop: Open) -> int:
    """Processes have seeds one after the other; those that share bursts draw with the first one's."""
    return seed - loop.part


def _bursts(loop: Open, seconds: float, chance: random.Random) -> "array[float]":
    """This process's part of arrivals whose gaps have a gamma distribution; by rate alone, bursts would even out."""
    shape, scale = 1 / loop.burstiness, loop.burstiness / loop.rate
    times = array("d")
    at, number = chance.random() / loop.rate, 0
    while at < seconds:
        if number % loop.parts == loop.part:
            times.append(at)
        at += chance.gammavariate(shape, scale)
        number += 1
    return times
