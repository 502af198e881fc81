"""Learning the primary's noise from its answers to the same requests, sent several times."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from serving_lab.parity.cases import Steps
from serving_lab.parity.examination.timing import rests_on_waiting
from serving_lab.parity.judgement.difference import Difference
from serving_lab.parity.judgement.exchanges import value_paths
from serving_lab.parity.judgement.judge import field_of, own_differences
from serving_lab.parity.judgement.noise import VALUE_KINDS, Field
from serving_lab.parity.judgement.operations import Operations
from serving_lab.parity.judgement.rules import Rules
from serving_lab.parity.ledger import Sighting
from serving_lab.wire.message import Exchange

_NOISE_SHARE = 0.25
"""What varies is noise if it varies in this share of the answers that have it."""

Pass = Sequence[Sequence[Exchange]]
"""The answers to a corpus that was sent once: an exchange for each step of each of its sequences."""


@dataclass(frozen=True)
class OwnDifference:
    """Something in which the primary differs from itself."""

    field: Field
    operation: str
    difference: Difference
    seen: Sighting
    noise: bool = False
    """Whether it is noise; if not, nothing can be said about the candidate there."""


def differences_with_itself(
    corpus: Sequence[Steps], passes: Sequence[Pass], operations: Operations, rules: Rules
) -> Iterator[OwnDifference]:
    """In what the primary's answers to the same corpus differ from one pass to another.

    What varies in few of the answers that have it is not noise: a field must not be excused for being wrong once.

    Args:
        corpus: what was sent in each pass.
        passes: what the primary answered, twice at least.
        operations: the API's operations, by which fields are told apart.
        rules: by which exchanges are compared.
    """
    varied: dict[Field, dict[tuple[int, int], OwnDifference]] = {}
    for first, again in combinations(passes, 2):
        for number, (steps, exchanges, repeated) in enumerate(zip(corpus, first, again, strict=True)):
            for step, case in enumerate(steps):
                operation, seen = (
                    operations.of(case.request),
                    Sighting(steps[: step + 1], exchanges[step], repeated[step]),
                )
                for own in own_differences(seen.primary, seen.candidate, rules):
                    found = OwnDifference(field_of(operation, seen.primary, own.where), operation, own, seen)
                    if own.kind in VALUE_KINDS:
                        varied.setdefault(found.field, {})[number, step] = found
                    elif not rests_on_waiting(own, case.request):
                        yield found
    present = _present(corpus, passes[0], operations)
    for noisy, sightings in varied.items():
        noise = len(sightings) >= _NOISE_SHARE * present[noisy]
        for found in sightings.values():
            yield OwnDifference(noisy, found.operation, found.difference, found.seen, noise)


def _present(corpus: Sequence[Steps], answers: Pass, operations: Operations) -> Counter[Field]:
    """How many answers have each field."""
    return Counter(
        field_of(operations.of(case.request), exchange, where)
        for steps, exchanges in zip(corpus, answers, strict=True)
        for case, exchange in zip(steps, exchanges, strict=True)
        for where in value_paths(exchange)
    )
