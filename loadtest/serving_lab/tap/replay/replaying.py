"""Sends a recording again: each session in its order, sessions beside each other, with what answers give now."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from serving_lab.api.description import Description
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Parameter, Request, fill
from serving_lab.api.sign_in import Grant
from serving_lab.recordings.tap_file import WEBSOCKET, Tapped
from serving_lab.tap.replay.carrying import Carried
from serving_lab.tap.surface import Surface
from serving_lab.text.progress import Progress
from serving_lab.wire import signing_in
from serving_lab.wire.connection import Client
from serving_lab.wire.message import Answer

_MOST_AT_ONCE = 256
_SWITCHING = 101
_UNAUTHORIZED = 401
CREDENTIAL_HEADERS = frozenset({"authorization"})
"""Those of any API."""
_EARLIER_SECONDS = 5.0
"""How long before its end a token is renewed."""


@dataclass(frozen=True)
class ReplayPlan:
    """What is sent where, and how."""

    endpoint: Endpoint
    description: Description
    pace: float | None = 1.0
    """How many times as fast as recorded; None: each request as soon as the one before it is answered."""
    limit: int | None = None
    seconds: float | None = None
    by_connection: bool = False
    """Whether the order within a connection is kept, not within a session."""


@dataclass(frozen=True)
class Sent:
    """A request that was sent again."""

    recorded: Tapped
    answer: Answer | None
    seconds: float
    late_seconds: float


@dataclass
class Replayed:
    """What came of it, as far as it went."""

    sent: list[Sent] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    partial: bool = False


class Replay:
    """A recording that is sent again.

    Args:
        plan: How.
        recorded: The exchanges of the recording.
    """

    def __init__(self, plan: ReplayPlan, recorded: Iterable[Tapped]) -> None:
        self._plan = plan
        self._surface = Surface.of(plan.description)
        self.replayed = Replayed()
        self._sessions = self._planned(recorded)
        self.replayed.sessions = len(self._sessions)
        self.expected = sum(map(len, self._sessions))
        """How many requests are to be sent."""
        self._of_all: dict[str, str] = {}
        self._access = _Access(plan)
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def run(self, progress: Progress) -> None:
        """Send all of it, or as much as the plan allows.

        Raises:
            LabError: the service does not sign in.
            KeyboardInterrupt: Ctrl-C; what was sent until then is kept.
        """
        if not self._sessions:
            return
        first = min(session[0].at for session in self._sessions)
        begun = time.monotonic()
        timer = threading.Timer(self._plan.seconds, self._stop) if self._plan.seconds else None
        if timer:
            timer.start()
        progress.phase("replay")
        try:
            with ThreadPoolExecutor(min(len(self._sessions), _MOST_AT_ONCE)) as pool:
                try:
                    for done in [pool.submit(self._session, each, first, begun, progress) for each in self._sessions]:
                        done.result()
                except BaseException:
                    self._stop()
                    raise
        finally:
            if timer:
                timer.cancel()

    def _stop(self) -> None:
        self._stopped.set()
        self.replayed.partial = True

    def _planned(self, recorded: Iterable[Tapped]) -> list[Sequence[Tapped]]:
        sessions: dict[object, list[Tapped]] = {}
        chosen = sorted((each for each in recorded if self._is_sent(each)), key=lambda each: each.at)
        if self._plan.limit is not None and len(chosen) > self._plan.limit:
            self.replayed.left_out["beyond --limit"] += len(chosen) - self._plan.limit
            chosen = chosen[: self._plan.limit]
        for each in chosen:
            key = (each.session, each.connection) if self._plan.by_connection else each.session
            sessions.setdefault(key, []).append(each)
        return list(sessions.values())

    def _is_sent(self, each: Tapped) -> bool:
        why = None
        if each.primary.status == _SWITCHING or each.request.method == "CONNECT":
            why = "connections that were switched to another protocol"
        elif each.request.method == WEBSOCKET:
            why = "messages on WebSockets"
        elif each.request.cut:
            why = "requests whose body was not recorded whole"
        if why:
            self.replayed.left_out[why] += 1
        return why is None

    def _session(self, session: Sequence[Tapped], first: float, begun: float, progress: Progress) -> None:
        carried, client = Carried(self._of_all), Client(self._plan.endpoint)
        try:
            for each in session:
                due = begun + (each.at - first) / self._plan.pace if self._plan.pace else time.monotonic()
                if self._stopped.wait(max(0.0, due - time.monotonic())):
                    return
                request = self._request(each, carried)
                sent = time.monotonic()
                try:
                    exchange = client.send(request)
                except OSError:
                    answer = None
                else:
                    answer = exchange.answers[0] if exchange.answers else None
                seconds = time.monotonic() - sent
                if answer is not None:
                    carried.learn(each.primary, answer)
                with self._lock:
                    self.replayed.sent.append(Sent(each, answer, seconds, max(0.0, sent - due)))
                    progress.advance()
        finally:
            client.close()

    def _request(self, each: Tapped, carried: Carried) -> Request:
        request, description = each.request.request, self._plan.description
        if description.sign_in and self._surface.signs_in(request.method, request.target):
            return description.sign_in.request.filled({"host": self._plan.endpoint.host})
        known = carried.request(request)
        had = self._access.credentials(request)
        if not had or self._access.credentials(known) != had:
            return known
        # A recorded refusal is to come again: its token stays what it is.
        return known if each.primary.status == _UNAUTHORIZED else self._access.signed_in(known)


class _Access:
    """What the description's sign-in gives, for tokens that are older than the recording."""

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._until = 0.0

    def credentials(self, request: Request) -> list[Parameter]:
        """What of a recorded request let it in: headers, and parameters of the query."""
        names = CREDENTIAL_HEADERS | {name.lower() for name, _ in self._plan.description.authorization}
        parameters = {name for name, _ in self._plan.description.query}
        query = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
        return [
            *(header for header in request.headers if header[0].lower() in names),
            *(pair for pair in query if pair[0] in parameters),
        ]

    def signed_in(self, request: Request) -> Request:
        """The request with the authorization of the description, where it has one."""
        description = self._plan.description
        if not description.authorization and not description.query:
            return request
        variables = {"host": self._plan.endpoint.host, **self._variables()}
        own = {name.lower() for name, _ in description.authorization}
        kept = tuple(header for header in request.headers if header[0].lower() not in own)
        added = tuple((name, fill(value, variables)) for name, value in description.authorization)
        query = tuple((name, fill(value, variables)) for name, value in description.query)
        return replace(request, headers=(*kept, *added)).with_query(*query)

    def _variables(self) -> Mapping[str, str]:
        sign_in = self._plan.description.sign_in
        if sign_in is None:
            return {}
        with self._lock:
            if self._grant is None or time.monotonic() > self._until:
                self._grant = signing_in.sign_in(sign_in, self._plan.endpoint)
                lifetime = self._grant.lifetime_seconds
                self._until = time.monotonic() + lifetime - _EARLIER_SECONDS if lifetime else float("inf")
            return self._grant.variables
