"""The services of a comparison: signed in, prepared alike, and sent the same requests in the same order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source, Steps, is_raw
from serving_lab.parity.examination.session import Session
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement.judge import ExchangePair

T = TypeVar("T")
Pairs = list[ExchangePair]

_RAW_AT_ONCE = 6


class Services:
    """Sessions with the primary, the candidate and, if there is one, a second instance of the primary."""

    def __init__(
        self, primary: Endpoint, candidate: Endpoint, second_primary: Endpoint | None, profile: Profile
    ) -> None:
        variables = profile.variables
        self.primary = Session("primary", primary, variables)
        self.candidate = Session("candidate", candidate, variables)
        self.second_primary = Session("second primary", second_primary, variables) if second_primary else None
        self._profile = profile
        self._under_way: _UnderWay | None = None

    def sign_in(self) -> None:
        """Sign in to all; what signing in to one of the two saves is known to the other one as `other_NAME`.

        Raises:
            LabError: a service does not answer, or refuses.
        """
        sign_in = self._profile.sign_in
        if sign_in is None:
            return
        for session in self.sessions:
            session.sign_in(sign_in)
        for session, other in ((self.primary, self.candidate), (self.candidate, self.primary)):
            session.variables |= {f"other_{name}": other.variables[name] for name in sign_in.save}

    @property
    def granted(self) -> list[tuple[str, str]]:
        """What signing in gave, each value with its name."""
        names = self._profile.sign_in.save if self._profile.sign_in else ()
        return [(name, session.variables[name]) for session in self.sessions for name in names]

    def server_headers(self) -> dict[str, str | None]:
        """What the Server header of each service says, by the session's name."""
        case = Case(Source.SURFACE, "server", Request("GET", "/"))
        found = {}
        for session in self.sessions:
            exchange = session.send(case)
            found[session.name] = exchange.answers[0].header("server") if exchange.answers else None
        return found

    @property
    def can_prepare(self) -> bool:
        """Whether the profile says how to bring all into the same state."""
        return bool(self._profile.before)

    def prepare(self, *sessions: Session) -> None:
        """Send what the profile has sent before each part, so that all begin alike."""
        if self._under_way:
            self._under_way.discard()
        for session in sessions or (self.primary, self.candidate):
            for request in self._profile.before:
                session.send(Case(Source.CORPUS, "before", request))

    @contextmanager
    def describing(self, endpoint: Endpoint | None) -> Iterator[Session]:
        """A session with the service whose OpenAPI document describes the API; without an endpoint, the candidate's."""
        if endpoint is None:
            yield self.candidate
            return
        with closing(Session("service that describes the API", endpoint)) as session:
            yield session

    def compare(self, steps: Steps) -> Pairs:
        """Send the steps to both sides; what both answered to each of them.

        Raises:
            ServiceGoneError: a service does not answer any more.
        """
        if self._under_way:
            self._under_way.read()
        if len(steps) == 1:
            return [_UnderWay(self.primary, self.candidate, *steps).read()]
        primary, candidate = self.primary.run(steps), self.candidate.run(steps)
        answered = datetime.now(UTC)
        return [
            ExchangePair(case.request, left, right, answered)
            for case, left, right in zip(steps, primary, candidate, strict=True)
        ]

    def compare_each(self, cases: Iterable[Case]) -> Iterator[tuple[Steps, Pairs]]:
        """What `compare` says of each case, in their order; both sides answer one while the one before it is judged.

        What is compared in between is sent after the case that is under way; one that was under way when the services
        were prepared is sent again.

        Raises:
            ServiceGoneError: a service does not answer any more.
        """
        earlier: _UnderWay | None = None
        for case in cases:
            pairs = self._pairs(earlier)
            self._under_way = _UnderWay(self.primary, self.candidate, case)
            if earlier:
                yield earlier.steps, pairs
            earlier = self._under_way
        if earlier:
            yield earlier.steps, self._pairs(earlier)

    def _pairs(self, sent: "_UnderWay | None") -> Pairs:
        if sent is None:
            return []
        pair, self._under_way = sent.read(), None
        return self.compare(sent.steps) if sent.discarded else [pair]

    def close(self) -> None:
        """Close the connections."""
        for session in self.sessions:
            session.close()

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those with all services, the second instance of the primary included."""
        second = (self.second_primary,) if self.second_primary else ()
        return self.primary, self.candidate, *second


class _UnderWay:
    """A case that both sides have been sent."""

    def __init__(self, primary: Session, candidate: Session, case: Case) -> None:
        self.steps: Steps = (case,)
        self._begun = primary.begin(case), candidate.begin(case)
        self._pair: ExchangePair | None = None
        self.discarded = False
        """Whether what was answered counts no more."""

    def read(self) -> ExchangePair:
        """What both sides answered."""
        if self._pair is None:
            answered = [read() for read in self._begun]
            primary, candidate = (whole() for whole in answered)
            self._pair = ExchangePair(self.steps[0].request, primary, candidate, datetime.now(UTC))
        return self._pair

    def discard(self) -> None:
        """Read it, so that something else can be sent; what was answered counts no more."""
        self.read()
        self.discarded = True


def in_order(corpus: Sequence[Steps], send: Callable[[Steps], T]) -> Iterator[tuple[Steps, T]]:
    """What `send` returns for each of the sequences, in their order; raw ones, which may wait long, come last.

    Raw ones are sent several at once, but not beside the others: which of those met an empty cache would be chance.
    """
    for steps in corpus:
        if not is_raw(steps):
            yield steps, send(steps)
    raw = [steps for steps in corpus if is_raw(steps)]
    with ThreadPoolExecutor(_RAW_AT_ONCE) as pool:
        yield from zip(raw, pool.map(send, raw), strict=True)
