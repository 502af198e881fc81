"""One service while it is compared: its connection, and the variables for requests to it."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from serving_lab.api import json_path
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request, fill_bytes
from serving_lab.api.sign_in import SignIn
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case, Steps
from serving_lab.parity.judgement import json_body
from serving_lab.parity.judgement.addresses import without_address
from serving_lab.parity.judgement.forms import form_of
from serving_lab.wire import signing_in
from serving_lab.wire.connection import Client
from serving_lab.wire.message import Answer, Ending, Exchange, RawRequest
from serving_lab.wire.packing import unpacked
from serving_lab.wire.response import MOST_BYTES

_RECOVERY_SECONDS = 15.0
_LONGEST_WAIT_SECONDS, _WAITS_SECONDS, _SHORTEST_WAIT_SECONDS = 61.0, 180.0, 0.5
"""How long is waited because of one Retry-After, and because of all; the least that one counts for."""


class ServiceGoneError(LabError):
    """A service no longer answers."""


class Session:
    """Sends to one service, and remembers what later requests need."""

    def __init__(self, name: str, endpoint: Endpoint, variables: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.endpoint = endpoint
        self.variables = {"host": endpoint.host} | dict(variables or {})
        self._client = Client(endpoint)
        self._reached = False
        self._may_wait_seconds = _WAITS_SECONDS
        self._counting = threading.Lock()
        self.sent = 0
        """Requests so far."""
        self.abandoned = threading.Event()
        """Set where nobody wants its answers any more: it waits no longer."""

    def run(self, sequence: Steps) -> list[Exchange]:
        """Send the steps in order; what one of them saves is known to later steps only."""
        known = dict(self.variables)
        try:
            return [self.send(case) for case in sequence]
        finally:
            if len(sequence) > 1:
                self.variables = known

    def send(self, case: Case) -> Exchange:
        """Send the case with its variables filled in; what comes back is ready to be judged.

        Raises:
            ServiceGoneError: no connection can be made for some seconds.
        """
        return self._received(case, self._reach(self._filled(case.request)))

    def begin(self, case: Case) -> Callable[[], Callable[[], Exchange]]:
        """Send the case as `send` does; before anything else is sent, call what is returned to read the answer.

        Call what that returns for what comes back, as `Client.begin` says.

        Raises:
            ServiceGoneError: what the answer's reading returns raises it: no connection can be made for some seconds.
        """
        request = self._filled(case.request)
        if isinstance(request, RawRequest):
            return lambda: lambda: self.send(case)
        try:
            read = self._client.begin(request)
        except OSError:
            return lambda: lambda: self.send(case)

        def answer() -> Callable[[], Exchange]:
            whole = read()
            return lambda: self._received(case, self._reach(request, whole))

        return answer

    def _received(self, case: Case, exchange: Exchange) -> Exchange:
        while (seconds := self._asked_to_wait(exchange, case)) is not None:
            if self.abandoned.wait(seconds):
                break
            exchange = self._reach(self._filled(case.request))
        answers = tuple(unpacked(answer, MOST_BYTES) for answer in exchange.answers)
        exchange = replace(exchange, answers=answers, answered=datetime.now(UTC))
        exchange = without_address(exchange, self.endpoint.url)
        if not exchange.answers or not (case.save or case.since):
            return exchange
        first, *others = exchange.answers
        return replace(exchange, answers=(self._remember(first, case), *others))

    def sign_in(self, sign_in: SignIn) -> None:
        """Sign in, and keep what that gives for later requests.

        Raises:
            LabError: the service does not answer, or refuses.
        """
        grant = signing_in.sign_in(sign_in, self.endpoint, f"the {self.name} ({self.endpoint.url})")
        self.variables |= grant.variables

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _asked_to_wait(self, exchange: Exchange, case: Case) -> float | None:
        """How long to wait before the request is sent again, because it was one too many; None where it is not."""
        if isinstance(case.request, RawRequest) or not exchange.answers:
            return None
        answer = exchange.answers[0]
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            return None
        seconds = _retry_after(answer.header("retry-after"), datetime.now(UTC))
        if seconds is None or seconds > min(_LONGEST_WAIT_SECONDS, self._may_wait_seconds):
            return None
        self._may_wait_seconds -= max(seconds, _SHORTEST_WAIT_SECONDS)
        return seconds

    def _reach(self, request: Request | RawRequest, read: Callable[[], Exchange] | None = None) -> Exchange:
        """What comes back from a request, which is sent now unless that has begun, so that it is only to be read."""
        try:
            exchange = read() if read else self._client.send(request)
        except OSError:
            self._client.close()
        else:
            self._reached = True
            with self._counting:
                self.sent += max(1, len(exchange.answers))
            return exchange
        # A service that crashes at a request gets the time to restart: that is a difference, not the end.
        given_up = time.monotonic() + (_RECOVERY_SECONDS if self._reached else 0.0)
        while True:
            try:
                self.endpoint.connect(1.0).close()
            except OSError as error:
                if time.monotonic() > given_up:
                    raise ServiceGoneError(
                        f"the {self.name} does not answer at {self.endpoint.url}: {error.strerror or error}",
                        hint="is it up, and is the address right?",
                    ) from error
                time.sleep(0.2)
            else:
                return Exchange((), Ending.REFUSED)

    def _filled(self, request: Request | RawRequest) -> Request | RawRequest:
        if isinstance(request, RawRequest):
            return replace(request, content=fill_bytes(request.content, self.variables))
        return request.filled(self.variables)

    def _remember(self, answer: Answer, case: Case) -> Answer:
        """Save what later steps use; the answer then has by how much its counters grew, in their place."""
        for name in case.save:
            self.variables.pop(name, None)
        try:
            document = json_body.parse(answer.body)
        except (ValueError, RecursionError):
            return answer
        for name, path in case.save.items():
            try:
                value = json_path.value_at(document, path)
            except LookupError:
                continue
            self.variables[name] = value if isinstance(value, str) else json.dumps(value)
        if not case.since:
            return answer
        for path, name in case.since.items():
            _subtract(document, path, self.variables.get(name))
        try:
            return replace(answer, body=json.dumps(document).encode())
        except RecursionError:
            return answer


def _retry_after(said: str | None, now: datetime) -> float | None:
    """The seconds of a Retry-After header, which has a number of them or a date."""
    if said is None:
        return None
    if said.isdecimal():
        return float(said)
    moment = form_of(said).time
    return max(0.0, (moment - now).total_seconds()) if moment else None


def _subtract(document: object, path: str, earlier: str | None) -> None:
    """Replace a counter by how much it grew; what is not a number, or was not, stays as it is."""
    *above, last = json_path.steps(path)
    try:
        holder = json_path.value_at(document, "$" + "".join(f"[{json.dumps(step)}]" for step in above))
        # Under a name of its own, because the counter itself may be noise.
        holder[last] = {"grown": holder[last] - json.loads(earlier or "")}
    except (LookupError, TypeError, ValueError, OverflowError):
        return
