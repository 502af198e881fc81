"""A tap: forwarding, mirroring and recording together."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.recordings.tap_file import Head
from serving_lab.tap import websocket_records
from serving_lab.tap.cleaning import Cleaner
from serving_lab.tap.connecting import Connector
from serving_lab.tap.conversation import Seen
from serving_lab.tap.counts import Counts
from serving_lab.tap.mirror import Copy, Mirror
from serving_lab.tap.proxy import Link
from serving_lab.tap.pseudonyms import Pseudonyms
from serving_lab.tap.recorder import Observed, Recorder
from serving_lab.tap.relay import Relay
from serving_lab.tap.surface import Surface
from serving_lab.tap.websocket_mirror import MessagePair

_MIRROR_CONNECTIONS = 32
_AGAIN_CONNECTIONS, _AGAIN_WAITING = 2, 50
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Plan:
    """What is passed on where, and what becomes of it."""

    primary: Endpoint
    candidate: Endpoint | None
    host: str
    port: int
    record: Path | None
    surface: Surface
    queue: int = 1000
    """Copies that may wait for the candidate."""
    most_bytes: int | None = None
    """Of the recording."""
    body_bytes: int = 1 << 20
    """How much of a body is kept; a request with a longer one is not mirrored."""
    again: float = 0.05
    """Share of the mirrored requests that are sent to the primary once more."""
    source: str | None = None
    """The address that connections to the services come from; None: whichever the system chooses."""
    relay: tuple[str, int] | None = None
    """Where WebSockets arrive that may go to either service; None: they are not relayed."""


class Tap:
    """Listens, passes on, mirrors and records, until it is closed.

    Raises:
        LabError: an address has a path, or the recording cannot be made.
    """

    def __init__(self, plan: Plan) -> None:
        for endpoint in filter(None, (plan.primary, plan.candidate)):
            if endpoint.prefix:
                hint = "requests are passed on as they are: give scheme, host and port alone"
                raise LabError(f"{endpoint.url} has a path", hint=hint)
        self.plan = plan
        self.primary = plan.primary
        self.room = plan.body_bytes
        self.counts = Counts()
        self._links: set[Link] = set()
        self._until = 0.0
        self._server: asyncio.Server | None = None
        self.connector = Connector(plan.source)
        self._mirror: Mirror | None = None
        self._relay: Relay | None = None
        if plan.candidate:
            self._mirror = Mirror(plan.candidate, self.connector, _MIRROR_CONNECTIONS, plan.queue, self.room)
            self._relay = Relay(plan.primary, plan.candidate, self._said, plan.source) if plan.relay else None
        self._again = Mirror(plan.primary, self.connector, _AGAIN_CONNECTIONS, _AGAIN_WAITING, self.room)
        self._relaying: asyncio.Server | None = None
        self.recorder: Recorder | None = None
        if plan.record is not None:
            candidate = plan.candidate.url if plan.candidate else None
            head = Head(time.time(), plan.primary.url, candidate)
            cleaner = Cleaner(Pseudonyms(), plan.surface, self.room)
            self.recorder = Recorder(plan.record, head, cleaner, self.counts, plan.most_bytes)

    @property
    def waiting(self) -> int:
        """How many copies wait for the candidate."""
        return self._mirror.waiting if self._mirror else 0

    async def listen(self) -> tuple[str, int]:
        """Begin, and return host and port.

        Raises:
            LabError: the address is taken, or is none of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Link(self).client, self.plan.host, self.plan.port, backlog=4096
            )
        except OSError as error:
            where = f"{self.plan.host}:{self.plan.port}"
            raise LabError(f"{where}: {error.strerror or error}", hint="--listen HOST:PORT") from error
        if self._relay and self.plan.relay:
            try:
                self._relaying = await self._relay.serve(*self.plan.relay)
            except OSError as error:
                where = "{}:{}".format(*self.plan.relay)
                raise LabError(f"{where}: {error.strerror or error}", hint="--relay HOST:PORT") from error
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def close(self, drain_seconds: float) -> None:
        """Accept no more, let what is open end, wait for the copies, and end the recording."""
        for server in filter(None, (self._server, self._relaying)):
            server.close()
        if self._relay:
            self._relay.close()
        self._until = perf_counter() + drain_seconds
        while (self._links or (self._relay and self._relay.open)) and perf_counter() < self._until:
            for link in [link for link in self._links if not link.conversation.busy]:
                link.close()
            await asyncio.sleep(_LOOK_SECONDS)
        for link in list(self._links):
            link.abort()
        mirrors = [mirror for mirror in (self._mirror, self._again) if mirror]
        while any(mirror.busy for mirror in mirrors) and perf_counter() < self._until:
            await asyncio.sleep(_LOOK_SECONDS)
        for mirror in mirrors:
            mirror.close()
        await asyncio.sleep(_LOOK_SECONDS)
        if self.recorder is not None:
            self.recorder.close()

    def hurry(self) -> None:
        """Wait no longer for what is open."""
        self._until = 0.0

    def opened(self, link: Link) -> int:
        """A client has connected."""
        self._links.add(link)
        self.counts.connections += 1
        return self.counts.connections

    def closed(self, link: Link) -> None:
        """Both sides of a link are closed."""
        self._links.discard(link)
        if link.conversation.unreadable is not None:
            self.counts.unreadable += 1

    def seen(self, link: Link, seen: Seen) -> None:
        """An exchange is over: send copies of its request, then record it."""
        self.counts.forwarded += 1
        at = time.time() - (perf_counter() - seen.request.begun)
        observed = Observed(link.number, link.address, at, seen)
        if self._mirror is not None and self._may_repeat(seen):
            self._copy(self._mirror, observed)
        if not observed.missing and self.recorder is not None:
            self.recorder.take(observed)

    def _said(self, pair: MessagePair) -> None:
        """Both services have said something to a client of a WebSocket."""
        self.counts.mirrored += 1
        if self.recorder is not None:
            self.recorder.take(websocket_records.observed(pair, pair.connection, self.room))

    def _may_repeat(self, seen: Seen) -> bool:
        request, answer = seen.request, seen.answer
        whole = answer is not None and answer.ended is not None and request.ended is not None and not seen.by_client
        return whole and not request.upgrades and self.plan.surface.may_repeat(request.method, request.target)

    def _copy(self, mirror: Mirror, observed: Observed) -> None:
        request = observed.seen.request

        def candidate_answered(seen: Seen) -> None:
            observed.candidate = seen
            self._copied(observed)

        def primary_answered(seen: Seen) -> None:
            observed.again = seen
            self._copied(observed)

        observed.missing = 1  # until all are on their way
        if request.cut or not mirror.offer(Copy(request, candidate_answered)):
            self.counts.mirror_dropped += 1
        else:
            self.counts.mirrored += 1
            observed.missing += 1
            if random.random() < self.plan.again:  # noqa: S311 - a sample
                observed.missing += self._again.offer(Copy(request, primary_answered))
        observed.missing -= 1

    def _copied(self, observed: Observed) -> None:
        observed.missing -= 1
        if not observed.missing and self.recorder is not None:
            self.recorder.take(observed)
