"""Request by request: what differs, whether it is noise, declared or new, and how often it shows."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from serving_lab.api.request import Request
from serving_lab.parity.cases import Case, Source, Steps
from serving_lab.parity.examination.reduction import smallest
from serving_lab.parity.examination.session import Session
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement import exchanges
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.forms import form_of
from serving_lab.parity.judgement.noise import VALUE_KINDS, Field, Noise
from serving_lab.parity.judgement.operations import Operations
from serving_lab.parity.ledger import Ledger, Sighting
from serving_lab.wire.message import Exchange, RawRequest

REPEATS = 4
"""How often a new cause's request is sent again."""
_CLOCK_SECONDS = 0.35
_EPOCH_SECONDS = 1e9
_NOISE_SHARE = 0.25
"""What varies is noise where it varies in this share of the answers that have it."""
_OFTEN = 2
"""What varies in so few of the repetitions of one request is no noise."""
_REDUCED = frozenset({Source.GENERATED, Source.RECORDED})
"""What a person wrote is as small as it should be."""
_NO_REQUEST = "(no request line)"


class Judge:
    """Compares the answers of two services and keeps the books."""

    def __init__(
        self, primary: Session, candidate: Session, paths: Operations, profile: Profile, ledger: Ledger
    ) -> None:
        self.noise = Noise()
        self._primary = primary
        self._candidate = candidate
        self._paths = paths
        self._profile = profile
        self._ledger = ledger

    def learn(self, corpus: Sequence[Steps], passes: Sequence[Sequence[Sequence[Exchange]]]) -> None:
        """Note in what the primary's answers to the same corpus, sent several times, differ.

        What varies in few of the answers that have it is no noise: a field must not be let off for being wrong once.
        """
        present = Counter(
            self._field(case, exchange, where)
            for sequence, answered in zip(corpus, passes[0], strict=True)
            for case, exchange in zip(sequence, answered, strict=True)
            for where in exchanges.places(exchange)
        )
        varied: dict[Field, dict[tuple[int, int], tuple[Difference, Sighting]]] = {}
        for first, again in combinations(passes, 2):
            for number, (sequence, ours, theirs) in enumerate(zip(corpus, first, again, strict=True)):
                for step, case in enumerate(sequence):
                    seen = Sighting(sequence, step, ours[step], theirs[step])
                    for own in self._own_differences(ours[step], theirs[step]):
                        if own.kind in VALUE_KINDS:
                            varied.setdefault(self._field(case, ours[step], own.where), {})[number, step] = own, seen
                        elif not _told_by_silence(own, case):
                            self._ledger.add_unsteady(self.operation(case), own, seen)
        for place, sightings in varied.items():
            noisy = len(sightings) >= _NOISE_SHARE * present[place]
            for own, seen in sightings.values():
                if noisy:
                    self.noise.learn(place, own, seen.sequence[: seen.step + 1])
                else:
                    self._ledger.add_unsteady(self.operation(seen.case), own, seen)

    def account(
        self, sequence: Steps, left: Sequence[Exchange], right: Sequence[Exchange], *, counted: bool = True
    ) -> None:
        """Book what both answered to a sequence."""
        for step, (case, ours, theirs) in enumerate(zip(sequence, left, right, strict=True)):
            operation = self.operation(case)
            seen = Sighting(sequence, step, ours, theirs)
            found = [d for d in self.differences(case, ours, theirs) if not self._ledger.declared(operation, d)]
            for difference in {d.signature: d for d in found}.values():
                if not self._ledger.knows(difference):
                    self._examine(operation, difference, seen)
                elif counted:
                    self._ledger.add(operation, difference, seen)
            if counted:
                self._ledger.count(case, operation, differing=any(self._ledger.blames(d) for d in found))

    def differences(self, case: Case, ours: Exchange, theirs: Exchange) -> list[Difference]:
        """Return what differs beyond noise, declared or not."""
        found = (
            self.noise.judge(self._field(case, ours, difference.where), difference, case)
            for difference in exchanges.differences(ours, theirs, self._profile.rules)
        )
        return exchanges.fold([difference for difference in found if difference])

    def operation(self, case: Case) -> str:
        """Return `METHOD /path`, as reports and declarations name the request."""
        request = case.request
        if isinstance(request, Request):
            return self._paths.label(request.method, request.target)
        # Below HTTP, servers answer in the services' place: a declaration of that must not cover ordinary requests.
        return f"raw {self._paths.label(*request.lines[0]) if request.lines else _NO_REQUEST}"

    def _examine(self, operation: str, difference: Difference, seen: Sighting) -> None:
        """Send a new cause's request again: is it the primary's own, how often does it show, how small can it be?"""
        sequence = seen.sequence[: seen.step + 1]
        runs = []
        for _ in range(REPEATS):
            runs.append((self._primary.run(sequence)[-1], self._candidate.run(sequence)[-1]))
            # A clock with whole seconds is steady for as long.
            time.sleep(_CLOCK_SECONDS if _may_tell_time(difference) else 0.0)
        if _told_by_silence(difference, seen.case) and not any(self._shows(difference, seen.case, runs)):
            return
        if self._is_own(operation, difference, seen, [ours for ours, _ in runs]):
            return
        shows = self._shows(difference, seen.case, runs)
        self._ledger.add(operation, difference, seen)
        self._ledger.repeated(difference, REPEATS, sum(shows))
        if all(shows) and seen.case.source in _REDUCED:
            self._reduce(seen.case, difference)

    def _shows(self, difference: Difference, case: Case, runs: Sequence[tuple[Exchange, Exchange]]) -> list[bool]:
        return [any(d.signature == difference.signature for d in self.differences(case, *run)) for run in runs]

    def _reduce(self, case: Case, difference: Difference) -> None:
        """Look for the smallest request that shows the same."""

        def shows(request: Request) -> bool:
            if self._paths.excludes(self._profile.exclude, request.method, request.target):
                return False
            smaller = replace(case, request=request)
            ours, theirs = self._primary.send(smaller), self._candidate.send(smaller)
            for same in self.differences(smaller, ours, theirs):
                if same.signature == difference.signature and not self._ledger.intends(self.operation(smaller), same):
                    self._ledger.offer(same, Sighting((smaller,), 0, ours, theirs))
                    return True
            return False

        if isinstance(case.request, Request):
            smallest(case.request, shows)

    def _is_own(self, operation: str, difference: Difference, seen: Sighting, answers: list[Exchange]) -> bool:
        """Whether the primary differs from itself in this, which is noise found late, or more than noise."""
        case, place = seen.case, (difference.kind, difference.where)
        own = [d for pair in pairwise(answers) for d in self._own_differences(*pair) if (d.kind, d.where) == place]
        if not own:
            return False
        if difference.kind not in VALUE_KINDS or (len(own) < _OFTEN and not _may_tell_time(difference)):
            self._ledger.add_unsteady(operation, own[0], seen)
            return True
        for each in own:
            field = self._field(case, seen.primary, each.where)
            self.noise.learn(field, each, seen.sequence[: seen.step + 1], late=True)
        return all(d.signature != difference.signature for d in self.differences(case, seen.primary, seen.candidate))

    def _own_differences(self, ours: Exchange, again: Exchange) -> list[Difference]:
        return exchanges.fold(list(exchanges.differences(ours, again, self._profile.rules)))

    def _field(self, case: Case, ours: Exchange, where: str) -> Field:
        status = ours.answers[0].status if ours.answers else 0
        return Field.of(self.operation(case), status, where)


def _told_by_silence(difference: Difference, case: Case) -> bool:
    """Whether it rests on how long a service was waited for: one that is slow for a moment shows it too, but once."""
    return isinstance(case.request, RawRequest) and difference.kind in {
        DifferenceKind.NO_ANSWER,
        DifferenceKind.CONNECTION,
    }


def _may_tell_time(difference: Difference) -> bool:
    """Whether the values may be times, or made of one."""
    primary = difference.values[0] if difference.values else None
    epoch = isinstance(primary, int | float) and primary >= _EPOCH_SECONDS
    return difference.kind in VALUE_KINDS and (epoch or form_of(primary).time is not None)
