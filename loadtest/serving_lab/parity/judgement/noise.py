"""Noise: fields in which the primary differs from itself. They are compared by form, not by value, and must vary."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from serving_lab.parity import result
from serving_lab.parity.cases import Case, Steps
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown, without_tokens
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
_FEWEST_VALUES = 5
_SHORTEST_ECHO = 8
_ANY = "any"


@dataclass(frozen=True)
class Field:
    """One place: a header of any answer, or a JSON path in the answers of one status to one operation."""

    request: str
    where: str

    @property
    def anywhere(self) -> bool:
        """Whether it is one place in the answers to all operations."""
        return self.request == _ANY

    @classmethod
    def of(cls, operation: str, status: int, where: str) -> "Field":
        """Return the field that a difference at this place is in."""
        return cls(_ANY if where.startswith("header ") else f"{operation} {status}", where)


@dataclass
class _Known:
    """What was seen of a noisy field."""

    example: Steps
    """Requests whose last answers have it."""
    late: bool
    forms: set[str] = field(default_factory=set)
    shown: str = ""
    compared: int = 0
    primary_values: set[int] = field(default_factory=set)
    """Hashes: whether it varies is all that is asked."""
    candidate_values: set[int] = field(default_factory=set)
    candidate_shown: str = ""


class Noise:
    """What is known of the primary's noise."""

    def __init__(self) -> None:
        self._known: dict[Field, _Known] = {}

    def __contains__(self, place: Field) -> bool:
        return place in self._known

    def learn(self, place: Field, difference: Difference, example: Steps, *, late: bool = False) -> None:
        """Note that the primary differs from itself here."""
        known = self._known.setdefault(place, _Known(example, late))
        for value in difference.values or ():
            known.forms.add(form_of(value).words)
            known.shown = without_tokens(shown(value))

    def judge(self, place: Field, difference: Difference, case: Case) -> Difference | None:
        """Return what is left of a difference: itself, one of form or clock, or nothing where it is noise."""
        if place not in self._known or difference.kind not in VALUE_KINDS or difference.values is None:
            return difference
        primary, candidate = difference.values
        if _echoed(primary, case) or _echoed(candidate, case):
            return difference
        known = self._known[place]
        ours, theirs = form_of(primary), form_of(candidate)
        known.forms.add(ours.words)
        if difference.kind is DifferenceKind.NUMBER_TYPE:
            return difference if theirs.words not in known.forms else None
        if theirs.words not in known.forms:
            if isinstance(primary, int) is not isinstance(candidate, int):
                return None  # The difference of type beside this one tells it.
            return replace(
                difference, kind=DifferenceKind.FORM, primary=ours.words, candidate=theirs.words, relative=None
            )
        if ours.time and theirs.time and _is_now(ours.time) and abs(ours.time - theirs.time) > _CLOCK_TOLERANCE:
            return replace(difference, kind=DifferenceKind.CLOCK, relative=None)
        known.compared += 1
        known.primary_values.add(hash(primary))
        known.candidate_values.add(hash(candidate))
        known.candidate_shown = without_tokens(shown(candidate))
        return None

    def unvaried(self) -> list[Steps]:
        """Return a request for each noisy field that was not seen to vary on the candidate yet."""
        return list(dict.fromkeys(known.example for known in self._known.values() if len(known.candidate_values) < 2))

    def constants(self) -> Iterator[tuple[Field, Steps, Difference]]:
        """Yield the fields that vary on the primary and never did on the candidate."""
        for place, known in self._known.items():
            steady = len(known.candidate_values) == 1 < len(known.primary_values)
            if steady and known.compared >= _FEWEST_VALUES:
                sides = f"varies, as {known.shown}", f"always {known.candidate_shown}"
                yield place, known.example, Difference(DifferenceKind.CONSTANT, place.where, *sides)

    def listed(self) -> list[result.NoiseRecord]:
        """Return what a report says of it."""
        return [
            result.NoiseRecord(
                request=place.request,
                where=place.where,
                forms=sorted(known.forms),
                example=known.shown,
                late=known.late,
            )
            for place, known in sorted(self._known.items(), key=lambda item: (item[0].request, item[0].where))
        ]


def _echoed(value: object, case: Case) -> bool:
    """Whether the value was taken from the request: then it is an answer to it, however much it varies elsewhere."""
    if not isinstance(value, str) or not value:
        return False
    request = case.request
    if isinstance(request, RawRequest):
        content = request.content
    elif any(value == text.strip() for _, text in request.headers):
        return True
    else:
        content = request.target.encode("latin-1", "replace") + request.body
    sought = value.encode()
    if len(value) < _SHORTEST_ECHO or sought not in content:
        return False
    # As a whole: a long body of numbers has the digits of many a duration within.
    return re.search(rb"(?<![\w.-])%s(?![\w.-])" % re.escape(sought), content) is not None


def _is_now(time: datetime) -> bool:
    return abs(datetime.now(UTC) - time) <= _CLOCK_TOLERANCE
