"""What two answers differ in, as a client would notice it."""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum

Signature = tuple[str, ...]
"""What differences with one cause have in common."""

_DIGITS = re.compile(r"\d+")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_SHOWN_CHARACTERS = 120


class DifferenceKind(StrEnum):
    """The kind of a difference, in the words that reports and declarations use."""

    NO_ANSWER = "no answer"
    """One side answers less often than the other: it closes, resets, times out, or does not speak HTTP."""
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
        DifferenceKind.LENGTH,
        DifferenceKind.ORDER,
        DifferenceKind.CONSTANT,
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
    values: tuple[object, object] | None = field(default=None, compare=False, repr=False)
    """The two values in full, where each side has one."""

    @property
    def signature(self) -> Signature:
        """What differences with one cause have in common: kind and place, and the values where those tell causes apart.

        A status does, and a text except for the numbers in it; a number does not.
        """
        if self.kind in _ONE_CAUSE:
            return (self.kind, self.where)
        sides = tuple(side or "-" for side in (self.primary, self.candidate))
        return (self.kind, self.where, *(sides if self.kind in _EXACT else (_DIGITS.sub("#", side) for side in sides)))


def shown(value: object) -> str:
    """A value as a report shows it: text as it is, everything else as JSON; on one line, cut where it is long."""
    value = value if isinstance(value, str) else json.dumps(value)
    line = value.encode("unicode_escape").decode() if not value.isprintable() else value
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 1]}…"


def without_tokens(text: str) -> str:
    """The text without JSON web tokens: a report is passed around, and they would open the service."""
    return _TOKEN.sub("<token>", text)
