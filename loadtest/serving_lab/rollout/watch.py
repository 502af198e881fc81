"""Watches a rollout: reads what the gateway says of each request, in a thread, and keeps what a judge needs."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from serving_lab.errors import LabError
from serving_lab.gateway.config import BUCKETS, NEXT, RELAY
from serving_lab.gateway.control import Control, Observing
from serving_lab.gateway.observations import Observation, Slice
from serving_lab.rollout.harm import Past
from serving_lab.rollout.requests import Columns, Growing
from serving_lab.text.phrases import counted, percent

OTHER = "(other)"
_OF_RELAY = "candidate"
"""How the relay of WebSockets names it."""

_MOST_OPERATIONS = 200
_RETRY_SECONDS = 0.5
_SEEN_SHARE = 0.9
"""Of the requests that the gateway counted: with fewer, something between it and the watch is lost."""
_IN_FLIGHT = 50
"""Requests more than those at servers that may be counted and not ended yet."""


@dataclass
class _Stage:
    began: float
    counted_before: int | None
    candidate: Growing = field(default_factory=Growing)
    control: Growing = field(default_factory=Growing)
    seen: int = 0
    begun: int = 0
    """Of those, requests that began in this stage: the others met the share of the stage before."""
    of_candidate: int = 0
    """Of those that began in it, the requests of the candidate's users."""


class Watch:
    """What became of the requests, of one stage at a time.

    Args:
        control: The gateway.
        candidate: The service that a share goes to.
        operation: Names the operation of a method and a path.
    """

    def __init__(self, control: Control, candidate: str, operation: Callable[[str, str], str]) -> None:
        self._control = control
        self._candidate = frozenset({candidate, candidate + NEXT, _OF_RELAY})
        self._operation = operation
        self._codes: dict[str, int] = {}
        self._past, self._met = (np.zeros((2, BUCKETS), dtype=np.int64) for _ in range(2))
        self._stage = _Stage(time.time(), None)
        self._observing: Observing | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self.in_a_row = 0
        self._thread = threading.Thread(target=self._read, name="observations", daemon=True)

    def start(self) -> None:
        """Begin to watch.

        Raises:
            LabError: the gateway does not answer.
        """
        self._observing = self._control.observe()
        self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._closed.set()
        if observing := self._observing:
            observing.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def begin_stage(self) -> None:
        """Forget the requests so far, but not what users met on the primary."""
        before = self._counted()
        with self._lock:
            self._stage = _Stage(time.time(), before)
            self.in_a_row = 0

    @property
    def requests(self) -> tuple[Columns, Columns]:
        """Of the candidate and of the control slice, in this stage."""
        stage = self._stage
        return stage.candidate.columns(), stage.control.columns()

    @property
    def seen(self) -> int:
        """How many requests of any slice were seen in this stage."""
        return self._stage.seen

    @property
    def share(self) -> float | None:
        """Of the requests that began in this stage, that of the candidate's users; None where there were none."""
        stage = self._stage
        return stage.of_candidate / stage.begun if stage.begun else None

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of operations by their numbers."""
        return tuple(self._codes)

    @property
    def past(self) -> Past:
        """What each bucket met on the primary until now."""
        return Past(self._past[0].copy(), self._past[1].copy())

    @property
    def met(self) -> Past:
        """What each bucket met on the candidate until now."""
        return Past(self._met[0].copy(), self._met[1].copy())

    @property
    def buckets(self) -> int:
        """How many buckets of users have sent requests to the primary until now."""
        return int(np.count_nonzero(self._past[0]))

    def blind(self) -> str:
        """Why not all requests are seen at present; empty: they are."""
        if self._observing is None:
            return "the gateway's observations broke off"
        stage = self._stage
        counted_now = self._counted()
        if counted_now is None or stage.counted_before is None:
            return "the gateway does not answer"
        sent = counted_now - stage.counted_before
        if sent - stage.seen - self._in_flight() > _IN_FLIGHT and stage.seen < _SEEN_SHARE * sent:
            return f"only {percent(stage.seen / sent)} of {counted(sent, 'request')} were seen"
        return ""

    def _counted(self) -> int | None:
        try:
            return self._control.requests()
        except LabError:
            return None

    def _in_flight(self) -> int:
        """Requests at servers now, WebSockets among them: they are told of when they end."""
        try:
            return sum(server.sessions for server in self._control.servers())
        except LabError:
            return 0

    def _read(self) -> None:
        while not self._closed.is_set():
            for observation in self._observations():
                with self._lock:
                    self._add(observation)
            self._observing = None
            while self._observing is None and not self._closed.wait(_RETRY_SECONDS):
                try:
                    self._observing = self._control.observe()
                except LabError:
                    continue  # `blind` says so meanwhile.

    def _observations(self) -> Iterator[Observation]:
        return iter(self._observing or ())

    def add_relayed(self, seen: Observation) -> None:
        """Add a WebSocket that the relay tells of: the gateway knows only that it went there."""
        with self._lock:
            self._judge(seen)

    def _add(self, seen: Observation) -> None:
        stage = self._stage
        stage.seen += 1
        if seen.at - seen.total_ms / 1e3 >= stage.began:
            stage.begun += 1
            stage.of_candidate += seen.slice is Slice.CANDIDATE
        if seen.backend != RELAY:
            self._judge(seen)

    def _judge(self, seen: Observation) -> None:
        stage = self._stage
        failed = seen.failed
        if seen.slice is Slice.CANDIDATE:
            # The primary answered in its place: clients noticed nothing, and yet the candidate failed.
            failed = failed or seen.server not in self._candidate
            self.in_a_row = self.in_a_row + 1 if failed else 0
        if 0 <= seen.bucket < BUCKETS:
            where = self._met if seen.slice is Slice.CANDIDATE else self._past
            where[:, seen.bucket] += 1, failed
        if seen.slice is Slice.PRIMARY:
            return
        (stage.candidate if seen.slice is Slice.CANDIDATE else stage.control).add(
            at=max(0.0, seen.at - stage.began),
            ms=seen.total_ms,
            failed=failed,
            user=seen.bucket,
            operation=self._code(self._operation(seen.method, seen.path)),
            websocket=seen.websocket,
        )

    def _code(self, operation: str) -> int:
        if operation not in self._codes and len(self._codes) >= _MOST_OPERATIONS:
            operation = OTHER
        return self._codes.setdefault(operation, len(self._codes))
