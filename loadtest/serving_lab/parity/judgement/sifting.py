"""What is left of a difference once noise is taken into account."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from serving_lab.api.request import Request
from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown, shown_part
from serving_lab.parity.judgement.forms import FREE_TEXT, Exact, accepts, form_of, is_text
from serving_lab.parity.judgement.noise import VALUE_KINDS, WAYS, Field, Noise, Variation
from serving_lab.text import tokens
from serving_lab.wire.message import RawRequest

_CLOCK_TOLERANCE = timedelta(seconds=60)
_STEADY_SECONDS = 5.0
"""A clock that is so far from the moment of its answer each time, give or take this, tells a moment of its own."""
_SHORTEST_ECHO = 8
_MOSTLY, _FEW_PARTS = 0.5, 3


@dataclass(frozen=True)
class NoisyValue:
    """What both sides had in a part that is noise: not a difference, but a sample of how it varies."""

    field: Field
    before: str
    """What stands before the part, empty where it is the whole value; or the way in which the structure varies."""
    primary: object
    """None where there is nothing."""
    candidate: object


@dataclass(frozen=True)
class Sifted:
    """What is left of a difference once noise is taken into account."""

    differences: tuple[Difference, ...] = ()
    """The same one, ones of form or clock, or none where it is noise."""
    values: tuple[NoisyValue, ...] = ()
    noise: Noise | None = None
    """The primary's noise with the forms that its value had; None where it has no more."""


@dataclass(frozen=True)
class Asked:
    """What was asked, and when both had answered: clocks that tell this moment must tell it on both sides."""

    request: Request | RawRequest
    answered: datetime

    def echoes(self, value: object) -> bool:
        """Whether the value was taken from the request: it answers it, however much it varies elsewhere."""
        return _echoed(value, self.request)


@dataclass(frozen=True)
class Sieve:
    """What is known of the noise of both sides."""

    primary: Noise
    candidate: Noise

    def sift(self, difference: Difference, place: Field, asked: Asked) -> Sifted:
        """Tell noise from what a client would notice."""
        ours, theirs = self.primary.of(place), self.candidate.of(place)
        if way := WAYS.get(difference.kind):
            if ours is None or way not in ours.ways:
                return Sifted((difference,))
            return _structure(difference, place, ours)
        if difference.kind not in VALUE_KINDS or difference.values is None or (ours is None and theirs is None):
            return Sifted((difference,))
        found = _Sifting(difference, place, asked, ours or Variation(), theirs or Variation()).result()
        where = place if place in self.primary.fields else place.in_all
        noise = self.primary.with_variation(where, found.ours) if ours is not None else None
        return Sifted(found.differences, found.values, noise)


def _structure(difference: Difference, place: Field, ours: Variation) -> Sifted:
    """A difference of structure where the structure varies on the primary: noise if the candidate has no other form."""
    primary, candidate = difference.values or (difference.primary, difference.candidate)
    if difference.kind is DifferenceKind.KEYS and isinstance(primary, list) and isinstance(candidate, list):
        known = ours
        for key in primary:
            known = known.with_form("", key)
        if wrong := next((key for key in candidate if not known.accepts("", key)), None):
            sides = form_of(primary[0]).words if primary else None, form_of(wrong).words
            return Sifted((replace(difference, kind=DifferenceKind.FORM, primary=sides[0], candidate=sides[1]),))
    elif difference.kind is DifferenceKind.TYPE and candidate not in ours.types:
        return Sifted((difference,))
    return Sifted(values=(NoisyValue(place, WAYS[difference.kind], primary, candidate),))


@dataclass(frozen=True)
class _Part:
    """A part of two values, or all of them."""

    before: str
    shown: str
    """What stands before it in the primary's value."""
    left: object
    right: object


@dataclass(frozen=True)
class _Found:
    differences: tuple[Difference, ...]
    values: tuple[NoisyValue, ...]
    ours: Variation


class _Sifting:
    """One difference of two values, part by part."""

    def __init__(self, difference: Difference, place: Field, asked: Asked, ours: Variation, theirs: Variation) -> None:
        self._difference = difference
        self._place = place
        self._asked = asked
        self._ours = ours
        self._theirs = theirs

    def result(self) -> _Found:
        left, right = self._difference.values or (None, None)
        whole = _Part("", "", left, right)
        if self._ours.free:
            return _Found((), (NoisyValue(self._place, "", left, right),), self._ours)
        if not is_text(left) or not is_text(right) or self._is_known(whole):
            return self._in((whole,), 0.0, fine=True)
        compared = tokens.compare(left, right)
        fine = self._in(_parts(compared.fine), compared.constant, fine=True)
        if not fine.differences or compared.fine == compared.coarse:
            return fine
        coarse = self._in(_parts(compared.coarse), compared.constant, fine=False)
        return coarse if len(coarse.differences) < len(fine.differences) else fine

    def _is_known(self, whole: _Part) -> bool:
        """Whether the primary's whole value is one part, of a known form; then so is the candidate's."""
        known = "" in self._ours.parts and form_of(whole.left).kind != FREE_TEXT
        return known and self._ours.accepts("", whole.left)

    def _in(self, parts: Iterable[_Part], constant: float, *, fine: bool) -> _Found:
        """What is left of the parts.

        Args:
            parts: where the values differ.
            constant: the share of the text that is in none of them.
            fine: whether they are as small as can be; only then a primary's value says more of its form.
        """
        left: list[Difference] = []
        values: list[NoisyValue] = []
        ours = self._ours
        for part in parts:
            known = ours.knows(part.before, part.left) if fine else ours.accepts(part.before, part.left)
            if self._asked.echoes(part.left) or self._asked.echoes(part.right):
                left.append(self._of(part, self._difference.kind))
                continue
            if known:
                ours = ours.with_form(part.before, part.left)
            if not _accepts(ours, part, constant, beside=bool(left)):
                left += self._of_another_form(part) if known else [self._beside_noise(part)]
            elif self._tells_another_time(part, ours):
                left.append(self._of(part, DifferenceKind.CLOCK))
            else:
                ours = ours.with_time(part.before, part.left, self._asked.answered)
                values.append(NoisyValue(self._place, part.before, part.left, part.right))
        return _Found(tuple(left), tuple(values), ours)

    def _of_another_form(self, part: _Part) -> list[Difference]:
        if self._difference.kind is DifferenceKind.NUMBER_TYPE or isinstance(part.left, Exact):
            return [self._difference]
        if isinstance(part.left, int) is not isinstance(part.right, int):
            return []  # The difference of type beside this one tells it.
        found = self._of(part, DifferenceKind.FORM)
        there = f" after {shown_part(part.shown, '')}" if part.shown else ""
        return [replace(found, primary=f"{form_of(part.left).words}{there}", candidate=form_of(part.right).words)]

    def _beside_noise(self, part: _Part) -> Difference:
        """What is no noise of the primary: another value, or one that varies on the candidate alone."""
        theirs = self._theirs
        if theirs.free or (part.before in theirs.parts and theirs.accepts(part.before, part.right)):
            sides = f"the same each time, as {shown(part.left)}", f"another each time, as {shown(part.right)}"
            return replace(self._of(part, DifferenceKind.VARYING), primary=sides[0], candidate=sides[1])
        return self._of(part, self._difference.kind)

    def _of(self, part: _Part, kind: DifferenceKind) -> Difference:
        """The difference, of this part alone."""
        if not is_text(part.left) or not is_text(part.right) or (part.left, part.right) == self._difference.values:
            return replace(self._difference, kind=kind)
        return replace(
            self._difference,
            kind=kind,
            primary=shown_part(part.shown, part.left),
            candidate=shown_part(part.shown, part.right),
            part=part.before,
            values=(part.left, part.right),
        )

    def _tells_another_time(self, part: _Part, ours: Variation) -> bool:
        """Whether the primary's clock tells a moment of its own, and the candidate's another one."""
        told, other = form_of(part.left).time, form_of(part.right).time
        if told is None or other is None or abs(told - other) <= _CLOCK_TOLERANCE:
            return False
        clock = ours.clocks.get(part.before)
        if clock and clock.times > 1:
            return clock.most - clock.least <= _STEADY_SECONDS
        # Of the times in a list, some are near to the present by chance.
        return "[*]" not in self._place.where and abs(self._asked.answered - told) <= _CLOCK_TOLERANCE


def _accepts(ours: Variation, part: _Part, constant: float, *, beside: bool) -> bool:
    """Whether a part is noise.

    Behind something that differs, and in a text that is noise for the most part, what stands before a part says
    nothing: there it is noise if any part of the value has its form.
    """
    if ours.accepts(part.before, part.left) and ours.accepts(part.before, part.right):
        return True
    anywhere = part.before not in ours.parts and (beside or (constant < _MOSTLY and len(ours.parts) >= _FEW_PARTS))
    forms = form_of(part.left), form_of(part.right)
    return anywhere and all(any(accepts(known, form) for known in ours.parts.values()) for form in forms)


def _parts(regions: Iterable[tokens.Region]) -> Iterator[_Part]:
    return (_Part(region.before, region.shown, region.left, region.right) for region in regions)


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
