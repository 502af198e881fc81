"""A comparison from its plan to its outcome."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from serving_lab.parity.cases import Steps, is_raw
from serving_lab.parity.examination.describing import described
from serving_lab.parity.examination.examiner import Examiner
from serving_lab.parity.examination.learning import OwnDifference, Pass, differences_with_itself
from serving_lab.parity.examination.noise_book import Learned, NoiseBook
from serving_lab.parity.examination.others import Others
from serving_lab.parity.examination.services import Services, in_order
from serving_lab.parity.examination.session import ServiceGoneError, Session
from serving_lab.parity.generation.generated import Generated
from serving_lab.parity.judgement.judge import Judging
from serving_lab.parity.ledger import Ledger
from serving_lab.parity.outcome import Outcome
from serving_lab.parity.plan import NOISE_PASSES, ParityPlan
from serving_lab.parity.traffic import Traffic
from serving_lab.results.envelope import Metadata
from serving_lab.text.phrases import counted
from serving_lab.text.progress import Progress
from serving_lab.text.secrets import Secrets

INTERRUPTED = "interrupted"
"""In the sentence that says why, where the run was interrupted."""

_PASS_SECONDS = 0.55
"""Passes begin this far apart, so that clocks with whole seconds show between the first and the last."""
_PROBES = 24
_PROBE_SECONDS = 0.1
_COMPARED_WITH = ("hypothesis", "schemathesis")


def run(plan: ParityPlan, progress: Progress) -> Outcome:
    """Compare the two services; an interruption or a service's end leaves what was compared until then.

    Raises:
        LabError: nothing could be compared: a service does not answer, or refuses the login.
    """
    metadata = Metadata.begin(_COMPARED_WITH)
    stopped = ""
    with contextlib.closing(_Comparison(plan, progress)) as comparison:
        try:
            comparison.parts()
        except KeyboardInterrupt:
            stopped = INTERRUPTED
        except ServiceGoneError as error:
            stopped = str(error)
    return comparison.outcome(metadata, stopped)


def learn(plan: ParityPlan, progress: Progress) -> Learned:
    """The noise of both, for several plans with the same services and corpus.

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
        self._warnings = [warning for recording in plan.recordings for warning in recording.warnings]
        if plan.primary.is_at(plan.candidate):
            self._warnings.append("primary and candidate are one address: a service was compared with itself")
        self._generated: Generated | None = None
        self._services = Services(plan.primary, plan.candidate, plan.second_primary, plan.profile)
        try:
            self._services.sign_in()
            self._servers = self._services.server_headers()
            api = described(plan, self._services)
        except BaseException:
            self.close()
            raise
        self._warnings += api.warnings
        self._traffic = Traffic(plan, api.document)
        profile = plan.profile
        self._judging = Judging(self._traffic.operations, profile.rules, declarations=profile.intended)
        self._ledger = Ledger(profile.intended)
        self._noise = NoiseBook(plan.noise)
        self._others = Others(self._services.sessions)
        self._examiner = Examiner(self._services, self._judging, self._ledger, self._noise, profile.exclude)

    def close(self) -> None:
        """Close the connections, and generate no more."""
        self._services.close()
        if self._generated is not None:
            self._generated.close()

    def parts(self) -> None:
        """Learn the noise, then compare request by request."""
        plan = self._plan
        if plan.generate and (sources := self._traffic.sources):
            self._generated = Generated(sources, plan.generate)
        surface = self._traffic.surface
        self._progress.expect(len(surface))
        if plan.noise is None:
            self.learn()
        for number in range(1, plan.repeat + 1):
            self._compare("corpus" if plan.repeat == 1 else f"corpus, {number} of {plan.repeat}", plan.corpus)
        self._compare("requests of the description", self._traffic.described)
        self._compare("every path and method", surface)
        self._compare("recorded", self._traffic.recorded)
        self._compare_generated()
        self._probe_constants()

    def learn(self) -> Learned:
        """Send the corpus to each side several times, each time from the same beginning, and note what differs."""
        corpus = self._traffic.lessons
        second = self._services.second_primary
        primaries = [*[self._services.primary] * NOISE_PASSES, *([second] if second else [])]
        candidates = [self._services.candidate] * NOISE_PASSES
        requests = (len(primaries) + len(candidates)) * len(corpus)
        if not self._plan.corpus:
            self._progress.expect(requests)
        self._phase("noise: each side against itself", requests)
        ours, theirs = self._passes_of_both(corpus, primaries, candidates)
        for own in self._own(corpus, ours):
            if own.noise:
                self._noise.learn(own.field, own.difference, own.seen.steps, own.answered)
            else:
                self._ledger.add_unsteady(own.operation, own.difference, own.seen)
        for own in self._own(corpus, theirs):
            if own.noise:
                self._noise.learn_of_candidate(own.field, own.difference, own.answered)
        return self._noise.learned()

    def outcome(self, metadata: Metadata, stopped: str) -> Outcome:
        """What was found so far."""
        return Outcome(
            plan=self._plan,
            metadata=metadata,
            seconds=metadata.seconds,
            ledger=self._ledger,
            noise=self._noise.fields(),
            servers=self._servers,
            warnings=[
                *self._warnings,
                *self._others.warnings(),
                *self._ledger.coverage.warnings(self._traffic.documented),
            ],
            documented=self._traffic.documented,
            secrets=Secrets.of([*self._plan.profile.secrets.items(), *self._services.granted]),
            stopped=stopped,
        )

    # parts

    def _passes_of_both(
        self, corpus: Sequence[Steps], primaries: Sequence[Session], candidates: Sequence[Session]
    ) -> tuple[list[Pass], list[Pass]]:
        """What each side answers to the corpus each time; both sides at once, because most of it is waiting."""
        with ThreadPoolExecutor(1) as beside:
            theirs = beside.submit(self._passes, candidates, corpus)
            try:
                ours = self._passes(primaries, corpus)
                return ours, theirs.result()
            except BaseException:
                for session in candidates:
                    session.abandoned.set()
                raise

    def _passes(self, sessions: Sequence[Session], corpus: Sequence[Steps]) -> list[Pass]:
        passes: list[Pass] = []
        for session in sessions:
            due = time.monotonic() + _PASS_SECONDS
            self._services.prepare(session)
            answers = []
            for _, exchanges in in_order(corpus, session.run):
                if session.abandoned.is_set():
                    return passes
                answers.append(exchanges)
                self._progress.advance()
            passes.append(answers)
            time.sleep(max(0.0, due - time.monotonic()))
        return passes

    def _own(self, corpus: Sequence[Steps], passes: Sequence[Pass]) -> Iterator[OwnDifference]:
        return differences_with_itself(corpus, passes, self._judging.operations, self._judging.rules)

    def _compare(self, name: str, sequences: Sequence[Steps]) -> None:
        if not sequences:
            return
        self._phase(name, len(sequences))
        self._services.prepare()
        self._examiner.begin()
        for steps, pairs in in_order(sequences, self._services.compare):
            self._examiner.book(steps, pairs)
            self._advance()

    def _compare_generated(self) -> None:
        if self._generated is None:
            return
        self._phase("generated", self._plan.generate)
        self._services.prepare()
        self._examiner.begin()
        for steps, pairs in self._services.compare_each(self._generated):
            self._examiner.book(steps, pairs)
            self._advance()
        self._warnings += self._generated.warnings

    def _probe_constants(self) -> None:
        """Look whether what varies on the primary varies on the candidate too, and in the same ways."""
        self._phase("what varies", _PROBES * len(self._unvaried()))
        for _ in range(_PROBES):
            if not (examples := self._unvaried()):
                break
            for steps in examples:
                self._examiner.book(steps, self._services.compare(steps), counted=False)
                self._advance()
            time.sleep(_PROBE_SECONDS)
        for noisy, steps, difference in self._noise.oddities():
            self._examiner.book_oddity(noisy, steps, difference)

    def _phase(self, name: str, requests: int) -> None:
        self._progress.phase(name, counted(requests, "request"))

    def _advance(self) -> None:
        if causes := self._ledger.cause_count:
            self._progress.remark(counted(causes, "difference"))
        self._progress.advance()

    def _unvaried(self) -> list[Steps]:
        return [steps for steps in self._noise.unvaried() if not is_raw(steps)]
