"""Noise: in what a service's answers to one request differ from each other, by the place where they do.

A text varies in parts, each known by what stands before it; what is between them is constant and compared exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from serving_lab.api import json_path
from serving_lab.parity.judgement.difference import Difference, DifferenceKind
from serving_lab.parity.judgement.forms import FREE_TEXT, Form, accepts, form_of, is_distinctive, is_text
from serving_lab.parity.judgement.rules import Leeway
from serving_lab.text import tokens

_ANY = "any"
_MOSTLY = 0.5
_NO_LEEWAY = Leeway()
_MOST_PARTS = 200


class Way(StrEnum):
    """How the structure of an answer varies, in the words of a report."""

    PRESENCE = "is there sometimes"
    TYPE = "sometimes null, or of another type"
    LENGTH = "of varying length"
    KEYS = "has varying keys"
    ORDER = "in varying order"
    METRIC = "a metric that varies in more than its numbers"


WAYS = {
    DifferenceKind.HEADER_MISSING: Way.PRESENCE,
    DifferenceKind.HEADER_EXTRA: Way.PRESENCE,
    DifferenceKind.MISSING: Way.PRESENCE,
    DifferenceKind.EXTRA: Way.PRESENCE,
    DifferenceKind.NULL_OR_ABSENT: Way.PRESENCE,
    DifferenceKind.METRIC_MISSING: Way.PRESENCE,
    DifferenceKind.METRIC_EXTRA: Way.PRESENCE,
    DifferenceKind.METRIC_FORM: Way.METRIC,
    DifferenceKind.TYPE: Way.TYPE,
    DifferenceKind.LENGTH: Way.LENGTH,
    DifferenceKind.KEYS: Way.KEYS,
    DifferenceKind.ORDER: Way.ORDER,
}
"""The kinds of difference that are noise of structure where the primary shows them itself."""
_LEEWAYS = (Way.LENGTH, Way.KEYS, Way.ORDER)
"""In the order of the fields of `Leeway`."""
EXACT_KINDS = frozenset({DifferenceKind.STATUS, DifferenceKind.CONTENT_TYPE, DifferenceKind.CONNECTION})
"""Kinds whose values are few: where the primary has several, the candidate must have one of them."""
VALUE_KINDS = EXACT_KINDS | {
    DifferenceKind.HEADER_VALUE,
    DifferenceKind.TEXT,
    DifferenceKind.NUMBER,
    DifferenceKind.NUMBER_TYPE,
    DifferenceKind.VALUE,
    DifferenceKind.BODY,
}
"""Kinds of difference between two values: they are noise where both have a form that the primary's values have."""


Answered = tuple[datetime | None, datetime | None]
"""When two answers were given, as far as somebody noted it."""


def may_be_noise(kind: DifferenceKind) -> bool:
    """Whether a difference of this kind is noise where the primary shows it itself."""
    return kind in VALUE_KINDS or kind in WAYS


@dataclass(frozen=True)
class Field:
    """Where a value is: in a header of any answer, or at a place in the answers of one status to one operation."""

    request: str
    where: str

    @property
    def anywhere(self) -> bool:
        """Whether it is one field in the answers to all operations."""
        return self.request == _ANY

    @property
    def in_all(self) -> "Field":
        """The same place in the answers to all operations."""
        return Field(_ANY, self.where)

    @property
    def is_header(self) -> bool:
        """Whether it is a header, of which many are the same in the answers to all operations."""
        return self.where.startswith("header ")

    @property
    def parent(self) -> "Field | None":
        """The object that it is a member of; None where it is none."""
        member = json_path.member_of(self.where)
        return Field(self.request, member[0]) if member else None

    @classmethod
    def of(cls, operation: str, status: int, where: str) -> "Field":
        """The field that a difference at this path is in."""
        return cls(operation if where in {"status", "connection"} else f"{operation} {status}", where)


@dataclass(frozen=True)
class Clock:
    """How far a part's times were from the moment of their answers, in seconds: the least and the most."""

    least: float
    most: float
    times: int = 1

    def with_offset(self, offset: float) -> "Clock":
        """The same with one time more."""
        return Clock(min(self.least, offset), max(self.most, offset), self.times + 1)


@dataclass(frozen=True)
class Variation:
    """How one field varies."""

    ways: frozenset[Way] = frozenset()
    parts: Mapping[str, frozenset[Form]] = field(default_factory=dict)
    """The forms of each varying part of its value, by what stands before the part; alone, the value is one part."""
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    """Of the parts that tell times."""
    types: frozenset[str] = frozenset()
    """Of its values, where they are of several."""
    free: bool = False
    """Whether it is a text of no one form, of which nothing more is compared."""

    @property
    def forms(self) -> frozenset[Form]:
        """The forms of all its parts."""
        return frozenset().union(*self.parts.values())

    @property
    def distinctive(self) -> "Variation":
        """What of it is known for noise at any place."""
        parts = {before: forms for before, forms in self.parts.items() if all(map(is_distinctive, forms))}
        return Variation(parts=parts, clocks={before: self.clocks[before] for before in parts if before in self.clocks})

    def with_way(self, way: Way) -> "Variation":
        """The same, and this way in which it varies."""
        return replace(self, ways=self.ways | {way})

    def with_form(self, before: str, value: object) -> "Variation":
        """The same, and the form of this value of the part behind this text."""
        known, form = self.parts.get(before, frozenset()), form_of(value)
        first_padded = form.padded and not any(each.padded for each in known)
        full = before not in self.parts and len(self.parts) >= _MOST_PARTS
        if full or (accepts(known, form) and not first_padded):
            return self
        return replace(self, parts={**self.parts, before: known | {form}})

    def with_time(self, before: str, value: object, answered: datetime) -> "Variation":
        """The same, and how far the time of this part's value is from the moment of its answer."""
        told = form_of(value).time
        if told is None:
            return self
        offset = (told - answered).total_seconds()
        clock = self.clocks[before].with_offset(offset) if before in self.clocks else Clock(offset, offset)
        return replace(self, clocks={**self.clocks, before: clock})

    def with_values(self, left: object, right: object, answered: Answered = (None, None)) -> "Variation":
        """The same, and what two values of the field that the same request had show of it."""
        if not is_text(left) or not is_text(right):
            return self._with_part("", left, right, answered)
        compared = tokens.compare(left, right)
        if not compared.alike and compared.constant < _MOSTLY and _in_no_form(compared):
            return replace(self, free=True)
        known = self
        for region in compared.fine if compared.alike else compared.coarse:
            known = known._with_part(region.before, region.left, region.right, answered)
        return known

    def joined(self, other: "Variation") -> "Variation":
        """What varies in one or the other."""
        parts = {
            before: self.parts.get(before, frozenset()) | other.parts.get(before, frozenset())
            for before in {**self.parts, **other.parts}
        }
        clocks = {**other.clocks, **self.clocks}
        return Variation(self.ways | other.ways, parts, clocks, self.types | other.types, self.free or other.free)

    def accepts(self, before: str, value: object) -> bool:
        """Whether the value has one of the forms of the part behind this text."""
        form = form_of(value)
        if before in self.parts:
            return accepts(self.parts[before], form)
        # What nobody chose is the same noise behind any text.
        return is_distinctive(form) and accepts({known for known in self.forms if is_distinctive(known)}, form)

    def knows(self, before: str, value: object) -> bool:
        """Whether the part behind this text had a form of this kind; another part of a text is constant."""
        known, form = self.parts.get(before), form_of(value)
        if known is None:
            return False
        return not is_text(value) or any(each.kind == form.kind for each in known) or accepts(known, form)

    def _with_part(self, before: str, left: object, right: object, answered: Answered) -> "Variation":
        known = self
        for value, moment in zip((left, right), answered, strict=True):
            known = known.with_form(before, value)
            known = known.with_time(before, value, moment) if moment else known
        return known


@dataclass(frozen=True)
class Noise:
    """What is known of one service's noise."""

    fields: Mapping[Field, Variation] = field(default_factory=dict)
    leeways: Mapping[str, Leeway] = field(default_factory=dict)
    """By the fields' request; they follow from the fields."""

    @classmethod
    def of_fields(cls, fields: Mapping[Field, Variation]) -> "Noise":
        """The noise of these fields."""
        return cls(fields, _leeways(fields))

    def of(self, place: Field) -> Variation | None:
        """How a field varies; None where it does not, as far as is known."""
        return self.fields.get(place) or self.fields.get(place.in_all)

    def with_variation(self, place: Field, variation: Variation) -> "Noise":
        """The same noise, and that this field varies so.

        What nobody chose, and varies at this path in the answers to two operations, does so in those to all.
        """
        known = self.fields.get(place, Variation())
        if known == variation and place in self.fields:
            return self
        fields = {**self.fields, place: variation}
        if (
            not place.anywhere
            and not place.is_header
            and any(_is_same_elsewhere(place, other) for other in self.fields)
        ):
            fields[place.in_all] = fields.get(place.in_all, Variation()).joined(variation.distinctive)
        return Noise(fields, self.leeways) if variation.ways == known.ways else Noise.of_fields(fields)

    def with_difference(self, place: Field, difference: Difference, answered: Answered = (None, None)) -> "Noise":
        """The same noise, and that the service differs from itself in this."""
        variation = self.fields.get(place, Variation())
        left, right = difference.values or (None, None)
        if way := WAYS.get(difference.kind):
            variation = variation.with_way(way)
            if difference.kind is DifferenceKind.TYPE:
                variation = replace(variation, types=variation.types | {str(left), str(right)})
            elif difference.kind is DifferenceKind.KEYS:
                for key in difference.keys:
                    variation = variation.with_form("", key)
        else:
            variation = variation.with_values(left, right, answered)
        return self.with_variation(place, variation)

    def leeway(self, operation: str, status: int) -> Leeway:
        """What in the structure of an answer varies, so that the rest can be compared beside it."""
        return self.leeways.get(Field.of(operation, status, "$").request, _NO_LEEWAY)


def _leeways(fields: Mapping[Field, Variation]) -> Mapping[str, Leeway]:
    found: dict[str, dict[Way, set[str]]] = {}
    for place, variation in fields.items():
        for way in variation.ways.intersection(_LEEWAYS):
            found.setdefault(place.request, {}).setdefault(way, set()).add(place.where)
    return {request: Leeway(*(frozenset(ways.get(way, ())) for way in _LEEWAYS)) for request, ways in found.items()}


def _is_same_elsewhere(place: Field, other: Field) -> bool:
    return place.where == other.where and place != other and not other.anywhere


def _in_no_form(compared: tokens.Comparison) -> bool:
    """Whether two texts have not even as many words in what differs."""
    return any(form_of(text).kind == FREE_TEXT for region in compared.coarse for text in (region.left, region.right))
