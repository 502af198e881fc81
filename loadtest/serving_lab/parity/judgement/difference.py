"""What two answers differ in, as a client would notice it."""

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from serving_lab.api import json_path
from serving_lab.text import tokens
from serving_lab.text.secrets import without_tokens

Signature = tuple[str, ...]
"""What differences with one cause have in common."""

_SHOWN_CHARACTERS = 120
_SHOWN_BEFORE = 40
_COMPARED = 200
"""Characters of a part by which causes are told apart."""


class DifferenceKind(StrEnum):
    """The kind of a difference, in the words that reports and declarations use."""

    NO_ANSWER = "no answer"
    """One side answers less often than the other: it closes, resets, times out, or does not speak HTTP."""
    FRAMING = "framing"
    """One side sends more than it announced, such as a body in answer to HEAD."""
    CONNECTION = "connection"
    """One side keeps the connection, the other ends it."""
    STATUS = "status"
    CONTENT_TYPE = "content type"
    HEADER_MISSING = "header missing"
    HEADER_EXTRA = "header extra"
    HEADER_VALUE = "header value"
    BODY = "body"
    """One side has a body and the other none, or only one is JSON, or what is not JSON differs."""
    MISSING = "missing field"
    EXTRA = "extra field"
    NULL_OR_ABSENT = "null against absent"
    TYPE = "type"
    NUMBER_TYPE = "int against float"
    NUMBER = "number"
    TEXT = "text"
    VALUE = "value"
    """Another boolean."""
    LENGTH = "length"
    ORDER = "order"
    METRIC_MISSING = "metric missing"
    METRIC_EXTRA = "metric extra"
    METRIC_FORM = "metric form"
    """Another type, other labels, other buckets, another help text."""
    FORM = "form of noise"
    """A field that varies has another form: not a time, another token algorithm, not a number."""
    CLOCK = "clock"
    """A field that says the time says another time."""
    VARYING = "varies"
    """A part that is always the same on the primary is another each time on the candidate."""
    KEYS = "keys"
    """An object has other keys, which nobody chose: identifiers, numbers, times."""
    ENCODING = "encoding"
    """Another encoding of the same JSON, or a byte-order mark."""
    REPEATED = "repeated field"
    """One side's JSON object has a key twice."""
    CONSTANT = "constant"
    """A field that varies on the primary never does on the candidate."""


_ONE_CAUSE = frozenset(
    {
        DifferenceKind.HEADER_MISSING,
        DifferenceKind.HEADER_EXTRA,
        DifferenceKind.NUMBER,
        DifferenceKind.CLOCK,
        DifferenceKind.FORM,
        DifferenceKind.LENGTH,
        DifferenceKind.ORDER,
        DifferenceKind.CONSTANT,
        DifferenceKind.VARYING,
        DifferenceKind.KEYS,
    }
)
_EXACT = frozenset({DifferenceKind.STATUS, DifferenceKind.CONTENT_TYPE, DifferenceKind.NO_ANSWER})


@dataclass(frozen=True)
class Difference:
    """One difference of one exchange.

    `where` is `status`, `connection`, `header <name>`, `body`, `metric <family>`, or a JSON path with `[*]`
    for any index (`$.predictions[*]`). Both sides are as shown to a person; None where there is nothing on that side.
    """

    kind: DifferenceKind
    where: str
    primary: str | None
    candidate: str | None
    relative: float | None = None
    """For numbers: how far apart they are, as a share of the larger."""
    follows: tuple[str, ...] = ()
    """What else differs because of it, in a few words each."""
    part: str = ""
    """Of a value that is noise in parts: what stands before the part that differs."""
    values: tuple[object, object] | None = field(default=None, compare=False, repr=False)
    """The two values in full, where each side has one."""

    def pointed(self) -> Self:
        """The same difference, of long texts only the part that differs: their beginnings may be alike."""
        primary, candidate = self.values or (None, None)
        if not isinstance(primary, str) or not isinstance(candidate, str) or not self._is_cut:
            return self
        regions = tokens.compare(primary, candidate).coarse
        if not regions:
            return self
        first, *others = regions
        more = (f"{len(others)} more parts of it",) if others else ()
        return replace(
            self,
            primary=shown_part(first.shown, first.left),
            candidate=shown_part(first.shown, first.right),
            part=first.before,
            values=(first.left, first.right),
            follows=(*self.follows, *more),
        )

    @property
    def sides(self) -> tuple[str | None, str | None]:
        """Both sides as shown to a person."""
        return self.primary, self.candidate

    @property
    def keys(self) -> list[str]:
        """The keys that one side alone has, the primary's first; none in a difference of another kind."""
        return [key for side in self.values or () if isinstance(side, list) for key in side]

    @property
    def of_keys(self) -> "Difference":
        """The difference of a member that one side lacks, as one of the object's keys."""
        member = json_path.member_of(self.where)
        if member is None:
            return self
        above, key = member
        sides = (key if side is not None else None for side in (self.primary, self.candidate))
        values = [key] if self.primary is not None else [], [key] if self.candidate is not None else []
        return Difference(DifferenceKind.KEYS, above, next(sides), next(sides), values=values)

    @property
    def _is_cut(self) -> bool:
        return any(side is not None and side.endswith("…") for side in (self.primary, self.candidate))

    @property
    def signature(self) -> Signature:
        """What differences with one cause have in common: kind and place, and the values where those tell causes apart.

        A status does, and a text except for numbers and identifiers in it; a number does not.
        """
        where = tokens.masked(self.where) if self.where.startswith("$") else self.where
        if self.kind in _ONE_CAUSE:
            return (self.kind, where, self.part)
        if self.part and self.values:
            return (self.kind, where, self.part, *(tokens.masked(str(value)[:_COMPARED]) for value in self.values))
        sides = tuple(side or "-" for side in (self.primary, self.candidate))
        return (self.kind, where, *(sides if self.kind in _EXACT else map(tokens.masked, sides)))


def shown(value: object) -> str:
    """A value as a report shows it: text as it is, everything else as JSON; on one line, cut where it is long.

    Tokens are masked before it is cut: half of one would not be known for one.
    """
    value = without_tokens(value if isinstance(value, str) else json.dumps(value))
    line = value.encode("unicode_escape").decode() if not value.isprintable() else value
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 1]}…"


def shown_part(before: str, text: str) -> str:
    """A part of a value as a report shows it, with what stands before it."""
    return shown(f"…{before[-_SHOWN_BEFORE:]}{text}" if before else text)
