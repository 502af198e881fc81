"""Books what both sides answered, and sends again what shows a new cause: is it real, how often, how small?"""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source, Steps
from serving_lab.parity.examination.noise_book import NoiseBook
from serving_lab.parity.examination.reduction import smallest
from serving_lab.parity.examination.services import Services
from serving_lab.parity.examination.timing import may_tell_time, rests_on_waiting
from serving_lab.parity.judgement.declarations import declaration_of
from serving_lab.parity.judgement.difference import Difference
from serving_lab.parity.judgement.judge import (
    ExchangePair,
    Judgement,
    Judging,
    field_of,
    judge,
    own_differences,
)
from serving_lab.parity.judgement.noise import VALUE_KINDS, Field
from serving_lab.parity.ledger import Ledger, Sighting

REPEATS = 4
"""How often a new cause's request is sent again."""
_CLOCK_SECONDS = 0.35
"""Pause between repetitions where a clock may be involved: one with whole seconds is steady for up to a second."""
_OFTEN = 2
"""What varies in fewer of the repetitions of one request is not noise."""
_REDUCED = frozenset({Source.GENERATED, Source.RECORDED})
"""What a person wrote is as small as it should be."""


class Examiner:
    """Judges each pair of exchanges by what is known at that time, and keeps ledger and noise book."""

    def __init__(
        self, services: Services, judging: Judging, ledger: Ledger, noise: NoiseBook, exclude: Sequence[str]
    ) -> None:
        self._services = services
        self._judging = judging
        self._ledger = ledger
        self._noise = noise
        self._exclude = exclude

    def book(self, steps: Steps, pairs: Sequence[ExchangePair], *, counted: bool = True) -> None:
        """Book what both sides answered to the steps; `counted=False` for requests that only look for something new."""
        for number, (case, pair) in enumerate(zip(steps, pairs, strict=True), start=1):
            judgement = self._judge(pair)
            seen = Sighting(steps[:number], pair.primary, pair.candidate)
            self._ledger.book_declared(declaration for _, declaration in judgement.declared)
            for difference in {d.signature: d for d in judgement.undeclared}.values():
                if not self._ledger.knows(difference):
                    self._examine(judgement.operation, difference, seen, pair)
                elif counted:
                    self._ledger.add(judgement.operation, difference, seen)
            if counted:
                self._ledger.count(case, judgement)

    def book_constant(self, noisy: Field, steps: Steps, difference: Difference) -> None:
        """Book that a field which varies on the primary never did on the candidate; the steps show it."""
        operation = self._judging.operations.of(steps[-1].request)
        if declaration := declaration_of(difference, operation, self._judging.declarations):
            self._ledger.book_declared([declaration])
            return
        pair = self._services.compare(steps)[-1]
        where = noisy.request if noisy.anywhere else operation
        self._ledger.add(where, difference, Sighting(steps, pair.primary, pair.candidate))

    def _judge(self, pair: ExchangePair) -> Judgement:
        judgement = judge(pair, replace(self._judging, noise=self._noise.noise))
        self._noise.observe(judgement)
        return judgement

    def _examine(self, operation: str, difference: Difference, seen: Sighting, pair: ExchangePair) -> None:
        """Send a new cause's request again: is it the primary's own, how often does it show, how small can it be?"""
        repeated = []
        for _ in range(REPEATS):
            repeated.append(self._services.compare(seen.steps)[-1])
            time.sleep(_CLOCK_SECONDS if may_tell_time(difference) else 0.0)
        if rests_on_waiting(difference, pair.request) and not any(self._shows(difference, repeated)):
            return
        if self._is_own(operation, difference, seen, pair, repeated):
            return
        shows = self._shows(difference, repeated)
        self._ledger.add(operation, difference, seen)
        self._ledger.repeated(difference, REPEATS, sum(shows))
        if all(shows) and seen.case.source in _REDUCED:
            self._reduce(seen.case, difference)

    def _shows(self, difference: Difference, pairs: Sequence[ExchangePair]) -> list[bool]:
        return [self._judge(pair).shows(difference.signature) for pair in pairs]

    def _is_own(
        self,
        operation: str,
        difference: Difference,
        seen: Sighting,
        pair: ExchangePair,
        repeated: Sequence[ExchangePair],
    ) -> bool:
        """Whether the primary differs from itself in this, which is noise found late, or more than noise."""
        own = [
            each
            for first, again in pairwise(repeated)
            for each in own_differences(first.primary, again.primary, self._judging.rules)
            if (each.kind, each.where) == (difference.kind, difference.where)
        ]
        if not own:
            return False
        if difference.kind not in VALUE_KINDS or (len(own) < _OFTEN and not may_tell_time(difference)):
            self._ledger.add_unsteady(operation, own[0], seen)
            return True
        for each in own:
            noisy = field_of(operation, seen.primary, each.where)
            self._noise.learn(noisy, each, seen.steps, late=True)
        return not self._judge(pair).shows(difference.signature)

    def _reduce(self, case: Case, difference: Difference) -> None:
        """Look for the smallest request that shows the same."""

        def shows(request: Request) -> bool:
            if self._judging.operations.excludes(self._exclude, request.method, request.target):
                return False
            steps = (replace(case, request=request),)
            (pair,) = self._services.compare(steps)
            same = [d for d in self._judge(pair).undeclared if d.signature == difference.signature]
            if same:
                self._ledger.offer(same[0], Sighting(steps, pair.primary, pair.candidate))
            return bool(same)

        if isinstance(case.request, Request):
            smallest(case.request, shows)
