"""The judgement of what a primary and a candidate answered to the same request: a pure function of plain values."""

from dataclasses import dataclass, field
from datetime import datetime

from serving_lab.api.request import Request
from serving_lab.documents.operations import Operations
from serving_lab.parity.judgement import exchanges
from serving_lab.parity.judgement.declarations import Declaration, declaration_of
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, Signature
from serving_lab.parity.judgement.noise import Field, Noise
from serving_lab.parity.judgement.rules import EVERYWHERE, Leeway, Rules
from serving_lab.parity.judgement.sifting import Asked, NoisyValue, Sieve
from serving_lab.wire.message import Exchange, RawRequest


@dataclass(frozen=True)
class ExchangePair:
    """What both sides answered to one request."""

    request: Request | RawRequest
    """As it is written, its variables not filled in: each side may have its own."""
    primary: Exchange
    candidate: Exchange
    answered: datetime
    """When both had answered, with a time zone: clocks in the answers are compared with it."""


@dataclass(frozen=True)
class Judging:
    """What is known of an API and of its primary, by which exchanges are judged."""

    operations: Operations = field(default_factory=Operations)
    rules: Rules = field(default_factory=Rules)
    noise: Noise = field(default_factory=Noise)
    """Of the primary."""
    candidate_noise: Noise = field(default_factory=Noise)
    declarations: tuple[Declaration, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What two exchanges differ in, beyond noise."""

    operation: str
    """`METHOD /path`."""
    undeclared: tuple[Difference, ...]
    declared: tuple[tuple[Difference, Declaration], ...]
    """Each with the declaration that intends it."""
    values: tuple[NoisyValue, ...]
    """Samples of fields in which the primary varies, for watching whether the candidate varies too."""
    noise: Noise
    """The noise by which it was judged, with the forms that these exchanges added."""

    def shows(self, signature: Signature) -> bool:
        """Whether a difference of this signature is among them, declared or not."""
        return any(d.signature == signature for d in (*self.undeclared, *(d for d, _ in self.declared)))


def judge(pair: ExchangePair, judging: Judging) -> Judgement:
    """Judge what both sides answered to one request.

    It raises nothing, whatever the answers hold: what cannot be read as JSON or metrics is compared as text.
    """
    operation, noise = judging.operations.of(pair.request), judging.noise
    asked = Asked(pair.request, pair.answered)
    rules = judging.rules.with_leeway(noise.leeway(operation, _status(pair.primary)))
    left: list[Difference] = []
    values: list[NoisyValue] = []
    for difference in exchanges.differences(pair.primary, pair.candidate, rules):
        place = field_of(operation, pair.primary, difference.where)
        sifted = Sieve(noise, judging.candidate_noise).sift(difference, place, asked)
        noise = sifted.noise or noise
        left += (each.pointed() for each in sifted.differences)
        values += sifted.values
        if difference.kind is DifferenceKind.STATUS and not sifted.differences:
            break  # Both statuses are right, and each has an answer of its own.
    told = [(each, declaration_of(each, operation, judging.declarations)) for each in exchanges.fold(left)]
    return Judgement(
        operation=operation,
        undeclared=tuple(difference for difference, declaration in told if declaration is None),
        declared=tuple((difference, declaration) for difference, declaration in told if declaration is not None),
        values=tuple(values),
        noise=noise,
    )


def own_differences(first: Exchange, again: Exchange, rules: Rules) -> list[Difference]:
    """What two answers of one service to the same request differ in: candidates for noise."""
    rules = rules.with_leeway(Leeway(lengths=EVERYWHERE))
    return exchanges.fold(list(exchanges.differences(first, again, rules)))


def field_of(operation: str, primary: Exchange, where: str) -> Field:
    """The field of the primary's answer that a difference at this path is in."""
    return Field.of(operation, _status(primary), where)


def _status(exchange: Exchange) -> int:
    return exchange.answers[0].status if exchange.answers else 0
