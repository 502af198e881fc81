"""Comparisons of a service with itself, with something planted in between."""

import contextlib
import json
import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from queue import SimpleQueue

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Header, Request
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.examination.session import Session
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.inputs.recorded import Recording
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.result import ParityResult
from serving_lab.parity.run import learn
from serving_lab.wire.message import Ending, Exchange, RawRequest
from support.quiet import Quiet
from support.services import RunningService, running_service

from parity.comparing import result_of_comparing
from parity.mutants.mutant import Planted
from parity.mutants.proxy import proxied
from parity.mutants.statuses import LIMIT_BYTES


@dataclass(frozen=True)
class Twins:
    """The same service twice, each instance with its own cache and counters."""

    primary: RunningService
    candidate: RunningService


@contextlib.contextmanager
def twins(name: str, model_dir: Path) -> Iterator[Twins]:
    """Start the service twice; one worker each, so that caches and what they count are one."""
    with running_service(name, model_dir, WORKERS=1) as primary, running_service(name, model_dir, WORKERS=1) as other:
        yield Twins(primary, other)


def compare(pair: Twins, profile: Profile, *, generate: int, seed: int) -> ParityResult:
    """Compare the two with nothing in between."""
    return result_of_comparing(_plan(pair.primary.base_url, pair.candidate.base_url, profile, generate, seed))


class Proof:
    """Compares a service with itself again and again, with another thing planted each time."""

    def __init__(self, pairs: Sequence[Twins], profile: Profile) -> None:
        primary = pairs[0].primary.base_url
        self._profile = cross_section(profile, primary)
        self._noise = learn(_plan(primary, pairs[0].candidate.base_url, self._profile), Quiet())
        self._idle: SimpleQueue[Twins] = SimpleQueue()
        for pair in pairs:
            self._idle.put(pair)

    def compare(self, planted: Planted) -> ParityResult:
        """Compare a pair that is idle."""
        pair = self._idle.get()
        try:
            with contextlib.ExitStack() as stack:
                primary = pair.primary.base_url
                if planted.both:
                    primary = stack.enter_context(proxied(pair.primary.address, planted.both()))
                mutated = proxied(pair.candidate.address, planted.plant(), planted.rewrite)
                plan = _plan(primary, stack.enter_context(mutated), self._profile)
                recordings = recorded(planted.predictions, self._profile.authorization)
                return result_of_comparing(replace(plan, noise=self._noise, recordings=(recordings,)))
        finally:
            self._idle.put(pair)


def recorded(predictions: int, authorization: tuple[Header, ...]) -> Recording:
    """Return recorded traffic of so many predictions, of rows that differ."""
    drawn = random.Random(predictions)  # noqa: S311 - the same rows every time
    rows = ([round(drawn.uniform(0, 200), 2) for _ in range(10)] for _ in range(predictions))
    headers = (("Content-Type", "application/json"), *authorization)
    return Recording(
        tuple(
            Case(
                Source.RECORDED,
                f"prediction {number}",
                Request("POST", "/predict", headers, json.dumps({"features": row}).encode()),
            )
            for number, row in enumerate(rows)
        )
    )


def cross_section(profile: Profile, base_url: str) -> Profile:
    """Return the profile with those cases alone that show something which none before them does: a run is short."""
    session = Session("primary", Endpoint.parse(base_url), profile.variables)
    assert profile.sign_in
    with contextlib.closing(session):
        session.sign_in(profile.sign_in)
        seen: set[Hashable] = set()
        kept = []
        for case in profile.cases:
            exchange = session.send(case)
            shown = set(_shown(case, exchange))
            if shown - seen and not _cut_off(case, exchange):
                kept.append(case)
                seen |= shown
    return replace(profile, cases=tuple(kept))


def _cut_off(case: Case, exchange: Exchange) -> bool:
    """Whether the service closed while it was sent to, and did not say so.

    Who is cut off may or may not notice before all is sent, and a proxy changes the chances.
    """
    if isinstance(case.request, RawRequest) or not exchange.answers:
        return False
    return exchange.ending is Ending.CLOSED and exchange.answers[0].header("connection") != "close"


def _shown(case: Case, exchange: Exchange) -> Iterator[Hashable]:
    said = tuple((answer.status, _error(answer.body)) for answer in exchange.answers)
    request = case.request
    if isinstance(request, RawRequest):
        yield said, exchange.ending, request.half_close, len(request.lines)
        return
    if exchange.answers and exchange.answers[0].body.startswith(b"# "):
        yield "exposition", request.method
        return
    unknown = bool(exchange.answers) and exchange.answers[0].status == HTTPStatus.NOT_FOUND
    yield said, request.method, request.target.endswith("h/") if unknown else request.target
    yield said, request.header("Authorization")
    yield said, frozenset(name.lower() for name, _ in request.headers)
    yield said, request.chunked, len(request.body) >= LIMIT_BYTES
    yield said, tuple(len(answer.body).bit_length() for answer in exchange.answers)


def _error(body: bytes) -> object:
    with contextlib.suppress(ValueError, AttributeError):
        return json.loads(body).get("error")
    return None


def _plan(primary: str, candidate: str, profile: Profile, generate: int = 0, seed: int = 0) -> ParityPlan:
    return ParityPlan(
        primary=Endpoint.parse(primary),
        candidate=Endpoint.parse(candidate),
        profile=profile,
        generate=generate,
        seed=seed,
    )
