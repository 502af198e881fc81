"""A comparison from its first request to its result."""

import contextlib
import copy
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from itertools import islice
from typing import Literal

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source, Steps, is_raw
from serving_lab.parity.examination.examiner import Judge
from serving_lab.parity.examination.session import ServiceGoneError, Session
from serving_lab.parity.generation import surface
from serving_lab.parity.generation.openapi import OpenApiDocument
from serving_lab.parity.generation.request_generator import RequestGenerator
from serving_lab.parity.judgement.noise import Noise
from serving_lab.parity.judgement.operations import Operations, decoded_path
from serving_lab.parity.ledger import Ledger, Sighting, detectable_rate
from serving_lab.parity.plan import NOISE_PASSES, ParityPlan
from serving_lab.parity.reporting import shell
from serving_lab.parity.result import ParityResult, Side
from serving_lab.results.envelope import Metadata
from serving_lab.text import phrases
from serving_lab.text.progress import Progress
from serving_lab.wire.message import Exchange

_PASS_SECONDS = 0.55
"""Passes begin this far apart, so that clocks with whole seconds show between the first and the last."""
_LESSONS = 500
"""How many requests without a corpus teach the noise."""
_PROBES = 12
_PROBE_SECONDS = 0.1
_RAW_AT_ONCE = 6
_COMPARED_WITH = ("hypothesis", "schemathesis")


def run(plan: ParityPlan, progress: Progress) -> ParityResult:
    """Compare the two services; an interruption or a service's end leaves a result of what was compared until then.

    Raises:
        LabError: nothing could be compared: a service does not answer, or refuses the login.
    """
    metadata = Metadata.begin(_COMPARED_WITH)
    with contextlib.closing(_Comparison(plan, progress)) as comparison:
        try:
            comparison.parts()
        except KeyboardInterrupt:
            comparison.stopped = "interrupted"
        except ServiceGoneError as error:
            comparison.stopped = str(error)
    return comparison.result(metadata)


def learn(plan: ParityPlan, progress: Progress) -> Noise:
    """Return the primary's noise, for several plans with the same primary and corpus.

    Raises:
        LabError: a service does not answer, or refuses the login.
    """
    with contextlib.closing(_Comparison(plan, progress)) as comparison:
        return comparison.learn()


class _Comparison:
    """One run of all parts."""

    def __init__(self, plan: ParityPlan, progress: Progress) -> None:
        self._plan = plan
        self._progress = progress
        variables = plan.profile.variables
        self._primary = Session("primary", plan.primary, variables)
        self._candidate = Session("candidate", plan.candidate, variables)
        self._second = Session("second primary", plan.second_primary, variables) if plan.second_primary else None
        self._both = (self._primary, self._candidate)
        self._all = (*self._both, *((self._second,) if self._second else ()))
        self._warnings = [warning for recording in plan.recordings for warning in recording.warnings]
        self.stopped = ""
        """Why it ended early."""
        try:
            self._sign_in()
            self._servers = {session: self._server(session) for session in self._all}
            self._document = self._read_document()
        except BaseException:
            self.close()
            raise
        self._ledger = Ledger(plan.profile.intended, plan.profile.secrets)
        self._judge = Judge(*self._both, self._paths(), plan.profile, self._ledger)

    def parts(self) -> None:
        """Learn the noise, then compare request by request."""
        plan = self._plan
        corpus = plan.corpus
        if plan.noise is None:
            self.learn()
        else:
            self._judge.noise = copy.deepcopy(plan.noise)
        for number in range(1, plan.repeat + 1):
            self._part("corpus" if plan.repeat == 1 else f"corpus, {number} of {plan.repeat}", corpus)
        self._part("every path and method", self._surface())
        self._part("recorded", self._recorded())
        self._generate()
        self._probe_constants()

    def learn(self) -> Noise:
        """Send the corpus to the primary some times, each time from the same beginning, and note where it differs."""
        # Without a corpus, from whatever else there is: no clock that answers tell must be taken for a difference.
        corpus = self._plan.corpus or [*self._surface(), *self._recorded()][:_LESSONS]
        sessions = [*[self._primary] * NOISE_PASSES, *([self._second] if self._second else [])]
        self._phase("noise: the primary against itself", len(sessions) * len(corpus))
        self._judge.learn(corpus, [self._pass(session, corpus) for session in sessions])
        return self._judge.noise

    def close(self) -> None:
        """Close the connections."""
        for session in self._all:
            session.close()

    def result(self, metadata: Metadata) -> ParityResult:
        """Return the result of what was compared."""
        plan, ledger = self._plan, self._ledger
        sources = ledger.sources()
        verdict, why = self._verdict(sum(sources.values()))
        return ParityResult(
            verdict=verdict,
            why=why,
            started=metadata.started,
            seconds=round(metadata.seconds, 1),
            partial=bool(self.stopped),
            seed=plan.seed,
            revision=metadata.revision,
            machine=metadata.machine,
            versions=metadata.versions,
            warnings=self._warnings,
            repeat=plan.repeat,
            primary=self._side(self._primary),
            candidate=self._side(self._candidate),
            second_primary=self._side(self._second) if self._second else None,
            sources=sources,
            causes=ledger.listed(plan.primary, plan.candidate),
            unsteady=ledger.listed_unsteady(plan.primary, plan.candidate),
            intended=ledger.listed_intended(),
            noise=self._judge.noise.listed(),
            operations=ledger.listed_operations(),
            detectable_rate=detectable_rate(sum(sources.values())),
        )

    # parts

    def _sign_in(self) -> None:
        if sign_in := self._plan.profile.sign_in:
            for session in self._all:
                session.sign_in(sign_in)
            for session, other in (self._both, self._both[::-1]):
                session.variables |= {f"other_{name}": other.variables[name] for name in sign_in.save}

    def _read_document(self) -> OpenApiDocument | None:
        path = self._plan.profile.openapi
        if path is None:
            return None
        (exchange,) = self._candidate.run((Case(Source.SURFACE, "OpenAPI document", Request("GET", path)),))
        where = f"{self._plan.candidate.url}{path}"
        if not exchange.answers or exchange.answers[0].status != HTTPStatus.OK:
            said = exchange.answers[0].status if exchange.answers else exchange.ending
            self._warnings.append(f"the candidate has no OpenAPI document at {where} ({said}): none was used")
            return None
        return OpenApiDocument.parse(exchange.answers[0].body, where, self._plan.candidate.prefix)

    def _server(self, session: Session) -> str | None:
        (exchange,) = session.run((Case(Source.SURFACE, "server", Request("GET", "/")),))
        return exchange.answers[0].header("server") if exchange.answers else None

    def _paths(self) -> Operations:
        requests = (case.request for case in self._plan.profile.cases)
        own = [decoded_path(request.target) for request in requests if isinstance(request, Request)]
        return Operations([*(self._document.templates if self._document else ()), *own])

    def _surface(self) -> list[Steps]:
        profile = self._plan.profile
        if self._document is None:
            return []
        cases = surface.cases(self._document, authorization=profile.authorization, exclude=profile.exclude)
        return [(case,) for case in cases]

    def _recorded(self) -> list[Steps]:
        return [(case,) for recording in self._plan.recordings for case in recording.cases]

    def _pass(self, session: Session, corpus: list[Steps]) -> list[list[Exchange]]:
        due = time.monotonic() + _PASS_SECONDS
        self._prepare(session)
        answers = [run for _, (run,) in self._run_all(corpus, (session,))]
        time.sleep(max(0.0, due - time.monotonic()))
        return answers

    def _part(self, name: str, sequences: list[Steps]) -> None:
        if not sequences:
            return
        self._phase(name, len(sequences))
        for session in self._both:
            self._prepare(session)
        for sequence, (left, right) in self._run_all(sequences, self._both):
            self._account(sequence, left, right)

    def _generate(self) -> None:
        if not self._plan.generate or not (self._document or self._plan.profile.cases):
            return  # paths that nobody has say nothing of a service
        self._phase("generated", self._plan.generate)
        for session in self._both:
            self._prepare(session)
        profile = self._plan.profile
        generator = RequestGenerator(
            self._document,
            profile.cases,
            authorization=profile.authorization,
            exclude=profile.exclude,
            seed=self._plan.seed,
        )
        for case in islice(generator, self._plan.generate):
            self._account((case,), *self._run((case,), self._both))
            self._progress.advance()
        self._warnings += generator.warnings

    def _probe_constants(self) -> None:
        """Look whether what varies on the primary varies on the candidate too."""
        self._phase("what varies", _PROBES * len(self._unvaried()))
        for _ in range(_PROBES):
            if not (examples := self._unvaried()):
                break
            for sequence in examples:
                self._account(sequence, *self._run(sequence, self._both), counted=False)
                self._progress.advance()
            time.sleep(_PROBE_SECONDS)
        for place, sequence, difference in self._judge.noise.constants():
            operation = self._judge.operation(sequence[-1])
            if not self._ledger.declared(operation, difference):
                ours, theirs = self._run(sequence, self._both)
                seen = Sighting(sequence, len(sequence) - 1, ours[-1], theirs[-1])
                self._ledger.add(place.request if place.anywhere else operation, difference, seen)

    def _unvaried(self) -> list[Steps]:
        return [sequence for sequence in self._judge.noise.unvaried() if not is_raw(sequence)]

    # requests

    def _run_all(
        self, sequences: list[Steps], sessions: Sequence[Session]
    ) -> Iterator[tuple[Steps, list[list[Exchange]]]]:
        """Yield what each session answers to each sequence, in order; raw ones, which may wait long, side by side."""
        in_order = [sequence for sequence in sequences if not is_raw(sequence)]
        raw = [sequence for sequence in sequences if is_raw(sequence)]
        for sequence in in_order:
            yield sequence, self._run(sequence, sessions)
            self._progress.advance()
        # Not beside the others: who of them meets an empty cache would be a matter of chance.
        with ThreadPoolExecutor(_RAW_AT_ONCE) as pool:
            for sequence, answers in zip(raw, pool.map(lambda s: self._run(s, sessions), raw), strict=True):
                yield sequence, answers
                self._progress.advance()

    @staticmethod
    def _run(sequence: Steps, sessions: Sequence[Session]) -> list[list[Exchange]]:
        return [session.run(sequence) for session in sessions]

    def _account(self, sequence: Steps, left: list[Exchange], right: list[Exchange], *, counted: bool = True) -> None:
        self._judge.account(sequence, left, right, counted=counted)
        if causes := self._ledger.causes:
            self._progress.remark(phrases.counted(causes, "difference"))

    def _prepare(self, session: Session) -> None:
        for request in self._plan.profile.before:
            session.send(Case(Source.CORPUS, "before", request))

    # words

    def _phase(self, name: str, requests: int) -> None:
        self._progress.phase(name, phrases.counted(requests, "request"))

    def _verdict(self, compared: int) -> tuple[Literal["same", "different", "cannot tell"], str]:
        causes = self._ledger.causes
        stopped = f" ({self.stopped})" if self.stopped else ""
        if causes:
            return "different", f"{causes} undeclared difference{'s' * (causes > 1)} in {compared:,} requests{stopped}"
        if self.stopped:
            return "cannot tell", f"it ended early: {self.stopped}"
        if self._ledger.unsteady:
            return "cannot tell", "the primary differs from itself in more than values that vary"
        if not compared:
            return "cannot tell", "nothing was compared: no corpus, no OpenAPI document, no recorded requests"
        return "same", f"no undeclared difference in {compared:,} requests"

    def _side(self, session: Session) -> Side:
        return Side(
            url=session.endpoint.url, server=self._servers[session], preparation=list(self._preparation(session))
        )

    def _preparation(self, session: Session) -> Iterator[str]:
        profile, here = self._plan.profile, session.endpoint
        if sign_in := profile.sign_in:
            there = (self._candidate if session is self._primary else self._primary).endpoint
            own = Case(Source.CORPUS, "sign-in", sign_in.request, sign_in.save)
            others = replace(own, save={f"other_{name}": path for name, path in sign_in.save.items()})
            yield from shell.assignments(own, here.url, here.host, profile.secrets)
            yield from shell.assignments(others, there.url, there.host, profile.secrets)
        for request in profile.before:
            yield shell.command(request, here.url, here.host, profile.secrets)
