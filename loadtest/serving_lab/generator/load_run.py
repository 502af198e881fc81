"""A run: connections to one target, and requests on them in a closed or an open loop."""

import asyncio
import contextlib
import itertools
import random
import ssl
import time
from abc import ABC, abstractmethod
from array import array
from collections import Counter, deque

from serving_lab.generator.connection import Connection
from serving_lab.generator.drawing import drawn
from serving_lab.generator.messages import Closed, Done, Open, Run
from serving_lab.generator.pacer import Pacer
from serving_lab.generator.process_times import ProcessTimes

LATE = "no answer in time"
_CONNECTING_SECONDS = 5.0
_RECONNECT_SECONDS = 0.05
_LOOK_SECONDS = 0.1
_SOON_SECONDS = 0.02
"""From the command to the first request, so that several processes begin together."""


class CannotRunError(Exception):
    """No load can be sent; the text says why."""


class LoadRun(ABC):
    """One run, from connecting to its end. Subclasses decide how requests follow each other."""

    def __init__(self, run: Run) -> None:
        """Raises ValueError: a template, value or rule makes no sense."""
        self._run = run
        self._requests = itertools.cycle(drawn(run))
        self._connections: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._right: list[tuple[float, float, float, int]] = []
        """Of each right answer: when its request was due, when sent, when answered, and its template."""
        self._wrong: list[tuple[float, str]] = []
        self._lags = array("d")
        self._ending = False
        self._begin = self._end = 0.0

    async def connect(self) -> None:
        """Open the connections.

        Raises:
            CannotRunError: the target does not accept them.
        """
        try:
            async with asyncio.timeout(_CONNECTING_SECONDS):
                await asyncio.gather(*(self._connect() for _ in range(self._run.connections)))
        except (OSError, TimeoutError) as error:
            reason = str(error) or "it does not answer"
            raise CannotRunError(f"cannot connect to {self._run.host}:{self._run.port}: {reason}") from error

    async def go(self) -> Done:
        """Send the load and return its outcome."""
        start = time.perf_counter() + _SOON_SECONDS
        self._begin = start + self._run.lead_in_seconds
        self._end = self._begin + self._run.seconds
        look = asyncio.create_task(self._give_up_late())
        self._start(start)
        try:
            await _until(self._begin)
            before = ProcessTimes.now()
            await _until(self._end)
            used = ProcessTimes.now().since(before)
            await self._finish()
        finally:
            look.cancel()
            self._close()
        return self._done(used)

    def answered(self, connection: Connection, when: float, wrong: str | None) -> None:
        """A request ended."""
        request = connection.request
        assert request is not None  # noqa: S101 - that is what ended
        connection.request = None
        if wrong is None:
            self._right.append((connection.due, connection.sent, when, request.template))
        else:
            self._wrong.append((self._moment(connection.due, when), wrong))
        if connection.open:
            self._idle(connection)

    def lost(self, connection: Connection) -> None:
        """A connection was closed; another takes its place."""
        self._connections.discard(connection)
        if not self._ending:
            task = asyncio.get_running_loop().create_task(self._reconnect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    @abstractmethod
    def _start(self, start: float) -> None:
        """Begin to send, at this time of `time.perf_counter`."""

    @abstractmethod
    def _idle(self, connection: Connection) -> None:
        """A connection has nothing to do."""

    @abstractmethod
    async def _finish(self) -> None:
        """Wait for what is still open, as long as an answer may take."""

    @abstractmethod
    def _moment(self, due: float, answered: float) -> float:
        """The time that says whether a request belongs to the measured part."""

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        context = ssl.create_default_context() if self._run.tls else None
        _, connection = await loop.create_connection(
            lambda: Connection(self), self._run.host, self._run.port, ssl=context
        )
        self._connections.add(connection)
        return connection

    async def _reconnect(self) -> None:
        while not self._ending:
            try:
                connection = await self._connect()
            except OSError as error:
                self._wrong.append((time.perf_counter(), f"no connection: {error.strerror or error}"))
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            self._idle(connection)
            return

    async def _give_up_late(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            latest = time.perf_counter() - self._run.timeout_seconds
            for connection in list(self._connections):
                if connection.request is not None and connection.sent < latest:
                    connection.abort(LATE)

    async def _settled(self) -> None:
        while any(connection.request is not None for connection in self._connections):
            await asyncio.sleep(_LOOK_SECONDS / 10)

    def _close(self) -> None:
        self._ending = True
        for task in self._connecting:
            task.cancel()
        for connection in list(self._connections):
            connection.request = None
            connection.close()

    def _done(self, used: ProcessTimes) -> Done:
        begin, end = self._begin, self._end
        measured = [each for each in self._right if begin <= self._moment(each[0], each[2]) < end]
        wrong = Counter(what for when, what in self._wrong if begin <= when < end)
        return Done(
            due=array("d", (due - begin for due, _, _, _ in measured)).tobytes(),
            sent=array("d", (sent - begin for _, sent, _, _ in measured)).tobytes(),
            answered=array("d", (answered - begin for _, _, answered, _ in measured)).tobytes(),
            templates=array("B", (template for _, _, _, template in measured)).tobytes(),
            wrong=dict(wrong),
            planned=self._planned(len(measured) + wrong.total()),
            all_answered=len(self._right),
            seconds=end - begin,
            cpu_seconds=used.cpu,
            all_cpu_seconds=time.process_time(),
            waited_seconds=used.waited,
            lags=self._lags.tobytes(),
        )

    def _planned(self, ended: int) -> int:
        return ended


class ClosedLoadRun(LoadRun):
    """Every connection sends its next request as soon as it has its answer."""

    def _start(self, start: float) -> None:  # noqa: ARG002 - the first answers take their time anyway
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

    def __init__(self, run: Run, loop: Open) -> None:
        super().__init__(run)
        self._schedule = _arrivals(loop, run.lead_in_seconds + run.seconds, random.Random(run.seed))  # noqa: S311
        self._next = 0
        self._free: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self._pacer: Pacer | None = None
        self._scheduled_in_measured = 0

    def _start(self, start: float) -> None:
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
                    await asyncio.sleep(_LOOK_SECONDS / 10)
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


def load_run(run: Run) -> LoadRun:
    """Return the load that a run asks for. Raises ValueError where it makes no sense."""
    match run.loop:
        case Closed():
            return ClosedLoadRun(run)
        case Open() as loop:
            return OpenLoadRun(run, loop)


def _arrivals(loop: Open, seconds: float, chance: random.Random) -> "array[float]":
    """Times at which requests are due, in seconds from the start."""
    gap = 1 / loop.rate
    times = array("d")
    at = gap * chance.random()
    while at < seconds:
        times.append(at)
        at += gap if loop.arrivals == "constant" else chance.expovariate(loop.rate)
    return times


async def _until(when: float) -> None:
    await asyncio.sleep(max(0.0, when - time.perf_counter()))
