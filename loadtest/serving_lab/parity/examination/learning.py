"""Learning the noise of a service from its answers to the same requests, sent several times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, combinations

from serving_lab.documents.operations import Operations
from serving_lab.parity.cases import Steps
from serving_lab.parity.coverage import one_is_limited
from serving_lab.parity.examination.timing import may_tell_time, rests_on_waiting
from serving_lab.parity.judgement.difference import Difference
from serving_lab.parity.judgement.exchanges import value_paths
from serving_lab.parity.judgement.judge import field_of, own_differences
from serving_lab.parity.judgement.noise import VALUE_KINDS, WAYS, Answered, Field, Way, may_be_noise
from serving_lab.parity.judgement.rules import Rules
from serving_lab.parity.ledger import Sighting
from serving_lab.wire.message import Exchange

_NOISE_SHARE = 0.25
"""What varies is noise if it varies in this share of the answers that have it."""
_STRUCTURE_SHARE, _OFTEN = 0.1, 3
"""Headers and structure that vary are noise at this share, and in so many answers in any case."""
_FEW_MEMBERS = 3
"""An object of which more members than this come and go has keys that nobody chose."""

Pass = Sequence[Sequence[Exchange]]
"""The answers to a corpus that was sent once: an exchange for each step of each of its sequences."""
_Request = tuple[int, int]
"""The numbers of a sequence and of a step of it."""


@dataclass(frozen=True)
class OwnDifference:
    """Something in which a service differs from itself."""

    field: Field
    operation: str
    difference: Difference
    seen: Sighting
    noise: bool = False
    """Whether it is noise; if not, nothing can be said about the other service there."""

    @property
    def answered(self) -> Answered:
        """When the two answers were given."""
        return self.seen.primary.answered, self.seen.candidate.answered


@dataclass
class _Varied:
    """What differs in one field, by request, and the requests whose answers have the field."""

    found: dict[_Request, list[OwnDifference]] = field(default_factory=dict)
    present: set[_Request] = field(default_factory=set)

    @property
    def all(self) -> Iterator[OwnDifference]:
        return chain.from_iterable(self.found.values())

    @cached_property
    def often(self) -> bool:
        """Whether it is noise; what seldom varies in a body is not: a field must not be excused for being wrong.

        All of it must be found before this is asked for.
        """
        first = next(self.all, None)
        if first is None:
            return False
        if any(may_tell_time(each.difference) for each in self.all):
            return True
        if first.difference.kind in VALUE_KINDS and not first.field.is_header:
            return len(self.found) >= _NOISE_SHARE * len(self.present)
        return len(self.found) >= min(_OFTEN, _STRUCTURE_SHARE * len(self.present))


def differences_with_itself(
    corpus: Sequence[Steps], passes: Sequence[Pass], operations: Operations, rules: Rules
) -> Iterator[OwnDifference]:
    """In what a service's answers to the same corpus differ from one pass to another.

    What varies in few of the answers that have it is not noise: a field must not be excused for being wrong once.
    A header that is noise in enough of the operations that have it is noise in all, and told once more as such.

    Args:
        corpus: what was sent in each pass.
        passes: what the service answered, twice at least.
        operations: the API's operations, by which fields are told apart.
        rules: by which exchanges are compared.
    """
    fields: dict[Field, _Varied] = {}
    for found, request in _found(corpus, passes, operations, rules):
        if may_be_noise(found.difference.kind):
            fields.setdefault(found.field, _Varied()).found.setdefault(request, []).append(found)
        elif not rests_on_waiting(found.difference, found.seen.case.request):
            yield found
    fields = _with_changing_keys(fields)
    _note_present(fields, corpus, passes, operations)
    headers = _by_header(fields)
    for varied in fields.values():
        for found in varied.all:
            yield replace(found, noise=varied.often)
            if varied.often and found.field.is_header and headers[found.field.where]:
                yield replace(found, field=found.field.in_all, noise=True)


def _found(
    corpus: Sequence[Steps], passes: Sequence[Pass], operations: Operations, rules: Rules
) -> Iterator[tuple[OwnDifference, _Request]]:
    for first, again in combinations(passes, 2):
        for number, (steps, exchanges, repeated) in enumerate(zip(corpus, first, again, strict=True)):
            for step, case in enumerate(steps):
                operation = operations.of(case.request)
                seen = Sighting(steps[: step + 1], exchanges[step], repeated[step])
                if one_is_limited(seen.primary, seen.candidate):
                    continue
                for own in own_differences(seen.primary, seen.candidate, rules):
                    place = field_of(operation, seen.primary, own.where)
                    yield OwnDifference(place, operation, own, seen), (number, step)


def _with_changing_keys(fields: dict[Field, _Varied]) -> dict[Field, _Varied]:
    """The fields, with one of changing keys in place of many that come and go in the same object."""
    members: dict[Field, list[Field]] = {}
    for place, varied in fields.items():
        comes_and_goes = any(WAYS.get(each.difference.kind) is Way.PRESENCE for each in varied.all)
        if comes_and_goes and (above := place.parent):
            members.setdefault(above, []).append(place)
    for above, places in members.items():
        if len(places) <= _FEW_MEMBERS:
            continue
        joined = fields.setdefault(above, _Varied())
        for place in places:
            for request, found in fields.pop(place).found.items():
                of_keys = [replace(each, field=above, difference=each.difference.of_keys) for each in found]
                joined.found.setdefault(request, []).extend(of_keys)
    return fields


def _note_present(
    fields: dict[Field, _Varied], corpus: Sequence[Steps], passes: Sequence[Pass], operations: Operations
) -> None:
    """Note in how many answers each field is, also those in which it does not differ."""
    headers = {place.where for place in fields if place.is_header}
    for answers in passes:
        for number, (steps, exchanges) in enumerate(zip(corpus, answers, strict=True)):
            for step, (case, exchange) in enumerate(zip(steps, exchanges, strict=True)):
                operation = operations.of(case.request)
                for where in value_paths(exchange):
                    place = field_of(operation, exchange, where)
                    if place in fields or where in headers:
                        fields.setdefault(place, _Varied()).present.add((number, step))


def _by_header(fields: dict[Field, _Varied]) -> dict[str, bool]:
    """Whether each header is noise in enough of the operations that have it."""
    those: dict[str, list[bool]] = {}
    for place, varied in fields.items():
        if place.is_header:
            those.setdefault(place.where, []).append(bool(varied.found) and varied.often)
    return {where: sum(noise) >= _NOISE_SHARE * len(noise) for where, noise in those.items()}
