"""Noise: fields in which the primary differs from itself. They are compared by form, not by value, and must vary."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from serving_lab.api.request import Request
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.forms import form_of
from serving_lab.wire.message import RawRequest

VALUE_KINDS = frozenset(
    {
        DifferenceKind.HEADER_VALUE,
        DifferenceKind.TEXT,
        DifferenceKind.NUMBER,
        DifferenceKind.NUMBER_TYPE,
        DifferenceKind.VALUE,
        DifferenceKind.BODY,
    }
)
"""Kinds of difference that noise can be: both sides have a value of one type, or one writes 2 where it can be 2.5."""
_CLOCK_TOLERANCE = timedelta(seconds=60)
_SHORTEST_ECHO = 8
_ANY = "any"


@dataclass(frozen=True)
class Field:
    """Where a value is: in a header of any answer, or at a JSON path in the answers of one status to one operation."""

    request: str
    where: str

    @property
    def anywhere(self) -> bool:
        """Whether it is one field in the answers to all operations."""
        return self.request == _ANY

    @classmethod
    def of(cls, operation: str, status: int, where: str) -> "Field":
        """The field that a difference at this path is in."""
        return cls(_ANY if where.startswith("header ") else f"{operation} {status}", where)


@dataclass(frozen=True)
class Noise:
    """What is known of the primary's noise: each noisy field with the forms that its values had."""

    forms: Mapping[Field, frozenset[str]] = field(default_factory=dict)

    def with_values(self, noisy: Field, *values: object) -> "Noise":
        """The same noise, and that the primary had these values in this field."""
        known = self.forms.get(noisy, frozenset())
        forms = known.union(form_of(value).words for value in values)
        return self if noisy in self.forms and forms == known else Noise({**self.forms, noisy: forms})


@dataclass(frozen=True)
class NoisyValue:
    """Values of the right form in a noisy field of both sides: not a difference, but a sample of how it varies."""

    field: Field
    primary: object
    candidate: object


@dataclass(frozen=True)
class Sifted:
    """What is left of a difference once noise is taken into account."""

    difference: Difference | None
    """The same one, one of form or clock, or None where it is noise."""
    value: NoisyValue | None = None
    """The sample that it gave of a noisy field."""
    noise: Noise | None = None
    """The noise with the form that the primary's value had; None where the field is not noisy."""


def sift(
    difference: Difference, noisy: Field, noise: Noise, request: Request | RawRequest, answered: datetime
) -> Sifted:
    """Tell noise from what a client would notice.

    Args:
        difference: what differs.
        noisy: the field that it is in.
        noise: what is known of the primary's noise.
        request: what was asked; a value that was taken from it is not noise.
        answered: when both had answered; a clock that tells this time must tell it on both sides.
    """
    if noisy not in noise.forms or difference.kind not in VALUE_KINDS or difference.values is None:
        return Sifted(difference)
    primary, candidate = difference.values
    if _echoed(primary, request) or _echoed(candidate, request):
        return Sifted(difference)
    ours, theirs = form_of(primary), form_of(candidate)
    noise = noise.with_values(noisy, primary)
    known = theirs.words in noise.forms[noisy]
    if difference.kind is DifferenceKind.NUMBER_TYPE:
        return Sifted(None if known else difference, noise=noise)
    if not known:
        if isinstance(primary, int) is not isinstance(candidate, int):
            return Sifted(None, noise=noise)  # The difference of type beside this one tells it.
        kind = DifferenceKind.FORM
        other = replace(difference, kind=kind, primary=ours.words, candidate=theirs.words, relative=None)
        return Sifted(other, noise=noise)
    if ours.time and theirs.time and abs(answered - ours.time) <= _CLOCK_TOLERANCE < abs(ours.time - theirs.time):
        return Sifted(replace(difference, kind=DifferenceKind.CLOCK, relative=None), noise=noise)
    return Sifted(None, NoisyValue(noisy, primary, candidate), noise)


def _echoed(value: object, request: Request | RawRequest) -> bool:
    """Whether the value was taken from the request: then it answers the request, however much it varies elsewhere."""
    if not isinstance(value, str) or not value:
        return False
    if isinstance(request, RawRequest):
        content = request.content
    elif any(value == text.strip() for _, text in request.headers):
        return True
    else:
        content = request.target.encode("latin-1", "replace") + request.body
    if len(value) < _SHORTEST_ECHO:
        return False
    sought = value.encode("utf-8", "surrogatepass")
    if sought not in content:
        return False
    # As a whole: a long body of numbers has the digits of many a duration within.
    return re.search(rb"(?<![\w.-])%s(?![\w.-])" % re.escape(sought), content) is not None
