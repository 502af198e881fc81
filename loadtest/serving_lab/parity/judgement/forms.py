"""The form of a value that varies: what stays the same about it from one answer to the next."""

import base64
import binascii
import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeGuard

from serving_lab.text import tokens
from serving_lab.text.times import time_of

NOTHING, FREE_TEXT = "nothing", "free text"
IDENTIFIER = "identifier"
_NUMBER = re.compile(tokens.NUMBER)
_UUID = re.compile(tokens.UUID)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_IDENTIFIER = re.compile(r"[\w+/=.~%-]+")
_MANY_DIGITS = 10
"""A number with so many digits after its point is not rounded."""
_REMEMBERED = 4096
"""Characters; what is longer is no identifier."""
_LONG = 16
"""Characters; an identifier as long as this is chosen by chance, not by anybody."""
_EPOCHS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_EPOCH_BEGIN, _EPOCH_END = 1.42e9, 2.37e9
"""From 2015 to 2045: a number between them may be a time in seconds since 1970."""
_CLASSES = (
    ("digits", frozenset("0123456789")),
    ("a to f", frozenset("abcdef")),
    ("g to z", frozenset("ghijklmnopqrstuvwxyz")),
    ("A to F", frozenset("ABCDEF")),
    ("G to Z", frozenset("GHIJKLMNOPQRSTUVWXYZ")),
    ("+ or /", frozenset("+/")),
    ("- or _", frozenset("-_")),
)
_LETTERS = frozenset({"a to f", "g to z", "A to F", "G to Z", "letters beyond ASCII"})
_CAPITALS = frozenset({"digits", "A to F", "G to Z"})
_HEXADECIMAL = frozenset({"digits", "a to f"}), frozenset({"digits", "A to F"})


class Exact(str):
    """A value of which there are few, such as a status: its form is itself."""

    __slots__ = ()


def is_text(value: object) -> TypeGuard[str]:
    """Whether the value is a text, of which a part may vary."""
    return isinstance(value, str) and not isinstance(value, Exact)


@dataclass(frozen=True)
class Form:
    """What a value looks like."""

    kind: str
    """In words, with all that must be the same."""
    characters: frozenset[str] = frozenset()
    """Which kinds of characters an identifier has."""
    length: int = 0
    """Of an identifier, or of a number as text."""
    padded: bool = False
    """Whether a number as text begins with zeros."""
    digits: int = 0
    """After the point of a number, or of a second."""
    unit: str = ""
    """Of a number that may tell the time: since 1970, in this unit."""
    time: datetime | None = field(default=None, compare=False)
    """What it tells if it tells a time."""

    @property
    def words(self) -> str:
        """The form for a person."""
        match self.kind:
            case "identifier":
                return _identifier_words(self.characters, str(self.length))
            case kind if "time" in kind or kind.startswith("date"):
                return f"{kind}, {self.digits} digits after the second" if self.digits else kind
        told = f", a time in {self.unit}" if self.unit else ""
        rounded = f", {self.digits} after the point" if 0 < self.digits < _MANY_DIGITS else ""
        return f"{self.kind}{rounded}{told}"


def form_of(value: object) -> Form:
    """The form of a JSON value, of a text or of a part of one."""
    match value:
        case bool():
            return Form("boolean")
        case int():
            return Form("negative integer" if value < 0 else "integer", unit=_unit(value), time=_moment(value))
        case float():
            kind = "negative decimal number" if value < 0 else "decimal number"
            return Form(kind, digits=_decimals(repr(value)), unit=_unit(value), time=_moment(value))
        case Exact():
            return Form(str(value))
        case str():
            return _form_of_text(value) if len(value) <= _REMEMBERED else Form(FREE_TEXT)
    return Form(type(value).__name__)


def accepts(forms: Iterable[Form], form: Form) -> bool:
    """Whether a value of this form is one of those that had these forms."""
    known = frozenset(forms)
    if form in known or any(each.kind == FREE_TEXT for each in known):
        return True
    alike = [each for each in known if each.kind == form.kind]
    if form.kind == IDENTIFIER or form.characters:
        identifiers = [each for each in known if each.kind == IDENTIFIER]
        if _is_among(identifiers, form):
            return True
    if not alike or form.kind == IDENTIFIER:
        return False
    if form.characters and (form.padded or any(each.padded for each in alike)):
        return form.length in {each.length for each in alike}
    units, digits = {each.unit for each in alike}, {each.digits for each in alike}
    if "" not in units and form.unit not in units:
        return False
    if form.kind.endswith("decimal number"):  # of JSON, which writes no zeros at the end
        return max(digits) >= _MANY_DIGITS or form.digits <= max(digits) + 1
    return _has_digits(digits, form.digits)


def in_words(forms: Iterable[Form]) -> list[str]:
    """Forms for a person, those of identifiers in one."""
    known = sorted(forms, key=lambda form: form.words)
    identifiers = [form for form in known if form.kind == IDENTIFIER]
    words = [form.words for form in known if form.kind != IDENTIFIER]
    if identifiers:
        lengths = sorted({form.length for form in identifiers})
        told = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        words.append(_identifier_words(frozenset().union(*(form.characters for form in identifiers)), told))
    return list(dict.fromkeys(words))


def is_distinctive(form: Form) -> bool:
    """Whether a value of this form is known for one that varies wherever it stands."""
    if form.kind == IDENTIFIER:
        return form.length >= _LONG and len(form.characters) > 1
    return form.kind.startswith(("UUID", "JWT")) or (form.time is not None and not form.unit)


def _is_among(identifiers: list[Form], form: Form) -> bool:
    if not identifiers or not form.characters <= frozenset().union(*(each.characters for each in identifiers)):
        return False
    lengths = {each.length for each in identifiers}
    shortest, longest = min(lengths), max(lengths)
    # What has several lengths may have others: numbers in hexadecimal digits without leading zeros do.
    slack = max(2, longest - shortest) if len(lengths) > 1 else 0
    return shortest - slack <= form.length <= longest + slack


def _has_digits(known: set[int], digits: int) -> bool:
    """Whether a text with so many digits after its point is one of these; some writers leave out zeros at the end."""
    most = max(known)
    if digits in known or (most >= _MANY_DIGITS and digits >= 1):
        return True
    return digits == most - 1 if len(known) == 1 else digits < most


@functools.lru_cache(maxsize=4096)  # it is asked several times of each value
def _form_of_text(text: str) -> Form:
    if not text:
        return Form(NOTHING)
    if time := time_of(text):
        return Form(time.way, digits=time.digits, time=time.moment)
    if _UUID.fullmatch(text):
        return Form("UUID" if text == text.lower() else "UUID in capitals")
    if _JWT.fullmatch(text) and (form := _jwt(text)):
        return form
    sign, amount = ("negative ", text[1:]) if text[0] == "-" else ("", text)
    if _NUMBER.fullmatch(amount):
        size = "decimal number" if "." in amount or "e" in amount.lower() else "integer"
        grouped = ", grouped" if "," in amount else ""
        number = float(amount.replace(",", "")) if len(amount) < 20 else 0.0
        # An identifier may happen to have digits alone.
        plain = size == "integer" and not sign
        return Form(
            f"{sign}{size} as text{grouped}",
            characters=frozenset({"digits"} if plain else ()),
            length=len(text) if plain else 0,
            padded=plain and text[0] == "0" and len(text) > 1,
            digits=_decimals(amount),
            unit=_unit(number),
            time=_moment(number),
        )
    if _IDENTIFIER.fullmatch(text):
        return Form(IDENTIFIER, _characters(text), len(text))
    return Form(FREE_TEXT)


def _characters(text: str) -> frozenset[str]:
    letters = frozenset(text)
    named = {name for name, members in _CLASSES if members & letters}
    others = letters.difference(*(members for _, members in _CLASSES))
    return frozenset(named | {each if each.isascii() else "letters beyond ASCII" for each in others})


def _identifier_words(characters: frozenset[str], length: str) -> str:
    if any(characters <= hexadecimal for hexadecimal in _HEXADECIMAL) and "digits" in characters:
        return f"{length} hexadecimal digits{' in capitals' if 'A to F' in characters else ''}"
    capitals = " in capitals" if characters <= _CAPITALS else ""
    if "digits" not in characters and characters <= _LETTERS:
        return f"word of {length} letters{capitals}"
    return f"identifier of {length} characters{capitals}"


def _decimals(written: str) -> int:
    """How many digits it has after its point once it is written without an exponent."""
    number, _, exponent = written.lower().partition("e")
    digits = len(number.partition(".")[2].rstrip("0" if exponent else ""))
    return max(0, digits - int(exponent or 0)) if len(exponent) < 6 else digits


def _unit(number: float) -> str:
    return next((unit for unit, scale in _EPOCHS.items() if _EPOCH_BEGIN * scale <= number <= _EPOCH_END * scale), "")


def _moment(number: float) -> datetime | None:
    unit = _unit(number)
    return datetime.fromtimestamp(number / _EPOCHS[unit], UTC) if unit else None


def _jwt(text: str) -> Form | None:
    """A token's header, its claims' names and types, its lifetime, and the time it was issued at."""
    try:
        header, claims = (_segment(part) for part in text.split(".")[:2])
    except (ValueError, RecursionError, binascii.Error):
        return None
    types = ", ".join(f"{name} {type(claims[name]).__name__}" for name in sorted(claims))
    words = f"JWT {json.dumps(header, sort_keys=True)}, claims {types}"
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or isinstance(issued, bool):
        return Form(words)
    if isinstance(expires, int):
        words += f", valid {expires - issued} s"
    try:
        return Form(words, time=datetime.fromtimestamp(issued, UTC))
    except (ValueError, OverflowError, OSError):
        return Form(f"{words}, issued at no time")


def _segment(text: str) -> dict[str, object]:
    value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
