"""The form of a value that varies: what stays the same about it from one answer to the next."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from serving_lab.parity.judgement.difference import shown

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_NUMBER = re.compile(r"(?P<sign>-?)\d+(?P<fraction>\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{8,}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{8,}")
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Form:
    """What a value looks like, in words, and the time that it tells if it tells one."""

    words: str
    time: datetime | None = None


def form_of(value: object) -> Form:
    """The form of a JSON value or of a header's text."""
    match value:
        case bool():
            return Form("boolean")
        case int():
            return Form("negative integer" if value < 0 else "integer")
        case float():
            return Form("negative decimal number" if value < 0 else "decimal number")
        case str():
            return _form_of_text(value)
    return Form(type(value).__name__)


def _form_of_text(text: str) -> Form:
    if found := _ISO_TIME.fullmatch(text):
        return _iso_time(text, zone=found["zone"], fraction=bool(found["fraction"]))
    if _HTTP_DATE.fullmatch(text):
        return _http_date(text)
    if _UUID.fullmatch(text):
        return Form("UUID")
    if _JWT.fullmatch(text) and (form := _jwt(text)):
        return form
    # Before numbers: an identifier may happen to have digits alone, or to look like 12e34567.
    if _HEXADECIMAL.fullmatch(text):
        return Form(f"{len(text)} hexadecimal digits")
    if found := _NUMBER.fullmatch(text):
        size = "decimal number" if found["fraction"] else "integer"
        return Form(f"{'negative ' if found['sign'] else ''}{size} as text")
    if _IDENTIFIER.fullmatch(text):
        return Form(f"identifier of {len(text)} characters")
    return Form(f"text like {shown(_DIGITS.sub('#', text))!r}" if _DIGITS.search(text) else "text")


def _iso_time(text: str, *, zone: str | None, fraction: bool) -> Form:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return Form("text like an ISO 8601 time that does not exist")
    words = f"ISO 8601 time, {'fractions of' if fraction else 'whole'} seconds, {f'zone {zone}' if zone else 'no zone'}"
    return Form(words, time if time.tzinfo else time.replace(tzinfo=UTC))


def _http_date(text: str) -> Form:
    try:
        return Form("HTTP date", parsedate_to_datetime(text))
    except ValueError:
        return Form("text like an HTTP date that does not exist")


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
        return Form(words, datetime.fromtimestamp(issued, UTC))
    except (ValueError, OverflowError, OSError):
        return Form(f"{words}, issued at no time")


def _segment(text: str) -> dict[str, object]:
    value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
