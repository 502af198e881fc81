"""A run: connections to one target, and requests on them in a closed or an open loop."""

import asyncio
import itertools
import ssl
import time
from abc import ABC, abstractmethod
from array import array
from collections import Counter

from serving_lab.generator.connection import Connection
from serving_lab.generator.drawing import MOST_REQUESTS, drawn
from serving_lab.generator.messages import Done, RunCommand
from serving_lab.generator.process_times import ProcessTimes

LATE = "no answer in time"
_CONNECTING_SECONDS = 5.0
_RECONNECT_SECONDS = 0.05
LOOK_SECONDS = 0.1


class CannotRunError(Exception):
    """No load can be sent; the text says why."""


class LoadRun(ABC):
    """One run, from connecting to its end. Subclasses decide how requests follow each other."""

    def __init__(self, run: RunCommand, most: int = MOST_REQUESTS) -> None:
        """Draw the requests; `most`: how many are sent at most, where that is known.

        Raises:
            ValueError: a template, value or rule makes no sense.
        """
        self._run = run
        self._requests = itertools.cycle(drawn(run, min(most, MOST_REQUESTS)))
        self._connections: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._right: list[tuple[float, float, float, int]] = []
        """Of each right answer: when its request was due, when sent, when answered, and its template."""
        self._wrong: list[tuple[float, str]] = []
        self._sent_again: list[float] = []
        """When each request was due that met a connection which the target was closing because it had been idle."""
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

    async def go(self, at: float) -> Done:
        """Send the load and return its outcome.

        Args:
            at: When to begin, by `time.perf_counter`; at once where that has passed.
        """
        start = max(at, time.perf_counter())
        self._begin = start + self._run.lead_in_seconds
        self._end = self._begin + self._run.seconds
        look = asyncio.create_task(self._give_up_late())
        await self._start(start)
        try:
            await until(self._begin)
            before = ProcessTimes.now()
            await until(self._end)
            used = ProcessTimes.now().since(before)
            await self._finish()
        finally:
            look.cancel()
            self._close()
        return self._done(used, late=start - at)

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
        """A connection was closed; another takes its place, and sends what it could not."""
        if self._ending:
            self._connections.discard(connection)
            return
        task = asyncio.get_running_loop().create_task(self._replace(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    @abstractmethod
    async def _start(self, start: float) -> None:
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

    async def _replace(self, lost: Connection) -> None:
        while not self._ending:
            try:
                connection = await self._connect()
            except OSError as error:
                self._wrong.append((time.perf_counter(), f"no connection: {error.strerror or error}"))
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            self._connections.discard(lost)
            if lost.request is None:
                self._idle(connection)
            else:
                self._sent_again.append(lost.due)
                connection.send(lost.request, lost.due)
            return

    async def _give_up_late(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            latest = time.perf_counter() - self._run.timeout_seconds
            for connection in list(self._connections):
                if connection.request is not None and connection.sent < latest:
                    connection.abort(LATE)

    async def _settled(self) -> None:
        while any(connection.request is not None for connection in self._connections):
            await asyncio.sleep(LOOK_SECONDS / 10)

    def _close(self) -> None:
        self._ending = True
        for task in self._connecting:
            task.cancel()
        for connection in list(self._connections):
            connection.request = None
            connection.close()

    def _done(self, used: ProcessTimes, late: float) -> Done:
        begin, end = self._begin, self._end
        measured = [each for each in self._right if begin <= self._moment(each[0], each[2]) < end]
        wrong = Counter(what for when, what in self._wrong if begin <= when < end)
        return Done(
            due=memoryview(array("d", (due - begin for due, _, _, _ in measured))),
            sent=memoryview(array("d", (sent - begin for _, sent, _, _ in measured))),
            answered=memoryview(array("d", (answered - begin for _, _, answered, _ in measured))),
            templates=memoryview(array("B", (template for _, _, _, template in measured))),
            wrong=dict(wrong),
            sent_again=sum(begin <= due < end for due in self._sent_again),
            planned=self._planned(len(measured) + wrong.total()),
            all_answered=len(self._right),
            seconds=end - begin,
            cpu_seconds=used.cpu,
            all_cpu_seconds=time.process_time(),
            waited_seconds=used.waited,
            lags=memoryview(self._lags),
            late=late,
        )

    def _planned(self, ended: int) -> int:
        return ended


async def until(when: float) -> None:
    """Sleep until a time of `time.perf_counter`."""
    await asyncio.sleep(max(0.0, when - time.perf_counter()))
