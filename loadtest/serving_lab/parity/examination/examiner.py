"""Books what both sides answered, and sends again what shows a new cause: is it real, how often, how small?"""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source, Steps
from serving_lab.parity.coverage import one_is_limited
from serving_lab.parity.examination.divergence import Divergence, Origin
from serving_lab.parity.examination.noise_book import NoiseBook
from serving_lab.parity.examination.reduction import smallest
from serving_lab.parity.examination.services import Services
from serving_lab.parity.examination.timing import may_tell_time, rests_on_waiting
from serving_lab.parity.judgement.declarations import declaration_of
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.judge import (
    ExchangePair,
    Judgement,
    Judging,
    field_of,
    judge,
    own_differences,
)
from serving_lab.parity.judgement.noise import VALUE_KINDS, WAYS, Answered, Field, Way, may_be_noise
from serving_lab.parity.ledger import Consequence, Ledger, Sighting
from serving_lab.wire.message import Exchange

REPEATS = 4
"""How often a new cause's request is sent again."""
_CLOCK_SECONDS = 0.35
"""Pause between repetitions where a clock may be involved: one with whole seconds is steady for up to a second."""
_ENOUGH_OPERATIONS = 3
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
        self._divergence = Divergence()

    def begin(self) -> None:
        """Note that both services have been brought into the same state, if the profile says how."""
        if self._services.can_prepare:
            self._divergence.reset()

    def book(self, steps: Steps, pairs: Sequence[ExchangePair], *, counted: bool = True) -> None:
        """Book what both sides answered to the steps; `counted=False` for requests that only look for something new."""
        within = Divergence()
        for number, (case, pair) in enumerate(zip(steps, pairs, strict=True), start=1):
            if counted:
                operation = self._judging.operations.of(case.request)
                self._ledger.coverage.note(operation, case, pair.primary, pair.candidate)
            if one_is_limited(pair.primary, pair.candidate):
                continue
            judgement = self._judge(pair)
            seen = Sighting(steps[:number], pair.primary, pair.candidate)
            self._ledger.book_declared(declaration for _, declaration in judgement.declared)
            for difference in {d.signature: d for d in judgement.undeclared}.values():
                if not self._ledger.knows(judgement.operation, difference):
                    self._examine(judgement.operation, difference, seen, pair, within.origin)
                elif counted:
                    self._ledger.add(judgement.operation, difference, seen)
            for divergence in (within, self._divergence):
                divergence.note(case, pair, judgement)
            if counted:
                self._ledger.count(case, judgement)

    def book_oddity(self, noisy: Field, steps: Steps, difference: Difference) -> None:
        """Book that a field which is noise varies in another way on one side; the steps show it."""
        operation = self._judging.operations.of(steps[-1].request)
        if self._ledger.differs_at(noisy):
            return
        if declaration := declaration_of(difference, operation, self._judging.declarations):
            self._ledger.book_declared([declaration])
            return
        pair = self._services.compare(steps)[-1]
        where = noisy.request if noisy.anywhere else operation
        self._ledger.add(where, difference, Sighting(steps, pair.primary, pair.candidate))

    def _judge(self, pair: ExchangePair) -> Judgement:
        judgement = judge(
            pair, replace(self._judging, noise=self._noise.noise, candidate_noise=self._noise.candidate_noise)
        )
        self._noise.observe(judgement)
        return judgement

    def _examine(
        self, operation: str, difference: Difference, seen: Sighting, pair: ExchangePair, earlier: Origin | None
    ) -> None:
        """Send a new cause's request again: is it the primary's own, how often does it show, how small can it be?

        What several operations have shown is known, and only booked for the next ones. `earlier` is what made the
        states differ in an earlier step of the same sequence.
        """
        if self._ledger.operations_with(difference) >= _ENOUGH_OPERATIONS:
            self._ledger.add(operation, difference, seen)
            return
        repeated = self._repeat(difference, seen.steps, REPEATS)
        if rests_on_waiting(difference, pair.request) and not any(self._shows(difference, repeated)):
            return
        if self._is_own(operation, difference, seen, repeated):
            return
        self._learn_of_candidate(operation, difference, repeated)
        for left in self._left_of(difference, pair):
            if self._ledger.knows(operation, left):
                self._ledger.add(operation, left, seen)
                continue
            shows = self._shows(left, repeated)
            self._ledger.add(operation, left, seen)
            self._ledger.repeated(operation, left, len(repeated), sum(shows))
            if consequence := self._consequence(operation, left, seen, earlier, shows):
                self._ledger.follows(operation, left, consequence)
            elif all(shows) and seen.case.source in _REDUCED:
                self._reduce(seen.case, left)

    def _consequence(
        self, operation: str, difference: Difference, seen: Sighting, earlier: Origin | None, shows: Sequence[bool]
    ) -> Consequence | None:
        """Whether the difference follows from another one, because the services are no longer in the same state."""
        origin = earlier or self._divergence.origin
        if origin is None:
            return None
        if earlier is None and self._services.can_prepare:
            if not shows or not all(shows):
                return None
            self._services.prepare()
            self.begin()
            again = self._shows(difference, self._repeat(difference, seen.steps, REPEATS))
            return Consequence(origin.operation, proven=True) if again and not any(again) else None
        of_state = difference.where.startswith("$") or difference.kind is DifferenceKind.STATUS
        suspected = origin.one_sided and of_state and origin.may_change(operation)
        return Consequence(origin.operation, proven=False) if suspected else None

    def _repeat(self, difference: Difference, steps: Steps, times: int) -> list[ExchangePair]:
        repeated = []
        for _ in range(times):
            pair = self._services.compare(steps)[-1]
            if not one_is_limited(pair.primary, pair.candidate):
                repeated.append(pair)
            time.sleep(_CLOCK_SECONDS if may_tell_time(difference) else 0.0)
        return repeated

    def _left_of(self, difference: Difference, pair: ExchangePair) -> list[Difference]:
        """What the difference is now that more is known of both sides' noise; nothing where it is noise."""
        now = {each.signature: each for each in self._judge(pair).undeclared}
        if same := now.get(difference.signature):
            return [same]
        return [each for each in now.values() if each.where == difference.where]

    def _shows(self, difference: Difference, pairs: Sequence[ExchangePair]) -> list[bool]:
        return [self._judge(pair).shows(difference.signature) for pair in pairs]

    def _is_own(self, operation: str, difference: Difference, seen: Sighting, repeated: list[ExchangePair]) -> bool:
        """Whether the primary differs from itself in this, more than in noise.

        What varies in it is learned. One answer of many that is unlike all others is no noise: it was wrong once.
        """
        own = self._own(difference, [pair.primary for pair in repeated])
        if 0 < len(own) < len(repeated) and may_be_noise(difference.kind) and not may_tell_time(difference):
            repeated += self._repeat(difference, seen.steps, 2 * REPEATS)
            own = self._own(difference, [pair.primary for pair in repeated])
        if not own:
            return False
        known = self._noise.noise.of(field_of(operation, seen.primary, difference.where)) is not None
        odd_one = len(own) < len(repeated) and not may_tell_time(difference) and not known
        if not all(may_be_noise(each.kind) for each, _ in own) or odd_one:
            self._ledger.add_unsteady(operation, own[0][0], seen)
            return True
        for each, answered in own:
            place = field_of(operation, seen.primary, each.where)
            self._noise.learn(place, each, seen.steps, answered, late=True)
            if place.is_header:
                self._noise.learn(place.in_all, each, seen.steps, answered, late=True)
        return False

    def _learn_of_candidate(self, operation: str, difference: Difference, repeated: Sequence[ExchangePair]) -> None:
        own = self._own(difference, [pair.candidate for pair in repeated])
        if len(own) >= len(repeated):
            for each, answered in own:
                self._noise.learn_of_candidate(field_of(operation, repeated[0].primary, each.where), each, answered)

    def _own(self, difference: Difference, exchanges: Sequence[Exchange]) -> list[tuple[Difference, Answered]]:
        """In what the answers of one side differ from each other at this place, in the way of this difference."""
        found = [
            (each, (first.answered, again.answered))
            for first, again in combinations(exchanges, 2)
            for each in own_differences(first, again, self._judging.rules)
        ]
        same = [(each, answered) for each, answered in found if _is_alike(each, difference)]
        if not same and WAYS.get(difference.kind) is Way.PRESENCE:
            # Of an object whose keys vary, no member comes and goes twice.
            above = difference.of_keys.where
            same = [
                (each.of_keys, answered)
                for each, answered in found
                if WAYS.get(each.kind) is Way.PRESENCE and each.of_keys.where == above != each.where
            ]
        return same

    def _reduce(self, case: Case, difference: Difference) -> None:
        """Look for the smallest request that shows the same."""

        def shows(request: Request) -> bool:
            if self._judging.operations.excludes(self._exclude, request.method, request.target):
                return False
            steps = (replace(case, request=request),)
            (pair,) = self._services.compare(steps)
            judgement = self._judge(pair)
            same = [d for d in judgement.undeclared if d.signature == difference.signature]
            if same:
                self._ledger.offer(judgement.operation, same[0], Sighting(steps, pair.primary, pair.candidate))
            return bool(same)

        if isinstance(case.request, Request):
            smallest(case.request, shows)


_OF_VALUES = VALUE_KINDS | {DifferenceKind.FORM, DifferenceKind.CLOCK, DifferenceKind.VARYING}


def _is_alike(own: Difference, difference: Difference) -> bool:
    """Whether a service's difference from itself may explain one between the two."""
    if own.where != difference.where:
        return False
    if own.kind == difference.kind or {own.kind, difference.kind} <= _OF_VALUES:
        return True
    return own.kind in WAYS and WAYS.get(own.kind) == WAYS.get(difference.kind)
